"""Rates by host."""

import asyncio
import math
import random
import time
from bisect import bisect_left
from itertools import pairwise

import httpx
import pytest

from actorrec.errors import ConfigError
from actorrec.scrape.fetch.limiter import HostPace, Limiter


def limiter(*host_rates: str) -> Limiter:
    return Limiter(5, host_rates, at_once=4, at_once_per_host=2, max_wait_s=60)


@pytest.mark.parametrize(
    ("url", "rate"),
    [
        ("http://other/", 5),
        ("http://h/", 1.5),
        ("https://H/x", 1.5),
        ("http://h:8080/", 2),
        ("http://h:8081/", 1.5),
        ("http://[::1]:80/", 7),
        ("http://[::1]:8080/", 8),
    ],
)
def test_a_port_of_its_own_goes_before_the_host(url: str, rate: float) -> None:
    assert limiter("H=1.5", "h:8080 = 2", "[::1]=7", "[::1]:8080=8").host(httpx.URL(url)).rate_per_s == rate


def test_a_host_has_one_pace_for_both_schemes() -> None:
    paces = limiter()
    assert paces.host(httpx.URL("http://h/")) is paces.host(httpx.URL("https://h/y"))
    assert paces.host(httpx.URL("http://h/")) is not paces.host(httpx.URL("http://h:81/"))


@pytest.mark.parametrize("entry", ["", "h", "h=", "=5", "h=fast", "h=0", "h=-1", "h=nan", "h=inf", "http://h/=5"])
def test_a_rate_that_cannot_be_read_is_named(entry: str) -> None:
    with pytest.raises(ConfigError) as caught:
        limiter("good=1", entry)
    assert repr(entry) in caught.value.message


class Clock:
    """Monotonic seconds that pass only in sleep, which wakes late and is held up at times, as on a busy machine."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.now_s = 1000.0
        self._chance = random.Random(1)
        self._held_up_s = 0.0
        monkeypatch.setattr(time, "monotonic", lambda: self.now_s)
        monkeypatch.setattr(asyncio, "sleep", self._sleep)

    async def _sleep(self, seconds: float) -> None:
        self.now_s += max(seconds, 0.001) + self._chance.uniform(0, 0.002)
        if self.now_s - self._held_up_s > 1:  # once a second, by other work
            self._held_up_s = self.now_s
            self.now_s += 0.02


def slots_s(pace: HostPace, count: int, clock: Clock) -> list[float]:
    async def run() -> list[float]:
        total = asyncio.Semaphore(count)
        taken = []
        for _ in range(count):
            await pace.take_slot(total)
            taken.append(clock.now_s)
        return taken

    return asyncio.run(run())


def most_within(span_s: float, taken_s: list[float]) -> int:
    return max(bisect_left(taken_s, start_s + span_s) - at for at, start_s in enumerate(taken_s))


@pytest.mark.parametrize("rate", [0.5, 1, 1.5, 5, 50, 100, 300])
def test_the_rate_is_used_and_never_exceeded(rate: float, monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    taken_s = slots_s(HostPace("h", rate, at_once=1, max_wait_s=60), int(rate * 60) + 2, clock)
    assert most_within(1, taken_s) <= math.ceil(rate)
    assert most_within(0.1, taken_s) <= 2 + 1.3 * rate / 10
    assert (len(taken_s) - 1) / (taken_s[-1] - taken_s[0]) >= 0.95 * rate


def test_a_crawl_delay_is_kept_between_any_two(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    pace = HostPace("h", 100, at_once=1, max_wait_s=60)
    slots_s(pace, 150, clock)
    pace.keep_apart(0.25)
    pace.keep_apart(0.1)
    taken_s = slots_s(pace, 50, clock)
    assert min(later - earlier for earlier, later in pairwise(taken_s)) >= 0.25


def test_a_pause_is_waited_for_and_not_made_up(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock(monkeypatch)
    pace = HostPace("h", 100, at_once=1, max_wait_s=60)
    slots_s(pace, 200, clock)
    for _ in range(20):
        pace.note(refused=True, wait_s=30)
    before_s = clock.now_s
    taken_s = slots_s(pace, 20, clock)
    assert taken_s[0] - before_s >= 30
    assert (len(taken_s) - 1) / (taken_s[-1] - taken_s[0]) < 50


def test_many_refusals_halve_the_rate_and_good_answers_bring_it_back() -> None:
    async def run() -> None:
        pace = HostPace("h", 100, at_once=1, max_wait_s=60)
        for _ in range(2):
            pace.note(refused=True, wait_s=0)
        assert pace.rate_per_s == 100
        pace.note(refused=True, wait_s=0)
        assert pace.rate_per_s == 50
        for _ in range(50):
            pace.note(refused=False)
        assert 50 < pace.rate_per_s < 100
        for _ in range(100):
            pace.note(refused=False)
        assert pace.rate_per_s == 100
        for _ in range(300):
            pace.note(refused=True, wait_s=0)
        assert 1 < pace.rate_per_s < 10

    asyncio.run(run())


def test_a_few_refusals_among_many_answers_change_nothing() -> None:
    async def run() -> None:
        pace = HostPace("h", 100, at_once=1, max_wait_s=60)
        for n in range(1000):
            pace.note(refused=n % 25 in (5, 6, 17), wait_s=30)
        assert pace.rate_per_s == 100
        await asyncio.wait_for(pace.take_slot(asyncio.Semaphore(1)), 5)

    asyncio.run(run())
