"""The cast of a film or series, from Wikidata: P161, best known people first."""

import logging
import re

from actorrec.config import Config
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.contact import check_contact
from actorrec.scrape.foreign import Foreign
from actorrec.scrape.names import clean_name
from actorrec.scrape.people.foreign import Site, parse_json
from actorrec.scrape.people.ranking import ranked
from actorrec.scrape.people.wikidata import (
    DETAILS,
    PREFIXES,
    SOURCE,
    Count,
    Item,
    Text,
    ask_sparql,
    parse_people,
)
from actorrec.scrape.protocols import Fetcher

_log = logging.getLogger(__name__)


class _Film(Foreign):
    film: Item
    sitelinks: Count
    name: Text | None = None
    date: Text | None = None

    @property
    def qid(self) -> str:
        return self.film.qid

    @property
    def shown(self) -> str:
        year = self.date.value[:4] if self.date else ""
        known = ", ".join(part for part in (year if year.isdecimal() else "", self.qid) if part)
        return f"'{clean_name(self.name.value) if self.name else self.qid}' ({known})"


class _Films(Foreign):
    bindings: list[_Film]


class _Answer(Foreign):
    results: _Films


class WikidataCast:
    """The cast of one film or series.

    Args:
        work: Its English title, exactly; or an id: ``Q190050``, ``tt0137523``.
    """

    name = SOURCE

    def __init__(self, work: str, config: Config, fetcher: Fetcher) -> None:
        self._work = work.strip()
        self._site = Site(SOURCE, fetcher)
        self._url = config.sources.wikidata_sparql_url
        check_contact(self._url, config)

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        film = await self._film()
        found = parse_people(await ask_sparql(self._site, self._url, cast_query(film.qid)))
        return ranked(SOURCE, found, min(top, len(found)))

    async def _film(self) -> _Film:
        films: list[_Film] = []
        for language in ("en", "mul"):
            films = films or parse_films(await ask_sparql(self._site, self._url, films_query(self._work, language)))
        if not films:
            raise self._site.error(
                f"knows no film or series called '{self._work}' that has a cast; "
                "the exact English title, a Q… or a tt… id finds one"
            )
        if len(films) > 1:
            _log.info("%s: %d works are called '%s'", SOURCE, len(films), self._work)
        _log.info("%s: the cast of %s", SOURCE, films[0].shown)
        return films[0]


def films_query(work: str, language: str = "en") -> str:
    """Works of that id, or of exactly that title in that language, that have a cast."""
    if re.fullmatch(r"Q[1-9]\d*", work):
        which = f"VALUES ?film {{ wd:{work} }}"
    elif re.fullmatch(r"tt\d{7,10}", work):
        which = f'?film wdt:P345 "{work}" .'
    else:
        which = f"?film rdfs:label {_literal(work)}@{language} ."
    return f"""{PREFIXES}SELECT DISTINCT ?film ?sitelinks ?name ?date WHERE {{
  {which}
  ?film wikibase:sitelinks ?sitelinks ; wdt:P161 ?anybody .
  OPTIONAL {{ ?film rdfs:label ?name . FILTER(LANG(?name) = "en") }}
  OPTIONAL {{ ?film wdt:P577 ?date }}
}}"""


def cast_query(film: str) -> str:
    """The people of a film's cast, in the columns of ``parse_people``."""
    return f"""{PREFIXES}SELECT ?person ?sitelinks ?kind ?en ?mul ?imdb ?tmdb ?born WHERE {{
  wd:{film} wdt:P161 ?person .
  ?person wikibase:sitelinks ?sitelinks .
{DETAILS}}}
ORDER BY DESC(?sitelinks) ?person"""


def _literal(text: str) -> str:
    """A SPARQL string that holds exactly this text."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + "".join(character if character.isprintable() else " " for character in escaped) + '"'


def parse_films(body: bytes) -> list[_Film]:
    """Works, most sitelinks first, each once, with its first date.

    Raises:
        SourceError: If the shape is not that of SPARQL JSON with our columns.
    """
    rows = parse_json(SOURCE, body, _Answer).results.bindings
    rows.sort(key=lambda row: (-row.sitelinks.value, int(row.qid[1:]), row.date.value if row.date else "~"))
    first: dict[str, _Film] = {}
    for row in rows:
        first.setdefault(row.qid, row)
    return list(first.values())
