"""What a robots.txt asks for."""

import asyncio

import httpx
import pytest

from actorrec.scrape.fetch.robots import Robots, Rules


def rules(text: str) -> Rules:
    async def fetch(url: httpx.URL) -> bytes | None:
        return text.encode()

    return asyncio.run(Robots(fetch).rules(httpx.URL("https://example.org/a")))


@pytest.mark.parametrize(
    ("asked", "delay_s"),
    [
        ("Disallow: /b", 0.0),
        ("Crawl-delay: 2.5", 2.5),
        ("Request-rate: 1/4", 4.0),
        ("Crawl-delay: 2\nRequest-rate: 1/4", 4.0),
        ("Crawl-delay: 5\nRequest-rate: 10/20", 5.0),
        ("Crawl-delay: soon", 0.0),
    ],
)
def test_the_slower_of_a_delay_and_a_rate_counts(asked: str, delay_s: float) -> None:
    assert rules(f"User-agent: *\n{asked}\n").delay_s == delay_s


def test_the_rules_for_us_come_before_those_for_everybody() -> None:
    found = rules("User-agent: *\nCrawl-delay: 60\nDisallow: /\n\nUser-agent: actorrec\nDisallow: /b\n")
    assert found.delay_s == 0.0
    assert found.allow(httpx.URL("https://example.org/a"))
    assert not found.allow(httpx.URL("https://example.org/b/c"))
