"""What the fetcher must not reach: addresses that are not public, and what robots.txt forbids."""

import asyncio
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import ItemError
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.sections import FetchSection
from hostile_servers import hostile, in_turn, raw, reply


def settings(cache: Path, **changes: Any) -> FetchSection:
    return FetchSection.model_validate({"rate_per_s": 500.0, "cache_dir": cache, "attempts": 2, **changes})


async def reason_of(work: Any) -> str:
    with pytest.raises(ItemError) as caught:
        await work
    return caught.value.reason


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0", "[::ffff:127.0.0.1]", "[::1]"],
)
def test_no_way_to_write_loopback_reaches_it(host: str, tmp_path: Path) -> None:
    async def run() -> None:
        async with hostile({"/": reply(b"secret")}, host="127.0.0.1") as server, open_fetcher(settings(tmp_path)) as f:
            # Not every resolver knows every spelling, and some are no address at all; none may connect.
            reasons = {"private-address", "unknown-host", "bad-url"}
            assert await reason_of(f.page(f"http://{host}:{server.port}/")) in reasons
            assert await reason_of(f.download(f"http://{host}:{server.port}/", tmp_path / "x")) in reasons
        assert server.connections == 0

    asyncio.run(run())


def test_a_redirect_to_a_private_address_is_not_followed(tmp_path: Path) -> None:
    async def run() -> None:
        async with hostile({"/": reply(b"secret")}, host="127.0.0.2") as private:
            targets = {
                "/loopback": private.url + "/",
                "/metadata": "http://169.254.169.254/latest/meta-data/",
                "/v6": "http://[fd00:ec2::254]/",
                "/mapped": f"http://[::ffff:127.0.0.2]:{private.port}/",
                "/lan": "https://192.168.1.1/",
            }
            routes = {path: reply(b"", 302, {"Location": target}) for path, target in targets.items()}
            async with (
                hostile(routes, host="127.0.0.1") as server,
                open_fetcher(settings(tmp_path, allow_addresses=("127.0.0.1/32",))) as fetcher,
            ):
                for path in routes:
                    assert await reason_of(fetcher.page(server.url + path)) == "private-address"
                    assert await reason_of(fetcher.download(server.url + path, tmp_path / "x")) == "private-address"
                    assert await reason_of(anext(fetcher.stream_lines(server.url + path))) == "private-address"
        assert private.connections == 0

    asyncio.run(run())


def test_a_name_that_changes_its_address_gains_nothing(tmp_path: Path) -> None:
    """The name server says 127.0.0.1, which is allowed here, and 127.0.0.2, which is not, by turns."""
    answers: list[str] = []

    async def resolver(host: str, port: int) -> Sequence[str]:
        answers.append("127.0.0.1" if len(answers) % 2 == 0 else "127.0.0.2")
        return [answers[-1]]

    async def run() -> None:
        last = raw(b"HTTP/1.1 200 X\r\nContent-Length: 2\r\nConnection: close\r\n\r\nok")
        async with (
            hostile({"/": last, "/robots.txt": last}, host="127.0.0.1") as public,
            hostile({"/": reply(b"secret")}, host="127.0.0.2", port=public.port) as private,
            open_fetcher(settings(tmp_path, allow_addresses=("127.0.0.1/32",)), resolver=resolver) as fetcher,
        ):
            url = f"http://rebinding.example:{public.port}/"
            assert await reason_of(fetcher.page(url)) == "private-address"  # robots.txt was had, then it changed
            assert (await fetcher.page(url)).body == b"ok"
        assert (public.connections, private.connections) == (2, 0)
        assert answers == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]  # asked once per connection, never after the check

    asyncio.run(run())


def test_of_several_addresses_only_the_permitted_are_tried(tmp_path: Path) -> None:
    async def resolver(host: str, port: int) -> Sequence[str]:
        return ["127.0.0.2", "10.0.0.1", "127.0.0.9", "127.0.0.1"]

    async def run() -> None:
        async with (
            hostile({"/": reply(b"ok")}, host="127.0.0.1") as public,
            hostile({"/": reply(b"secret")}, host="127.0.0.2", port=public.port) as private,
            open_fetcher(settings(tmp_path, allow_addresses=("127.0.0.1", "127.0.0.9")), resolver=resolver) as fetcher,
        ):
            assert (await fetcher.page(f"http://several.example:{public.port}/")).body == b"ok"
        assert private.connections == 0

    asyncio.run(run())


