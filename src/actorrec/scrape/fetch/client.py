"""The fetcher: every request of scraping goes through it."""

from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import httpcore
import httpx

from actorrec.artifacts.whole_file import DISK_HINTS
from actorrec.errors import ArtifactError, ItemError
from actorrec.scrape.fetch.addresses import AddressRules
from actorrec.scrape.fetch.bodies import check_length, inflated, lines_of, paced, read_whole, save
from actorrec.scrape.fetch.cache import cacheable, open_cache
from actorrec.scrape.fetch.exchange import REDIRECTS, Answer, Redirect
from actorrec.scrape.fetch.hops import OK, Hops
from actorrec.scrape.fetch.network import Resolver, open_pool, system_resolver
from actorrec.scrape.fetch.requests import new_request, user_agent
from actorrec.scrape.fetch.retry import Retries, TryAgain
from actorrec.scrape.fetch.urls import masked, read_url
from actorrec.scrape.protocols import Download, Page
from actorrec.sections import FetchSection


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
        self._agent = user_agent(settings.contact)
        retries = Retries(settings.attempts, settings.max_wait_s, recovered)
        self._hops = Hops(settings, pool, retries, agent=self._agent)
        self.uncached: httpx.AsyncBaseTransport = _Pages(self._asked)
        self.cached: httpx.AsyncBaseTransport = self.uncached

    async def page(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        ok: frozenset[int] = OK,
    ) -> Page:
        """See the protocol."""
        request = new_request(read_url(url, params), self._agent, headers, json=json)
        request.extensions["ok"] = ok

        async def hop(request: httpx.Request) -> Page | Redirect:
            transport = self.cached if ok == OK and cacheable(request) else self.uncached
            response = await transport.handle_async_request(request)
            status = response.status_code
            if status in REDIRECTS:
                return Redirect(status, response.headers["location"])
            if status not in ok:
                raise ItemError(f"http-{status}", f"{masked(request.url)}: the server answers {status}")
            return Page(str(request.url), status, dict(response.headers.items()), response.content)

        return await self._hops.follow(request, hop)

    async def download(self, url: str, to: Path, *, headers: Mapping[str, str] | None = None) -> Download:
        """See the protocol."""
        request = new_request(read_url(url), self._agent, headers, packed=False)

        async def keep(answer: Answer) -> Download:
            check_length(answer.headers, self._settings.max_bytes)
            pieces = inflated(answer.pieces, answer.encoding)
            try:
                count, sha256 = await save(pieces, to, self._settings.max_bytes)
            except OSError as error:
                hint = DISK_HINTS.get(error.errno or 0, "")
                raise ArtifactError(f"cannot write {to}: {error.strerror or error}", hint=hint) from None
            told = answer.headers
            kind = told.get("content-type", "")
            return Download(to, str(answer.url), count, sha256, kind, told.get("etag"), told.get("last-modified"))

        return await self._hops.follow(request, lambda request: self._hops.once(request, keep))

    async def stream_lines(self, url: str) -> AsyncIterator[bytes]:
        """See the protocol."""
        request = new_request(read_url(url), self._agent, packed=False)
        try:
            async with AsyncExitStack() as held:
                answer = await self._hops.follow(request, lambda request: self._hops.opened(request, held))
                named_packed = any(asked.path.endswith(".gz") for asked in (request.url, answer.url))
                # Some servers call the packing of the file that of the transport; it is packed once all the same.
                encoding = "gzip" if named_packed else answer.encoding
                async for line in lines_of(inflated(paced(answer.pieces, self._settings.deadline_s), encoding)):
                    yield line
        except TryAgain as again:  # lines that were handed out cannot be taken back
            raise ItemError(again.reason, again.message) from None

    async def _asked(self, request: httpx.Request) -> httpx.Response:
        """The answer of the site to one hop, whole and unpacked."""
        limit = self._settings.max_page_bytes

        async def whole(answer: Answer) -> httpx.Response:
            check_length(answer.headers, limit)
            body = await read_whole(inflated(answer.pieces, answer.encoding), limit)
            kept = {n: v for n, v in answer.headers.items() if n not in ("content-encoding", "transfer-encoding")}
            headers = httpx.Headers({**kept, "content-length": str(len(body))}, encoding="utf-8")
            return httpx.Response(answer.status, headers=headers, content=body)

        ok: frozenset[int] = request.extensions["ok"]
        if "if-none-match" in request.headers or "if-modified-since" in request.headers:
            ok |= {304}  # the cache asks whether what it has still holds
        found = await self._hops.once(request, whole, ok)
        if isinstance(found, Redirect):
            return httpx.Response(found.status, headers=httpx.Headers({"location": found.location}, encoding="utf-8"))
        return found


class _Pages(httpx.AsyncBaseTransport):
    """What the cache asks when it has no answer of its own."""

    def __init__(self, hop: Callable[[httpx.Request], Awaitable[httpx.Response]]) -> None:
        self._hop = hop

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        return await self._hop(request)
