"""IMDb's StarMeter chart: read live where it was asked for by name, or from a saved file.

No disguise and no challenge solver: where IMDb refuses, that is the answer.
"""

import logging
from pathlib import Path

from actorrec.config import Config
from actorrec.errors import ConfigError, SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.people.foreign import Site
from actorrec.scrape.people.imdb_chart import SOURCE, Chart, parse_graphql, parse_page, parse_saved
from actorrec.scrape.people.local import read_file
from actorrec.scrape.people.ranking import distinct, ranked
from actorrec.scrape.protocols import Fetcher, Page

CHART_SIZE = 100
SEARCH_SIZE = 50
# Statuses with which IMDb answers programs it does not want; 202 comes with a challenge and no content.
_REFUSALS = frozenset({202, 403, 405})
_QUERY = """\
query {
  chartNames(first: 100, chart: {chartType: MOST_POPULAR_NAMES}, sort: {sortBy: POPULARITY, sortOrder: ASC}) {
    edges { node { id nameText { text } creditCategories { category { text } } } }
  }
}"""
_log = logging.getLogger(__name__)


class ImdbRefusesError(SourceError):
    """IMDb answered with a refusal or a challenge; asking it another way would be evading it."""

    def __init__(self, answer: str) -> None:
        super().__init__(
            SOURCE,
            f"IMDb refuses automated reading ({answer}), and this program does not get around that",
            alternatives="other ways: --people wikidata, --people imdb-datasets, --people file:names.txt, or save the "
            "chart page in your browser and read that: --people imdb:saved.html",
        )


class ImdbLive:
    """The chart as IMDb serves it now: its interface, else its page; and beyond 100 names, its name search."""

    name = SOURCE

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        self._sources = config.sources
        self._site = Site(SOURCE, fetcher)

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        _log.warning(
            "imdb: IMDb's conditions of use do not permit automated reading; you asked for it by name. "
            "--people wikidata is free to use"
        )
        chart = await self._chart()
        _log.info("imdb: %d of the chart's first %d names act", len(chart.actors), chart.names)
        return ranked(SOURCE, await self._search(chart, top) if top > CHART_SIZE else chart.actors, top)

    async def _chart(self) -> Chart:
        try:
            return parse_graphql((await self._ask_graphql()).body)
        except ImdbRefusesError:
            raise
        except SourceError as error:
            _log.info("%s; trying the chart's page", error.message)
        page = await self._ask(self._sources.imdb_chart_path)
        return parse_page(page.body)

    async def _ask_graphql(self) -> Page:
        # The interface wants to know the client's name and the page it asks for; both are given as they are.
        headers = {
            "x-imdb-client-name": "actorrec",
            "Referer": self._sources.imdb_url + self._sources.imdb_chart_path,
        }
        url, ok = self._sources.imdb_graphql_url, _REFUSALS | {200}
        return _unless_refused(await self._site.ask(url, json={"query": _QUERY}, headers=headers, ok=ok))

    async def _ask(self, path: str, **params: str) -> Page:
        url = self._sources.imdb_url.rstrip("/") + path
        return _unless_refused(await self._site.ask(url, params=params or None, ok=_REFUSALS | {200}))

    async def _search(self, chart: Chart, top: int) -> list[Person]:
        """The chart's actors and those of as many search pages as it takes; stops where a page brings nobody new."""
        found = distinct(chart.actors)
        start = chart.names + 1
        while len(found) < top:
            page = await self._ask(
                self._sources.imdb_search_path, sort="starmeter,asc", count=str(SEARCH_SIZE), start=str(start)
            )
            more = parse_page(page.body)
            known, found = len(found), distinct([*found, *more.actors])
            if len(found) == known:
                break
            start += more.names
        return found


class ImdbSaved:
    """The chart from a page or JSON on this machine; nothing goes over a network."""

    name = SOURCE

    def __init__(self, path: Path) -> None:
        self._path = path

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        body = read_file(self._path)
        if not body.strip():
            raise ConfigError(
                f"{self._path} is empty", hint="save the chart page as HTML only, once it shows the names"
            )
        return ranked(SOURCE, parse_saved(body).actors, top)


def _unless_refused(page: Page) -> Page:
    action = page.headers.get("x-amzn-waf-action")
    if page.status in _REFUSALS or action:
        raise ImdbRefusesError(f"HTTP {page.status}" + (", a challenge" if action else ""))
    if not page.body.strip():
        raise ImdbRefusesError(f"HTTP {page.status} with nothing in it")
    return page
