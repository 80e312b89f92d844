"""The parts of ``multipart/x-mixed-replace``: one picture after the other, for as long as the camera likes.

RFC 2046, section 5.1, as cameras speak it: with the boundary's hyphens counted or not, and often with the length of
each part.
"""

from typing import Final, Protocol

_MAX_LINE_BYTES: Final = 4096
_MAX_LINES: Final = 64
MAX_PART_BYTES: Final = 32 * 2**20


class MultipartError(Exception):
    """What came is no such stream, or a part of it is too long."""


class _Reader(Protocol):
    def read(self, amount: int, /) -> bytes: ...

    def readline(self, limit: int, /) -> bytes: ...


class Parts:
    """Reads parts.

    Args:
        reader: At the beginning of the body.
        boundary: As the header says.
    """

    def __init__(self, reader: _Reader, boundary: str) -> None:
        self._reader = reader
        self._boundary = boundary.strip().lstrip("-").encode("latin-1", "replace")
        self._at_headers = False  # whether the boundary before the next part was read with the part before

    def next(self) -> bytes:
        """The next part that has a body; empty at the end of the stream.

        Raises:
            MultipartError: If what comes is no part.
        """
        if not self._at_headers and not self._found_boundary():
            return b""
        self._at_headers = False
        length = self._length()
        return self._up_to_boundary() if length is None else self._exactly(length)

    def _found_boundary(self) -> bool:
        for _ in range(_MAX_LINES):
            line = self._reader.readline(_MAX_LINE_BYTES)
            if not line:
                return False
            if self._is_boundary(line):
                return True
        raise MultipartError("no part begins")

    def _is_boundary(self, line: bytes) -> bool:
        return line.startswith(b"--") and line.lstrip(b"-").startswith(self._boundary)

    def _length(self) -> int | None:
        length = None
        for _ in range(_MAX_LINES):
            line = self._reader.readline(_MAX_LINE_BYTES)
            if line in (b"\r\n", b"\n"):
                return length
            name, _, value = line.partition(b":")
            if name.strip().lower() == b"content-length" and value.strip().isdigit():
                length = int(value)
            if not line or len(line) == _MAX_LINE_BYTES:
                break
        raise MultipartError("the headers of a part do not end")

    def _exactly(self, length: int) -> bytes:
        if not 0 < length <= MAX_PART_BYTES:
            raise MultipartError(f"a part of {length} bytes")
        data = self._reader.read(length)
        if len(data) < length:
            raise MultipartError("a part ends early")
        return data

    def _up_to_boundary(self) -> bytes:
        data = bytearray()
        begins_line = True
        while len(data) <= MAX_PART_BYTES:
            line = self._reader.readline(_MAX_LINE_BYTES)
            if not line:
                raise MultipartError("a part ends early")
            if begins_line and self._is_boundary(line):
                self._at_headers = True
                return bytes(data.removesuffix(b"\n").removesuffix(b"\r"))
            begins_line = line.endswith(b"\n")
            data += line
        raise MultipartError("a part is too long")
