"""Actors by how many Wikipedias have a page on them, from Wikidata's query service.

The queries keep to plain SPARQL 1.1 and name their prefixes: the service moves from Blazegraph to another engine in
2026 and 2027, and Blazegraph's hints and label service would stay behind.
"""

import logging

from pydantic import Field

from actorrec.config import Config
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.contact import check_contact
from actorrec.scrape.foreign import Foreign
from actorrec.scrape.names import make_person, valid_id
from actorrec.scrape.people.foreign import Site, field_gone, parse_json
from actorrec.scrape.people.ranking import ranked
from actorrec.scrape.protocols import Fetcher

SOURCE = "wikidata"
# Actor; film, television, stage and child actor. Voice actors (Q2405480) are heard, not seen.
OCCUPATIONS = ("Q33999", "Q10800557", "Q10798782", "Q2259451", "Q970153")
# Fewest sitelinks asked for, tried in turn until enough people come: a high floor leaves the service little to sort,
# and it stops queries after 60 s.
FLOORS = (60, 10, 0)
# Shakespeare was an actor too, and no photograph shows him.
BORN_SINCE = 1850

PREFIXES = """\
PREFIX wd: <http://www.wikidata.org/entity/>
PREFIX wdt: <http://www.wikidata.org/prop/direct/>
PREFIX wikibase: <http://wikiba.se/ontology#>
PREFIX rdfs: <http://www.w3.org/2000/01/rdf-schema#>
"""
# P31: what it is (Q5: a human), P345: IMDb id, P4985: TMDB person id, P569: date of birth. "mul" is the label for all
# languages alike. All are optional, so that the service finds the few people first, whatever its engine.
DETAILS = """\
  OPTIONAL { ?person wdt:P31 ?kind . FILTER(?kind = wd:Q5) }
  OPTIONAL { ?person rdfs:label ?en . FILTER(LANG(?en) = "en") }
  OPTIONAL { ?person rdfs:label ?mul . FILTER(LANG(?mul) = "mul") }
  OPTIONAL { ?person wdt:P345 ?imdb }
  OPTIONAL { ?person wdt:P4985 ?tmdb }
  OPTIONAL { ?person wdt:P569 ?born }
"""
_log = logging.getLogger(__name__)


class Text(Foreign):
    """A cell with any value."""

    value: str


class Item(Foreign):
    """A cell that holds an item."""

    value: str = Field(pattern=r"^https?://www\.wikidata\.org/entity/Q[1-9]\d{0,11}$")

    @property
    def qid(self) -> str:
        return self.value.rpartition("/")[2]


class Count(Foreign):
    """A cell that holds a number of things."""

    value: int = Field(ge=0)


class _Row(Foreign):
    person: Item
    sitelinks: Count
    kind: Text | None = None
    en: Text | None = None
    mul: Text | None = None
    imdb: Text | None = None
    tmdb: Text | None = None
    born: Text | None = None


class _Results(Foreign):
    bindings: list[_Row]


class _Answer(Foreign):
    results: _Results


class WikidataPeople:
    """The most linked-to actors."""

    name = SOURCE

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        self._site = Site(SOURCE, fetcher)
        self._url = config.sources.wikidata_sparql_url
        check_contact(self._url, config)

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        found: list[Person | None] = []
        for floor in FLOORS:
            found = parse_people(await ask_sparql(self._site, self._url, actors_query(top, floor)))
            if len(found) - found.count(None) >= top:
                break
        return ranked(SOURCE, found, top)


async def ask_sparql(site: Site, url: str, query: str) -> bytes:
    """The service's answer as SPARQL JSON."""
    headers = {"Accept": "application/sparql-results+json"}
    return (await site.ask(url, params={"query": query, "format": "json"}, headers=headers)).body


def actors_query(top: int, floor: int) -> str:
    """People who act, most sitelinks first; some more than ``top``, for those that are passed over."""
    occupations = " ".join(f"wd:{qid}" for qid in OCCUPATIONS)
    return f"""{PREFIXES}SELECT ?person ?sitelinks ?kind ?en ?mul ?imdb ?tmdb ?born WHERE {{
  {{ SELECT DISTINCT ?person ?sitelinks WHERE {{
      VALUES ?occupation {{ {occupations} }}
      ?person wdt:P106 ?occupation ; wikibase:sitelinks ?sitelinks .
      FILTER(?sitelinks >= {floor})
    }} ORDER BY DESC(?sitelinks) ?person LIMIT {top + top // 5 + 20} }}
{DETAILS}}}
ORDER BY DESC(?sitelinks) ?person"""


def parse_people(body: bytes) -> list[Person | None]:
    """People of an answer, most sitelinks first, then by number; None stands for one without a name.

    A person fills several rows where a statement has several values; the first of each in order of text counts.

    Raises:
        SourceError: If the shape is not that of SPARQL JSON with our columns, or a column we need is empty throughout.
    """
    rows = parse_json(SOURCE, body, _Answer).results.bindings
    if rows and not any(row.kind for row in rows):
        raise field_gone(SOURCE, "results.bindings.kind")
    if rows and not any(row.en or row.mul for row in rows):
        raise field_gone(SOURCE, "results.bindings.en")
    by_person: dict[str, list[_Row]] = {}
    for row in sorted(rows, key=lambda row: (-row.sitelinks.value, int(row.person.qid[1:]))):
        by_person.setdefault(row.person.qid, []).append(row)
    fit = {qid: of_person for qid, of_person in by_person.items() if _first(of_person, "kind")}
    late = {qid: of_person for qid, of_person in fit.items() if not _born_too_early(of_person)}
    if len(late) < len(by_person):
        _log.info(
            "%s: passed over %d that are no human and %d born before %d",
            SOURCE,
            len(by_person) - len(fit),
            len(fit) - len(late),
            BORN_SINCE,
        )
    return [_person(qid, of_person) for qid, of_person in late.items()]


def _person(qid: str, rows: list[_Row]) -> Person | None:
    name = _first(rows, "en") or _first(rows, "mul") or ""
    imdb = valid_id("imdb", _first(rows, "imdb"))
    return make_person(qid, name, wikidata=qid, imdb=imdb, tmdb=_first(rows, "tmdb"))


def _first(rows: list[_Row], column: str) -> str | None:
    return min((cell.value for row in rows if (cell := getattr(row, column))), default=None)


def _born_too_early(rows: list[_Row]) -> bool:
    """True where a date says so; unknown and unreadable dates do not. Years before the era begin with a minus."""
    born = _first(rows, "born") or ""
    year = born[1:].partition("-")[0] if born.startswith("-") else born.partition("-")[0]
    return year.isdecimal() and (born.startswith("-") or int(year[:6]) < BORN_SINCE)
