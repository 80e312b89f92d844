"""How fast the fetcher asks, and how it waits."""

import asyncio
import math
from bisect import bisect_left
from collections import Counter
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ItemError
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.sections import FetchSection
from hostile_servers import Call, hostile, in_turn, reply


def settings(cache: Path, **changes: Any) -> FetchSection:
    given = {"rate_per_s": 500.0, "cache_dir": cache, "allow_addresses": ("127.0.0.0/8",), **changes}
    return FetchSection.model_validate(given)


def most_in_a_second(times_s: Sequence[float]) -> int:
    return max(bisect_left(times_s, start + 1) - at for at, start in enumerate(times_s))


@pytest.mark.parametrize("rate", [50, 200])
def test_the_rate_is_never_exceeded(rate: int, tmp_path: Path) -> None:
    async def run() -> list[float]:
        async with hostile({"/a": reply(b"ok")}) as server:
            changes = {"host_rates": (f"127.0.0.1:{server.port}={rate}",), "rate_per_s": 1}
            async with open_fetcher(settings(tmp_path, **changes)) as fetcher:
                await asyncio.gather(*(fetcher.page(server.url + f"/a?{n}") for n in range(2 * rate)))
        return server.times_s

    times_s = asyncio.run(run())
    # The few under way when all is held up fall into the next window: as many more as there are connections.
    assert most_in_a_second(times_s) <= rate + 4
    assert most_in_a_second([time_s * 10 for time_s in times_s]) <= math.ceil(rate / 10 * 1.4) + 4


def test_no_more_at_once_than_allowed(tmp_path: Path) -> None:
    now, most, full = Counter[str](), Counter[str](), asyncio.Event()

    async def slow(call: Call) -> bool | None:
        host = call.headers["host"]
        for key in (host, "all"):
            now[key] += 1
            most[key] = max(most[key], now[key])
        if most["all"] >= 5:
            full.set()
        await asyncio.wait_for(full.wait(), 60)
        await asyncio.sleep(0.05)  # time for one too many
        for key in (host, "all"):
            now[key] -= 1
        return await reply(b"ok")(call)

    async def run() -> None:
        changes = {"connections": 5, "connections_per_host": 3}
        async with hostile({"/a": slow}) as one, hostile({"/a": slow}) as two:
            async with open_fetcher(settings(tmp_path, **changes)) as fetcher:
                await asyncio.gather(*(fetcher.page(s.url + f"/a?{n}") for n in range(12) for s in (one, two)))
            hosts = [most[f"127.0.0.1:{server.port}"] for server in (one, two)]
            assert max(hosts) == 3
            assert most["all"] == 5
            assert one.connections + two.connections <= 8  # kept open and used again

    asyncio.run(run())


def test_who_must_wait_holds_up_nobody(tmp_path: Path) -> None:
    done: list[str] = []

    async def run() -> None:
        routes = {"/wait": reply(b"", 429, {"Retry-After": "100"}), "/a": reply(b"")}
        changes = {"connections": 1, "connections_per_host": 1}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path, **changes)) as fetcher:

            async def ask(path: str) -> None:
                await fetcher.page(server.url + path)
                done.append(path)

            waits = asyncio.create_task(ask("/wait"))
            while "/wait" not in server.paths():
                await asyncio.sleep(0.005)
            async with asyncio.timeout(60), asyncio.TaskGroup() as group:
                for n in range(10):
                    group.create_task(ask(f"/a?{n}"))
            waits.cancel()
            await asyncio.wait([waits])
            assert waits.cancelled() and server.paths().count("/wait") == 1

    asyncio.run(run())
    assert len(done) == 10


def test_a_date_to_wait_for_is_read_by_the_servers_own_clock(tmp_path: Path) -> None:
    async def run() -> None:
        then = {"Date": "Mon, 01 Jan 1990 00:00:00 GMT", "Retry-After": "Mon, 01 Jan 1990 00:00:01 GMT"}
        routes = {"/a": in_turn(reply(b"", 503, then), reply(b"ok"))}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path)) as fetcher:
            assert (await fetcher.page(server.url + "/a")).body == b"ok"
            assert server.times_s[-1] - server.times_s[-2] >= 1.0

    asyncio.run(run())


def test_a_wait_that_is_too_long_is_named(tmp_path: Path) -> None:
    async def run() -> None:
        routes = {"/a": reply(b"", 429, {"Retry-After": "86400"})}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path)) as fetcher:
            for _ in range(5):
                with pytest.raises(ItemError, match="86400 s") as caught:
                    await fetcher.page(server.url + "/a")
                assert caught.value.reason == "rate-limited"
                assert "max_wait_s (120)" in caught.value.hint
            # After three in a row the host as a whole is left alone: nobody asks it again.
            assert server.paths() == ["/a"] * 3

    asyncio.run(run())


def test_a_host_that_refuses_many_is_left_alone_for_a_while(tmp_path: Path) -> None:
    refusing = True

    async def answer(call: Call) -> bool | None:
        return await (reply(b"", 503, {"Retry-After": "1"}) if refusing else reply(b"ok"))(call)

    async def run() -> None:
        nonlocal refusing
        changes = {"rate_per_s": 100, "connections_per_host": 1}
        async with hostile({"/a": answer}) as server, open_fetcher(settings(tmp_path, **changes)) as fetcher:
            async with asyncio.TaskGroup() as group:
                for n in range(20):
                    group.create_task(fetcher.page(server.url + f"/a?{n}"))
                while len(server.paths()) < 3:
                    await asyncio.sleep(0.005)
                refusing = False
            times_s = server.times_s[1:]
            gaps_s = [later - earlier for earlier, later in pairwise(times_s)]
            assert max(gaps_s[:5]) >= 0.9  # all of them waited, not the refused alone

    asyncio.run(run())


def test_the_slower_of_robots_txt_and_our_rate_holds(tmp_path: Path) -> None:
    async def run() -> None:
        for asked in (b"Crawl-delay: 0.1", b"Request-rate: 10/1s"):
            routes = {"/robots.txt": reply(b"User-agent: *\n" + asked + b"\n"), "/a": reply(b"ok")}
            async with hostile(routes) as server, open_fetcher(settings(tmp_path)) as fetcher:
                await asyncio.gather(*(fetcher.download(server.url + "/a", tmp_path / f"{n}") for n in range(8)))
                assert server.times_s[-1] - server.times_s[0] >= 0.69  # of 0.7; robots.txt comes before the eight

    asyncio.run(run())
