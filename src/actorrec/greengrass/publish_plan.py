"""What publishing is going to do, as plain data: nothing in here touches the network."""

from collections.abc import Collection, Iterable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Final, Literal

from actorrec.errors import ConfigError
from actorrec.greengrass.drafts import ArtifactDraft, ComponentDraft
from actorrec.greengrass.names import next_version, parse_version
from actorrec.greengrass.recipe import check_recipe, render
from actorrec.manifests.component import CONTENT_TAG
from actorrec.passwords import shown_value

RecipeFormat = Literal["json", "yaml"]
DELETED: Final = "DELETED"
"""State, of our own, of a version that the store remembers and the service does not have any more."""
_USELESS: Final = frozenset({"FAILED", "DEPRECATED", DELETED})
_BEFORE_FIRST: Final = {"public-model": ("2.1.999",)}  # above AWS's own of that name, which are 2.1.13 and the like
# The runtime may ask for a model: what others ask for is there first.
_ORDER: Final = ("model", "public-model", "runtime", "single")


@dataclass(frozen=True, slots=True)
class KnownVersion:
    """A version that is there, or once was: its number is never used again.

    Attributes:
        content: Content digest, as its tag says; empty for a version of somebody else's making.
        state: As Greengrass says it, or ``DELETED``.
    """

    name: str
    version: str
    content: str = ""
    state: str = "DEPLOYABLE"

    @property
    def serves(self) -> bool:
        """Whether it is, or is about to be, one that can be deployed."""
        return self.state not in _USELESS


@dataclass(frozen=True, slots=True)
class PublishAction:
    """One thing that is done, or need not be done.

    Attributes:
        verb: ``upload`` or ``keep`` an object, ``create`` or ``reuse`` a version.
        what: URI, or name and version.
        why: For people.
    """

    verb: Literal["upload", "keep", "create", "reuse"]
    what: str
    bytes: int = 0
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class PlannedVersion:
    """A component with the version that it gets, or has.

    Attributes:
        create: False where that version is there with the same content.
        form: In which the recipe is sent.
    """

    draft: ComponentDraft
    version: str
    create: bool
    form: RecipeFormat = "json"

    @property
    def called(self) -> str:
        """For people."""
        return f"{self.draft.name} {self.version}"

    @property
    def recipe(self) -> bytes:
        """As it is sent. Digests are filled in by the service, and checked by devices."""
        return render(self.draft.recipe(self.version), self.form)

    @property
    def tags(self) -> dict[str, str]:
        """Of the version."""
        return {**self.draft.tags, CONTENT_TAG: self.draft.content_digest}

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "name": self.draft.name,
            "version": self.version,
            "role": self.draft.role,
            "flavor": self.draft.flavor,
            "content": self.draft.content_digest,
            "recipe": shown_value(self.draft.recipe(self.version)),
            "artifacts": [_artifact_json(artifact) for artifact in self.draft.artifacts],
            "tags": self.tags,
        }


@dataclass(frozen=True, slots=True)
class PublishPlan:
    """What is done.

    Attributes:
        versions: In the order in which they are made.
        actions: What that takes.
        asked: ``auto``, or the version that was asked for.
    """

    versions: tuple[PlannedVersion, ...]
    actions: tuple[PublishAction, ...]
    asked: str = "auto"

    @property
    def uploads(self) -> tuple[ArtifactDraft, ...]:
        """What must be in S3 and is a file of this machine, each once."""
        missing = {action.what for action in self.actions if action.verb == "upload"}
        wanted = {a.uri: a for v in self.versions for a in v.draft.artifacts if a.uri in missing}
        return tuple(wanted.values())

    @property
    def changes(self) -> bool:
        """Whether anything is sent or made."""
        return any(action.verb in ("upload", "create") for action in self.actions)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "components": [version.as_json() for version in self.versions],
            "actions": [action.as_json() for action in self.actions],
        }


