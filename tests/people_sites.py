"""Every source of people with a site or file of its own behind it, as tests of the sources share them."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from pydantic import SecretStr

from actorrec.config import Config
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.people.open import people_source
from actorrec.sections import FetchSection, ScrapeSection, SourcesSection
from sites import imdb, imdb_datasets, tmdb_people, wikidata
from sites.invented import Invented
from sites.server import Handler, Reply, Site, as_json

LOOPBACK = FetchSection(
    allow_addresses=("127.0.0.0/8",), rate_per_s=1000, attempts=1, timeout_s=60, deadline_s=120, max_wait_s=1
)


@dataclass(frozen=True)
class Case:
    """A source as a user would name it.

    Attributes:
        source: What the list says it comes from.
        spec: ``--people``; ``{folder}`` stands for the test's folder.
        routes: What its site serves for these people.
        files: Name → content of what lies in the folder for these people.
    """

    source: str
    spec: str
    routes: Callable[[list[Invented]], dict[str, Handler]] = lambda people: {}
    files: Callable[[list[Invented]], dict[str, bytes]] = lambda people: {}
    cast_of: str | None = None
    key: str = tmdb_people.KEY
    names_only: bool = field(default=False)


def _wikidata(people: list[Invented]) -> dict[str, Handler]:
    return {"/sparql": wikidata.query_service(people)}


def _imdb_page(people: list[Invented]) -> dict[str, Handler]:
    return {
        "/graphql": lambda asked: Reply(b"not here", 404),
        "/chart/starmeter/": lambda asked: imdb.html(imdb.next_data(people)),
    }


def _csv(people: list[Invented]) -> bytes:
    rows = ["id,name,imdb,born", *(f'{person.qid},"{person.name}",{person.imdb},1970' for person in people)]
    return ("\ufeff" + "\r\n".join(rows)).encode()


def _jsonl(people: list[Invented]) -> bytes:
    lines = (f'{{"name": "{person.name}", "tmdb": {person.tmdb}, "note": null}}' for person in people)
    return "\n".join(lines).encode()


def _names(people: list[Invented]) -> bytes:
    return ("# mine\n\n" + "\n".join(person.name for person in people) + "  # the last\n").encode()


CASES: dict[str, Case] = {
    "wikidata": Case("wikidata", "wikidata", _wikidata),
    "wikidata-cast": Case("wikidata", "wikidata", _wikidata, cast_of="The Long Tide"),
    "imdb-interface": Case("imdb", "imdb", lambda people: {"/graphql": imdb.interface(people)}),
    "imdb-page": Case("imdb", "imdb", _imdb_page),
    "imdb-saved-page": Case(
        "imdb", "imdb:{folder}/saved.html", files=lambda people: {"saved.html": imdb.page(imdb.next_data(people))}
    ),
    "imdb-saved-json": Case(
        "imdb", "imdb:{folder}/saved.json", files=lambda people: {"saved.json": as_json(imdb.graphql(people)).body}
    ),
    "imdb-datasets": Case("imdb-datasets", "imdb-datasets", imdb_datasets.routes),
    "imdb-datasets-folder": Case(
        "imdb-datasets",
        "imdb-datasets:{folder}",
        files=lambda people: {
            "name.basics.tsv.gz": imdb_datasets.tsv(imdb_datasets.name_rows(people)),
            "title.ratings.tsv.gz": imdb_datasets.tsv(imdb_datasets.rating_rows(people)),
        },
    ),
    "tmdb": Case("tmdb", "tmdb", tmdb_people.routes),
    "tmdb-cast": Case("tmdb", "tmdb", tmdb_people.routes, cast_of="the long tide", key=tmdb_people.TOKEN),
    "file-names": Case("file", "{folder}/my names", files=lambda people: {"my names": _names(people)}, names_only=True),
    "file-csv": Case("file", "file:{folder}/my.csv", files=lambda people: {"my.csv": _csv(people)}),
    "file-jsonl": Case("file", "file:{folder}/my.jsonl", files=lambda people: {"my.jsonl": _jsonl(people)}),
}


def config_for(case: Case, url: str) -> Config:
    """Settings that send every source to this site."""
    sources = SourcesSection(
        wikidata_sparql_url=f"{url}/sparql",
        tmdb_url=f"{url}/3",
        tmdb_key=SecretStr(case.key),
        imdb_graphql_url=f"{url}/graphql",
        imdb_url=url,
        imdb_datasets_url=url,
    )
    return Config(fetch=LOOPBACK, sources=sources, scrape=ScrapeSection(cast_of=case.cast_of))


def lay(case: Case, people: list[Invented], site: Site, folder: Path) -> str:
    """Put what the source reads in its place; the spec that names it."""
    site.routes = case.routes(people)
    for name, content in case.files(people).items():
        (folder / name).write_bytes(content)
    return case.spec.format(folder=folder)


async def list_people(spec: str, config: Config, top: int) -> list[ListedPerson]:
    """Ask a source through the real fetcher."""
    async with open_fetcher(config.fetch) as fetcher:
        return await people_source(spec, config, fetcher).people(top)
