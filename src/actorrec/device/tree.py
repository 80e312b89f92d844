"""The system that is changed: this machine, or the files of another one below a folder."""

import grp
import hashlib
import os
import pwd
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.device.actions import Access
from actorrec.errors import ConfigError

_MAX_BYTES: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Tree:
    """Files by the paths that they have on the device.

    Attributes:
        root: What ``/`` is.
        owners: Whether files get the owners that they should have: another system's users have no numbers here.
    """

    root: Path = Path("/")
    owners: bool = True

    def at(self, path: Path) -> Path:
        """Where a path of the device lies here.

        Raises:
            ConfigError: If a link below the root leads out of it.
        """
        here = self.root / path.relative_to("/")
        if self.root != Path("/") and not here.parent.resolve().is_relative_to(self.root.resolve()):
            raise ConfigError(f"{here} leads out of {self.root}", hint="a link of another system is not followed here")
        return here

    def there(self, path: Path) -> bool:
        """Whether there is anything, a link to nowhere included."""
        return os.path.lexists(self.at(path))

    def text(self, path: Path) -> str | None:
        """A file's beginning, at most 1 MiB; None where there is no file."""
        here = self.at(path)
        try:
            if here.is_symlink() or not here.is_file():
                return None
            with here.open("rb") as file:
                return file.read(_MAX_BYTES).decode("utf-8", "replace")
        except FileNotFoundError:
            return None

    def same_file(self, path: Path, source: Path) -> bool:
        """Whether a file holds what another one of this machine holds."""
        here = self.at(path)
        if here.is_symlink() or not here.is_file() or here.stat().st_size != source.stat().st_size:
            return False
        return _digest(here) == _digest(source)

    def has_access(self, path: Path, access: Access) -> bool:
        """Whether mode and, where they are set at all, owners are as they should be."""
        try:
            found = self.at(path).lstat()
        except FileNotFoundError:
            return False
        return stat.S_IMODE(found.st_mode) == access.mode and (
            not self.owners or (found.st_uid, found.st_gid) == self.ids(access)
        )

    def ids(self, access: Access) -> tuple[int, int] | None:
        """Numbers of user and group; None while one of them does not exist, or where owners are not set."""
        if not self.owners:
            return None
        try:
            return pwd.getpwnam(access.user).pw_uid, grp.getgrnam(access.group).gr_gid
        except KeyError:
            return None

    def groups(self, *names: str) -> tuple[str, ...]:
        """Those groups that the system has; all of them where it does not say."""
        listed = self.text(Path("/etc/group"))
        if listed is None:
            return names
        known = {line.split(":", 1)[0] for line in listed.splitlines()}
        return tuple(name for name in names if name in known)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
