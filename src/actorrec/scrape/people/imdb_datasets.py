"""IMDb's daily files for personal, non-commercial use: actors by the votes of the titles they are known for.

The files are large (some 14 million names, 1.6 million rated titles): they are streamed, and only the votes (8 bytes a
title) and the best ``top`` people are held.
"""

import heapq
import logging
from array import array
from bisect import bisect_left
from collections.abc import AsyncIterator, Callable

from actorrec.errors import SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.names import make_person
from actorrec.scrape.people.foreign import alternatives, field_gone
from actorrec.scrape.people.ranking import ranked

SOURCE = "imdb-datasets"
NAMES = "name.basics.tsv.gz"
RATINGS = "title.ratings.tsv.gz"
_ACTING = frozenset({b"actor", b"actress"})
_log = logging.getLogger(__name__)

OpenLines = Callable[[str], AsyncIterator[bytes]]
"""File name → its lines."""


class ImdbDatasets:
    """Actors ranked by the sum of votes over the titles IMDb says they are known for.

    Args:
        lines: Opens either file by its name.
    """

    name = SOURCE

    def __init__(self, lines: OpenLines) -> None:
        self._lines = lines

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        _log.warning("imdb-datasets: IMDb permits personal and non-commercial use of these files only")
        votes = await read_votes(self._lines(RATINGS))
        return ranked(SOURCE, await read_actors(self._lines(NAMES), votes, top), top)


class Votes:
    """How many people voted on each title: numbers of titles, ascending, beside numbers of votes (uint32)."""

    def __init__(self, titles: "array[int]", votes: "array[int]") -> None:
        import numpy as np

        order = np.argsort(np.frombuffer(titles, np.uint32), kind="stable") if titles else np.empty(0, np.intp)
        self._titles = array("I", np.frombuffer(titles, np.uint32)[order].tobytes() if titles else b"")
        self._votes = array("I", np.frombuffer(votes, np.uint32)[order].tobytes() if votes else b"")

    def __len__(self) -> int:
        return len(self._titles)

    def of(self, title: int) -> int:
        """Votes on the title ``tt<title>``; 0 where it is not rated."""
        at = bisect_left(self._titles, title)
        return self._votes[at] if at < len(self._titles) and self._titles[at] == title else 0


async def read_votes(lines: AsyncIterator[bytes]) -> Votes:
    """Read ``title.ratings``.

    Raises:
        SourceError: If a column is gone or a number is none.
    """
    titles, votes = array("I"), array("I")
    async for title, count in _rows(RATINGS, lines, ("tconst", "numVotes")):
        titles.append(_number(RATINGS, "tconst", title.removeprefix(b"tt")))
        votes.append(_number(RATINGS, "numVotes", count))
    return Votes(titles, votes)


async def read_actors(lines: AsyncIterator[bytes], votes: Votes, top: int) -> list[Person | None]:
    """Read ``name.basics``: the ``top`` actors and actresses with most votes, then by id; those without votes or
    a name are passed over.

    Raises:
        SourceError: If a column is gone or a number is none.
    """
    columns = ("nconst", "primaryName", "primaryProfession", "knownForTitles")
    best = _Best(top)
    async for nconst, name, professions, titles in _rows(NAMES, lines, columns):
        if _ACTING.isdisjoint(professions.split(b",")) or name == rb"\N":
            continue
        numbers = (_number(NAMES, "knownForTitles", title.removeprefix(b"tt")) for title in _listed(titles))
        if score := sum(map(votes.of, numbers)):
            best.offer(score, _number(NAMES, "nconst", nconst.removeprefix(b"nm")), name)
    return [_person(number, name) for number, name in best.in_order()]


class _Best:
    """The best so far, and no more."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._heap: list[tuple[int, int, bytes]] = []  # score, minus the number, name; the least first
        self._numbers: set[int] = set()

    def offer(self, score: int, number: int, name: bytes) -> None:
        if number in self._numbers:
            return
        entry = (score, -number, name)
        if len(self._heap) < self._most:
            heapq.heappush(self._heap, entry)
        elif entry > self._heap[0]:
            self._numbers.discard(-heapq.heapreplace(self._heap, entry)[1])
        else:
            return
        self._numbers.add(number)

    def in_order(self) -> list[tuple[int, bytes]]:
        return [(-minus_number, name) for _, minus_number, name in sorted(self._heap, reverse=True)]


def _person(number: int, name: bytes) -> Person | None:
    imdb = f"nm{number:07d}"
    return make_person(imdb, name.decode("utf-8", "replace"), imdb=imdb)


async def _rows(file: str, lines: AsyncIterator[bytes], columns: tuple[str, ...]) -> AsyncIterator[list[bytes]]:
    """The named columns of each row."""
    at: list[int] = []
    line_number = 0
    async for line in lines:
        line_number += 1
        cells = line.rstrip(b"\r\n").split(b"\t")
        if not at:
            at = _columns(file, cells, columns)
        elif len(cells) <= max(at):
            raise _error(f"line {line_number} of {file} has {len(cells)} fields, too few; it seems cut off")
        else:
            yield [cells[index] for index in at]
    if not at:
        raise _error(f"{file} is empty")


def _columns(file: str, header: list[bytes], columns: tuple[str, ...]) -> list[int]:
    names = [cell.decode("utf-8", "replace") for cell in header]
    for column in columns:
        if column not in names:
            raise field_gone(SOURCE, f"{file}: {column}")
    return [names.index(column) for column in columns]


def _listed(cell: bytes) -> list[bytes]:
    return [] if cell in (rb"\N", b"") else cell.split(b",")


def _number(file: str, column: str, digits: bytes) -> int:
    if not digits.isdigit() or (value := int(digits[:11])) >= 2**32:
        shown = digits[:40].decode("ascii", "replace")
        raise _error(f"the field '{file}: {column}' is not what it was: '{shown}' is no number")
    return value


def _error(message: str) -> SourceError:
    return SourceError(SOURCE, message, alternatives=alternatives(SOURCE))
