"""The fetcher against servers that fail, lie, drip or say nothing, a full disk and a wrong clock."""

import asyncio
import gzip
import itertools
import os
import random
import resource
import subprocess
import sys
import time
import zlib
from collections import Counter
from pathlib import Path

import pytest

from actorrec.errors import ArtifactError, ItemError
from actorrec.scrape.fetch.client import PoliteFetcher
from hostile_servers import Answer, Call, both, hostile, in_turn, raw, refused, reply


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def in_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "cache")


def test_faults_that_pass_are_tried_again_and_counted(cache: Path, tmp_path: Path) -> None:
    async def run() -> None:
        good = reply(b"x" * 1000)
        routes = {
            "/429": in_turn(reply(b"", 429, {"Retry-After": "0"}), good),
            "/503": in_turn(reply(b"", 503, {"Retry-After": "0"}), good),
            "/short": in_turn(reply(b"x" * 500, length=1000), good),
            "/chunks": in_turn(raw(b"HTTP/1.1 200 X\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"), good),
            "/hangup": in_turn(raw(b""), good),
        }
        recovered: Counter[str] = Counter()
        async with both(routes, cache, recovered=recovered, max_wait_s=0.01) as (server, fetcher):
            for path in routes:
                got = await fetcher.download(server.url + path, tmp_path / path[1:])
                assert (got.bytes, (tmp_path / path[1:]).stat().st_size) == (1000, 1000)
        assert recovered == {"429": 1, "503": 1, "truncated": 2, "connection": 1}

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "reason", "tries"),
    [
        (reply(b"", 404), "http-404", 1),
        (reply(b"", 403), "http-403", 1),
        (reply(b"", 202), "http-202", 1),
        (reply(b"", 304), "http-304", 1),
        (reply(b"", 503), "http-503", 3),
        (reply(b"", 429), "rate-limited", 3),
        (reply(b"abc", length=10), "truncated", 3),
        (reply(b"abc", 404, length=10), "http-404", 1),
        (raw(b""), "connection", 3),
        (raw(b"I am no web server\r\n\r\n"), "bad-response", 1),
        (raw(b"HTTP/1.1 200 X\r\nX: " + b"a" * 200_000 + b"\r\n\r\n"), "bad-response", 1),
        (raw(b"HTTP/1.1 200 X\r\nContent-Length: 10\r\nContent-Length: 20\r\n\r\nabc"), "bad-response", 1),
        (reply(b"abc", length=10 * 2**30), "too-large", 1),
        (reply(b"abc", headers={"Content-Encoding": "br"}), "bad-encoding", 1),
        (reply(b"abcabcabc", headers={"Content-Encoding": "gzip"}), "bad-encoding", 1),
        (reply(gzip.compress(os.urandom(999))[:500], headers={"Content-Encoding": "gzip"}), "truncated", 3),
    ],
)
def test_faults_that_stay_have_a_name(answer: Answer, reason: str, tries: int, cache: Path, tmp_path: Path) -> None:
    async def run() -> None:
        recovered: Counter[str] = Counter()
        async with both({"/x": answer}, cache, recovered=recovered, attempts=3, max_wait_s=0.01) as (server, fetcher):
            error = await refused(fetcher.download(server.url + "/x", tmp_path / "x"))
            assert (error.reason, len(server.paths())) == (reason, tries)
            assert error.message.startswith(f"{server.url}/x: ")
            assert (await refused(fetcher.page(server.url + "/x"))).reason == reason
        assert in_folder(tmp_path) == []
        assert not recovered

    asyncio.run(run())


