"""Carry out a plan: send what is missing, make the versions, wait for them, and put them on record.

It can be killed anywhere: run again it finds what is there, in S3 by digest and at Greengrass by the tag that says a
version's content, and goes on.
"""

import secrets
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actorrec.artifacts.catalog import again, commit_manifest, find_manifest
from actorrec.artifacts.lineage import KINDS
from actorrec.artifacts.store import ArtifactStore
from actorrec.aws.places import CloudPlace, refuse_placeholder_bucket
from actorrec.aws.regions import bucket_region, keeps_objects_elsewhere
from actorrec.config import Config
from actorrec.errors import ActorRecError, ArtifactError, ConfigError, RemoteError
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.components import UriOf
from actorrec.greengrass.known_versions import look_up
from actorrec.greengrass.publish_plan import PlannedVersion, PublishPlan, plan_version
from actorrec.greengrass.recipe import render
from actorrec.manifests.base import ProducedBy, digest_json
from actorrec.manifests.component import ComponentManifest, PublishedArtifact
from actorrec.progress import Progress

_TRIES: Final = 6


@dataclass(frozen=True, slots=True)
class Publishing:
    """Where things are published.

    Attributes:
        calls: Asks Greengrass.
        target: The store in S3 below which the artifacts lie.
        store: Where what was published is put on record.
        progress: Told of uploads and of waiting.
        inputs: What the bundle is on record as: ``kind/key`` → content digest.
        made_by: Code and settings.
    """

    calls: ComponentCalls
    target: ArtifactStore
    store: ArtifactStore
    progress: Progress
    inputs: Mapping[str, str]
    made_by: ProducedBy


def artifact_uris(config: Config) -> UriOf:
    """Where files of components go: named by their digest, so that the same file is sent once.

    Raises:
        ConfigError: If ``cloud.component_prefix`` is where the store keeps its own.
    """
    place, prefix = CloudPlace.of(config), config.cloud.component_prefix
    if prefix.partition("/")[0] in {*KINDS, "events", "jobs", "ota", "review", "unknowns"}:
        raise ConfigError(
            f"cloud.component_prefix '{prefix}' is where a store keeps its own files", hint="take another: components"
        )
    return lambda component, sha256, file: place.uri(f"{prefix}/{component}/{sha256[:16]}/{file}")


def refuse_unreachable(calls: ComponentCalls, config: Config) -> None:
    """Stop before anything is sent where Greengrass could not read what is sent.

    Raises:
        ConfigError: If the bucket is a placeholder, at another service than AWS, or in another region.
        RemoteError: If the bucket does not exist or is another account's.
    """
    refuse_placeholder_bucket(config)
    if keeps_objects_elsewhere(calls.aws, "greengrassv2"):
        raise ConfigError(
            "nothing was published: aws.endpoint_url is another server than AWS's, which devices cannot fetch from",
            hint="leave aws.endpoint_url out for this command",
        )
    bucket, region = CloudPlace.of(config).bucket, calls.account.region
    there = bucket_region(calls.aws, bucket, otherwise=region)
    if there != region:
        raise ConfigError(
            f"nothing was published: the bucket '{bucket}' is in {there}, the components would be in {region}",
            hint=f"Greengrass reads only buckets of its own region: set aws.region: {there}, or name another bucket",
        )


def held_artifacts(plan: PublishPlan, target: ArtifactStore) -> frozenset[str]:
    """URIs of those artifacts of a plan that are in S3 already, with the same content."""
    return frozenset(a.uri for a in plan.uploads if target.holds(_name(target, a.uri), a.sha256))


def execute(plan: PublishPlan, at: Publishing) -> tuple[ComponentManifest, ...]:
    """Upload, create, wait, and commit.

    Returns:
        What is on record then, in the order of the plan.

    Raises:
        ConfigError: If somebody made a version of that number meanwhile, with other content.
        ArtifactError: If something cannot be read or written.
        RemoteError: If AWS refuses or cannot be reached, or a version comes to nothing.

    All of them say what of the plan is there.
    """
    send_artifacts(plan, at)
    made: list[PlannedVersion] = []
    committed: list[ComponentManifest] = []
    try:
        for planned in plan.versions:
            made.append(_create(planned, plan.asked, at))
        for each in made:
            at.calls.wait(each.draft.name, each.version, at.progress)
            committed.append(put_on_record(each, at))
    except (ConfigError, RemoteError, ArtifactError) as error:
        _say_what_was_made(error, made)
        raise
    return tuple(committed)


