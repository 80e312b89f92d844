"""The machine's own file of settings: made once, never overwritten."""

from collections.abc import Mapping
from typing import Final

from actorrec.config import Config, load_config
from actorrec.device.places import BUNDLE, CONFIG, EVENTS
from actorrec.device.tree import Tree

_HEAD: Final = """\
# What this device looks at and says, for every `actorrec` that is started on it; made by `actorrec device`.
# `actorrec config show` lists all settings. It may hold a password: it is for root and one group to read.
"""


def service_settings(camera: str | None, mqtt: str | None, *, first: bool) -> dict[str, str]:
    """What a service is set up with, by ``section.key``; without a broker, results go to a file of its own.

    Args:
        camera: ``camera.source``; None for what is there.
        mqtt: ``mqtt.url``.
        first: Whether there are no settings yet.
    """
    wanted = {"camera.source": camera, "mqtt.url": mqtt}
    if first:
        wanted["inference.bundle"] = str(BUNDLE)
        wanted["events.jsonl"] = None if mqtt else str(EVENTS)
    return {name: value for name, value in wanted.items() if value is not None}


def settings_text(wanted: Mapping[str, str]) -> str:
    """The file.

    Raises:
        ConfigError: If a value cannot be; the message names the setting.
    """
    import yaml

    load_config(environ={}, flags=wanted)
    sections: dict[str, dict[str, str]] = {}
    for name, value in wanted.items():
        section, _, key = name.partition(".")
        sections.setdefault(section, {})[key] = value
    body: str = yaml.safe_dump(sections, sort_keys=False, allow_unicode=True)
    return _HEAD + body


def differences(tree: Tree, wanted: Mapping[str, str]) -> list[tuple[str, str, str]]:
    """Setting, what the file that is there says, and what was asked for, where they differ.

    Raises:
        ConfigError: If the file cannot be read, or a value cannot be.
    """
    load_config(environ={}, flags=wanted)
    there = present_settings(tree)
    found = []
    for name, value in wanted.items():
        section, _, key = name.partition(".")
        present = getattr(getattr(there, section), key)
        if str(present) != value:
            found.append((name, "" if present is None else str(present), value))
    return found


def present_settings(tree: Tree) -> Config | None:
    """What the file that is there says; None where there is none.

    Raises:
        ConfigError: If it is wrong.
    """
    return load_config(tree.at(CONFIG), environ={}).config if tree.there(CONFIG) else None
