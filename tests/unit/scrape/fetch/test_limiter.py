"""Rates by host."""

import asyncio

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
