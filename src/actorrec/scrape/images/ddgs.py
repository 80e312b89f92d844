"""Pictures from an image search of the web, through the ``ddgs`` package: without licences, and often of others.

Only the search goes through that package, past the polite fetcher: it poses as a browser and reads no robots.txt, which
is one more reason why this source must be asked for by name. The pictures themselves come through the fetcher.
"""

import asyncio
import logging
import math
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any

from pydantic import TypeAdapter, ValidationError, field_validator

from actorrec.config import Config
from actorrec.errors import ItemError, MissingExtraError, SourceError
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.foreign import Foreign
from actorrec.scrape.images.foreign import source_error, web_address
from actorrec.scrape.images.naming import quoted
from actorrec.scrape.protocols import Candidate
from actorrec.sections import FetchSection

SOURCE = "ddgs"
_MOST_PAGES = 20
_REQUESTS_A_SEARCH = 2  # the engine gives a token first
_LAYOUTS = {"tall": "Tall", "square": "Square", "wide": "Wide", "panoramic": "Wide"}
_log = logging.getLogger(__name__)

Search = Callable[..., list[dict[str, Any]]]
"""``DDGS().images``: ``(query, **filters, page=…)`` → dicts with image, url, width, height; blocks."""


class _Result(Foreign):
    image: str
    url: str | None = None
    width: int | None = None
    height: int | None = None

    @field_validator("width", "height", mode="before")
    @classmethod
    def _unknown(cls, value: Any) -> Any:
        return value or None  # the package fills in "" and 0


_RESULTS: TypeAdapter[list[_Result]] = TypeAdapter(list[_Result])


class DdgsImages:
    """Results of ``"NAME" actor``.

    Args:
        search: What searches; ``ddgs`` itself by default.

    Raises:
        MissingExtraError: If the package is not installed.
    """

    name = SOURCE

    def __init__(self, config: Config, search: Search | None = None) -> None:
        from aiolimiter import AsyncLimiter

        self._search = search or installed_search(config.fetch)
        self._filters = filters(config.scrape.size, config.scrape.aspect)
        self._one_at_a_time = asyncio.Lock()
        self._pace = AsyncLimiter(1, _REQUESTS_A_SEARCH / config.fetch.rate_per_s)
        self._warned = False

    async def candidates(self, listed: ListedPerson) -> AsyncIterator[Candidate]:
        """See ``ImageSource.candidates``. The search itself may give another order another day."""
        if not self._warned:
            self._warned = True
            _log.warning(
                "ddgs: no picture has a licence, some will show other people, and the search itself poses as a browser"
            )
        seen: set[str] = set()
        for page in range(1, _MOST_PAGES + 1):
            found = [result for result in await self._page(listed.person.name, page) if result.image not in seen]
            if not found:  # the last page again, or none
                return
            for result in found:
                url = web_address(result.image)
                if url is not None and url not in seen:
                    yield Candidate(
                        source=SOURCE,
                        url=url,
                        page=web_address(result.url),
                        width_px=result.width,
                        height_px=result.height,
                    )
                seen.add(result.image)

    async def _page(self, name: str, page: int) -> Sequence[_Result]:
        query = f"{quoted(name)} actor"
        async with self._one_at_a_time, self._pace:
            found = await asyncio.to_thread(self._ask, query, page)
        try:
            return _RESULTS.validate_python(found)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            field = ".".join(str(part) for part in first["loc"])
            message = f"the field '{field}' of a result is gone or not what it was; ddgs may be too old or too new"
            raise source_error(SOURCE, message) from None

    def _ask(self, query: str, page: int) -> list[dict[str, Any]]:
        from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

        try:
            return self._search(query, page=page, **self._filters)
        except RatelimitException as error:
            raise _refused(error) from None
        except TimeoutException as error:
            raise ItemError("timeout", f"ddgs: no answer in time ({error})") from None
        except DDGSException as error:
            if "no results" in str(error).lower():
                # ddgs says so too when the search site refuses to answer.
                _log.info("ddgs: nothing for %s, page %d", query, page)
                return []
            raise _refused(error) from None


def _refused(error: Exception) -> SourceError:
    return source_error(SOURCE, f"the search failed ({type(error).__name__}: {' '.join(str(error).split())[:200]})")


def filters(size: str, aspect: str) -> dict[str, Any]:
    """What is handed to ``DDGS().images`` besides query and page."""
    wanted = {
        "size": None if size == "any" else size.capitalize(),
        "layout": _LAYOUTS.get(aspect),
        "type_image": "photo",
        # One engine: with several the order is by which answers first. This one also minds the filters.
        "backend": "duckduckgo",
    }
    return {"max_results": None, **{key: value for key, value in wanted.items() if value}}


def installed_search(settings: FetchSection) -> Search:
    """The package's own search.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        from ddgs import DDGS
    except ImportError:
        raise MissingExtraError("search", "ddgs") from None
    verify = str(settings.ca_file) if settings.ca_file else True
    images: Search = DDGS(timeout=math.ceil(settings.timeout_s), verify=verify).images
    return images
