"""A file that others replace at any time: noticed, and copied so that what is tried is what runs."""

import errno
import hashlib
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Final

from actorrec.errors import ArtifactError
from actorrec.recognition.bundle_zip import MAX_TOTAL_BYTES

_CHUNK_BYTES: Final = 1 << 20
_PREFIX: Final = "incoming-"
_FOLDER_MODE: Final = 0o700  # a bundle tells of people
_FILE_MODE: Final = 0o600
_PARTIAL: Final = ".partial-incoming"  # one name: what a killed program leaves is written over


class ChangedMeanwhileError(Exception):
    """The file was changed while it was read, or nobody wants it any more."""


@dataclass(frozen=True, slots=True)
class Signature:
    """By which a file at a path is known to be another one, or changed."""

    device: int
    inode: int
    size_bytes: int
    modified_ns: int
    changed_ns: int


def signature_of(path: Path) -> Signature | None:
    """Of what the path leads to, links followed; None where nothing is there."""
    try:
        return _signature(path.stat())
    except (OSError, ValueError):
        return None


class StagedFile:
    """Reads one path, and keeps copies of it in a folder of its own.

    Args:
        path: What others replace.
        staging: Made when something is copied; files of other programs in it are left alone.
        go_on: Asked between pieces; once it says no, reading stops.
    """

    def __init__(self, path: Path, staging: Path, go_on: Callable[[], bool]) -> None:
        self._path, self._staging, self._go_on = path, staging, go_on

    def digest(self, expected: Signature) -> str:
        """SHA-256 of the file, without a copy.

        Raises:
            ChangedMeanwhileError: If it is no longer the file expected.
            ArtifactError: If it cannot be read, is no regular file, or is too large to be a bundle.
        """
        return self._read(expected, None)

    def copy(self, expected: Signature) -> tuple[Path, str]:
        """Copy the file; as ``digest``.

        Returns:
            The copy and the SHA-256 of its bytes.
        """
        partial = self._staging / _PARTIAL
        try:
            self._staging.mkdir(mode=_FOLDER_MODE, parents=True, exist_ok=True)
            partial.unlink(missing_ok=True)
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC
            with os.fdopen(os.open(partial, flags, _FILE_MODE), "wb") as out:
                sha256 = self._read(expected, out)
            kept = self._staging / f"{_PREFIX}{sha256}.zip"
            os.replace(partial, kept)
        except OSError as error:
            raise _cannot(f"copied to {self._staging}", error) from None
        finally:
            with suppress(OSError):
                partial.unlink(missing_ok=True)
        return kept, sha256

    def forget_all_but(self, *kept: Path | None) -> None:
        """Remove copies that nobody needs, also those of a program that was killed."""
        with suppress(OSError):
            for path in (self._staging / _PARTIAL, *self._staging.glob(f"{_PREFIX}*.zip")):
                if path not in kept:
                    path.unlink(missing_ok=True)

    def _read(self, expected: Signature, out: IO[bytes] | None) -> str:
        try:
            # Without O_NONBLOCK a pipe would let us wait for ever.
            descriptor = os.open(self._path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            raise ChangedMeanwhileError from None
        except OSError as error:
            raise _cannot("read", error) from None
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)
            raise ArtifactError("it is no regular file")
        with os.fdopen(descriptor, "rb") as source:
            if status.st_size > MAX_TOTAL_BYTES:
                raise ArtifactError(f"it has {status.st_size:,} bytes, more than {MAX_TOTAL_BYTES:,}")
            sha256 = self._pieces(source, out)
            if not _signature(status) == _signature(os.fstat(descriptor)) == expected:
                raise ChangedMeanwhileError
        return sha256

    def _pieces(self, source: IO[bytes], out: IO[bytes] | None) -> str:
        sha256, left_bytes = hashlib.sha256(), MAX_TOTAL_BYTES
        while left_bytes > 0:
            if not self._go_on():
                raise ChangedMeanwhileError
            try:
                piece = source.read(min(_CHUNK_BYTES, left_bytes))
            except OSError as error:
                raise _cannot("read", error) from None
            if not piece:
                break
            left_bytes -= len(piece)
            sha256.update(piece)
            if out is not None:
                out.write(piece)
        return sha256.hexdigest()


def _signature(status: os.stat_result) -> Signature:
    return Signature(status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns)


def _cannot(done: str, error: OSError) -> ArtifactError:
    hint = "the disk is full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else ""
    return ArtifactError(f"it cannot be {done}: {error.strerror or error}", hint=hint)