def refuse_malformed(version: str) -> None:
    """Stop at a version that no component can have.

    Raises:
        ConfigError: If it is neither ``auto`` nor ``X.Y.Z``.
    """
    if version != "auto" and parse_version(version) is None:
        raise ConfigError(
            f"--version {version}: it is written X.Y.Z, or auto", hint="three numbers below a million, as in 1.2.0"
        )


def plan_publish(
    drafts: Sequence[ComponentDraft],
    known: Iterable[KnownVersion],
    *,
    version: str = "auto",
    form: RecipeFormat = "json",
    held: Collection[str] = (),
) -> PublishPlan:
    """Give every component its version.

    The same content is not published twice: a version that has it serves. ``auto`` is the number after the highest
    that is known.

    Args:
        drafts: The components.
        known: Their versions, as far as they are known.
        version: ``auto`` or ``X.Y.Z``, for those that have to be made.
        form: In which recipes are sent.
        held: URIs of artifacts that are in S3 already.

    Raises:
        ConfigError: If the version is malformed or there with other content, or a recipe is too large.
    """
    refuse_malformed(version)
    by_name: dict[str, list[KnownVersion]] = {}
    for each in known:
        by_name.setdefault(each.name, []).append(each)
    ordered = sorted(drafts, key=lambda draft: _ORDER.index(draft.role))
    planned = tuple(replace(plan_version(draft, by_name.get(draft.name, ()), version), form=form) for draft in ordered)
    for made in planned:
        if made.create:
            check_recipe(made.draft.recipe(made.version), lite=made.draft.flavor == "own")
    return PublishPlan(planned, tuple(_actions(planned, held)), version)


def plan_version(draft: ComponentDraft, known: Sequence[KnownVersion], version: str) -> PlannedVersion:
    """The version of one component.

    Args:
        draft: The component.
        known: Its versions.
        version: ``auto`` or ``X.Y.Z``.

    Raises:
        ConfigError: If that version is there with other content.
    """
    taken = {each.version: each for each in known}
    free = next_version((*taken, *_BEFORE_FIRST.get(draft.role, ())))
    same = [each for each in known if each.content == draft.content_digest and each.serves]
    if version in taken:
        if taken[version] in same:
            return PlannedVersion(draft, version, create=False)
        raise _refused(draft, taken[version], free)
    if same:
        newest = max(same, key=lambda each: parse_version(each.version) or (0, 0, 0))
        return PlannedVersion(draft, newest.version, create=False)
    return PlannedVersion(draft, free if version == "auto" else version, create=True)


def _refused(draft: ComponentDraft, there: KnownVersion, free: str) -> ConfigError:
    if there.content != draft.content_digest:
        what = "is already there with other content"
    else:
        what = "was published before, and " + ("is deleted" if there.state == DELETED else f"is {there.state}")
    return ConfigError(
        f"{draft.name} {there.version} {what}",
        hint=f"a version is never used twice: leave out --version, or take {free} or a later one",
    )


def _actions(planned: Sequence[PlannedVersion], held: Collection[str]) -> Iterable[PublishAction]:
    seen: set[str] = set()
    for version in planned:
        for artifact in version.draft.artifacts if version.create else ():
            if artifact.uri in seen:
                continue
            seen.add(artifact.uri)
            if artifact.path is None or artifact.uri in held:
                yield PublishAction("keep", artifact.uri, artifact.bytes, "it is there")
            else:
                yield PublishAction("upload", artifact.uri, artifact.bytes, "unless it is there")
        if version.create:
            yield PublishAction("create", version.called, len(version.recipe), f"{version.draft.role} component")
        else:
            yield PublishAction("reuse", version.called, 0, f"already published as {version.version}")


def _artifact_json(artifact: ArtifactDraft) -> dict[str, Any]:
    return {
        "path": None if artifact.path is None else str(artifact.path),
        "uri": artifact.uri,
        "digest": artifact.digest,
        "bytes": artifact.bytes,
        "unarchive": artifact.unarchive,
    }
