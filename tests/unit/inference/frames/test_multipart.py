"""The parts of a stream of pictures, as cameras send them and as they should not."""

import io

import pytest

from actorrec.inference.frames.multipart import MAX_PART_BYTES, MultipartError, Parts

PICTURE = b"\xff\xd8 --frame \r\n\r\nnot the end\n--fram\xff\xd9"


def parts(body: bytes, boundary: str = "frame") -> list[bytes]:
    reader = Parts(io.BytesIO(body), boundary)
    return list(iter(reader.next, b""))


def test_nothing_is_the_end() -> None:
    assert parts(b"") == []


@pytest.mark.parametrize("boundary", ["frame", "--frame", "-frame"])
@pytest.mark.parametrize("line", [b"--frame\r\n", b"----frame\n"], ids=["two", "four"])
def test_parts_with_their_length(boundary: str, line: bytes) -> None:
    one = line + b"content-length:  %d\r\nX: y\r\n\r\n" % len(PICTURE) + PICTURE + b"\r\n"
    assert parts(one * 3, boundary) == [PICTURE] * 3


def test_parts_without_their_length() -> None:
    one = b"--frame\r\nContent-Type: image/jpeg\r\n\r\n" + PICTURE + b"\r\n"
    assert parts(one * 3 + b"--frame--\r\n\r\n--frame", "frame")[:3] == [PICTURE] * 3


@pytest.mark.parametrize(
    "body",
    [
        b"--frame\r\nContent-Length: 10\r\n\r\nshort",
        b"--frame\r\nContent-Length: 0\r\n\r\n",
        b"--frame\r\nContent-Length: %d\r\n\r\n" % (MAX_PART_BYTES + 1),
        b"--frame\r\nX: " + b"a" * 10_000,
        b"--frame\r\n" + b"X: y\r\n" * 100,
        b"no boundary\r\n" * 100,
        b"--frame\r\n\r\n" + b"a" * 10_000,
        b"--frame\r\nX: y",
    ],
    ids=["early", "empty", "huge", "long-line", "many-lines", "no-part", "no-end", "cut"],
)
def test_what_is_no_part_is_an_error(body: bytes) -> None:
    with pytest.raises(MultipartError):
        parts(body)


class Endless(io.RawIOBase):
    def readline(self, size: int | None = -1, /) -> bytes:
        return b"a" * 4096

    def read(self, size: int = -1, /) -> bytes:
        raise AssertionError


def test_a_part_without_an_end_is_bounded() -> None:
    reader = Parts(Endless(), "frame")
    reader._at_headers = True
    with pytest.raises(MultipartError):
        reader.next()
