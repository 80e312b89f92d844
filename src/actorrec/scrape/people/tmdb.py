"""People of The Movie Database: the popular ones, or a film's cast. Needs the user's own key."""

import logging
import re

from pydantic import Field

from actorrec.config import Config
from actorrec.errors import ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.foreign import Foreign, Shape
from actorrec.scrape.names import clean_name, make_person
from actorrec.scrape.people.foreign import Site, parse_json
from actorrec.scrape.people.ranking import distinct, ranked
from actorrec.scrape.protocols import Fetcher
from actorrec.scrape.tmdb import LAST_PAGE, SOURCE, TmdbKey

_log = logging.getLogger(__name__)


class _Person(Foreign):
    id: int = Field(gt=0, lt=10**12)
    name: str


class _PopularPerson(_Person):
    known_for_department: str | None


class _PopularPage(Foreign):
    results: list[_PopularPerson]
    total_pages: int = Field(ge=0, lt=10**12)


class _Movie(Foreign):
    id: int = Field(gt=0, lt=10**12)
    title: str
    popularity: float
    release_date: str | None = None

    @property
    def shown(self) -> str:
        year = (self.release_date or "")[:4]
        known = ", ".join(part for part in (year if year.isdecimal() else "", f"tmdb-{self.id}") if part)
        return f"'{clean_name(self.title)}' ({known})"


class _Found(Foreign):
    results: list[_Movie]


class _FoundById(Foreign):
    movie_results: list[_Movie]


class _CastMember(_Person):
    order: int = Field(lt=10**12)


class _Credits(Foreign):
    cast: list[_CastMember]


class _ExternalIds(Foreign):
    imdb_id: str | None
    wikidata_id: str | None = None


class _Api:
    """Answers in their shapes; what fails carries the source's name."""

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        self._key = TmdbKey(config, fetcher)
        self.site = Site(SOURCE, fetcher)

    async def get(self, path: str, shape: type[Shape], **params: str) -> Shape:
        """Ask for a path.

        Raises:
            ConfigError: If the key is refused.
            SourceError: If there is no answer, or nothing under that id, or its shape is not known.
        """
        if (answer := await self.find(path, shape, **params)) is None:
            raise self.site.error(f"has nothing under {path}")
        return answer

    async def find(self, path: str, shape: type[Shape], **params: str) -> Shape | None:
        """As ``get``, but None where there is nothing under that id."""
        try:
            page = await self._key.page(path, params)
        except ItemError as error:
            raise self.site.failed(error) from None
        return parse_json(SOURCE, page.body, shape) if page else None

    async def with_external_ids(self, people: list[Person]) -> list[Person]:
        """The same people with their IMDb and Wikidata ids, by which other sources find pictures of them."""
        return [await self._with_external_ids(person) for person in people]

    async def _with_external_ids(self, person: Person) -> Person:
        ids = await self.find(f"/person/{person.external_ids['tmdb']}/external_ids", _ExternalIds)
        return add_ids(person, ids) if ids else person


class TmdbPopular:
    """The popular people whose trade is acting."""

    name = SOURCE

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        self._api = _Api(config, fetcher)

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        found: list[Person] = []
        for number in range(1, LAST_PAGE + 1):
            page = await self._api.get("/person/popular", _PopularPage, page=str(number))
            found = distinct([*found, *actors_of(page)])
            if len(found) >= top or not page.results or number >= page.total_pages:
                break
        return ranked(SOURCE, await self._api.with_external_ids(found[:top]), top)


class TmdbCast:
    """The cast of one film.

    Args:
        film: Its title; or an id: ``tmdb-550``, ``tt0137523``.
    """

    name = SOURCE

    def __init__(self, film: str, config: Config, fetcher: Fetcher) -> None:
        self._film = film.strip()
        self._api = _Api(config, fetcher)

    async def people(self, top: int) -> list[ListedPerson]:
        """See ``PeopleSource.people``."""
        film = await self._film_id()
        found = cast_of(await self._api.get(f"/movie/{film}/credits", _Credits))[:top]
        return ranked(SOURCE, await self._api.with_external_ids(found), len(found))

    async def _film_id(self) -> int:
        if match := re.fullmatch(r"tmdb-(\d{1,12})", self._film):
            return int(match.group(1))
        if re.fullmatch(r"tt\d{7,10}", self._film):
            by_id = await self._api.get(f"/find/{self._film}", _FoundById, external_source="imdb_id")
            movies = by_id.movie_results
        else:
            movies = (await self._api.get("/search/movie", _Found, query=self._film)).results
        if not movies:
            raise self._api.site.error(f"knows no film '{self._film}'; tmdb-… and tt… ids find one too")
        chosen = choose_film(self._film, movies)
        if len(movies) > 1:
            _log.info("%s: %d films answer to '%s'", SOURCE, len(movies), self._film)
        _log.info("%s: the cast of %s", SOURCE, chosen.shown)
        return chosen.id


def choose_film(title: str, movies: list[_Movie]) -> _Movie:
    """The most popular of those with exactly this title, else of all."""
    exact = [movie for movie in movies if movie.title.casefold() == title.casefold()]
    return max(exact or movies, key=lambda movie: (movie.popularity, -movie.id))


def actors_of(page: _PopularPage) -> list[Person]:
    """Those of a page who act, in order."""
    acting = (entry for entry in page.results if entry.known_for_department == "Acting")
    return [person for entry in acting if (person := _person(entry))]


def cast_of(credits: _Credits) -> list[Person]:
    """The cast in the order of the credits, each once."""
    return distinct(_person(member) for member in sorted(credits.cast, key=lambda member: member.order))


def _person(entry: _Person) -> Person | None:
    return make_person(f"tmdb-{entry.id}", entry.name, tmdb=str(entry.id))


def add_ids(person: Person, ids: _ExternalIds) -> Person:
    """The person with the ids that have the right shape."""
    more = make_person(person.person_id, person.name, imdb=ids.imdb_id, wikidata=ids.wikidata_id)
    assert more is not None  # the name is one already
    return person.model_copy(update={"external_ids": more.external_ids | person.external_ids})
