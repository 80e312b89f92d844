"""Files beside the store (reports, exports, settings): written whole or not at all."""

import contextlib
import errno
import fcntl
import functools
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import BinaryIO, Final

from actorrec.errors import ArtifactError

DISK_HINTS: Final = {
    errno.ENOSPC: "the disk is full: free some space and run the same command again, it goes on where it was",
    errno.EDQUOT: "your disk quota is used up: free some space and run the same command again",
}
"""What to do next, by the operating system's error number."""
_PARTIAL: Final = ".partial-"
_LEFT: Final = re.compile(r"\.partial-[0-9a-f]{12}")


def write_whole(path: Path, content: bytes | Callable[[BinaryIO], object], mode: int = 0o666) -> None:
    """Write a file under a temporary name and move it into place; an older one stays as it was if that fails.

    Args:
        path: Where to; its folder is made. A link is followed; a pipe or device is written to directly.
        content: The bytes, or a function that writes them.
        mode: Of the file from its first byte on; the user's umask takes from it. A secret wants 0o600.

    Raises:
        ArtifactError: If it cannot be written.
    """
    fill = content if callable(content) else lambda out: out.write(content)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if _is_special(path):
            with path.open("wb") as special:
                fill(special)
            return
        target = path.resolve()
        with temporary_beside(target, mode) as (out, temporary):
            fill(out)
            out.close()  # what the buffer still held may be what no longer fits on the disk
            os.replace(temporary, target)
    except OSError as error:
        raise _cannot_write(path, error) from None


def ensure_writable(path: Path) -> None:
    """Find out before hours of work whether ``write_whole`` may write there.

    Raises:
        ArtifactError: If it may not.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.is_dir():
            raise IsADirectoryError(errno.EISDIR, os.strerror(errno.EISDIR))
        if not _is_special(path):
            with temporary_beside(path.resolve()):
                pass
    except OSError as error:
        raise _cannot_write(path, error) from None


def _is_special(path: Path) -> bool:
    """Whether something lies there that must not be replaced by a file (``/dev/null``, a pipe)."""
    try:
        mode = path.stat().st_mode
    except FileNotFoundError:
        return False
    return not stat.S_ISREG(mode) and not stat.S_ISDIR(mode)


@contextlib.contextmanager
def temporary_beside(path: Path, mode: int = 0o666) -> Iterator[tuple[BinaryIO, Path]]:
    _clear_once(path.parent)
    made: list[Path] = []
    try:
        with os.fdopen(_open_beside(path, mode, made), "wb") as out:
            yield out, made[-1]
    finally:
        for temporary in made:
            temporary.unlink(missing_ok=True)


def _open_beside(path: Path, mode: int, made: list[Path]) -> int:
    """Make a temporary file and lock it: what is locked has a living writer.

    Its name is noted before it is there: a Ctrl-C that comes in between leaves no file that nobody knows of.
    """
    while True:
        temporary = path.with_name(f"{_PARTIAL}{secrets.token_hex(6)}")
        made.append(temporary)
        # Unlike tempfile's, this file has the mode that the user's umask gives to any new file.
        descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        if os.fstat(descriptor).st_nlink:
            return descriptor
        os.close(descriptor)  # taken for a dead one's between the two calls


def remove_left_behind(folder: Path) -> None:
    """Remove the temporary files, at any depth, whose writers were killed; those of living ones stay."""
    for inner, _, names in os.walk(folder):
        _remove_dead(Path(inner), names)


@functools.lru_cache(maxsize=256)
def _clear_once(folder: Path) -> None:
    """Where no lock is taken, killed writers' files go with the first file that a program writes beside them."""
    with contextlib.suppress(OSError):
        _remove_dead(folder, [path.name for path in folder.iterdir()])


def _remove_dead(folder: Path, names: Iterable[str]) -> None:
    for name in names:
        if _LEFT.fullmatch(name):
            with contextlib.suppress(OSError):  # another's, or gone meanwhile
                _remove_if_dead(folder / name)


def _remove_if_dead(temporary: Path) -> None:
    descriptor = os.open(temporary, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        temporary.unlink()
    finally:
        os.close(descriptor)


def _cannot_write(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(f"cannot write {path}: {error.strerror or error}", hint=DISK_HINTS.get(error.errno or 0, ""))
