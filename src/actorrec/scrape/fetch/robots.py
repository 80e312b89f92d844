"""What a site's robots.txt allows us."""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final

import httpx
from protego import Protego

from actorrec.errors import ItemError
from actorrec.scrape.fetch.urls import masked

AGENT: Final = "actorrec"
"""Our product token."""

MAX_BYTES: Final = 500 * 1024  # RFC 9309, 2.5: what a crawler must at least read; the rest is not looked at
_KEPT_S: Final = 24 * 3600.0  # RFC 9309, 2.4
_KEPT_FAILURE_S: Final = 300.0
_MOST_ORIGINS: Final = 2000

# Errors that say more than that robots.txt cannot be had.
_TELLING: Final = frozenset({"private-address", "unknown-host", "certificate", "bad-url", "connection", "timeout"})


@dataclass(frozen=True, slots=True)
class Rules:
    """What a site asks for.

    Attributes:
        parsed: None where everything is allowed.
        delay_s: Between two requests; 0 where nothing is asked.
    """

    parsed: Protego | None = None
    delay_s: float = 0.0

    def allow(self, url: httpx.URL) -> bool:
        """Whether this address may be fetched."""
        return self.parsed is None or bool(self.parsed.can_fetch(str(url), AGENT))


class Robots:
    """Rules of every origin, each read once a day at most.

    Args:
        fetch: Fetches a robots.txt: its first ``MAX_BYTES``, or None where there is none (4xx). Raises ItemError.
    """

    def __init__(self, fetch: Callable[[httpx.URL], Awaitable[bytes | None]]) -> None:
        self._fetch = fetch
        self._known: OrderedDict[httpx.URL, tuple[float, Rules | ItemError]] = OrderedDict()
        self._locks: dict[httpx.URL, asyncio.Lock] = {}

    async def rules(self, url: httpx.URL) -> Rules:
        """The rules of an address's origin.

        Raises:
            ItemError: ``robots-unreachable``, if they cannot be had: then nothing is allowed for some minutes.
        """
        source = url.copy_with(raw_path=b"/robots.txt", fragment=None)
        lock = self._locks.setdefault(source, asyncio.Lock())
        async with lock:
            found = self._still_known(source)
            if found is None:
                found = await self._read(source)
                self._remember(source, found)
        if isinstance(found, ItemError):
            raise ItemError(found.reason, f"{masked(url)}: {found.message}", hint=found.hint)
        return found

    def _still_known(self, source: httpx.URL) -> Rules | ItemError | None:
        until, found = self._known.get(source, (0.0, None))
        return found if time.monotonic() < until else None

    def _remember(self, source: httpx.URL, found: Rules | ItemError) -> None:
        kept_s = _KEPT_FAILURE_S if isinstance(found, ItemError) else _KEPT_S
        self._known[source] = (time.monotonic() + kept_s, found)
        self._known.move_to_end(source)
        while len(self._known) > _MOST_ORIGINS:
            oldest, _ = self._known.popitem(last=False)
            self._locks.pop(oldest, None)

    async def _read(self, source: httpx.URL) -> Rules | ItemError:
        try:
            body = await self._fetch(source)
        except ItemError as error:
            why = error.message.removeprefix(f"{masked(source)}: ")
            if error.reason in _TELLING:
                return ItemError(error.reason, why, hint=error.hint)
            return ItemError("robots-unreachable", f"the site's robots.txt cannot be had ({why})")
        return Rules() if body is None else _parsed(body)


def _parsed(body: bytes) -> Rules:
    parsed = Protego.parse(body.decode("utf-8", "replace"))
    rate = parsed.request_rate(AGENT)
    delays_s = [float(parsed.crawl_delay(AGENT) or 0)]
    if rate is not None and rate.requests > 0:
        delays_s.append(rate.seconds / rate.requests)
    return Rules(parsed, max(delays_s))
