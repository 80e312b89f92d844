"""Which versions of our components a group gets: the flavour that its devices can run, and the newest of it."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Final

from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.component_calls import DEPLOYABLE, ComponentCalls, VersionState, failure
from actorrec.greengrass.deploy_plan import Wanted
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.group import GroupState, some_of
from actorrec.greengrass.names import parse_version
from actorrec.manifests.component import CREATED_TAG, ROLE_TAG, Role

_LOOKED_THROUGH: Final = 100
"""Of the newest versions of a component; an older one is found by its number (--component)."""
_ROLES: Final[Mapping[str, Role]] = {
    "runtime": "runtime",
    "model": "model",
    "single": "single",
    "public-model": "public-model",
}


@dataclass(frozen=True, slots=True)
class Request:
    """What the user asked for.

    Attributes:
        version: Of the program or the single component; None for the newest that fits.
        model: Version of the model; None for the newest.
        others: Components of others → version.
        configured: Whether the configuration of ours is to change as well.
    """

    version: str | None = None
    model: str | None = None
    others: Mapping[str, str] = field(default_factory=dict)
    configured: bool = False


@dataclass(frozen=True, slots=True)
class Chosen:
    """Versions to deploy.

    Attributes:
        states: Ours, by name, as AWS describes them.
        others: Components of others → version.
        why: Which flavour it is, and why; for people.
    """

    states: Mapping[str, VersionState]
    others: Mapping[str, str]
    why: str

    def wanted(self, program: str, merge: Mapping[str, str], reset: Sequence[str] = ()) -> dict[str, Wanted]:
        """For a plan; the program, or the single component, gets the configuration.

        Args:
            program: Name of it.
            merge: Configuration that is added.
            reset: Keys that go back to what was published.
        """
        found = {}
        for name, state in self.states.items():
            given = merge if name == program else {}
            found[name] = Wanted(state.version, role_of(state), given, tuple(reset) if name == program else ())
        return found | {name: Wanted(version) for name, version in self.others.items()}


def parse_request(components: Sequence[str], model: str | None, program: str) -> Request:
    """``--component V``, ``--component NAME=V`` and ``--model V``.

    Raises:
        ConfigError: If one is malformed, or there twice.
    """
    found: dict[str, str] = {} if model is None else {f"{program}{MODEL_SUFFIX}": model}
    for text in components:
        name, separator, version = text.rpartition("=")
        name = name.strip() if separator else program
        version = version.strip().removeprefix("v")
        if not name or not version or any(c.isspace() or c in "/:" for c in name + version):
            raise ConfigError(
                f"--component {text}: it is a version, or NAME=VERSION", hint="as in 1.0.3, or com.example.Other=2.1.0"
            )
        if name in found:
            raise ConfigError(f"two versions of {name} are asked for", hint="leave one out")
        found[name] = version
    ours = {program, f"{program}{MODEL_SUFFIX}"}
    others = {name: version for name, version in found.items() if name not in ours}
    return Request(found.get(program), found.get(f"{program}{MODEL_SUFFIX}"), others)


def role_of(state: VersionState) -> Role | None:
    """What a version is, as its tag says; None for one of somebody else's making."""
    return _ROLES.get(state.tags.get(ROLE_TAG, ""))


def choose(calls: ComponentCalls, state: GroupState, program: str, asked: Request | None = None) -> Chosen:
    """Find the versions that a group is to get.

    Devices with nucleus lite take single components alone, since a component there cannot see another's files. Others
    take program and model apart, so that a new model is a small download, unless a single component holds a newer one.

    Args:
        calls: Asks.
        state: The group.
        program: Name of the program, or single component.
        asked: What the user named.

    Raises:
        ConfigError: If what was asked for does not go together.
        RemoteError: If nothing that the group can run was published, or what was asked for cannot be deployed.
    """
    asked = asked or Request()
    if asked.version is None and asked.model is None and asked.others:
        if asked.configured:
            raise ConfigError(
                f"--set and --unset are for {program}, and only {', '.join(asked.others)} is asked for",
                hint="name its version too (--component VERSION), or do one after the other",
            )
        return Chosen({}, asked.others, "only what was named; the rest stays as it is")
    if asked.version is not None:
        return _named(calls, state, program, asked)
    with ThreadPoolExecutor(3) as pool:  # each waits for its answers
        singles = None if asked.model else pool.submit(_newest, calls, program, "single")
        runtimes = None if state.lite else pool.submit(_newest, calls, program, "runtime")
        models = None if state.lite else pool.submit(_model, calls, program, asked.model)
        single, runtime, model = (None if each is None else each.result() for each in (singles, runtimes, models))
    if state.lite:
        if asked.model:
            raise ConfigError(
                f"--model: {_lite(state)} nucleus lite, where program and model are one component",
                hint="`actorrec publish-component --single`, then deploy without --model",
            )
        if single is None:
            raise _nothing_single(calls, state, program)
        return Chosen({program: single}, asked.others, f"program and model in one, since {_lite(state)} nucleus lite")
    if runtime is not None and model is not None and not _holds_newer(single, model):
        return Chosen({program: runtime, model.name: model}, asked.others, "program and model apart")
    if single is None:
        raise _nothing(program, runtime)
    return Chosen({program: single}, asked.others, "program and model in one, which is the newest that there is")


