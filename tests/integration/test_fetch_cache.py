"""Pages kept between runs, by the rules of HTTP."""

import asyncio
import logging
import sqlite3
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ItemError
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.sections import FetchSection
from hostile_servers import Answer, Call, HostileServer, hostile, in_turn, reply


async def ask_in_two_runs(
    routes: dict[str, Answer], cache: Path, *, times: int = 2
) -> tuple[HostileServer, list[bytes]]:
    """The same page, each time by a fetcher of its own."""
    bodies = []
    async with hostile(routes) as server:
        for _ in range(times):
            async with open_fetcher(settings(cache)) as fetcher:
                bodies.append((await fetcher.page(server.url + "/a", params={"q": "1"})).body)
    return server, bodies


def settings(cache: Path) -> FetchSection:
    return FetchSection(rate_per_s=500, cache_dir=cache, allow_addresses=("127.0.0.0/8",), attempts=2, max_wait_s=0.01)


def test_a_fresh_page_is_not_asked_for_again(tmp_path: Path) -> None:
    kept = {"Cache-Control": "private, max-age=600"}
    server, bodies = asyncio.run(ask_in_two_runs({"/a": in_turn(reply(b"one", headers=kept), reply(b"two"))}, tmp_path))
    assert bodies == [b"one", b"one"]
    assert server.asked == ["GET /robots.txt", "GET /a?q=1"]


def test_a_page_with_an_etag_is_revalidated(tmp_path: Path) -> None:
    async def answer(call: Call) -> bool | None:
        known = call.headers.get("if-none-match") == '"1"'
        return await reply(b"" if known else b"whole", 304 if known else 200, {"ETag": '"1"'})(call)

    server, bodies = asyncio.run(ask_in_two_runs({"/a": answer}, tmp_path, times=3))
    assert bodies == [b"whole"] * 3
    assert [headers.get("if-none-match") for headers in server.headers if headers] == [
        None,
        None,
        None,
        '"1"',
        None,
        '"1"',
    ]


@pytest.mark.parametrize("headers", [{"Cache-Control": "no-store"}, {}, {"Cache-Control": "max-age=0"}])
def test_what_may_not_be_kept_is_asked_for_again(headers: dict[str, str], tmp_path: Path) -> None:
    routes = {"/a": in_turn(reply(b"one", headers=headers), reply(b"two", headers=headers))}
    _, bodies = asyncio.run(ask_in_two_runs(routes, tmp_path))
    assert bodies == [b"one", b"two"]


def test_errors_are_not_kept(tmp_path: Path) -> None:
    async def run() -> None:
        kept = {"Cache-Control": "max-age=600"}
        for status in (404, 503, 429, 202):
            async with hostile({"/a": in_turn(*[reply(b"", status, kept)] * 2, reply(b"ok"))}) as server:
                async with open_fetcher(settings(tmp_path)) as fetcher:
                    for _ in range(4):
                        try:
                            body = (await fetcher.page(server.url + "/a")).body
                        except ItemError:
                            continue
                assert body == b"ok"

    asyncio.run(run())


def test_a_challenge_that_was_asked_for_is_not_kept(tmp_path: Path) -> None:
    async def run() -> None:
        kept = {"Cache-Control": "max-age=600"}
        routes = {"/a": in_turn(reply(b"", 202, kept), reply(b"ok", headers=kept))}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path)) as fetcher:
            statuses = [(await fetcher.page(server.url + "/a", ok=frozenset({200, 202}))).status for _ in range(2)]
            assert statuses == [202, 200]

    asyncio.run(run())


@pytest.mark.parametrize("damage", ["rubbish", "folder", "cut"])
def test_a_cache_that_is_damaged_or_cannot_be_had_is_done_without(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = {"/a": reply(b"one", headers={"Cache-Control": "max-age=600"})}
    asyncio.run(ask_in_two_runs(kept, tmp_path))
    (file,) = tmp_path.glob("*.db")
    for beside in tmp_path.glob("*.db-*"):
        beside.unlink()
    if damage == "folder":
        file.unlink()
        file.mkdir()
    else:
        file.write_bytes(b"rubbish" * 1000 if damage == "rubbish" else file.read_bytes()[:5000])
    _, bodies = asyncio.run(ask_in_two_runs(kept, tmp_path))
    assert bodies == [b"one", b"one"]
    assert not [record for record in caplog.records if record.exc_info]
    told = [record.getMessage() for record in caplog.records if record.levelno >= logging.WARNING]
    assert len(told) == (2 if damage == "folder" else 0)


def test_what_another_program_left_in_its_place_is_not_touched(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    kept = {"/a": reply(b"one", headers={"Cache-Control": "max-age=600"})}
    asyncio.run(ask_in_two_runs(kept, tmp_path, times=1))
    (file,) = tmp_path.glob("*.db")
    with sqlite3.connect(file) as other:
        other.execute("DROP TABLE entries")
        other.execute("CREATE TABLE entries (mine TEXT)")
    other.close()
    server, bodies = asyncio.run(ask_in_two_runs(kept, tmp_path))
    assert bodies == [b"one", b"one"]
    assert len(server.paths()) == 2
    assert "no cache of pages" in caplog.text


def test_an_entry_that_is_lost_while_it_is_read_is_asked_for_again(tmp_path: Path) -> None:
    async def run() -> None:
        routes = {"/a": reply(b"one", headers={"Cache-Control": "max-age=600"})}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path)) as fetcher:
            await fetcher.page(server.url + "/a")
            (file,) = tmp_path.glob("*.db")
            with sqlite3.connect(file) as other:
                assert other.execute("DELETE FROM streams").rowcount == 1
            other.close()
            assert (await fetcher.page(server.url + "/a")).body == b"one"
            assert len(server.paths()) == 2

    asyncio.run(run())


def test_two_runs_at_once_share_the_cache(tmp_path: Path) -> None:
    async def one(server: HostileServer) -> list[bytes]:
        async with open_fetcher(settings(tmp_path)) as fetcher:
            return [(await fetcher.page(server.url + f"/{n % 7}")).body for n in range(40)]

    async def run() -> Any:
        routes = {f"/{n}": reply(b"%d" % n, headers={"Cache-Control": "max-age=600"}) for n in range(7)}
        async with hostile(routes) as server:
            return await asyncio.gather(one(server), one(server))

    assert asyncio.run(run()) == [[b"%d" % (n % 7) for n in range(40)]] * 2
