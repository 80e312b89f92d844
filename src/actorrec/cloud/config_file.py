"""Putting what a stack has into a file of settings, without touching the rest of it."""

import copy
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from actorrec.artifacts.whole_file import write_whole
from actorrec.errors import ConfigError
from actorrec.passwords import yaml_fault
from actorrec.sections import PLACEHOLDER_BUCKET, PLACEHOLDER_ROLE

_SECTION: Final = "remote"
_PLACEHOLDERS: Final = (None, PLACEHOLDER_BUCKET, PLACEHOLDER_ROLE)


def settings_lines(values: Mapping[str, str]) -> str:
    """Keys of the section ``remote`` as they stand in a file."""
    import yaml

    return str(yaml.safe_dump({_SECTION: dict(values)}, sort_keys=False))


def write_settings(path: Path, values: Mapping[str, str], *, overwrite: bool) -> None:
    """Set keys of the section ``remote`` of a file; comments, order and all else stay.

    Args:
        path: A YAML file; it is made if there is none.
        values: Key → value.
        overwrite: Whether other values, which are no placeholders, may be replaced.

    Raises:
        ConfigError: If the file is no YAML with sections, holds other values, or is written in a way that cannot be
            changed line by line; it is then as it was.
        ArtifactError: If it cannot be written.
    """
    text = read_settings(path)
    before = _parsed(path, text)
    section = before.get(_SECTION) or {}
    for key, value in values.items():
        if section.get(key) not in (*_PLACEHOLDERS, value) and not overwrite:
            raise ConfigError(
                f"{_SECTION}.{key} in {path} is '{section[key]}', the stack has '{value}'",
                hint="--yes overwrites it",
            )
    changed = _with_values(text, section, values)
    expected = copy.deepcopy(before) | {_SECTION: {**section, **values}}
    if not _says(changed, expected):
        raise ConfigError(
            f"cannot change only these keys of {path}: its section '{_SECTION}' is not one key a line",
            hint="write them there yourself: " + ", ".join(f"{_SECTION}.{k}: {v}" for k, v in values.items()),
        )
    if changed != text:
        write_whole(path, changed.encode())


def read_settings(path: Path) -> str:
    """Text of a file of settings; empty if there is none.

    Raises:
        ConfigError: If it cannot be read, or is no YAML with sections.
    """
    try:
        text = path.read_bytes().decode()
    except FileNotFoundError:
        return ""
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or "not UTF-8"
        raise ConfigError(f"cannot read the configuration {path}: {reason}") from None
    _parsed(path, text)
    return text


def _parsed(path: Path, text: str) -> dict[str, Any]:
    import yaml

    try:
        data = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise ConfigError(f"the configuration {path} is not YAML: {yaml_fault(error)}") from None
    if data is None:
        return {}
    if not isinstance(data, dict) or not isinstance(data.get(_SECTION) or {}, dict):
        raise ConfigError(f"the configuration {path} must hold sections of keys")
    return data


def _says(text: str, expected: dict[str, Any]) -> bool:
    import yaml

    try:
        return bool(yaml.safe_load(text) == expected)
    except yaml.YAMLError:
        return False


def _with_values(text: str, section: Mapping[str, Any], values: Mapping[str, str]) -> str:
    end = "\r\n" if "\r\n" in text else "\n"
    lines = text.splitlines(keepends=True)
    if lines and not lines[-1].endswith(("\n", "\r")):
        lines[-1] += end
    head = next((i for i, line in enumerate(lines) if re.match(rf"{_SECTION}:\s*(#.*)?$", line)), None)
    if head is None:
        gap = [end] if lines else []
        return "".join([*lines, *gap, *(line + end for line in settings_lines(values).splitlines())])
    last = next((i for i in range(head + 1, len(lines)) if re.match(r"[^\s#]", lines[i])), len(lines))
    indent = next((m.group() for m in (re.match(r" +(?=[^\s#])", line) for line in lines[head + 1 : last]) if m), "  ")
    for key, value in reversed(list(values.items())):
        written = indent + _line(key, value)
        where = next((i for i in range(head + 1, last) if re.match(rf"{indent}{key}:(\s|$)", lines[i])), None)
        if where is None:
            lines.insert(head + 1, written + end)
            last += 1
        else:
            comment = re.search(r"\s+#.*$", lines[where].rstrip("\r\n"))
            lines[where] = written + (comment.group() if comment else "") + end
    return "".join(lines)


def _line(key: str, value: str) -> str:
    import yaml

    return str(yaml.safe_dump({key: value}, width=10_000)).strip()
