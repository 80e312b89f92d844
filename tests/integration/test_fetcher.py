"""The fetcher against servers on loopback that answer well, late, wrongly or not at all."""

import asyncio
import gzip
import hashlib
import itertools
import os
import resource
import socket
import ssl
import subprocess
import sys
import time
import zlib
from collections import Counter
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import trustme

from actorrec.errors import ArtifactError, ConfigError, ItemError
from actorrec.scrape.fetch.client import PoliteFetcher, open_fetcher
from actorrec.sections import FetchSection
from hostile_servers import Answer, Call, HostileServer, hostile, in_turn, raw, reply

LOOPBACK = ("127.0.0.0/8",)
FAST = {"allow_addresses": LOOPBACK, "rate_per_s": 500.0}
Run = Callable[..., Any]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def settings(cache: Path, **changes: Any) -> FetchSection:
    return FetchSection.model_validate({**FAST, "cache_dir": cache, **changes})


@asynccontextmanager
async def both(
    routes: dict[str, Answer], cache: Path, *, recovered: Counter[str] | None = None, **changes: Any
) -> AsyncIterator[tuple[HostileServer, PoliteFetcher]]:
    async with hostile(routes) as server, open_fetcher(settings(cache, **changes), recovered=recovered) as fetcher:
        yield server, fetcher


def in_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "cache")


async def refused(work: Coroutine[Any, Any, object]) -> ItemError:
    with pytest.raises(ItemError) as caught:
        await work
    return caught.value


def test_a_page_and_who_asked_for_it(cache: Path) -> None:
    async def run() -> None:
        routes = {"/a": reply(b"hello", headers={"X-Kind": "greeting"})}
        async with both(routes, cache, contact="me@example.org") as (server, fetcher):
            page = await fetcher.page(server.url + "/a", params={"q": "ä b"}, headers={"user-agent": "Mozilla"})
        assert (page.url, page.status, page.body) == (server.url + "/a?q=%C3%A4+b", 200, b"hello")
        assert page.headers["x-kind"] == "greeting"
        assert server.asked == ["GET /robots.txt", "GET /a?q=%C3%A4+b"]
        assert {h["user-agent"] for h in server.headers} == {"actorrec/0.1.0 (+me@example.org)"}

    asyncio.run(run())


def test_json_is_posted_and_never_from_the_cache(cache: Path) -> None:
    async def echo(call: Call) -> bool | None:
        return await reply(call.body, headers={"Cache-Control": "max-age=600"})(call)

    async def run() -> None:
        async with both({"/q": echo}, cache) as (server, fetcher):
            pages = [await fetcher.page(server.url + "/q", json={"n": n}) for n in (1, 2)]
        assert [page.body for page in pages] == [b'{"n":1}', b'{"n":2}']
        assert server.paths() == ["/q", "/q"]
        assert server.headers[-1]["content-type"] == "application/json"

    asyncio.run(run())


def test_a_download_lands_whole_with_its_digest(cache: Path, tmp_path: Path) -> None:
    body = os.urandom(300_000)

    async def run() -> None:
        headers = {"Content-Type": "image/jpeg", "ETag": '"1"', "Last-Modified": "Mon, 01 Jan 2024 00:00:00 GMT"}
        async with both({"/x.jpg": reply(body, headers=headers)}, cache) as (server, fetcher):
            got = await fetcher.download(server.url + "/x.jpg", tmp_path / "x.jpg")
        assert (tmp_path / "x.jpg").read_bytes() == body
        assert (got.bytes, got.sha256) == (len(body), hashlib.sha256(body).hexdigest())
        assert (got.content_type, got.etag) == ("image/jpeg", '"1"')
        assert got.last_modified == "Mon, 01 Jan 2024 00:00:00 GMT"
        assert server.headers[-1]["accept-encoding"] == "identity"
        assert in_folder(tmp_path) == ["x.jpg"]

    asyncio.run(run())


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


def test_a_status_that_is_named_is_an_answer(cache: Path) -> None:
    async def run() -> None:
        routes = {"/c": reply(b"", 202, {"x-amzn-waf-action": "challenge"}), "/s": reply(b"busy", 503)}
        async with both(routes, cache) as (server, fetcher):
            page = await fetcher.page(server.url + "/c", ok=frozenset({200, 202, 403}))
            assert (page.status, page.headers["x-amzn-waf-action"]) == (202, "challenge")
            assert (await fetcher.page(server.url + "/s", ok=frozenset({503}))).body == b"busy"
        assert server.paths() == ["/c", "/s"]

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


