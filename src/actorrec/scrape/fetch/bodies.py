"""Bodies of answers, read a piece at a time and never beyond their limits."""

import hashlib
import os
import time
import zlib
from collections.abc import AsyncIterator, Iterator, Mapping
from pathlib import Path
from typing import Final

import httpcore

from actorrec.artifacts.whole_file import temporary_beside
from actorrec.errors import ItemError
from actorrec.scrape.fetch.retry import TryAgain

_PIECE_BYTES: Final = 64 * 1024
_LINE_BYTES: Final = 2**20
_LEAST_BYTES_PER_S: Final = 1024
_WINDOW_BITS: Final = {"gzip": zlib.MAX_WBITS | 16, "x-gzip": zlib.MAX_WBITS | 16, "deflate": zlib.MAX_WBITS}


async def body_of(response: httpcore.Response) -> AsyncIterator[bytes]:
    """The body as it comes over the wire.

    Raises:
        TryAgain: ``truncated``, if the connection ends before the body does.
    """
    try:
        async for piece in response.aiter_stream():
            yield piece
    except (httpcore.RemoteProtocolError, httpcore.ReadError):
        raise TryAgain("truncated", "truncated", "the connection ended before the answer did") from None


async def inflated(pieces: AsyncIterator[bytes], encoding: str) -> AsyncIterator[bytes]:
    """The body decoded, in pieces of at most 64 KiB whatever was packed into it.

    Args:
        encoding: Of ``Content-Encoding``: nothing, ``identity``, ``gzip`` or ``deflate``.

    Raises:
        ItemError: ``bad-encoding``, if it is another one or the data are damaged.
        TryAgain: ``truncated``, if the packed data end too early.
    """
    if encoding in ("", "identity"):
        async for piece in pieces:
            yield piece
        return
    if encoding not in _WINDOW_BITS:
        raise ItemError("bad-encoding", f"packed in an unknown way ({encoding[:40]!r})")
    packed = _Packed(_WINDOW_BITS[encoding])
    async for piece in pieces:
        for out in packed.feed(piece):
            yield out
    if packed.cut_off:
        raise TryAgain("truncated", "truncated", "the packed data end too early")


class _Packed:
    """Packed data on their way out; never holds more than a piece."""

    def __init__(self, window_bits: int) -> None:
        self._window_bits = window_bits
        self._inflater = zlib.decompressobj(window_bits)
        self._begun = False

    @property
    def cut_off(self) -> bool:
        """Whether more must come."""
        return self._begun and not self._inflater.eof

    def feed(self, data: bytes) -> Iterator[bytes]:
        """What these bytes hold, in pieces of at most 64 KiB."""
        while data:
            if self._inflater.eof:  # a gzip file may hold several, one behind the other
                if not data.strip(b"\0"):
                    return
                self._inflater = zlib.decompressobj(self._window_bits)
            yield from self._inflate(data)
            self._begun = True
            data = self._inflater.unused_data

    def _inflate(self, data: bytes) -> Iterator[bytes]:
        out = None
        # At the end, zlib keeps calling the rest both unconsumed and unused. A full piece may not be all it holds.
        while not self._inflater.eof and (data or (out and len(out) == _PIECE_BYTES)):
            try:
                out = self._inflater.decompress(data, _PIECE_BYTES)
            except zlib.error:
                raise ItemError("bad-encoding", "the packed data are damaged") from None
            data = self._inflater.unconsumed_tail
            if out:
                yield out


def check_length(headers: Mapping[str, str], limit_bytes: int) -> None:
    """Refuse a body by its ``Content-Length`` before any of it is read.

    Raises:
        ItemError: ``too-large``.
    """
    length = headers.get("content-length", "")
    if length.isascii() and length.isdigit() and (len(length) > 18 or int(length) > limit_bytes):
        raise ItemError("too-large", f"announces {length[:30]} bytes, more than the {limit_bytes} allowed")


async def read_whole(pieces: AsyncIterator[bytes], limit_bytes: int) -> bytes:
    """All of it.

    Raises:
        ItemError: ``too-large``.
    """
    whole = bytearray()
    async for piece in pieces:
        whole += piece
        if len(whole) > limit_bytes:
            raise _too_large(limit_bytes)
    return bytes(whole)


async def read_first(pieces: AsyncIterator[bytes], count_bytes: int) -> bytes:
    """At most so much of it."""
    first = bytearray()
    async for piece in pieces:
        first += piece
        if len(first) >= count_bytes:
            break
    return bytes(first[:count_bytes])


async def save(pieces: AsyncIterator[bytes], to: Path, limit_bytes: int) -> tuple[int, str]:
    """Write it to a file that appears whole or not at all.

    Returns:
        Bytes and SHA-256.

    Raises:
        ItemError: ``too-large``.
        OSError: If the disk takes no more.
    """
    digest = hashlib.sha256()
    count = 0
    with temporary_beside(to) as (out, temporary):
        async for piece in pieces:
            count += len(piece)
            if count > limit_bytes:
                raise _too_large(limit_bytes)
            digest.update(piece)
            out.write(piece)
        out.close()  # what the buffer still held may be what no longer fits on the disk
        os.replace(temporary, to)
    return count, digest.hexdigest()


async def paced(pieces: AsyncIterator[bytes], patience_s: float) -> AsyncIterator[bytes]:
    """The pieces of a body of any length, as long as they do not drip.

    Args:
        patience_s: After so long spent on waiting for the server, it must have sent 1 KiB for each second of it.

    Raises:
        ItemError: ``too-slow``.
    """
    waited_s, count = 0.0, 0
    while True:
        asked = time.monotonic()
        piece = await anext(pieces, None)
        if piece is None:
            return
        waited_s += time.monotonic() - asked
        count += len(piece)
        if waited_s > patience_s and count < waited_s * _LEAST_BYTES_PER_S:
            raise ItemError("too-slow", f"only {count} bytes in {waited_s:.0f} s")
        yield piece


async def lines_of(pieces: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """Lines without their ends.

    Raises:
        ItemError: ``bad-line``, if one is longer than 1 MiB.
    """
    rest = b""
    async for piece in pieces:
        lines = (rest + piece).split(b"\n")
        rest = lines.pop()
        if len(rest) > _LINE_BYTES:
            raise ItemError("bad-line", f"a line is longer than {_LINE_BYTES} bytes")
        for line in lines:
            yield line.removesuffix(b"\r")
    if rest:
        yield rest.removesuffix(b"\r")


def _too_large(limit_bytes: int) -> ItemError:
    return ItemError("too-large", f"holds more than the {limit_bytes} bytes allowed")
