"""Large text files, line by line."""

import asyncio
import gzip
import os
import resource
import zlib
from contextlib import aclosing
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ItemError
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.sections import FetchSection
from hostile_servers import Answer, Call, both, hostile, in_turn, raw, reply


def settings(cache: Path, **changes: Any) -> FetchSection:
    given = {"rate_per_s": 500.0, "cache_dir": cache, "allow_addresses": ("127.0.0.0/8",), "max_wait_s": 0.01}
    return FetchSection.model_validate({**given, **changes})


async def lines_from(answer: Answer, path: str, cache: Path, **changes: Any) -> list[bytes]:
    routes = {path: answer, "/to": reply(b"", 302, {"Location": path})}
    async with both(routes, cache, **{"max_wait_s": 0.01, **changes}) as (server, fetcher):
        return [line async for line in fetcher.stream_lines(server.url + "/to")]


TEXT = b"".join(b"tt%07d\t\xc3\xa4 name\t%d\n" % (n, n * n) for n in range(20_000))


@pytest.mark.parametrize(
    ("body", "path"),
    [
        (TEXT, "/x.tsv"),
        (TEXT[:-1], "/x.tsv"),
        (TEXT.replace(b"\n", b"\r\n"), "/x.tsv"),
        (gzip.compress(TEXT), "/x.tsv.gz"),
        (gzip.compress(TEXT[:5000]) + gzip.compress(TEXT[5000:]) + bytes(100), "/x.tsv.gz"),
    ],
)
def test_every_line_comes_once(body: bytes, path: str, tmp_path: Path) -> None:
    failing_first = in_turn(reply(b"", 503), raw(b""), reply(body))
    assert asyncio.run(lines_from(failing_first, path, tmp_path)) == TEXT.split(b"\n")[:-1]


def test_packing_that_is_told_twice_is_undone_once(tmp_path: Path) -> None:
    answer = reply(gzip.compress(TEXT), headers={"Content-Encoding": "gzip"})
    assert asyncio.run(lines_from(answer, "/x.tsv.gz", tmp_path)) == TEXT.split(b"\n")[:-1]


def test_an_empty_file_has_no_lines(tmp_path: Path) -> None:
    assert asyncio.run(lines_from(reply(b""), "/x", tmp_path)) == []
    assert asyncio.run(lines_from(reply(gzip.compress(b"")), "/x.gz", tmp_path)) == []


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(gzip.compress(TEXT)[:-500]), "truncated"),
        (reply(gzip.compress(TEXT), length=10**6), "truncated"),
        (reply(TEXT), "bad-encoding"),
        (reply(gzip.compress(b"x" * (2**20 + 70_000))), "bad-line"),
        (reply(b"", 404), "http-404"),
    ],
)
def test_what_is_wrong_is_named(answer: Answer, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ItemError) as caught:
        asyncio.run(lines_from(answer, "/x.gz", tmp_path, attempts=2))
    assert caught.value.reason == reason
    assert "/x.gz: " in caught.value.message


def test_a_stream_that_drips_is_given_up(tmp_path: Path) -> None:
    async def drip(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n")
        for _ in range(1000):
            await call.send(b"line\n")
            await asyncio.sleep(0.05)

    with pytest.raises(ItemError) as caught:
        asyncio.run(lines_from(drip, "/x", tmp_path, robots=False, deadline_s=0.3))
    assert caught.value.reason == "too-slow"


def test_a_large_file_does_not_grow_in_memory(tmp_path: Path) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    block = b"".join(b"tt%07d\tname\n" % n for n in range(65_536))
    packed = b"".join(packer.compress(block) for _ in range(32)) + packer.flush()

    async def run() -> int:
        async with hostile({"/x.gz": reply(packed)}) as server, open_fetcher(settings(tmp_path)) as fetcher:
            count = 0
            async for _ in fetcher.stream_lines(server.url + "/x.gz"):
                count += 1
            return count

    before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert asyncio.run(run()) == 32 * 65_536
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib < 64 * 1024


def test_who_stops_reading_gives_the_connection_back(tmp_path: Path) -> None:
    async def run() -> None:
        routes = {"/x": reply(os.urandom(100).hex().encode() + b"\n" + TEXT * 20), "/a": reply(b"ok")}
        changes = {"connections": 1, "connections_per_host": 1}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path, **changes)) as fetcher:
            for _ in range(3):
                async with aclosing(fetcher.stream_lines(server.url + "/x")) as lines:
                    async for line in lines:
                        assert len(line) == 200
                        break
            assert (await fetcher.page(server.url + "/a")).body == b"ok"

    asyncio.run(run())
