"""What all sources of people share: asking a site, parsing its answer, and saying what else lists people."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from actorrec.errors import ItemError, SourceError
from actorrec.scrape import foreign
from actorrec.scrape.foreign import Shape
from actorrec.scrape.protocols import Fetcher, Page

WAYS = {
    "wikidata": "--people wikidata",
    "imdb-datasets": "--people imdb-datasets",
    "tmdb": "--people tmdb",
    "imdb": "--people imdb:saved.html",
    "file": "--people file:names.txt",
}

_HINTS: Final = {
    "timeout": "fetch.timeout_s gives a slow service longer",
    "unknown-host": "is this machine online?",
    "connection": "is this machine online?",
}


def alternatives(source: str) -> str:
    """What else lists people, for the hint of an error. A saved page serves where IMDb itself refuses."""
    ways = [way for name, way in WAYS.items() if name != source or name == "imdb"]
    return f"other ways: {', '.join(ways)}"


def parse_json(source: str, body: bytes, shape: type[Shape]) -> Shape:
    """See ``scrape.foreign.parse_json``; the hint says what else lists people."""
    return foreign.parse_json(source, body, shape, alternatives(source))


def field_gone(source: str, field: str) -> SourceError:
    """The error that says which field an answer lacks."""
    return SourceError(source, foreign.gone(field), alternatives=alternatives(source))


@dataclass(frozen=True, slots=True)
class Site:
    """A source's way to its site: what fails there carries the source's name."""

    source: str
    fetcher: Fetcher

    async def ask(
        self,
        url: str,
        *,
        params: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        json: Any = None,
        ok: frozenset[int] = frozenset({200}),
    ) -> Page:
        """``Fetcher.page``; one failed request fails the list.

        Raises:
            SourceError: When the answer cannot be had.
        """
        try:
            return await self.fetcher.page(url, params=params, headers=headers, json=json, ok=ok)
        except ItemError as error:
            raise self.failed(error) from None

    def failed(self, error: ItemError) -> SourceError:
        """The error that a failed request is to this source."""
        return self.error(error.message, hint=error.hint or _HINTS.get(error.reason, ""))

    def error(self, message: str, *, hint: str = "") -> SourceError:
        """An error of this source, with what else would serve."""
        ways = alternatives(self.source)
        return SourceError(self.source, message, alternatives=f"{hint}; {ways}" if hint else ways)
