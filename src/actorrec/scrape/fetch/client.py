"""The fetcher: every request of scraping goes through it."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any, Final, TypeVar

import httpcore
import httpx

from actorrec import __version__
from actorrec.artifacts.whole_file import DISK_HINTS
from actorrec.errors import ArtifactError, ConfigError, ItemError
from actorrec.scrape.fetch import robots
from actorrec.scrape.fetch.addresses import AddressRules
from actorrec.scrape.fetch.bodies import check_length, inflated, lines_of, paced, read_whole, save
from actorrec.scrape.fetch.cache import cacheable, open_cache
from actorrec.scrape.fetch.exchange import REDIRECTS, Answer, exchange, redirect_of
from actorrec.scrape.fetch.limiter import Limiter
from actorrec.scrape.fetch.network import Resolver, open_pool, system_resolver
from actorrec.scrape.fetch.retry import Retries, TryAgain
from actorrec.scrape.fetch.urls import Exemptions, checked, masked, origin_of, read_url
from actorrec.scrape.protocols import Download, Page
from actorrec.sections import FetchSection

T = TypeVar("T")

_OK: Final = frozenset({200})
_PACKED: Final = "gzip, deflate"


@asynccontextmanager
async def open_fetcher(
    settings: FetchSection, *, recovered: Counter[str] | None = None, resolver: Resolver = system_resolver
) -> AsyncIterator["PoliteFetcher"]:
    """A fetcher whose connections and cache are closed at the end of the block.

    Args:
        recovered: Counts, by reason, the tries that failed where a later one succeeded.
        resolver: Host and port → addresses.

    Raises:
        ConfigError: If a setting of ``fetch`` cannot be read.
    """
    rules = AddressRules(settings.allow_addresses)
    pool = open_pool(rules, resolver, settings.ca_file, settings.connections)
    async with pool:
        fetcher = PoliteFetcher(settings, pool, Counter() if recovered is None else recovered)
        async with open_cache(settings.cache_dir, fetcher.uncached, settings.max_page_bytes) as cached:
            fetcher.cached = cached
            yield fetcher


class PoliteFetcher:
    """See ``open_fetcher``; implements ``scrape.protocols.Fetcher``."""

    def __init__(self, settings: FetchSection, pool: httpcore.AsyncConnectionPool, recovered: Counter[str]) -> None:
        self._settings = settings
        self._pool = pool
        self._agent = _user_agent(settings.contact)
        self._exempt = Exemptions(settings.robots_exempt)
        self._retries = Retries(settings.attempts, settings.max_wait_s, recovered)
        self._robots = robots.Robots(self._robots_txt)
        self._limiter = Limiter(
            settings.rate_per_s,
            settings.host_rates,
            at_once=settings.connections,
            at_once_per_host=settings.connections_per_host,
            max_wait_s=settings.max_wait_s,
        )
        self.uncached: httpx.AsyncBaseTransport = _Pages(self._page_hop)
        self.cached = self.uncached

    async def page(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        ok: frozenset[int] = _OK,
    ) -> Page:
        """See the protocol."""
        method = "GET" if json is None else "POST"
        request = self._request(method, read_url(url, params), headers, packed=True, json=json)
        request.extensions["ok"] = ok

        async def hop(request: httpx.Request) -> httpx.Response:
            use_cache = ok == _OK and cacheable(request)
            response = await (self.cached if use_cache else self.uncached).handle_async_request(request)
            try:
                await response.aread()
            finally:
                await response.aclose()
            return response

        response = await self._follow(request, hop)
        final = str(response.extensions.get("url", request.url))
        plain = {name.lower(): value for name, value in response.headers.items()}
        return Page(final, response.status_code, plain, response.content)

    async def download(self, url: str, to: Path, *, headers: Mapping[str, str] | None = None) -> Download:
        """See the protocol."""
        request = self._request("GET", read_url(url), headers, packed=False)

        async def keep(answer: Answer) -> Download:
            check_length(answer.headers, self._settings.max_bytes)
            pieces = inflated(answer.pieces, answer.encoding)
            count, sha256 = await save(pieces, to, self._settings.max_bytes)
            told = answer.headers
            kind = told.get("content-type", "")
            return Download(to, str(answer.url), count, sha256, kind, told.get("etag"), told.get("last-modified"))

        try:
            return await self._follow(request, lambda request: self._once(request, keep))
        except OSError as error:
            hint = DISK_HINTS.get(error.errno or 0, "")
            raise ArtifactError(f"cannot write {to}: {error.strerror or error}", hint=hint) from None

    async def stream_lines(self, url: str) -> AsyncIterator[bytes]:
        """See the protocol."""
        request = self._request("GET", read_url(url), None, packed=False)
        packed = "gzip" if request.url.path.endswith(".gz") else ""
        try:
            async with AsyncExitStack() as held:
                answer = await self._follow(request, lambda request: self._opened(request, held))
                pieces = inflated(paced(answer.pieces, self._settings.deadline_s), answer.encoding)
                async for line in lines_of(inflated(pieces, packed)):
                    yield line
        except TryAgain as again:  # lines that were handed out cannot be taken back
            raise ItemError(again.reason, again.message) from None

    def _request(
        self, method: str, url: httpx.URL, headers: Mapping[str, str] | None, *, packed: bool, json: Any = None
    ) -> httpx.Request:
        own = {"User-Agent": self._agent, "Accept": "*/*", "Accept-Encoding": _PACKED if packed else "identity"}
        return httpx.Request(method, url, headers={**own, **(headers or {})}, json=json)

    async def _follow(self, request: httpx.Request, hop: Callable[[httpx.Request], Awaitable[T | httpx.Response]]) -> T:
        """Go from redirect to redirect until there is a result."""
        first = request
        for _ in range(self._settings.max_redirects + 1):
            found = await hop(request)
            if not (isinstance(found, httpx.Response) and found.status_code in REDIRECTS):
                if isinstance(found, httpx.Response):
                    found.extensions["url"] = request.url
                return found  # type: ignore[return-value]
            request = _redirected(request, found)
        most = self._settings.max_redirects
        raise ItemError("too-many-redirects", f"{masked(first.url)}: redirected more than {most} times")

    async def _once(
        self, request: httpx.Request, take: Callable[[Answer], Awaitable[T]], *, ok: frozenset[int] = _OK
    ) -> T | httpx.Response:
        """One hop, if robots.txt allows it: try until there is an answer, and take it."""
        await self._check_robots(request.url)
        return await self._tried(request, take, ok)

    async def _tried(
        self, request: httpx.Request, take: Callable[[Answer], Awaitable[T]], ok: frozenset[int]
    ) -> T | httpx.Response:
        pace = self._limiter.host(request.url)

        async def attempt() -> T | httpx.Response:
            async with self._limiter.admitted(request.url), self._exchange(request) as answer:
                return await redirect_of(answer, ok, pace) or await take(answer)

        return await self._retries.run(attempt)

    async def _opened(self, request: httpx.Request, held: AsyncExitStack) -> Answer | httpx.Response:
        """Like ``_once``, but the answer stays open as long as ``held`` does, without a deadline."""
        await self._check_robots(request.url)
        pace = self._limiter.host(request.url)

        async def attempt() -> Answer | httpx.Response:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._limiter.admitted(request.url))
                answer = await stack.enter_async_context(self._exchange(request, endless=True))
                redirect = await redirect_of(answer, _OK, pace)
                if redirect is None:
                    held.push_async_exit(stack.pop_all())
                return redirect or answer

        return await self._retries.run(attempt)

    def _exchange(self, request: httpx.Request, *, endless: bool = False) -> AbstractAsyncContextManager[Answer]:
        deadline_s = None if endless else self._settings.deadline_s
        return exchange(self._pool, request, timeout_s=self._settings.timeout_s, deadline_s=deadline_s)

    async def _page_hop(self, request: httpx.Request) -> httpx.Response:
        limit = self._settings.max_page_bytes

        async def whole(answer: Answer) -> httpx.Response:
            check_length(answer.headers, limit)
            body = await read_whole(inflated(answer.pieces, answer.encoding), limit)
            kept = {n: v for n, v in answer.headers.items() if n not in ("content-encoding", "transfer-encoding")}
            return httpx.Response(answer.status, headers={**kept, "content-length": str(len(body))}, content=body)

        ok: frozenset[int] = request.extensions.get("ok", _OK)
        if "if-none-match" in request.headers or "if-modified-since" in request.headers:
            ok |= {304}
        return await self._once(request, whole, ok=ok)

    async def _check_robots(self, url: httpx.URL) -> None:
        if self._exempt.covers(url):
            return
        rules = await self._robots.rules(url)
        if not rules.allow(url):
            raise ItemError("robots-disallowed", f"{masked(url)}: robots.txt of {url.host} forbids it")
        if rules.delay_s:
            self._limiter.host(url).slow_to(1 / rules.delay_s)

    async def _robots_txt(self, source: httpx.URL) -> bytes | None:
        async def first(answer: Answer) -> bytes | None:
            if answer.status != 200:
                return None
            if answer.headers.get("x-amzn-waf-action"):
                raise ItemError("challenge", "a challenge for browsers in its place")
            return await read_whole(inflated(answer.pieces, answer.encoding), robots.MAX_BYTES)

        ok = frozenset({200} | set(range(400, 500)) - {408, 429})
        request = self._request("GET", source, None, packed=True)
        return await self._follow(request, lambda request: self._tried(request, first, ok))


class _Pages(httpx.AsyncBaseTransport):
    """What the cache asks when it has no answer of its own."""

    def __init__(self, hop: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._hop = hop

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._hop(request)


def _redirected(request: httpx.Request, answer: httpx.Response) -> httpx.Request:
    """The next request; what the caller added goes to no other origin, and only 307 and 308 keep a body."""
    try:
        url = checked(request.url.join(answer.headers["location"]))
    except httpx.InvalidURL as error:
        raise ItemError("bad-url", f"{masked(request.url)}: redirected to no address ({error})") from None
    keeps_body = answer.status_code in (307, 308)
    stays = origin_of(url) == origin_of(request.url)
    own = {"user-agent", "accept", "accept-encoding"} | ({"content-type"} if keeps_body else set())
    gone = {"host", "content-length"} | (set() if keeps_body else {"content-type"})
    headers = {n: v for n, v in request.headers.items() if n not in gone and (stays or n in own)}
    method = request.method if keeps_body else "GET"
    content = request.content if keeps_body else None
    return httpx.Request(method, url, headers=headers, content=content, extensions=request.extensions)


def _user_agent(contact: str) -> str:
    if not contact.isprintable() or not contact.isascii():
        raise ConfigError(f"fetch.contact: {contact!r} cannot stand in a User-Agent")
    return f"actorrec/{__version__}" + (f" (+{contact})" if contact.strip() else "")