def test_a_body_without_a_length_is_counted_while_it_comes(cache: Path, tmp_path: Path) -> None:
    async def endless(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 X\r\n\r\n")
        while True:
            await call.send(b"x" * 10_000)

    async def run() -> None:
        async with both({"/x": endless}, cache, max_bytes=100_000, max_page_bytes=50_000) as (server, fetcher):
            for work in (fetcher.download(server.url + "/x", tmp_path / "x"), fetcher.page(server.url + "/x")):
                assert (await refused(work)).reason == "too-large"
        assert in_folder(tmp_path) == []

    asyncio.run(run())


def test_a_bomb_is_not_unpacked(cache: Path, tmp_path: Path) -> None:
    bomb = zlib.compressobj(9, zlib.DEFLATED, zlib.MAX_WBITS | 16)
    packed = b"".join(bomb.compress(bytes(2**20)) for _ in range(256)) + bomb.flush()

    async def run() -> None:
        async with both({"/x": reply(packed, headers={"Content-Encoding": "gzip"})}, cache) as (server, fetcher):
            before_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            assert (await refused(fetcher.page(server.url + "/x"))).reason == "too-large"
            assert (await refused(fetcher.download(server.url + "/x", tmp_path / "x"))).reason == "too-large"
            grown_kib = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before_kib
        assert grown_kib < 100 * 1024  # of 256 MiB

    asyncio.run(run())


@pytest.mark.parametrize("headers", [b"", b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n"])
def test_a_server_that_drips_is_given_up(headers: bytes, cache: Path, tmp_path: Path) -> None:
    async def drip(call: Call) -> None:
        await call.send(headers)
        for byte in b"HTTP/1.1 200 X\r\nX: " + b"y" * 10_000:
            await call.send(bytes([byte]))
            await asyncio.sleep(0.05)

    async def run() -> None:
        async with both({"/x": drip}, cache, robots=False, timeout_s=5, deadline_s=0.4) as (server, fetcher):
            error = await refused(fetcher.download(server.url + "/x", tmp_path / "x"))
            assert error.reason == "too-slow"
            assert "0.4 s" in error.message
        assert in_folder(tmp_path) == []

    asyncio.run(run())


def test_a_server_that_says_nothing_is_tried_again(cache: Path) -> None:
    async def silent(call: Call) -> None:
        await asyncio.sleep(60)

    async def run() -> None:
        recovered: Counter[str] = Counter()
        routes = {"/x": in_turn(silent, reply(b"late")), "/y": silent}
        quick = {"timeout_s": 0.2, "max_wait_s": 0.01}
        # Two tries would do, were no answer ever late on a busy machine.
        async with both(routes, cache, recovered=recovered, attempts=20, **quick) as (server, fetcher):
            assert (await fetcher.page(server.url + "/x")).body == b"late"
        assert set(recovered) == {"timeout"}
        async with both(routes, cache, robots=False, attempts=2, **quick) as (server, fetcher):
            assert (await refused(fetcher.page(server.url + "/y"))).reason == "timeout"
            assert server.paths() in (["/y"], ["/y"] * 2)  # a machine may stand still before a try has left it

    asyncio.run(run())


def test_a_full_disk_leaves_nothing_and_says_so(cache: Path, tmp_path: Path) -> None:
    async def run() -> None:
        async with both({"/x": reply(bytes(4_000_000))}, cache) as (server, fetcher):
            soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
            resource.setrlimit(resource.RLIMIT_FSIZE, (1_000_000, hard))  # the nearest to a full disk without one
            try:
                with pytest.raises(ArtifactError, match=r"cannot write .*: File too large"):
                    await fetcher.download(server.url + "/x", tmp_path / "x")
            finally:
                resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            with pytest.raises(ArtifactError, match="cannot write"):
                await fetcher.download(server.url + "/x", tmp_path / "no folder" / "x")
        assert in_folder(tmp_path) == []

    asyncio.run(run())


FULL_DISK = """
import asyncio, sys
from pathlib import Path
from actorrec.errors import ArtifactError
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.sections import FetchSection

async def main(url, folder, cache):
    async with open_fetcher(FetchSection(allow_addresses=("127.0.0.0/8",), cache_dir=cache)) as fetcher:
        try:
            await fetcher.download(url, folder / "x")
        except ArtifactError as error:
            print(error.in_full, sorted(folder.iterdir()))

asyncio.run(main(sys.argv[1], Path(sys.argv[2]), Path(sys.argv[3])))
"""


def test_a_disk_that_is_really_full_is_told_with_what_to_do(cache: Path, tmp_path: Path) -> None:
    """On a file system of 1 MiB in a mount namespace of its own."""
    small = tmp_path / "small"
    small.mkdir()
    mount = f"mount -t tmpfs -o size=1m small {small}"
    if subprocess.run(["unshare", "-rm", "sh", "-c", mount], capture_output=True).returncode:
        pytest.skip("no file system can be mounted here")

    async def run() -> str:
        async with hostile({"/x": reply(bytes(4_000_000))}) as server:
            script = f'{mount} && exec "$@"'
            words = (sys.executable, "-c", FULL_DISK, server.url + "/x", str(small), str(cache))
            process = await asyncio.create_subprocess_exec(
                "unshare", "-rm", "sh", "-c", script, "sh", *words, stdout=subprocess.PIPE
            )
            out, _ = await process.communicate()
            return out.decode()

    told = asyncio.run(run())
    assert "No space left on device (the disk is full: free some space" in told
    assert told.endswith(" []\n")


def test_a_clock_that_jumps_changes_nothing(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wall clock goes a day forward, two back, and so on, at every look."""
    looks = itertools.count()
    monkeypatch.setattr(time, "time", lambda: 1.8e9 + 86_400 * next(looks) * (-1) ** next(looks))

    async def run() -> None:
        later = {"Date": "Tue, 01 Jan 2030 00:00:00 GMT", "Retry-After": "Tue, 01 Jan 2030 00:00:00 GMT"}
        kept = reply(b"x" * 100, headers={"Cache-Control": "max-age=5", "Date": "Tue, 01 Jan 2030 00:00:00 GMT"})
        routes = {"/a": in_turn(reply(b"", 429, later), kept), "/b": kept}
        async with both(routes, cache, rate_per_s=100) as (server, fetcher):
            begun_s = time.monotonic()
            async with asyncio.timeout(120):
                for n in range(30):
                    assert (await fetcher.page(server.url + f"/a?{n // 3}")).body == b"x" * 100
                    assert (await fetcher.download(server.url + "/b", tmp_path / "b")).bytes == 100
            assert server.times_s[-1] - begun_s > 0.3  # nor is it faster than it may be

    asyncio.run(run())


def test_what_is_cancelled_leaves_no_file_and_no_place_taken(cache: Path, tmp_path: Path) -> None:
    begun = asyncio.Event()

    async def slow(call: Call) -> None:
        await call.send(b"HTTP/1.1 200 X\r\nContent-Length: 100\r\n\r\nabc")
        begun.set()
        await asyncio.sleep(60)

    async def run() -> None:
        routes = {"/slow": slow, "/x": reply(b"x")}
        async with both(routes, cache, connections=1, connections_per_host=1) as (server, fetcher):
            for _ in range(2):
                begun.clear()
                task = asyncio.create_task(fetcher.download(server.url + "/slow", tmp_path / "slow"))
                await begun.wait()
                while not in_folder(tmp_path):
                    await asyncio.sleep(0.01)
                task.cancel()
                with pytest.raises(asyncio.CancelledError):
                    await task
                assert in_folder(tmp_path) == []
            assert (await fetcher.page(server.url + "/x")).body == b"x"

    asyncio.run(run())


PIECES = [
    *(b"HTTP/1.1 %d X\r\n" % status for status in (200, 200, 302, 100, 101, 999)),
    *(b"\r\n", b"\r\n\r\n", b"Location: ", b"http://", b"/x", b"hello", b"\x00\xff", b"\x1f\x8b\x08"),
    *(b"Content-Length: 5\r\n", b"Content-Length: -1\r\n", b"Content-Length: 9999999999999999999999\r\n"),
    *(b"Transfer-Encoding: chunked\r\n", b"5\r\nhello\r\n", b"0\r\n\r\n", b"Content-Encoding: gzip\r\n"),
    *(b"Retry-After: 0\r\n", b'ETag: "\xff"\r\n', b"Cache-Control: max-age=9\r\n", b"Date: x\r\n", b"Vary: *\r\n"),
]


def test_whatever_a_server_sends_ends_in_an_answer_or_a_named_error(cache: Path, tmp_path: Path) -> None:
    chance = random.Random(1)
    outcomes = Counter[str]()

    async def rubbish(call: Call) -> None:
        await call.send(chance.choice(PIECES[:3]) + b"".join(chance.choices(PIECES, k=chance.randrange(1, 9))))

    async def one(fetcher: PoliteFetcher, url: str, n: int) -> None:
        try:
            if n % 3 == 0:
                await fetcher.page(url)
            elif n % 3 == 1:
                await fetcher.download(url, tmp_path / f"{n}")
            else:
                async for _ in fetcher.stream_lines(url + ".gz"):
                    pass
        except ItemError as error:
            outcomes[error.reason] += 1
        else:
            outcomes["ok"] += 1

    async def run() -> None:
        routes = {f"/{n}{end}": rubbish for n in range(300) for end in ("", ".gz")}
        async with both(routes, cache, attempts=2, max_wait_s=0.01) as (server, fetcher):
            await asyncio.gather(*(one(fetcher, f"{server.url}/{n}", n) for n in range(300)))

    asyncio.run(run())
    assert outcomes.total() == 300
    assert {"ok", "bad-response", "connection"} < set(outcomes)
