"""The last good bundles of a device, so that a new one can be compared with the one before it."""

import fcntl
import hashlib
import os
import re
import shutil
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.artifacts.whole_file import DISK_HINTS, write_whole
from actorrec.errors import ArtifactError
from actorrec.manifests.base import Record, Sha256

_LIST: Final = "shelf.json"
_LOCK: Final = "lock"
_PARTIAL: Final = ".partial-bundle"  # one name: what a killed program leaves is written over, and never adds up
_CURRENT: Final = "current.zip"
_PARTIAL_LINK: Final = ".partial-current"
_PARTIALS: Final = ".partial-*"
_FOLDER_MODE: Final = 0o750  # a bundle tells of people: its group may read it, others may not, whatever the umask says
_FILE_MODE: Final = 0o640
_OURS: Final = re.compile(r"[0-9a-f]{64}\.zip")


class ShelfList(Record):
    """Which bundles are kept, by the SHA-256 of their files.

    Attributes:
        current: The one that ran last and was good.
        previous: The one before it; never the same.
    """

    current: Sha256 | None = None
    previous: Sha256 | None = None


class BundleShelf:
    """Two bundles at most, in a folder; whatever kills the program, what the list names is whole or is found not to be.

    The folder's group may read them. ``current.zip`` is a link to the one that ran last and was good.

    Args:
        folder: Made when something is kept.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def keep(self, bundle: Path, sha256: str) -> None:
        """Keep a bundle that has proved good; the one that was current is the previous one from then on.

        Args:
            bundle: The file.
            sha256: Its digest.

        Raises:
            ArtifactError: If it cannot be kept; what was kept before is as it was.
        """
        try:
            self._make_folder()
            with self._alone():
                self._clear()
                listed = self._listed()
                if self._whole(sha256) is None:
                    self._copy(bundle, sha256)
                if listed.current != sha256:
                    listed = ShelfList(current=sha256, previous=listed.current)
                    write_whole(self._folder / _LIST, listed.model_dump_json().encode(), _FILE_MODE)
                (self._folder / _LIST).chmod(_FILE_MODE)  # the umask took from it
                self._link(f"{sha256}.zip")
                self._tidy(listed)
        except OSError as error:
            raise _cannot_keep(self._folder, error) from None

    @property
    def current(self) -> Path:
        """Where the one that ran last and was good can be opened by name."""
        return self._folder / _CURRENT

    def other_than(self, sha256: str) -> Path | None:
        """The newest good bundle that is not the one named; None where there is none, or it is no longer whole."""
        listed = self._listed()
        other = listed.previous if listed.current == sha256 else listed.current
        return None if other is None else self._whole(other)

    def _make_folder(self) -> None:
        self._folder.mkdir(parents=True, exist_ok=True)
        status = self._folder.stat()
        mode = stat.S_IMODE(status.st_mode)
        wanted = mode & stat.S_ISGID | _FOLDER_MODE  # with that bit, root gave the folder to a group
        if mode != wanted and status.st_uid == os.geteuid():
            self._folder.chmod(wanted)

    def _link(self, target: str) -> None:
        with suppress(OSError):
            if str(self.current.readlink()) == target:
                return
        link = self._folder / _PARTIAL_LINK
        link.unlink(missing_ok=True)
        link.symlink_to(target)
        os.replace(link, self.current)

    def _listed(self) -> ShelfList:
        try:
            return ShelfList.model_validate_json((self._folder / _LIST).read_bytes())
        except (OSError, ValidationError):
            return ShelfList()

    def _whole(self, sha256: str) -> Path | None:
        """The file of a bundle, if every byte is as it was."""
        path = self._folder / f"{sha256}.zip"
        try:
            with path.open("rb") as source:
                return path if hashlib.file_digest(source, "sha256").hexdigest() == sha256 else None
        except OSError:
            return None

    def _copy(self, bundle: Path, sha256: str) -> None:
        partial = self._folder / _PARTIAL
        try:
            with bundle.open("rb") as source, partial.open("w+b") as out:
                os.fchmod(out.fileno(), _FILE_MODE)
                shutil.copyfileobj(source, out)
                out.flush()
                os.fsync(out.fileno())  # a device loses its power
                out.seek(0)
                if hashlib.file_digest(out, "sha256").hexdigest() != sha256:
                    raise ArtifactError(f"the bundle {bundle} was changed while it ran: it is not kept")
            os.replace(partial, self._folder / f"{sha256}.zip")
        finally:
            partial.unlink(missing_ok=True)

    def _clear(self) -> None:
        """Remove what killed programs left: first of all, so that those that are killed soon leave no more and more."""
        for path in self._folder.glob(_PARTIALS):
            with suppress(OSError):
                path.unlink()

    def _tidy(self, listed: ShelfList) -> None:
        """Remove the bundles that the list no longer names, nothing else."""
        kept = {f"{listed.current}.zip", f"{listed.previous}.zip"}
        for path in self._folder.iterdir():
            if _OURS.fullmatch(path.name) and path.name not in kept:
                with suppress(OSError):
                    path.unlink()

    @contextmanager
    def _alone(self) -> Iterator[None]:
        """Only one program changes the shelf at a time; another one does not wait for it.

        Raises:
            OSError: If another program is changing it.
        """
        with (self._folder / _LOCK).open("wb") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            yield


def _cannot_keep(folder: Path, error: OSError) -> ArtifactError:
    hint = DISK_HINTS.get(error.errno or 0, "")
    return ArtifactError(f"the bundle cannot be kept in {folder}: {error.strerror or error}", hint=hint)
