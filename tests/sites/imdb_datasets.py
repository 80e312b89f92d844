"""IMDb's daily files in their own shape: gzipped, tab-separated, ``\\N`` for nothing."""

import gzip
from collections.abc import Sequence

from sites.invented import Invented
from sites.server import Handler, Reply

NAME_COLUMNS = ("nconst", "primaryName", "birthYear", "deathYear", "primaryProfession", "knownForTitles")
RATING_COLUMNS = ("tconst", "averageRating", "numVotes")
Rows = list[Sequence[str]]


def tsv(rows: Rows) -> bytes:
    """A file of these rows, packed."""
    return gzip.compress("".join("\t".join(row) + "\n" for row in rows).encode(), mtime=0)


def name_rows(people: list[Invented]) -> Rows:
    """Header and people in the order of their ids, with some who do not act or are known for nothing."""
    rows: Rows = [NAME_COLUMNS]
    for person in sorted(people, key=lambda person: person.imdb):
        titles = f"tt{person.number:07d},tt99999999"
        rows.append((person.imdb, person.name, "1970", r"\N", "producer,actress", titles))
    rows.append(("nm98000001", "Dirk Regisseur", r"\N", r"\N", "director,writer", "tt0000001"))
    rows.append(("nm98000002", "Ugo Senzatitoli", r"\N", r"\N", "actor", r"\N"))
    rows.append(("nm98000003", r"\N", r"\N", r"\N", "actor", "tt0000001"))
    return rows


def rating_rows(people: list[Invented]) -> Rows:
    """Header and one title for each, in the order of text as IMDb's are."""
    rows = [(f"tt{person.number:07d}", "7.1", str(person.fame)) for person in people]
    return [RATING_COLUMNS, *sorted(rows)]


def routes(people: list[Invented]) -> dict[str, Handler]:
    """Both files."""
    names, ratings = tsv(name_rows(people)), tsv(rating_rows(people))
    return {
        "/name.basics.tsv.gz": lambda asked: Reply(names, content_type="binary/octet-stream"),
        "/title.ratings.tsv.gz": lambda asked: Reply(ratings, content_type="binary/octet-stream"),
    }
