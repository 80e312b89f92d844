"""Lines of a file as they are written, through rotation, and of standard input."""

import os
import select
import stat
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from actorrec.errors import DataError
from actorrec.inference.tail import MAX_EVENT_BYTES

_POLL_S: Final = 0.2
_BLOCK_BYTES: Final = 1 << 16


class LineSplitter:
    """Makes lines of blocks; of a line that is too long only the beginning is kept, so that it is told from others."""

    def __init__(self) -> None:
        self._part = bytearray()

    def split(self, block: bytes) -> Iterator[bytes]:
        """The lines that end in this block, without their ends; empty ones are left out."""
        *ended, rest = block.split(b"\n")
        for piece in ended:
            self._add(piece)
            yield from self.rest()
        self._add(rest)

    def rest(self) -> Iterator[bytes]:
        """What came since the last end of a line, if anything."""
        line = bytes(self._part)
        self._part.clear()
        if line.strip():
            yield line

    def _add(self, piece: bytes) -> None:
        self._part += piece[: MAX_EVENT_BYTES + 1 - len(self._part)]


def read_stream(fd: int, stop: threading.Event) -> Iterator[bytes]:
    """Lines of an open file, a pipe or a terminal, until its end or until ``stop``.

    Args:
        fd: Open for reading.
        stop: Looked at five times a second.
    """
    splitter = LineSplitter()
    while not stop.is_set():
        if not select.select([fd], [], [], _POLL_S)[0]:
            continue
        block = os.read(fd, _BLOCK_BYTES)
        if not block:
            yield from splitter.rest()
            return
        yield from splitter.split(block)


def follow_file(path: Path, stop: threading.Event, *, from_start: bool) -> Iterator[bytes]:
    """Lines of a file, and those that are appended until ``stop``, as ``tail -F`` has them.

    A file that is not there yet is waited for. One that another takes the place of is read to its end first; one that
    was cut off is read from its new beginning.

    Args:
        path: The file.
        stop: Looked at five times a second.
        from_start: Whether lines that are there already are given.

    Raises:
        DataError: If it cannot be read, or is no file.
    """
    while not stop.is_set():
        fd = _opened(path)
        if fd is not None:
            try:
                yield from _until_replaced(path, fd, stop, at_end=not from_start)
            finally:
                os.close(fd)
        else:
            stop.wait(_POLL_S)
        from_start = True


def _opened(path: Path) -> int | None:
    try:
        fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror or error}") from None
    if not stat.S_ISREG(os.fstat(fd).st_mode):
        os.close(fd)
        raise DataError(f"{path} is not a file", hint="a pipe is read as standard input: - instead of a name")
    return fd


def _until_replaced(path: Path, fd: int, stop: threading.Event, *, at_end: bool) -> Iterator[bytes]:
    at_bytes = _last_line_start(fd) if at_end else 0
    splitter = LineSplitter()
    replaced = False
    while not stop.is_set():
        block = os.pread(fd, _BLOCK_BYTES, at_bytes)
        at_bytes += len(block)
        yield from splitter.split(block)
        if block:
            continue
        if replaced:
            yield from splitter.rest()
            return
        replaced = _is_another(path, fd)  # what was written before that is still read
        if os.fstat(fd).st_size < at_bytes:
            at_bytes, splitter = 0, LineSplitter()
        elif not replaced:
            stop.wait(_POLL_S)


def _is_another(path: Path, fd: int) -> bool:
    """Whether another file stands at the path; one that was only moved away may get more lines."""
    try:
        there = path.stat()
    except OSError:
        return False
    here = os.fstat(fd)
    return (there.st_dev, there.st_ino) != (here.st_dev, here.st_ino)


def _last_line_start(fd: int) -> int:
    """Where the line begins that is being written; the end of the file where none is."""
    size_bytes = os.fstat(fd).st_size
    begin = max(0, size_bytes - MAX_EVENT_BYTES)
    return begin + os.pread(fd, size_bytes - begin, begin).rfind(b"\n") + 1
