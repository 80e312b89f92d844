"""From an address to its answer: robots.txt, pace and retries at every hop, from redirect to redirect."""

from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from typing import Final, TypeVar

import httpcore
import httpx

from actorrec.errors import ItemError
from actorrec.scrape.fetch import robots
from actorrec.scrape.fetch.bodies import inflated, read_first
from actorrec.scrape.fetch.exchange import Answer, Redirect, exchange, redirect_of
from actorrec.scrape.fetch.limiter import Limiter
from actorrec.scrape.fetch.requests import new_request, redirected
from actorrec.scrape.fetch.retry import Retries
from actorrec.scrape.fetch.urls import Exemptions, masked
from actorrec.sections import FetchSection

T = TypeVar("T")

OK: Final = frozenset({200})
_NO_ROBOTS: Final = frozenset(range(400, 500)) - {408, 429}  # RFC 9309, 2.3.1.3: everything may be fetched


class Hops:
    """Sends requests politely.

    Args:
        agent: Our User-Agent.
    """

    def __init__(
        self, settings: FetchSection, pool: httpcore.AsyncConnectionPool, retries: Retries, *, agent: str
    ) -> None:
        self._settings = settings
        self._pool = pool
        self._retries = retries
        self._agent = agent
        self._exempt = Exemptions(settings.robots_exempt)
        self._robots = robots.Robots(self._robots_txt)
        self._limiter = Limiter(
            settings.rate_per_s,
            settings.host_rates,
            at_once=settings.connections,
            at_once_per_host=settings.connections_per_host,
            max_wait_s=settings.max_wait_s,
        )

    async def follow(self, request: httpx.Request, hop: Callable[[httpx.Request], Awaitable[T | Redirect]]) -> T:
        """Go from redirect to redirect until there is a result.

        Raises:
            ItemError: ``too-many-redirects``, or of a hop.
        """
        first = request
        for _ in range(self._settings.max_redirects + 1):
            found = await hop(request)
            if not isinstance(found, Redirect):
                return found
            request = redirected(request, found.status, found.location)
        most = self._settings.max_redirects
        raise ItemError("too-many-redirects", f"{masked(first.url)}: redirected more than {most} times")

    async def once(
        self, request: httpx.Request, take: Callable[[Answer], Awaitable[T]], ok: frozenset[int] = OK
    ) -> T | Redirect:
        """One hop, if robots.txt allows it: try until there is an answer, and let ``take`` read it."""
        await self._check_robots(request.url)
        return await self._tried(request, take, ok)

    async def opened(self, request: httpx.Request, held: AsyncExitStack) -> Answer | Redirect:
        """Like ``once``, but the answer stays open as long as ``held`` does, without a deadline."""
        await self._check_robots(request.url)
        pace = self._limiter.host(request.url)

        async def attempt() -> Answer | Redirect:
            async with AsyncExitStack() as stack:
                await stack.enter_async_context(self._limiter.admitted(request.url))
                answer = await stack.enter_async_context(self._exchange(request, None))
                redirect = await redirect_of(answer, OK, pace)
                if redirect is not None:
                    return redirect
                held.push_async_exit(stack.pop_all())
                return answer

        return await self._retries.run(attempt)

    async def _tried(
        self, request: httpx.Request, take: Callable[[Answer], Awaitable[T]], ok: frozenset[int]
    ) -> T | Redirect:
        pace = self._limiter.host(request.url)

        async def attempt() -> T | Redirect:
            async with (
                self._limiter.admitted(request.url),
                self._exchange(request, self._settings.deadline_s) as answer,
            ):
                redirect = await redirect_of(answer, ok, pace)
                return await take(answer) if redirect is None else redirect

        return await self._retries.run(attempt)

    def _exchange(self, request: httpx.Request, deadline_s: float | None) -> AbstractAsyncContextManager[Answer]:
        return exchange(self._pool, request, timeout_s=self._settings.timeout_s, deadline_s=deadline_s)

    async def _check_robots(self, url: httpx.URL) -> None:
        if self._exempt.covers(url):
            return
        rules = await self._robots.rules(url)
        if not rules.allow(url):
            raise ItemError("robots-disallowed", f"{masked(url)}: robots.txt of {url.host} forbids it")
        self._limiter.host(url).keep_apart(rules.delay_s)

    async def _robots_txt(self, source: httpx.URL) -> bytes | None:
        async def first(answer: Answer) -> bytes | None:
            if "x-amzn-waf-action" in answer.headers:
                raise ItemError("challenge", "a challenge for browsers in its place")
            if answer.status in _NO_ROBOTS:
                return None
            return await read_first(inflated(answer.pieces, answer.encoding), robots.MAX_BYTES)

        request = new_request(source, self._agent)
        return await self.follow(request, lambda request: self._tried(request, first, OK | _NO_ROBOTS))