def _say_what_was_made(error: ActorRecError, made: Sequence[PlannedVersion]) -> None:
    """Nothing that was made is taken back: the same command goes on from there."""
    others = [each.called for each in made if each.called not in error.message]
    if others:
        stays = "was made, and stays" if len(others) == 1 else "were made, and stay"
        error.message += f" ({' and '.join(others)} {stays})"
        error.args = (error.message,)


def send_artifacts(plan: PublishPlan, at: Publishing) -> None:
    """Upload what a plan needs and S3 does not have.

    Raises:
        ArtifactError: If a file changed after the plan was made, or something cannot be read or written.
    """
    wanted = [artifact for artifact in plan.uploads if artifact.path is not None]
    items: list[tuple[str, Any]] = [(_name(at.target, artifact.uri), artifact.path) for artifact in wanted]
    with at.progress.step("sending artifacts", len(wanted), "files") as step:
        records = at.target.put_files(items, step)
    for artifact, record in zip(wanted, records, strict=True):
        if record.sha256 != artifact.sha256:
            at.target.delete(_name(at.target, artifact.uri))
            raise ArtifactError(f"{artifact.path} changed after the plan was made", hint="run it again")


def _name(target: ArtifactStore, uri: str) -> str:
    name = uri.removeprefix(f"{target.uri}/")
    if name == uri:
        raise ConfigError(f"the plan sends {uri}, which is not below {target.uri}")
    return name


def _create(planned: PlannedVersion, asked: str, at: Publishing) -> PlannedVersion:
    """Make it; where somebody else was faster, take what they made, or the next number."""
    tried = planned
    for attempt in range(_TRIES):
        if not tried.create:
            return tried
        token = secrets.token_hex(16)
        if at.calls.create(tried.draft.name, tried.version, tried.recipe, tried.tags, token):
            return tried
        time.sleep(0.05 * 2**attempt)  # what somebody makes at this moment is seen in the next
        known = look_up(at.calls, [tried.draft], at.store, tried.version)
        found = plan_version(tried.draft, known, asked)
        tried = PlannedVersion(found.draft, found.version, found.create, planned.form)
    raise RemoteError(f"cannot create {tried.called}: others keep making versions of it", hint="run it again")


def put_on_record(made: PlannedVersion, at: Publishing) -> ComponentManifest:
    """Commit the manifest of a version that can be deployed; the one that is there where that was done before.

    Raises:
        RemoteError: If the service took another file than ours.
    """
    draft, arn = made.draft, at.calls.account.arn(made.draft.name, made.version)
    key = digest_json(["component", arn, draft.content_digest])[:16]
    found = find_manifest(at.store, ComponentManifest, key)
    if found is not None:
        return again(at.store, found)
    _refuse_swapped(made, at.calls)
    record = at.store.put_bytes(f"component/{key}/recipe.json", render(draft.recipe(made.version), "json"))
    manifest = ComponentManifest(
        key=key,
        produced_by=at.made_by,
        inputs={} if draft.role == "runtime" else dict(at.inputs),
        files=[record],
        name=draft.name,
        version=made.version,
        role=draft.role,
        flavor=draft.flavor,
        arn=arn,
        content=draft.content_digest,
        artifacts=[
            PublishedArtifact(file=a.file, uri=a.uri, sha256=a.sha256, digest=a.digest, bytes=a.bytes)
            for a in draft.artifacts
        ],
    )
    return commit_manifest(at.store, manifest)


def _refuse_swapped(made: PlannedVersion, calls: ComponentCalls) -> None:
    """The service took the digests of what lay in S3 at its moment, and devices believe those."""
    recipe = calls.recipe(made.draft.name, made.version) or {}
    told = {a["Uri"]: a.get("Digest") for m in recipe.get("Manifests", ()) for a in m.get("Artifacts", ())}
    for artifact in made.draft.artifacts:
        if told.get(artifact.uri, artifact.digest) not in (artifact.digest, None):
            raise RemoteError(
                f"{artifact.uri} was another file when Greengrass made {made.called}: its digest differs",
                hint="who else may write there? Delete that version (aws greengrassv2 delete-component), run it again",
            )
