"""How fast and how many at once: an even pace per host, which slows down for a host that is overloaded."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Final

import httpx

from actorrec.errors import ConfigError
from actorrec.scrape.fetch.retry import too_long
from actorrec.scrape.fetch.urls import port_of

# Timers wake late and other work holds them up: a slot may be taken up to _CATCH_UP_S after its time without moving
# those behind it. As _SHARE · (1 + _CATCH_UP_S) is below 1, no second holds more requests than the rate, and a little
# is left for those that are slow on their way. More cannot be made up for: it would be too much for the next second.
_SHARE: Final = 0.965
_CATCH_UP_S: Final = 0.02

_ANSWERS: Final = 20
# If one in 25 is refused by chance, a quarter of 20 are once in 10,000 answers, two fifths hardly ever.
_STORM_SHARE: Final = 0.4
_STORM_LEAST: Final = 3
_UNTOLD_WAIT_S: Final = 2.0
_SLOWEST: Final = 1 / 16
_RECOVERY: Final = 0.005  # of the full rate, per good answer


class HostPace:
    """The slots of one host, in order.

    Args:
        max_wait_s: A host that is paused for longer is given up.
    """

    def __init__(self, host: str, rate_per_s: float, *, at_once: int, max_wait_s: float) -> None:
        self._host = host
        self._max_wait_s = max_wait_s
        self.at_once = asyncio.Semaphore(at_once)
        self._turn = asyncio.Lock()
        self._rate_per_s = rate_per_s
        self._factor = 1.0
        self._apart_s = 0.0
        self._due = 0.0
        self._earliest = 0.0
        self._paused_until = 0.0
        self._refused: deque[bool] = deque(maxlen=_ANSWERS)

    @property
    def rate_per_s(self) -> float:
        """Requests per second at present."""
        return self._rate_per_s * self._factor

    def keep_apart(self, delay_s: float) -> None:
        """Let at least so long pass between requests from now on.

        Raises:
            ItemError: ``rate-limited``, if that is longer than is waited.
        """
        if delay_s > self._max_wait_s:
            raise too_long(f"robots.txt of {self._host}", delay_s, self._max_wait_s)
        if delay_s > self._apart_s:
            self._apart_s = delay_s
            self._rate_per_s = min(self._rate_per_s, 1 / delay_s)

    async def take_slot(self, total: asyncio.Semaphore) -> None:
        """Wait for the next slot of this host and a place among all connections; the caller gives the place back.

        Raises:
            ItemError: ``rate-limited``, if the host is paused for longer than is waited.
        """
        async with self._turn:
            while (wait_s := max(self._due, self._earliest, self._paused_until) - time.monotonic()) > 0:
                if self._paused_until - time.monotonic() > self._max_wait_s:
                    raise too_long(f"{self._host} refuses requests", wait_s, self._max_wait_s)
                await asyncio.sleep(wait_s)
            await total.acquire()
            now = time.monotonic()
            self._due = max(now - _CATCH_UP_S, self._due) + 1 / (self.rate_per_s * _SHARE)
            self._earliest = now + self._apart_s

    def note(self, *, refused: bool, wait_s: float | None = None) -> None:
        """Learn from an answer: many refusals among the last ones pause the whole host and halve its rate.

        Args:
            wait_s: What the host asks for; None where it does not say.
        """
        self._refused.append(refused)
        if not refused:
            self._factor = min(1.0, self._factor + _RECOVERY)
            return
        count = sum(self._refused)
        if count >= _STORM_LEAST and count >= _STORM_SHARE * len(self._refused):
            self._factor = max(_SLOWEST, self._factor / 2)
            rest_s = min(_UNTOLD_WAIT_S, self._max_wait_s) if wait_s is None else wait_s
            self._paused_until = max(self._paused_until, time.monotonic() + rest_s)
            self._due = max(self._due, self._paused_until)  # a pause is no slot that was missed
            self._refused.clear()


class Limiter:
    """Paces of all hosts.

    Args:
        host_rates: ``host=requests per second`` or ``host:port=…``.

    Raises:
        ConfigError: If one of ``host_rates`` cannot be read; names it.
    """

    def __init__(
        self, rate_per_s: float, host_rates: Sequence[str], *, at_once: int, at_once_per_host: int, max_wait_s: float
    ) -> None:
        self._rate_per_s = rate_per_s
        self._rates = _read_rates(host_rates)
        self._total = asyncio.Semaphore(at_once)
        self._at_once_per_host = at_once_per_host
        self._max_wait_s = max_wait_s
        self._hosts: dict[str, HostPace] = {}

    def host(self, url: httpx.URL) -> HostPace:
        """The pace of an address's host; other ports than a scheme's own are other hosts."""
        port = port_of(url)
        key = url.host if port in (80, 443) else f"{url.host}:{port}"
        if key not in self._hosts:
            rate = self._rates.get(f"{url.host}:{port}", self._rates.get(url.host, self._rate_per_s))
            self._hosts[key] = HostPace(key, rate, at_once=self._at_once_per_host, max_wait_s=self._max_wait_s)
        return self._hosts[key]

    @asynccontextmanager
    async def admitted(self, url: httpx.URL) -> AsyncIterator[None]:
        """Hold one of the host's connections, from its next slot on.

        Raises:
            ItemError: ``rate-limited``, if the host is paused for longer than is waited.
        """
        host = self.host(url)
        async with host.at_once:
            await host.take_slot(self._total)
            try:
                yield
            finally:
                self._total.release()


def _read_rates(entries: Sequence[str]) -> Mapping[str, float]:
    rates: dict[str, float] = {}
    for entry in entries:
        host, _, text = entry.strip().rpartition("=")
        try:
            rate = float(text)
        except ValueError:
            rate = 0.0
        if not host or "/" in host or not 0 < rate < float("inf"):
            hint = "write host=requests per second, such as upload.wikimedia.org=5"
            raise ConfigError(f"fetch.host_rates: {entry!r} cannot be read", hint=hint)
        rates[host.strip().lower().translate({ord("["): None, ord("]"): None})] = rate
    return rates
