"""Configuration that a deployment gives to our component: what may be set, and how updates add up.

A device keeps what was merged into its configuration, but one that joins later receives the latest deployment alone.
So a deployment carries all that was ever set, and takes our component back to its recipe's defaults first: then every
device has the same, whatever it was told before.
"""

import difflib
import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final

from actorrec.errors import ConfigError
from actorrec.manifests.base import digest_json
from actorrec.manifests.component import DeployedComponent
from actorrec.manifests.component_settings import ComponentSettings, with_changes

EVERYTHING: Final = ""
"""JSON pointer to a whole configuration: reset to the recipe's defaults."""
_TOPIC: Final = re.compile(r"[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*")
_LONGEST: Final = {"ImageName": 255, "ImageDirectory": 4096, "Camera": 1024}


def parse_settings(pairs: Sequence[str]) -> dict[str, str]:
    """``--set K=V`` as what is merged into the configuration of our component.

    All values are strings, as in AWS's own component: numbers may come back from a device as others.

    Raises:
        ConfigError: If a key is not known, is there twice, or its value cannot be.
    """
    found: dict[str, str] = {}
    for pair in pairs:
        key, separator, value = pair.partition("=")
        key = known_key(key.strip(), "--set")
        if not separator:
            raise ConfigError(f"--set {pair}: it is written KEY=VALUE, as in InferenceInterval=5")
        if key in found:
            raise ConfigError(f"--set {key} is there twice", hint="leave one out")
        found[key] = _READERS[key](key, value.strip())
    if refused := with_changes(ComponentSettings(), found)[1]:
        raise ConfigError(f"--set: devices would refuse it: {'; '.join(refused)}")
    return found


def parse_resets(keys: Sequence[str], merge: Mapping[str, str]) -> tuple[str, ...]:
    """``--unset K``: keys that go back to what was published.

    Raises:
        ConfigError: If a key is not known, or is set as well.
    """
    found = tuple(dict.fromkeys(known_key(key.strip(), "--unset") for key in keys))
    if both := [key for key in found if key in merge]:
        raise ConfigError(f"--unset {both[0]}: it is set too", hint="leave one of the two out")
    return found


def known_key(key: str, option: str) -> str:
    """The key as the component spells it.

    Raises:
        ConfigError: If there is none of that name, with the nearest.
    """
    if key in _READERS:
        return key
    folded = {known.lower(): known for known in _READERS}
    near = difflib.get_close_matches(key.lower(), folded, n=1, cutoff=0.5)
    meant = f"is {folded[near[0]]} meant? " if near else ""
    raise ConfigError(
        f"{option} {key}: the component has no such setting", hint=f"{meant}It knows {', '.join(_READERS)}"
    )


def merged(carried: str, update: Mapping[str, Any], removed: Iterable[str] = ()) -> str:
    """A configuration update on top of an earlier one, as JSON text; empty for none.

    Args:
        carried: The earlier one, as the service keeps it; empty for none.
        update: What is added; maps are merged, all else replaces.
        removed: Keys of the outermost map that are left out.

    Raises:
        ConfigError: If the earlier one is no JSON object.
    """
    earlier = as_object(carried)
    for key in removed:
        earlier.pop(key, None)
    together = _deep(earlier, update)
    if not together:
        return ""
    return carried if carried and together == as_object(carried) else json.dumps(together, ensure_ascii=False)


def as_object(text: str) -> dict[str, Any]:
    """A configuration update of a deployment.

    Raises:
        ConfigError: If it is no JSON object.
    """
    try:
        value = json.loads(text or "{}")
    except ValueError:
        value = None
    if not isinstance(value, dict):
        raise ConfigError(
            "the present deployment merges something into our component that is no JSON object",
            hint="was it made by hand? Revise it in the console of AWS IoT Greengrass first",
        )
    return value


def content_of(components: Mapping[str, DeployedComponent]) -> str:
    """SHA-256 of a set of components with their configuration: what devices would run."""
    return digest_json({name: normal(component) for name, component in components.items()})


def normal(component: DeployedComponent) -> dict[str, Any]:
    """A component with its configuration read: two that say the same in other words are equal."""
    try:
        merge: Any = json.loads(component.merge or "{}")
    except ValueError:
        merge = component.merge
    reset = sorted(component.reset)
    return {"version": component.version, "merge": merge, "reset": reset, "run_with": component.run_with}


def _deep(under: Mapping[str, Any], over: Mapping[str, Any]) -> dict[str, Any]:
    result = dict(under)
    for key, value in over.items():
        below = result.get(key)
        both = isinstance(below, Mapping) and isinstance(value, Mapping)
        result[key] = _deep(below, value) if both and isinstance(below, Mapping) else value
    return result


def _text(key: str, value: str) -> str:
    if len(value) > _LONGEST[key] or not value.isprintable():
        raise ConfigError(f"--set {key}: at most {_LONGEST[key]} printable characters")
    return value


def _seconds(least: float) -> Callable[[str, str], str]:
    def read(key: str, value: str) -> str:
        try:
            number = float(value)
        except ValueError:
            number = -1.0
        if not least <= number <= 86400:
            raise ConfigError(f"--set {key}={value}: it is a number of seconds, from {least:g} to 86400")
        return f"{number:g}" if abs(number - float(f"{number:g}")) < 1e-9 else value

    return read


def _topic(key: str, value: str) -> str:
    if not _TOPIC.fullmatch(value) or len(value) > 256:
        raise ConfigError(
            f"--set {key}={value}: it is no topic to publish to",
            hint="letters, digits, '_', '.', '-', and '/' between them; no wildcards",
        )
    return value


def _one_of(*choices: str) -> Callable[[str, str], str]:
    def read(key: str, value: str) -> str:
        if value.lower() not in choices:
            raise ConfigError(f"--set {key}={value}: it is {' or '.join(choices)}")
        return value.lower()

    return read


_READERS: Final[Mapping[str, Callable[[str, str], str]]] = {
    "ImageName": _text,
    "ImageDirectory": _text,
    "InferenceInterval": _seconds(0.1),
    "PublishResultsOnTopic": _topic,
    "HealthInterval": _seconds(1),
    "Shadow": _one_of("off", "previous"),
    "UseCamera": _one_of("true", "false"),
    "Camera": _text,
    "HeartbeatInterval": _seconds(1),
}
KEYS: Final = frozenset(_READERS)
"""What may be set of our component."""
