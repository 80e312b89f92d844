import asyncio
from collections.abc import Iterator
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError, ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.rights.licences import classify
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.images.tmdb import TmdbImages
from actorrec.scrape.protocols import Candidate
from sites.server import Site, serve
from sites.tmdb_images import V3_KEY, V4_TOKEN, TmdbImagesSite, TmdbPerson


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


def listed(name: str = "Ann Arden", **ids: str) -> ListedPerson:
    person = Person(person_id="x", name=name, external_ids=ids)
    return ListedPerson.model_validate(
        {"person": person, "rank": 1, "source": "t", "listed_at": "2026-01-01T00:00:00Z"}
    )


def gather(
    site: Site, tmdb: TmdbImagesSite, person: ListedPerson, *, key: str = V3_KEY, times: int = 1
) -> list[Candidate]:
    tmdb.join(site)
    fetch: dict[str, Any] = {"allow_addresses": ["127.0.0.0/8"], "rate_per_s": 1000, "attempts": 2}
    config = Config.model_validate({"fetch": fetch, "sources": {"tmdb_url": f"{site.url}/3/", "tmdb_key": key}})

    async def run() -> list[Candidate]:
        async with open_fetcher(config.fetch) as fetcher:
            source = TmdbImages(config, fetcher)
            return [candidate for _ in range(times) async for candidate in source.candidates(person)]

    return asyncio.run(run())


ANN = TmdbPerson(7, "Ann Arden", "nm0000007", profiles=2, tagged=25)
NAMESAKE = TmdbPerson(8, "Ann Arden", "nm0000008", profiles=1)


def test_portraits_come_first_then_the_pictures_that_were_marked(site: Site) -> None:
    found = gather(site, TmdbImagesSite([ANN]), listed(tmdb="7"))
    assert [candidate.url.rpartition("/")[2][0] for candidate in found] == ["p"] * 2 + ["t"] * 25
    first = found[0]
    assert first.url == f"{site.url}/t/p/original/p7x0.jpg"
    assert first.page == "https://www.themoviedb.org/person/7"
    assert (first.width_px, first.height_px) == (1000, 1500)
    assert classify(first.licence) == "restricted"


def test_a_picture_that_is_listed_again_comes_once(site: Site) -> None:
    def edit(answer: dict[str, Any]) -> None:
        for listed_twice in ("profiles", "results"):
            if listed_twice in answer:
                answer[listed_twice] += answer[listed_twice]

    assert len(gather(site, TmdbImagesSite([ANN], edit=edit), listed(tmdb="7"))) == 27


def test_the_base_address_is_asked_for_once(site: Site) -> None:
    gather(site, TmdbImagesSite([ANN]), listed(tmdb="7"), times=2)
    assert [asked.path for asked in site.asked].count("/3/configuration") == 1


@pytest.mark.parametrize("ids", [{"tmdb": "7"}, {"imdb": "nm0000007"}, {"tmdb": "x/../8", "imdb": "nm0000007"}])
def test_a_person_is_found_by_id(site: Site, ids: dict[str, str]) -> None:
    assert len(gather(site, TmdbImagesSite([NAMESAKE, ANN]), listed("Another Name", **ids))) == 27


def test_a_person_is_found_by_exactly_their_name(site: Site) -> None:
    people = [TmdbPerson(1, "Ann Arden Jones", profiles=1), ANN]
    assert len(gather(site, TmdbImagesSite(people), listed("ANN arden"))) == 27
    assert gather(site, TmdbImagesSite(people), listed("Ann")) == []


def test_two_people_of_one_name_are_not_guessed_between(site: Site) -> None:
    with pytest.raises(ItemError, match="2 people named 'Ann Arden'") as caught:
        gather(site, TmdbImagesSite([ANN, NAMESAKE]), listed())
    assert caught.value.reason == "ambiguous-name"


def test_ids_that_lead_nowhere_have_no_pictures(site: Site) -> None:
    for ids in ({"tmdb": "99"}, {"imdb": "nm0000099"}):
        assert gather(site, TmdbImagesSite([ANN]), listed(**ids)) == []


def test_portraits_alone_where_marked_pictures_are_no_longer_served(site: Site) -> None:
    assert len(gather(site, TmdbImagesSite([ANN], tagged_pictures=False), listed(tmdb="7"))) == 2


def test_a_token_goes_into_a_header_and_a_key_into_a_parameter(site: Site) -> None:
    gather(site, TmdbImagesSite([ANN]), listed(tmdb="7"), key=V4_TOKEN)
    assert all("api_key" not in asked.query for asked in site.asked if asked.path != "/robots.txt")
    site.asked.clear()
    gather(site, TmdbImagesSite([ANN]), listed(tmdb="7"))
    assert all("authorization" not in asked.headers for asked in site.asked)


@pytest.mark.parametrize("key", ["", "  "])
def test_a_missing_key_is_said_before_anything_is_asked(site: Site, key: str) -> None:
    with pytest.raises(ConfigError, match=r"sources\.tmdb_key is empty") as caught:
        gather(site, TmdbImagesSite([ANN]), listed(tmdb="7"), key=key)
    assert "ACTORREC_SOURCES__TMDB_KEY" in caught.value.hint
    assert site.asked == []


@pytest.mark.parametrize("key", ["0" * 32, "eyJ.wrong"])
def test_a_wrong_key_is_said_without_it(site: Site, key: str) -> None:
    with pytest.raises(ConfigError, match="refuses the key") as caught:
        gather(site, TmdbImagesSite([ANN]), listed(tmdb="7"), key=key)
    assert key not in caught.value.in_full
