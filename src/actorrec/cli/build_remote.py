"""``actorrec build-dataset --remote``: the looking on machines of SageMaker, the merge here."""

import secrets
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from actorrec.cli.build_shards import refuse_npz
from actorrec.cli.session import Session
from actorrec.errors import ArtifactError, ModelContractError

if TYPE_CHECKING:
    from actorrec.config import Config
    from actorrec.dataset.desk_listing import DeskListing
    from actorrec.jobs.plans import JobPlan
    from actorrec.manifests.dataset import DatasetManifest


def build_remotely(
    session: Session, photos: list[Path], config: "Config", *, dry_run: bool, detach: bool
) -> "DatasetManifest | None":
    """Plan, submit, follow and merge; None where only the plan was asked for, or the job goes on without us.

    Raises:
        ConfigError: If settings are wrong, still placeholders, or the cost may be more than allowed.
        DataError: If there is nothing to look at.
        RemoteError: If AWS refuses or cannot be reached.
        JobError: If the job failed or was stopped.
    """
    from actorrec.aws.places import refuse_placeholders
    from actorrec.dataset.build import find_built
    from actorrec.dataset.desk_listing import list_for_job

    refuse_npz(photos, "--remote")
    if not dry_run:
        refuse_placeholders(config)
    in_cloud = config.store.uri.startswith("s3://")
    desk = list_for_job(photos, config, store=session.store, in_cloud=in_cloud, progress=session.progress)
    plan = _plan(desk, config)
    if dry_run:
        _show(session, plan, config)
        return None
    found = find_built(desk.given, config, store=session.store)
    if found is not None:
        session.say(f"{found.ref} is already there for these pictures and settings; no job was started")
        return found
    return _run(session, plan, config, detach=detach)


def _plan(desk: "DeskListing", config: "Config") -> "JobPlan":
    from actorrec.aws.places import CloudPlace
    from actorrec.home import cache_folder
    from actorrec.jobs.packing import pack_listing
    from actorrec.jobs.processing import plan_processing
    from actorrec.jobs.sourcedir import build_sourcedir

    folder = cache_folder("jobs")
    listing = pack_listing(desk.listing, desk.paths, CloudPlace.of(config), folder)
    code = build_sourcedir(folder)
    return plan_processing(listing, config, code=code, now=datetime.now(UTC), suffix=secrets.token_hex(2))


def _show(session: Session, plan: "JobPlan", config: "Config") -> None:
    from actorrec.cli.train_remote import tell_limit, tell_plan

    tell_plan(session, plan)
    tell_limit(session, plan, config)
    session.result(plan.as_json(), f"{plan.name} was planned; nothing was sent")


def _run(session: Session, plan: "JobPlan", config: "Config", *, detach: bool) -> "DatasetManifest | None":
    from actorrec.artifacts.uri import open_store
    from actorrec.cli.following import follow_to_the_end
    from actorrec.dataset.merge import merge_shards
    from actorrec.jobs.follow import refuse_unless_completed
    from actorrec.jobs.processing import shards_uri

    with session.store.lock(f"jobs/{plan.work}"):  # of two commands at once, the second finds the job of the first
        name = _started(session, plan, config)
    shards = shards_uri(config, name)
    command = f"actorrec build-dataset --merge --from {shards}"
    if detach:
        line = f"{name} was started; when it has ended: {command}"
        session.result({"job": name, "shards": shards, "merge": command}, line)
        return None
    session.say("Ctrl-C asks whether to stop the job or to leave it running; the same command comes back to it")
    refuse_unless_completed(follow_to_the_end(session, session.aws, name, config))
    source = open_store(shards, config.aws)
    try:
        return merge_shards([], config, store=session.store, source=source, progress=session.progress)
    except (ModelContractError, ArtifactError) as error:
        # As long as they lie there, the same command comes back to this very job.
        hint = f"if they were changed or lost: aws s3 rm --recursive {shards}, then run it again"
        raise type(error)(f"the shares of {name} cannot be merged: {error.message}", hint=hint) from None


def _started(session: Session, plan: "JobPlan", config: "Config") -> str:
    """Name of the job: one of the very same work that is under way or left its shares, else a new one."""
    from actorrec.artifacts.uri import open_store
    from actorrec.cli.train_remote import start_job, tell_plan
    from actorrec.jobs.earlier import find_earlier
    from actorrec.jobs.processing import shards_uri

    earlier = find_earlier(session.aws, plan)
    if earlier is not None:
        name, has_ended = earlier
        if not has_ended or any(open_store(shards_uri(config, name), config.aws).names("shard")):
            session.say(f"{name} {'did' if has_ended else 'does'} the same work; no other job is started")
            return name
    tell_plan(session, plan)
    start_job(session, plan, config)
    session.say(f"{plan.name} was started")
    return plan.name
