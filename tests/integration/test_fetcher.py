"""The fetcher: pages, files, redirects, secrets, certificates, settings."""

import asyncio
import gzip
import hashlib
import os
import socket
import ssl
import zlib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import trustme

from actorrec.errors import ConfigError
from actorrec.scrape.fetch.client import open_fetcher
from hostile_servers import Answer, Call, both, fetch_settings, hostile, raw, refused, reply


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "cache"


def in_folder(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir() if path.name != "cache")


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


def test_a_status_that_is_named_is_an_answer(cache: Path) -> None:
    async def run() -> None:
        routes = {"/c": reply(b"", 202, {"x-amzn-waf-action": "challenge"}), "/s": reply(b"busy", 503)}
        async with both(routes, cache) as (server, fetcher):
            page = await fetcher.page(server.url + "/c", ok=frozenset({200, 202, 403}))
            assert (page.status, page.headers["x-amzn-waf-action"]) == (202, "challenge")
            assert (await fetcher.page(server.url + "/s", ok=frozenset({503}))).body == b"busy"
        assert server.paths() == ["/c", "/s"]

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
        async with open_fetcher(fetch_settings(cache)) as fetcher:
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
            open_fetcher(fetch_settings(cache, ca_file=tmp_path / "ca.pem")) as fetcher,
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
        async with open_fetcher(fetch_settings(cache, attempts=2, max_wait_s=0.01), resolver=resolver) as fetcher:
            for host in ("nobody.example", "later.example"):
                error = await refused(fetcher.page(f"http://{host}/"))
                assert (error.reason, host in error.message) == ("unknown-host", True)

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
        async with open_fetcher(fetch_settings(cache, **changes)):
            pass

    with pytest.raises(ConfigError) as caught:
        asyncio.run(run())
    assert named in caught.value.message