def test_robots_txt_is_read_once_and_obeyed_at_every_hop(tmp_path: Path) -> None:
    robots = b"User-agent: *\nDisallow: /\n\nUser-agent: actorrec\nDisallow: /private\nDisallow: /*.gif$\n"

    async def run() -> None:
        routes = {
            "/robots.txt": reply(robots),
            "/open": reply(b"ok"),
            "/to": reply(b"", 302, {"Location": "/private/x"}),
        }
        async with (
            hostile(routes) as server,
            open_fetcher(settings(tmp_path, allow_addresses=("127.0.0.0/8",))) as fetcher,
        ):
            pages = await asyncio.gather(*(fetcher.page(server.url + f"/open?{n}") for n in range(5)))
            assert {page.body for page in pages} == {b"ok"}
            for path in ("/private/x", "/a.gif", "/to"):
                assert await reason_of(fetcher.page(server.url + path)) == "robots-disallowed"
                assert await reason_of(fetcher.download(server.url + path, tmp_path / "x")) == "robots-disallowed"
                assert await reason_of(anext(fetcher.stream_lines(server.url + path))) == "robots-disallowed"
        assert set(server.paths()) == {"/open", "/to"}
        assert server.asked.count("GET /robots.txt") == 1

    asyncio.run(run())


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (reply(b"", 404), ""),
        (reply(b"", 403), ""),
        (reply(b"User-agent: *\nDisallow: /\n", 410), ""),
        (reply(b"\xff\xfe<html>\x00" * 99), ""),
        (reply(b"#" * 2_000_000 + b"\nUser-agent: *\nDisallow: /\n"), ""),  # 500 KiB are read
        (reply(b"", 302, {"Location": "/other.txt"}), "robots-disallowed"),
        (reply(b"", 302, {"Location": "/robots.txt"}), "robots-unreachable"),
        (reply(b"", 302, {"Location": "http://10.0.0.1/robots.txt"}), "private-address"),
        (reply(b"", 500), "robots-unreachable"),
        (reply(b"", 503), "robots-unreachable"),
        (reply(b"", 429), "robots-unreachable"),
        (reply(b"", 202), "robots-unreachable"),
        (reply(b"", 403, {"x-amzn-waf-action": "challenge"}), "robots-unreachable"),
        (raw(b""), "connection"),
        (raw(b"nonsense\r\n\r\n"), "robots-unreachable"),
        (reply(b"User", length=100), "robots-unreachable"),
    ],
)
def test_a_robots_txt_that_is_not_there_or_cannot_be_had(answer: Any, reason: str, tmp_path: Path) -> None:
    async def run() -> None:
        routes = {"/robots.txt": answer, "/other.txt": reply(b"User-agent: *\nDisallow: /a\n"), "/a": reply(b"ok")}
        changes = {"allow_addresses": ("127.0.0.0/8",), "max_wait_s": 0.01}
        async with hostile(routes) as server, open_fetcher(settings(tmp_path, **changes)) as fetcher:
            if not reason:
                assert (await fetcher.page(server.url + "/a")).body == b"ok"
                return
            for _ in range(2):
                assert await reason_of(fetcher.page(server.url + "/a")) == reason
            assert "/a" not in server.paths()
            assert server.asked.count("GET /robots.txt") <= 6  # a failure is remembered for a while

    asyncio.run(run())


def test_programming_interfaces_with_terms_of_their_own_are_exempt(tmp_path: Path) -> None:
    async def run() -> None:
        routes = {"/robots.txt": reply(b"User-agent: *\nDisallow: /\n"), "/w/api.php": reply(b"ok")}
        async with hostile(routes) as server:
            exempt = (server.url + "/w/api.php", "http://127.0.0.1:1/", server.url + "/3/")
            changes = {"allow_addresses": ("127.0.0.0/8",), "robots_exempt": exempt}
            async with open_fetcher(settings(tmp_path, **changes)) as fetcher:
                assert (await fetcher.page(server.url + "/w/api.php", params={"a": "b"})).body == b"ok"
                assert server.asked == ["GET /w/api.php?a=b"]
                for path in ("/w/api.phpx", "/w/", "/3", "/3/../w/x", "/3/%2e%2e/w/x"):
                    assert await reason_of(fetcher.page(server.url + path)) == "robots-disallowed"

    asyncio.run(run())


def test_a_site_that_wants_us_very_slow_is_left_alone(tmp_path: Path) -> None:
    async def run() -> None:
        routes = {"/robots.txt": reply(b"User-agent: *\nCrawl-delay: 9000\n"), "/a": reply(b"ok")}
        async with (
            hostile(routes) as server,
            open_fetcher(settings(tmp_path, allow_addresses=("127.0.0.0/8",))) as fetcher,
        ):
            with pytest.raises(ItemError, match="9000 s") as caught:
                await fetcher.page(server.url + "/a")
            assert caught.value.reason == "rate-limited"
            assert server.paths() == []

    asyncio.run(run())


def test_a_robots_txt_that_comes_back_is_obeyed_by_those_who_waited(tmp_path: Path) -> None:
    async def run() -> None:
        answer = in_turn(reply(b"", 503, {"Retry-After": "0"}), reply(b"User-agent: *\nDisallow: /b\n"))
        routes = {"/robots.txt": answer, "/a": reply(b"ok"), "/b": reply(b"no")}
        async with (
            hostile(routes) as server,
            open_fetcher(settings(tmp_path, allow_addresses=("127.0.0.0/8",))) as fetcher,
        ):
            found = await asyncio.gather(
                *(fetcher.page(server.url + path) for path in ("/a", "/b") * 3), return_exceptions=True
            )
            assert [getattr(one, "reason", "ok") for one in found] == ["ok", "robots-disallowed"] * 3
            assert server.asked.count("GET /robots.txt") == 2

    asyncio.run(run())
