"""Bodies piece by piece."""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from actorrec.errors import ItemError
from actorrec.scrape.fetch.bodies import inflated, lines_of
from actorrec.scrape.fetch.retry import TryAgain


async def pieces_of(data: bytes, size: int) -> AsyncIterator[bytes]:
    for at in range(0, len(data), size):
        yield data[at : at + size]


def unpack(data: bytes, encoding: str, size: int = 1000) -> list[bytes]:
    async def run() -> list[bytes]:
        return [piece async for piece in inflated(pieces_of(data, size), encoding)]

    return asyncio.run(run())


def lines(data: bytes, size: int) -> list[bytes]:
    async def run() -> list[bytes]:
        return [line async for line in lines_of(pieces_of(data, size))]

    return asyncio.run(run())


def test_nothing_holds_nothing() -> None:
    assert unpack(b"", "gzip") == unpack(b"", "") == lines(b"", 1) == []


@given(data=st.binary(max_size=5000), size=st.integers(1, 700), members=st.integers(1, 3))
def test_what_was_packed_comes_out(data: bytes, size: int, members: int) -> None:
    assert b"".join(unpack(gzip.compress(data) * members, "gzip", size)) == data * members
    assert b"".join(unpack(zlib.compress(data), "deflate", size)) == data


def test_no_piece_is_large_whatever_was_packed() -> None:
    out = unpack(gzip.compress(bytes(10_000_000)), "x-gzip", 100_000)
    assert sum(map(len, out)) == 10_000_000
    assert max(map(len, out)) == 65_536


@pytest.mark.parametrize("cut", [1, 5, 12, 500])
def test_cut_off(cut: int) -> None:
    packed = gzip.compress(bytes(range(256)) * 999)
    with pytest.raises(TryAgain):
        unpack(packed[:-cut], "gzip")
    with pytest.raises(TryAgain):
        unpack(packed + packed[:-cut], "gzip")
    assert unpack(packed + bytes(cut), "gzip")


@pytest.mark.parametrize(
    ("data", "encoding"), [(b"plain", "gzip"), (gzip.compress(b"x", mtime=0) + b"more", "gzip"), (b"x", "br")]
)
def test_what_cannot_be_unpacked(data: bytes, encoding: str) -> None:
    with pytest.raises(ItemError) as caught:
        unpack(data, encoding)
    assert caught.value.reason == "bad-encoding"


@given(parts=st.lists(st.binary(max_size=9).map(lambda part: part.translate(None, b"\r\n"))), size=st.integers(1, 20))
def test_lines_are_whole_however_they_come(parts: list[bytes], size: int) -> None:
    assert lines(b"".join(part + b"\r\n" for part in parts), size) == parts
