"""A store in a local folder."""

import contextlib
import errno
import fcntl
import hashlib
import logging
import os
import shutil
import stat
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import BinaryIO, Final, TextIO

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.store import Entry
from actorrec.artifacts.whole_file import DISK_HINTS, remove_left_behind, temporary_beside
from actorrec.errors import ArtifactError
from actorrec.manifests.base import FileRecord
from actorrec.progress import Step

logger = logging.getLogger(__name__)
# Most of a small file's time is the wait for the disk to say that it has it, which several can share.
_WRITERS: Final = 8
_NOT_FOR_ALL: Final = ("unknowns/",)
"""Faces of people whom nobody asked: for the owner and their group, whatever the umask says."""


class LocalStore:
    """Artifacts in a folder.

    Every write goes to a temporary file first and is moved into place. Whoever takes the lock of a name removes the
    temporary files and the empty folders that killed commands left under it.
    """

    def __init__(self, root: Path) -> None:
        self._root = root

    @property
    def uri(self) -> str:
        return str(self._root)

    def put_bytes(self, name: str, data: bytes) -> FileRecord:
        self._write(name, lambda out: out.write(data))
        return FileRecord(name=_inside(name), sha256=hashlib.sha256(data).hexdigest(), bytes=len(data))

    def put_file(self, name: str, path: Path) -> FileRecord:
        def copy(out: BinaryIO) -> None:
            with path.open("rb") as source:
                shutil.copyfileobj(source, out, 1 << 20)

        self._write(name, copy)
        target = self._path(name)
        return FileRecord(name=_inside(name), sha256=file_sha256(target), bytes=target.stat().st_size)

    def put_files(self, items: Iterable[tuple[str, bytes | Path]], step: Step) -> list[FileRecord]:
        def put(item: tuple[str, bytes | Path]) -> FileRecord:
            name, content = item
            return self.put_bytes(name, content) if isinstance(content, bytes) else self.put_file(name, content)

        records: list[FileRecord] = []
        for record in in_parallel(put, items, _WRITERS):
            records.append(record)
            step.advance()
        return records

    def read_bytes(self, name: str) -> bytes:
        try:
            return self._path(name).read_bytes()
        except FileNotFoundError:
            raise ArtifactError(f"{self._root}/{name} does not exist", hint=self._made_again(name)) from None
        except OSError as error:
            raise _as_artifact_error(error, "read", f"{self._root}/{name}") from None

    def local_path(self, name: str) -> Path:
        if not self.exists(name):
            raise ArtifactError(f"{self._root}/{name} does not exist", hint=self._made_again(name))
        return self._path(name)

    def fetch_files(self, names: Iterable[str], step: Step) -> list[Path]:
        paths: list[Path] = []
        for name in names:
            paths.append(self.local_path(name))
            step.advance()
        return paths

    def holds(self, name: str, sha256: str) -> bool:
        return self.exists(name) and self.sha256(name) == sha256

    def sha256(self, name: str) -> str:
        path = self.local_path(name)
        try:
            return file_sha256(path)
        except OSError as error:
            raise _as_artifact_error(error, "read", str(path)) from None

    def exists(self, name: str) -> bool:
        try:
            return stat.S_ISREG(self._path(name).stat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            return False
        except OSError as error:  # closed to this user: whether it is there cannot be known
            raise _as_artifact_error(error, "read", f"{self._root}/{name}") from None

    def commit(self, name: str, data: bytes) -> bool:
        path = self._path(name)
        try:
            with _temporary_for(path) as (out, temporary):
                out.write(data)
                out.flush()
                os.fsync(out.fileno())
                # A hard link fails if the name is taken: unlike os.replace, it never rewrites a manifest.
                os.link(temporary, path)
        except FileExistsError:
            return False
        except OSError as error:
            raise _as_artifact_error(error, "write", str(path)) from None
        return True

    def names(self, prefix: str) -> Iterator[str]:
        base = self._path(prefix) if prefix else self._root
        found: list[Path] = []
        for folder, folders, files in os.walk(base, onerror=_refuse_unless_missing):
            folders[:] = [name for name in folders if not name.startswith(".")]
            found += [Path(folder, name) for name in files if not name.startswith(".")]
        for path in sorted(found):
            yield path.relative_to(self._root).as_posix()

    def entries(self, prefix: str) -> Iterator[Entry]:
        for name in self.names(prefix):
            try:
                found = (self._root / name).stat()
            except FileNotFoundError:
                continue  # another command removed it since it was listed
            yield Entry(name, found.st_size, datetime.fromtimestamp(found.st_mtime, UTC))

    def delete(self, name: str) -> None:
        path = self._path(name)
        try:
            path.unlink(missing_ok=True)
        except OSError as error:
            raise _as_artifact_error(error, "delete", name) from None
        # A folder that is left empty goes too, as in a store that knows only files; not the kind's own folder, in
        # which another command may be about to begin.
        with contextlib.suppress(OSError):
            for folder in path.parents:
                if self._root in (folder, folder.parent):
                    break
                folder.rmdir()

    @contextmanager
    def lock(self, name: str) -> Iterator[None]:
        with self._lock_file(name) as handle:
            if not _locked(handle):
                logger.info("another command works on %s in this store; waiting for it", name)
                fcntl.flock(handle, fcntl.LOCK_EX)
            self._clear_up(name)
            yield

    @contextmanager
    def try_lock(self, name: str) -> Iterator[bool]:
        with self._lock_file(name) as handle:
            mine = _locked(handle)
            if mine:
                self._clear_up(name)
            yield mine

    def _clear_up(self, name: str) -> None:
        """Remove what killed commands left under a name, but no kind's own folder."""
        remove_left_behind(self._path(name))
        for inner, _, files in os.walk(self._path(name), topdown=False):
            folder = Path(inner)
            if not files and folder.parent != self._root:
                with contextlib.suppress(OSError):  # something is in its folders
                    folder.rmdir()

    def _lock_file(self, name: str) -> TextIO:
        path = self._root / ".locks" / (name.replace("/", "-") + ".lock")
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            return path.open("w")
        except OSError as error:
            raise _as_artifact_error(error, "write", str(path)) from None

    def _path(self, name: str) -> Path:
        if name.startswith("/") or any(part in ("", ".", "..") for part in name.split("/")):
            raise ArtifactError(f"not a name inside the store: {name!r}")
        return self._root / name

    def _made_again(self, name: str) -> str:
        return f"remove {self._root}/{'/'.join(name.split('/')[:2])} and run again what made it"

    def _write(self, name: str, fill: Callable[[BinaryIO], object]) -> None:
        path = self._path(name)
        try:
            with _temporary_for(path, closed=name.startswith(_NOT_FOR_ALL)) as (out, temporary):
                fill(out)
                # No fsync: a killed command loses nothing by it, ten thousand crops would wait for the disk ten
                # thousand times, and the manifest holds the digest of every file.
                out.flush()
                os.replace(temporary, path)
        except OSError as error:
            raise _as_artifact_error(error, "write", str(path)) from None


@contextmanager
def _temporary_for(path: Path, *, closed: bool = False) -> Iterator[tuple[BinaryIO, Path]]:
    """A temporary file beside what is to be written; its folder is made again if another command took it for empty."""
    with contextlib.ExitStack() as opened:
        for tries_left in (2, 1, 0):
            try:
                path.parent.mkdir(mode=0o750 if closed else 0o777, parents=True, exist_ok=True)
                temporary = opened.enter_context(temporary_beside(path, 0o640 if closed else 0o666))
                break
            except FileNotFoundError:
                if not tries_left:
                    raise
        yield temporary


def _locked(handle: TextIO) -> bool:
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _refuse_unless_missing(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError):
        raise _as_artifact_error(error, "read", str(error.filename)) from None


def _inside(name: str) -> str:
    return name.split("/", 2)[-1]


def _as_artifact_error(error: OSError, verb: str, where: str) -> ArtifactError:
    hints = {
        **DISK_HINTS,
        errno.EACCES: "choose a store that you may read and write: --store DIR",
        errno.EROFS: "the disk is read-only: choose another store: --store DIR",
    }
    return ArtifactError(f"cannot {verb} {where}: {error.strerror or error}", hint=hints.get(error.errno or 0, ""))