def require(calls: ComponentCalls, name: str, version: str) -> VersionState:
    """A version that can be deployed.

    Raises:
        RemoteError: If there is none, or it cannot be deployed.
    """
    found = calls.describe(name, version)
    if found is None:
        known = sorted(calls.versions(name), key=lambda each: parse_version(each) or (-1, 0, 0), reverse=True)
        hint = f"there are {some_of(known)}" if known else "`actorrec publish-component` publishes one"
        raise RemoteError(f"there is no version {version} of {name}", hint=hint)
    if found.state != DEPLOYABLE:
        if found.state in ("REQUESTED", "INITIATED"):
            raise RemoteError(f"{name} {version} is still being made ({found.state})", hint="run it again in a minute")
        raise failure(found)
    return found


def _named(calls: ComponentCalls, state: GroupState, program: str, asked: Request) -> Chosen:
    assert asked.version is not None
    found = require(calls, program, asked.version)
    match role_of(found):
        case "single":
            if asked.model:
                raise ConfigError(
                    f"{program} {asked.version} holds its model itself",
                    hint="leave out --model, or name another version",
                )
            return Chosen({program: found}, asked.others, "program and model in one, as asked for")
        case "runtime":
            if state.lite:
                raise _split_for_lite(state, found)
            model = _model(calls, program, asked.model)
            if model is None:
                raise _nothing(program, found)
            return Chosen({program: found, model.name: model}, asked.others, "program and model apart, as asked for")
    raise RemoteError(
        f"{program} {asked.version} has no tag that says what it is: it was not published by actorrec",
        hint="`actorrec publish-component` publishes one; greengrass.component_name names another component",
    )


def _newest(calls: ComponentCalls, name: str, role: Role) -> VersionState | None:
    """The newest version of that role that can be deployed; versions are asked about from the newest on."""
    numbers = [each for each in calls.versions(name) if parse_version(each) is not None]
    numbers.sort(key=lambda each: parse_version(each) or (0, 0, 0), reverse=True)
    described = calls.describe_all(name, numbers[:_LOOKED_THROUGH])
    return next((each for each in described if each.state == DEPLOYABLE and role_of(each) == role), None)


def _model(calls: ComponentCalls, program: str, version: str | None) -> VersionState | None:
    name = f"{program}{MODEL_SUFFIX}"
    return _newest(calls, name, "model") if version is None else require(calls, name, version)


def _holds_newer(single: VersionState | None, model: VersionState) -> bool:
    """Whether the single component's model was made after the other: a group must not fall back to an older one."""
    made, other = (each.tags.get(CREATED_TAG, "") if each else "" for each in (single, model))
    return bool(made) and made > other


def _lite(state: GroupState) -> str:
    names = [device.name for device in state.lite]
    return f"{some_of(names)} {'runs' if len(names) == 1 else 'run'}"


def _split_for_lite(state: GroupState, found: VersionState) -> RemoteError:
    return RemoteError(
        f"{found.name} {found.version} needs its model beside it, and {_lite(state)} nucleus lite, "
        "where a component cannot see another's files",
        hint="publish both in one: actorrec publish-component --single",
    )


def _nothing_single(calls: ComponentCalls, state: GroupState, program: str) -> RemoteError:
    runtime = _newest(calls, program, "runtime")
    return _nothing(program, None) if runtime is None else _split_for_lite(state, runtime)


def _nothing(program: str, runtime: VersionState | None) -> RemoteError:
    what = f"{program} {runtime.version} has no model to run" if runtime else f"no version of {program} can be deployed"
    return RemoteError(what, hint="publish one first: actorrec publish-component")
