import asyncio
import gzip
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import pytest

from actorrec.errors import ConfigError, SourceError
from actorrec.scrape.people.imdb_dataset_lines import folder_lines
from actorrec.scrape.people.imdb_datasets import Votes, read_actors, read_votes
from sites.imdb_datasets import NAME_COLUMNS, RATING_COLUMNS

Rows = list[Sequence[str]]


async def lines(rows: Rows) -> AsyncIterator[bytes]:
    for row in rows:
        yield "\t".join(row).encode()


def votes(*rows: Sequence[str]) -> Votes:
    return asyncio.run(read_votes(lines([RATING_COLUMNS, *rows])))


def actors(rows: Rows, rated: Votes, top: int = 10) -> list[str]:
    found = asyncio.run(read_actors(lines([NAME_COLUMNS, *rows]), rated, top))
    return [person.name for person in found if person]


def person(number: int, name: str, titles: str, professions: str = "actor") -> Sequence[str]:
    return (f"nm{number:07d}", name, "1970", r"\N", professions, titles)


RATED = (("tt0000003", "5", "30"), ("tt10000001", "5", "4000000000"), ("tt0000001", "5", "10"))


def test_files_with_nothing_but_a_header() -> None:
    rated = votes()
    assert (len(rated), rated.of(1)) == (0, 0)
    assert actors([], rated) == []


def test_votes_are_found_whatever_the_order() -> None:
    rated = votes(*RATED)
    assert [rated.of(title) for title in (1, 2, 3, 10000001, 99999999)] == [10, 0, 30, 4_000_000_000, 0]


def test_ranked_by_the_sum_over_known_titles_then_by_id() -> None:
    rows = [
        person(4, "both", "tt0000001,tt0000003"),
        person(3, "late", "tt0000003"),
        person(2, "early", "tt0000003", "writer,actress"),
        person(1, "long ago", "tt10000001"),
        person(5, "unrated", "tt0000002"),
        person(6, "nothing", r"\N"),
        person(7, "director", "tt10000001", "director,actor_coach"),
        person(8, r"\N", "tt10000001"),
    ]
    assert actors(rows, votes(*RATED)) == ["long ago", "both", "early", "late"]
    assert actors(rows[::-1], votes(*RATED), top=3) == ["long ago", "both", "early"]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        ([], "name.basics.tsv.gz is empty"),
        ([NAME_COLUMNS, ("nm0000001", "Ann", "1970")], "line 2 of name.basics.tsv.gz has 3 fields"),
        ([NAME_COLUMNS, person(1, "Ann", "tt1x")], "knownForTitles' is not what it was: '1x'"),
        ([NAME_COLUMNS, ("x1", "Ann", "", "", "actor", "tt0000001")], "nconst' is not what it was: 'x1'"),
        ([NAME_COLUMNS, person(1, "Ann", "tt99999999999")], "knownForTitles"),
    ],
)
def test_rows_of_another_shape(rows: Rows, said: str) -> None:
    with pytest.raises(SourceError) as raised:
        asyncio.run(read_actors(lines(rows), votes(*RATED), 5))
    assert said in raised.value.message
    assert "--people" in raised.value.hint


def test_ratings_of_another_shape() -> None:
    with pytest.raises(SourceError, match="numVotes"):
        votes(("tt0000001", "5", "many"))
    with pytest.raises(SourceError, match="tconst"):
        votes(("nm0000001", "5", "1"))


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (None, "No such file"),
        (b"plain text", "is damaged"),
        (gzip.compress(b"a\n" * 9999, mtime=0)[:-12], "is damaged"),
        (gzip.compress(b"a" * 200_000), "a line of more than"),
    ],
)
def test_files_that_cannot_be_read(content: bytes | None, said: str, tmp_path: Path) -> None:
    if content is not None:
        (tmp_path / "x.tsv.gz").write_bytes(content)

    async def read() -> None:
        async for _ in folder_lines(tmp_path)("x.tsv.gz"):
            pass

    with pytest.raises(ConfigError) as raised:
        asyncio.run(read())
    assert said in raised.value.message
    assert "x.tsv.gz" in raised.value.message