def test_what_is_packed_is_unpacked(cache: Path, tmp_path: Path) -> None:
    body = b"some text, often repeated; " * 20_000

    async def run() -> None:
        routes = {
            "/gzip": reply(gzip.compress(body), headers={"Content-Encoding": "gzip"}),
            "/deflate": reply(zlib.compress(body), headers={"Content-Encoding": "deflate"}),
        }
        async with both(routes, cache) as (server, fetcher):
            for path in routes:
                assert (await fetcher.page(server.url + path)).body == body
                assert (await fetcher.download(server.url + path, tmp_path / "x")).bytes == len(body)

    asyncio.run(run())


@pytest.mark.parametrize("headers", [b"", b"HTTP/1.1 200 X\r\nContent-Length: 100000\r\n\r\n"])
def test_a_server_that_drips_is_given_up(headers: bytes, cache: Path, tmp_path: Path) -> None:
    async def drip(call: Call) -> None:
        await call.send(headers)
        for byte in b"HTTP/1.1 200 X\r\nX: " + b"y" * 10_000:
            await call.send(bytes([byte]))
            await asyncio.sleep(0.05)

    async def run() -> None:
        async with both({"/x": drip}, cache, timeout_s=5, deadline_s=0.4) as (server, fetcher):
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
        async with both(routes, cache, timeout_s=0.2, attempts=2, recovered=recovered) as (server, fetcher):
            assert (await fetcher.page(server.url + "/x")).body == b"late"
            assert (await refused(fetcher.page(server.url + "/y"))).reason == "timeout"
        assert recovered == {"timeout": 1}

    asyncio.run(run())


def test_redirects_are_followed_and_end(cache: Path, tmp_path: Path) -> None:
    async def run() -> None:
        routes = {
            "/a/b": reply(b"", 302, {"Location": "../c?d=1"}),
            "/c": reply(b"there"),
            "/loop": reply(b"", 301, {"Location": "/loop"}),
            "/nowhere": reply(b"", 302),
            "/file": reply(b"", 302, {"Location": "file:///etc/passwd"}),
            "/user": reply(b"", 302, {"Location": "http://a:b@127.0.0.1/"}),
            "/bad": reply(b"", 302, {"Location": "http://[::1"}),
        }
        async with both(routes, cache, max_redirects=3) as (server, fetcher):
            assert (await fetcher.page(server.url + "/a/b")).url == server.url + "/c?d=1"
            assert (await fetcher.download(server.url + "/a/b", tmp_path / "x")).url == server.url + "/c?d=1"
            reasons = {path: (await refused(fetcher.page(server.url + path))).reason for path in list(routes)[2:]}
            assert (
                await refused(fetcher.download(server.url + "/loop", tmp_path / "y"))
            ).reason == "too-many-redirects"
        assert reasons == {
            "/loop": "too-many-redirects",
            "/nowhere": "http-302",
            "/file": "bad-url",
            "/user": "bad-url",
            "/bad": "bad-url",
        }
        assert server.paths().count("/loop") == 8

    asyncio.run(run())


def test_letters_with_accents_in_headers_do_no_harm(cache: Path) -> None:
    def with_bytes(head: bytes) -> Answer:
        return raw(b"HTTP/1.1 " + head + b"\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")

    async def run() -> None:
        routes = {
            "/utf8": with_bytes("302 X\r\nLocation: /käse?q=é".encode()),
            "/latin": with_bytes("302 X\r\nLocation: /käse?q=é".encode("latin-1")),
            "/k%C3%A4se": with_bytes(b'200 X\r\nETag: "\xff"\r\nX-Name: K\xc3\xa4se\r\nCache-Control: max-age=9'),
        }
        async with both(routes, cache) as (server, fetcher):
            for path in ("/utf8", "/latin", "/utf8"):
                page = await fetcher.page(server.url + path, headers={"Referer": "http://h/käse"})
                assert page.url == server.url + "/k%C3%A4se?q=%C3%A9"
                assert page.headers["x-name"] == "Käse"

    asyncio.run(run())


def test_a_redirect_elsewhere_takes_no_secrets_along_and_no_cookies(cache: Path) -> None:
    async def run() -> None:
        async with hostile({"/b": reply(b"there")}) as other:
            away = {"Location": other.url + "/b", "Set-Cookie": "a=b"}
            here = {"Location": "/a2", "Set-Cookie": "a=b"}
            routes = {"/a": reply(b"", 302, here), "/a2": reply(b"", 302, away)}
            async with both(routes, cache) as (server, fetcher):
                page = await fetcher.page(server.url + "/a", headers={"Authorization": "Bearer s", "X-Key": "s"})
            assert page.body == b"there"
            assert server.headers[-1]["authorization"] == "Bearer s"
            assert not {"authorization", "x-key", "cookie"} & set(other.headers[-1])
            assert "cookie" not in server.headers[-1]

    asyncio.run(run())


