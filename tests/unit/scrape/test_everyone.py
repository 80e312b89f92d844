"""Searches for several people: who cannot be searched for now is searched for again, and nobody is written off."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from offered import MemoryFetcher, blots, listed, tools_for

from actorrec.errors import ConfigError, ItemError, RemoteError
from actorrec.manifests.images import ListedPerson, PersonTally
from actorrec.progress import SilentProgress
from actorrec.scrape.everyone import Recovered, search_everyone
from actorrec.scrape.folders import places
from actorrec.scrape.protocols import Candidate, ImageSource
from actorrec.scrape.search import Tools

PEOPLE = [listed(f"Q{number}", f"Person {number}", number) for number in range(1, 7)]
FILES = {f"https://a.org/{number}.jpg": blots(number) for number in range(4)}


@dataclass
class Moody:
    """A source that fails so often about each person before it answers.

    Attributes:
        asked: How often it was asked about each.
    """

    failures: int | Exception
    reason: str = "timeout"
    name: str = "moody"
    asked: Counter[str] = field(default_factory=Counter)

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        person_id = listed.person.person_id
        self.asked[person_id] += 1
        if isinstance(self.failures, Exception):
            raise self.failures
        if self.asked[person_id] <= self.failures:
            raise ItemError(self.reason, "no answer")
        for url in FILES:
            yield Candidate(self.name, url)


def search(
    folder: Path, sources: Sequence[ImageSource], people: Sequence[ListedPerson] = PEOPLE
) -> list[PersonTally | None]:
    """The tallies that the journal holds afterwards."""
    with tools_for(folder, sources, MemoryFetcher(FILES), asked=2) as tools:
        asyncio.run(search_everyone(people, tools, Recovered(), SilentProgress()))
    return tallies(tools, people)


def tallies(tools: Tools, people: Sequence[ListedPerson] = PEOPLE) -> list[PersonTally | None]:
    found = places([each.person for each in people])
    finished = [tools.journal.person(found[each.person.person_id].folder).finished for each in people]
    return [each.tally if each is not None else None for each in finished]


def test_everybody_is_searched_for_once(tmp_path: Path) -> None:
    source = Moody(0)
    assert [tally and tally.got for tally in search(tmp_path, [source])] == [2] * 6
    assert set(source.asked.values()) == {1}


def test_whose_source_could_not_be_reached_is_searched_for_again(tmp_path: Path) -> None:
    source = Moody(1)
    found = search(tmp_path, [source], PEOPLE[:3])
    assert [tally and (tally.got, tally.failed) for tally in found] == [(2, {})] * 3


def test_what_was_reached_and_refused_is_not_asked_again(tmp_path: Path) -> None:
    source = Moody(1, reason="http-404")
    found = search(tmp_path, [source])
    assert [tally and (tally.got, tally.failed) for tally in found] == [(0, {"moody: http-404": 1})] * 6
    assert set(source.asked.values()) == {1}


def test_without_a_network_nobody_is_written_off(tmp_path: Path) -> None:
    with tools_for(tmp_path, [Moody(9)], MemoryFetcher(FILES), asked=2) as tools:
        with pytest.raises(RemoteError, match="no server can be reached"):
            asyncio.run(search_everyone(PEOPLE, tools, Recovered(), SilentProgress()))
        assert tallies(tools) == [None] * 6
    assert [tally and tally.got for tally in search(tmp_path, [Moody(0)])] == [2] * 6


def test_a_wrong_key_ends_it_with_that_error_alone(tmp_path: Path) -> None:
    wrong = ConfigError("the key is wrong", hint="sources.tmdb_key")
    with pytest.raises(ConfigError) as caught:
        search(tmp_path, [Moody(wrong)])
    assert caught.value is wrong
