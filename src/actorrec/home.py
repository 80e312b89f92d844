"""The user's home folder, which not every user has: a container may run under a number without an account."""

import os
import sys
from pathlib import Path

from actorrec.errors import ConfigError


def home() -> Path:
    """The home folder.

    Raises:
        ConfigError: If this user has none.
    """
    try:
        return Path.home()
    except RuntimeError:
        hint = "set HOME, or XDG_CACHE_HOME to a folder for what is kept between runs"
        raise ConfigError("this user has no home folder", hint=hint) from None


def expanded(path: str | Path) -> Path:
    """The path, with the home folder for a ``~`` in front.

    Raises:
        ConfigError: If there is no such home folder.
    """
    try:
        return Path(path).expanduser()
    except RuntimeError:
        raise ConfigError(f"{path}: there is no such home folder", hint="write the whole path, or set HOME") from None


def cache_folder(name: str) -> Path:
    """The platform's cache folder for one purpose of this program; ``XDG_CACHE_HOME`` goes before it.

    Raises:
        ConfigError: If it would be in the home folder, and this user has none.
    """
    if configured := os.environ.get("XDG_CACHE_HOME"):
        return Path(configured) / "actorrec" / name
    if sys.platform == "darwin":
        return home() / "Library" / "Caches" / "actorrec" / name
    if sys.platform == "win32" and (local := os.environ.get("LOCALAPPDATA")):
        return Path(local) / "actorrec" / name
    return home() / ".cache" / "actorrec" / name


def state_folder(name: str) -> Path:
    """The platform's folder for what should outlive a restart but may be lost; ``XDG_STATE_HOME`` goes before it.

    Raises:
        ConfigError: If it would be in the home folder, and this user has none.
    """
    if configured := os.environ.get("XDG_STATE_HOME"):
        return Path(configured) / "actorrec" / name
    if sys.platform == "darwin" or sys.platform == "win32":
        return cache_folder(name)
    return home() / ".local" / "state" / "actorrec" / name