@pytest.mark.parametrize(
    "url",
    [
        "ftp://example.org/",
        "file:///etc/passwd",
        "//x",
        "http://",
        "http://u:p@h/",
        "http://xn--/",
        "http://h/\n",
        "a b",
        "",
    ],
)
def test_only_addresses_of_the_web_are_read(url: str, cache: Path) -> None:
    async def run() -> None:
        async with open_fetcher(settings(cache)) as fetcher:
            assert (await refused(fetcher.page(url))).reason == "bad-url"

    asyncio.run(run())


def test_secrets_are_in_no_message_and_not_on_disk(cache: Path) -> None:
    async def run() -> None:
        kept = reply(b"x", headers={"Cache-Control": "max-age=600"})
        routes = {"/ok": kept, "/no": reply(b"", 404), "/r": reply(b"", 302, {"Location": "/no?token=SECRET2"})}
        async with both(routes, cache) as (server, fetcher):
            for path in ("/no", "/r"):
                error = await refused(fetcher.page(server.url + path, params={"api_key": "SECRET1", "page": "2"}))
                assert "***" in error.message
                assert "SECRET" not in error.in_full
            for _ in range(2):
                await fetcher.page(server.url + "/ok", params={"api_key": "SECRET1"})
                await fetcher.page(server.url + "/ok", headers={"Authorization": "Bearer SECRET3"})
                await fetcher.page(server.url + "/ok", params={"n": "1"})
            error = await refused(fetcher.page("http://[x?api_key=SECRET1"))
            assert "SECRET" not in error.in_full
        assert server.paths().count("/ok") == 5  # only the one without a secret is kept
        written = b"".join(path.read_bytes() for path in cache.iterdir())
        assert b"/ok?n=1" in written
        assert b"SECRET" not in written

    asyncio.run(run())


def test_a_certificate_is_checked(cache: Path, tmp_path: Path) -> None:
    ours, theirs = trustme.CA(), trustme.CA()
    (tmp_path / "ca.pem").write_bytes(ours.cert_pem.bytes())

    def server_side(authority: trustme.CA, name: str) -> ssl.SSLContext:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert(name).configure_cert(context)
        return context

    async def run() -> None:
        routes = {"/a": reply(b"safe")}
        async with (
            hostile(routes, tls=server_side(ours, "127.0.0.1")) as good,
            hostile(routes, tls=server_side(theirs, "127.0.0.1")) as unknown,
            hostile(routes, tls=server_side(ours, "other.example")) as misnamed,
            open_fetcher(settings(cache, ca_file=tmp_path / "ca.pem")) as fetcher,
        ):
            assert (await fetcher.page(good.url + "/a")).body == b"safe"
            for server in (unknown, misnamed):
                error = await refused(fetcher.page(server.url + "/a"))
                assert error.reason == "certificate"
                assert "127.0.0.1" in error.message
                assert "ca_file" in error.hint
                assert server.asked == []

    asyncio.run(run())


def test_names_that_cannot_be_found(cache: Path) -> None:
    async def resolver(host: str, port: int) -> Sequence[str]:
        code = socket.EAI_AGAIN if host.startswith("later") else socket.EAI_NONAME
        raise socket.gaierror(code, "no")

    async def run() -> None:
        async with open_fetcher(settings(cache, attempts=2, max_wait_s=0.01), resolver=resolver) as fetcher:
            for host in ("nobody.example", "later.example"):
                error = await refused(fetcher.page(f"http://{host}/"))
                assert (error.reason, host in error.message) == ("unknown-host", True)

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
            async with asyncio.timeout(20):
                for n in range(30):
                    assert (await fetcher.page(server.url + f"/a?{n // 3}")).body == b"x" * 100
                    assert (await fetcher.download(server.url + "/b", tmp_path / "b")).bytes == 100
            assert server.times_s[-1] - server.times_s[0] > 0.3  # nor is it faster than it may be

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


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"host_rates": ("example.org",)}, "example.org"),
        ({"host_rates": ("a=1", "b=fast")}, "b=fast"),
        ({"host_rates": ("a=0",)}, "a=0"),
        ({"allow_addresses": ("localhost",)}, "localhost"),
        ({"robots_exempt": ("example.org/api",)}, "robots_exempt"),
        ({"ca_file": "/nowhere.pem"}, "/nowhere.pem"),
        ({"contact": "a\r\nX: b"}, "contact"),
    ],
)
def test_a_wrong_setting_is_named(changes: dict[str, Any], named: str, cache: Path) -> None:
    async def run() -> None:
        async with open_fetcher(settings(cache, **changes)):
            pass

    with pytest.raises(ConfigError) as caught:
        asyncio.run(run())
    assert named in caught.value.message
