"""Pictures from The Movie Database: portraits of a person, then pictures in which somebody marked them."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing

from pydantic import Field

from actorrec.config import Config
from actorrec.errors import ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.foreign import Foreign, Shape
from actorrec.scrape.images.foreign import parse_answer, source_error, web_address
from actorrec.scrape.images.naming import plain_name
from actorrec.scrape.names import valid_id
from actorrec.scrape.protocols import Candidate, Fetcher
from actorrec.scrape.tmdb import LAST_PAGE, SOURCE, TmdbKey

LICENCE = "TMDB terms: no AI training without a written agreement"
LICENCE_URL = "https://www.themoviedb.org/api-terms-of-use"
_PERSON_PAGE = "https://www.themoviedb.org/person/"


class _Picture(Foreign):
    file_path: str = Field(pattern=r"^/[\w.-]+$")
    width: int
    height: int


class _Profiles(Foreign):
    profiles: list[_Picture]


class _Tagged(Foreign):
    results: list[_Picture]
    total_pages: int


class _Found(Foreign):
    id: int = Field(gt=0)
    name: str


class _FoundByImdb(Foreign):
    person_results: list[_Found]


class _FoundByName(Foreign):
    results: list[_Found]


class _Images(Foreign):
    secure_base_url: str


class _Configuration(Foreign):
    images: _Images


class TmdbImages:
    """Needs the user's own key; what comes is ``restricted``.

    Raises:
        ConfigError: If there is no key.
    """

    name = SOURCE

    def __init__(self, config: Config, fetcher: Fetcher) -> None:
        self._key = TmdbKey(config, fetcher)
        self._base = ""
        self._asking = asyncio.Lock()

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        """See ``ImageSource.candidates``.

        Raises:
            ConfigError: If the key is refused.
        """
        number = await self._number(listed.person)
        if number is None:
            return
        seen: set[str] = set()
        async with aclosing(self._pictures(number)) as pictures:
            async for picture in pictures:
                url = f"{await self._base_url()}original{picture.file_path}"
                if url not in seen:
                    seen.add(url)
                    yield _candidate(number, url, picture)

    async def _pictures(self, number: str) -> AsyncGenerator[_Picture, None]:
        found = await self._get(f"/person/{number}/images", _Profiles)
        for picture in found.profiles if found else ():
            yield picture
        for page in range(1, LAST_PAGE + 1):
            tagged = await self._get(f"/person/{number}/tagged_images", _Tagged, page=str(page))
            for picture in tagged.results if tagged else ():
                yield picture
            if tagged is None or not tagged.results or page >= tagged.total_pages:
                return

    async def _get(self, path: str, shape: type[Shape], **params: str) -> Shape | None:
        """None where there is nothing under that path."""
        page = await self._key.page(path, params)
        return parse_answer(SOURCE, page.body, shape) if page else None

    async def _base_url(self) -> str:
        """Where pictures lie; asked for once, whoever is looked for at the same time."""
        async with self._asking:
            if not self._base:
                found = await self._get("/configuration", _Configuration)
                base = web_address(found.images.secure_base_url) if found else None
                if base is None:
                    raise source_error(SOURCE, "the field 'images.secure_base_url' of /configuration is no address")
                self._base = base.rstrip("/") + "/"
            return self._base

    async def _number(self, person: Person) -> str | None:
        """TMDB's id of a person: the one we have, else by IMDb's id, else by exactly this name."""
        if number := valid_id("tmdb", person.external_ids.get("tmdb")):
            return number
        if imdb := valid_id("imdb", person.external_ids.get("imdb")):
            found = await self._get(f"/find/{imdb}", _FoundByImdb, external_source="imdb_id")
            return str(found.person_results[0].id) if found and found.person_results else None
        by_name = await self._get("/search/person", _FoundByName, query=person.name)
        same = [f for f in (by_name.results if by_name else ()) if plain_name(f.name) == plain_name(person.name)]
        if len(same) > 1:
            message = f"TMDB knows {len(same)} people named '{person.name}'"
            raise ItemError("ambiguous-name", message, hint="list them with their imdb or tmdb id")
        return str(same[0].id) if same else None


def _candidate(number: str, url: str, picture: _Picture) -> Candidate:
    return Candidate(
        source=SOURCE,
        url=url,
        page=f"{_PERSON_PAGE}{number}",
        licence=LICENCE,
        licence_url=LICENCE_URL,
        width_px=picture.width,
        height_px=picture.height,
    )
