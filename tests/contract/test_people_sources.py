"""What holds of every source of people, over the real fetcher and sites on loopback."""

import asyncio
import unicodedata
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actorrec.errors import DataError, SourceError
from actorrec.manifests.images import ListedPerson
from people_sites import CASES, Case, config_for, lay, list_people
from sites.invented import Invented, invented
from sites.server import Site, serve

EVERY = pytest.mark.parametrize("case", CASES.values(), ids=CASES.keys())


@pytest.fixture(scope="module")
def running() -> Iterator[Site]:
    with serve() as site:
        yield site


@pytest.fixture
def site(running: Site) -> Site:
    running.routes.clear()
    running.asked.clear()
    return running


def ask(case: Case, people: list[Invented], site: Site, folder: Path, top: int) -> list[ListedPerson]:
    spec = lay(case, people, site, folder)
    return asyncio.run(list_people(spec, config_for(case, site.url), top))


@EVERY
def test_nobody_is_an_error_and_not_an_empty_list(case: Case, site: Site, tmp_path: Path) -> None:
    with pytest.raises((SourceError, DataError)) as raised:
        ask(case, [], site, tmp_path, 5)
    assert "\n" not in raised.value.message
    assert raised.value.hint


@EVERY
def test_as_many_as_asked_ranked_from_one_in_order(case: Case, site: Site, tmp_path: Path) -> None:
    people = invented(45)
    listed = ask(case, people, site, tmp_path, 30)
    assert [one.rank for one in listed] == list(range(1, 31))
    assert [one.person.name for one in listed] == [unicodedata.normalize("NFC", person.name) for person in people[:30]]


@EVERY
def test_fewer_than_asked_is_what_there_is(case: Case, site: Site, tmp_path: Path) -> None:
    listed = ask(case, invented(7), site, tmp_path, 90)
    assert [one.rank for one in listed] == [1, 2, 3, 4, 5, 6, 7]


@EVERY
def test_a_single_one(case: Case, site: Site, tmp_path: Path) -> None:
    assert [one.person.name for one in ask(case, invented(3), site, tmp_path, 1)] == ["Avela Quillmark"]


@EVERY
def test_only_actors_each_once_with_a_stable_id(case: Case, site: Site, tmp_path: Path) -> None:
    listed = ask(case, invented(45), site, tmp_path, 45)
    ids = [one.person.person_id for one in listed]
    assert len(set(ids)) == len(ids) == 45
    assert not any("Regisseur" in one.person.name or "Advertisement" in one.person.name for one in listed)
    assert all(bool(one.person.external_ids) is not case.names_only for one in listed)


@EVERY
def test_source_and_time_are_told(case: Case, site: Site, tmp_path: Path) -> None:
    listed = ask(case, invented(3), site, tmp_path, 3)
    assert {one.source for one in listed} == {case.source}
    for one in listed:
        assert one.listed_at.utcoffset() == timedelta(0)
        assert abs(datetime.now(UTC) - one.listed_at) < timedelta(minutes=10)


@EVERY
def test_the_same_site_gives_the_same_list(case: Case, site: Site, tmp_path: Path) -> None:
    first, second = (ask(case, invented(12), site, tmp_path, 12) for _ in range(2))
    assert [one.person for one in first] == [one.person for one in second]


@EVERY
def test_someone_listed_twice_is_one(case: Case, site: Site, tmp_path: Path) -> None:
    people = invented(6)
    listed = ask(case, [*people[:3], *people], site, tmp_path, 6)
    assert [one.person.name for one in listed] == [person.name for person in people]


@EVERY
def test_markup_and_control_characters_do_not_survive(case: Case, site: Site, tmp_path: Path) -> None:
    hostile = Invented("<b>Ann</b> &lt;script&gt;Lee\u202e\u200b&amp;lt;/i&amp;gt;", 1, 99)
    (listed,) = ask(case, [hostile], site, tmp_path, 1)
    assert listed.person.name == "Ann Lee"
    assert "<" not in listed.person.person_id
