"""Events in a file, one line each."""

import os
from pathlib import Path
from typing import Final, Self

_LINE_END: Final = b"\n"


class JsonlPublisher:
    """Appends one line for each message, whatever its topic; a long file becomes ``PATH.1`` and a new one is begun.

    Another program may move or remove the file at any time. Lines are not forced to the disk one by one. A disk that is
    full costs the messages of that time, not the ones after it.

    Args:
        path: The file; its folder is made where it is missing.
        max_bytes: Of the file; there are two of them at most.
    """

    def __init__(self, path: Path, max_bytes: int) -> None:
        self.name = f"file {path}"
        self._path, self._max_bytes = path, max_bytes
        self._handle = -1
        self._torn = False

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._close()

    def publish(self, topic: str, payload: bytes) -> None:
        """Append one line.

        Raises:
            OSError: If it could not be written whole; it is lost.
        """
        line = payload.replace(b"\n", b" ") + _LINE_END
        self._follow()
        if self._length_bytes() and self._length_bytes() + len(line) > self._max_bytes:
            self._rotate()
        self._write(_LINE_END + line if self._torn else line)

    def _write(self, data: bytes) -> None:
        try:
            written = os.write(self._handle, data)
        except OSError:
            self._close()
            raise
        self._torn = written < len(data)
        if self._torn:
            raise OSError(f"{self._path}: only a part of a line could be written, is the disk full?")

    def _follow(self) -> None:
        """Open the file, where it is not, or where the path leads to another one by now."""
        if self._handle >= 0:
            try:
                there = self._path.stat()
            except FileNotFoundError:
                there = None
            here = os.fstat(self._handle)
            if there is not None and (there.st_dev, there.st_ino) == (here.st_dev, here.st_ino):
                return
            self._close()
        self._path.parent.mkdir(parents=True, exist_ok=True)
        flags = os.O_RDWR | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC | os.O_NONBLOCK
        self._handle = os.open(self._path, flags, 0o640)
        length_bytes = self._length_bytes()
        # A program that was killed in the middle of a line left no end to it.
        self._torn = length_bytes > 0 and os.pread(self._handle, 1, length_bytes - 1) != _LINE_END

    def _rotate(self) -> None:
        self._close()
        os.replace(self._path, self._path.with_name(f"{self._path.name}.1"))
        self._follow()

    def _length_bytes(self) -> int:
        return os.fstat(self._handle).st_size

    def _close(self) -> None:
        if self._handle >= 0:
            os.close(self._handle)
        self._handle = -1
