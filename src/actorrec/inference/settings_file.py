"""A file of settings as a hostile input: what a device reads anew while it runs must not cost it its memory or time."""

import os
import stat
from pathlib import Path
from typing import Final

from actorrec.errors import ConfigError
from actorrec.passwords import yaml_fault

MAX_BYTES: Final = 64 * 1024
"""Every setting there is, each with a comment, takes a tenth of it."""
_MAX_DEPTH: Final = 8  # sections hold keys, and keys hold lists at most
_MAX_NODES: Final = 20_000


def check_settings_file(path: Path) -> None:
    """Refuse a file that would cost too much to read as YAML.

    Args:
        path: Links are followed.

    Raises:
        ConfigError: If it cannot be read, is no regular file, is too large, is not UTF-8, is not YAML, or would be too
            deep or too large once its aliases are written out.
    """
    import yaml

    try:
        text = _content(path).decode("utf-8")
        _check_size(text, path)
    except OSError as error:
        raise ConfigError(f"cannot read the configuration {path}: {error.strerror or error}") from None
    except (yaml.YAMLError, UnicodeDecodeError, ValueError) as error:
        raise ConfigError(f"the configuration {path} is not YAML: {yaml_fault(error)}") from None


def _content(path: Path) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ConfigError(f"the configuration {path} is no regular file")
    with os.fdopen(descriptor, "rb") as source:
        content = source.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise ConfigError(f"the configuration {path} has more than {MAX_BYTES:,} bytes")
    return content


def _check_size(text: str, path: Path) -> None:
    """Count nodes with every alias written out, without writing one out: of ten lines a few can make billions."""
    import yaml

    sizes: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = [(None, 0)]
    for event in yaml.parse(text, Loader=yaml.SafeLoader):
        if isinstance(event, yaml.CollectionStartEvent):
            open_nodes.append((event.anchor, 1))
        elif isinstance(event, yaml.NodeEvent | yaml.CollectionEndEvent):
            anchor, size = _closed(event, open_nodes, sizes)
            if anchor is not None:
                sizes[anchor] = size
            outer, so_far = open_nodes[-1]
            open_nodes[-1] = (outer, so_far + size)
        if len(open_nodes) > _MAX_DEPTH or open_nodes[-1][1] > _MAX_NODES:
            raise ConfigError(f"the configuration {path} is no file of settings: it is too deep, or grows with aliases")


def _closed(event: object, open_nodes: list[tuple[str | None, int]], sizes: dict[str, int]) -> tuple[str | None, int]:
    """Anchor and size of the node that ends with an event."""
    import yaml

    if isinstance(event, yaml.CollectionEndEvent):
        return open_nodes.pop()
    if isinstance(event, yaml.AliasEvent):
        return None, sizes.get(event.anchor or "", 1)
    return (event.anchor if isinstance(event, yaml.ScalarEvent) else None), 1
