"""The last good bundles of a device, so that a new one can be compared with the one before it."""

import fcntl
import hashlib
import os
import re
import shutil
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
_OURS: Final = re.compile(r"[0-9a-f]{64}\.zip|\.partial-.*")


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
            self._folder.mkdir(parents=True, exist_ok=True)
            with self._alone():
                listed = self._listed()
                if self._whole(sha256) is None:
                    self._copy(bundle, sha256)
                if listed.current != sha256:
                    listed = ShelfList(current=sha256, previous=listed.current)
                    write_whole(self._folder / _LIST, listed.model_dump_json().encode())
                self._tidy(listed)
        except OSError as error:
            raise _cannot_keep(self._folder, error) from None

    def other_than(self, sha256: str) -> Path | None:
        """The newest good bundle that is not the one named; None where there is none, or it is no longer whole."""
        listed = self._listed()
        other = listed.previous if listed.current == sha256 else listed.current
        return None if other is None else self._whole(other)

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
                shutil.copyfileobj(source, out)
                out.flush()
                os.fsync(out.fileno())  # a device loses its power
                out.seek(0)
                if hashlib.file_digest(out, "sha256").hexdigest() != sha256:
                    raise ArtifactError(f"the bundle {bundle} was changed while it ran: it is not kept")
            os.replace(partial, self._folder / f"{sha256}.zip")
        finally:
            partial.unlink(missing_ok=True)

    def _tidy(self, listed: ShelfList) -> None:
        """Remove the bundles that the list no longer names and what a killed program left, nothing else."""
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
