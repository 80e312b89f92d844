import asyncio
import inspect
import logging
from typing import Any

import pytest
from ddgs.ddgs import DDGS
from ddgs.exceptions import DDGSException, RatelimitException, TimeoutException

from actorrec.config import Config
from actorrec.errors import ItemError, SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.images.ddgs import DdgsImages, Search, filters, installed_search
from actorrec.scrape.protocols import Candidate

ANN = ListedPerson.model_validate(
    {"person": Person(person_id="x", name="Ann Arden"), "rank": 1, "source": "t", "listed_at": "2026-01-01T00:00:00Z"}
)


def gather(search: Search, times: int = 1) -> list[Candidate]:
    async def run() -> list[Candidate]:
        source = DdgsImages(Config.model_validate({"fetch": {"rate_per_s": 1000}}), search)
        return [candidate for _ in range(times) async for candidate in source.candidates(ANN)]

    return asyncio.run(run())


def failing(error: Exception) -> Search:
    def search(query: str, **asked: Any) -> list[dict[str, Any]]:
        raise error

    return search


def test_the_same_page_again_is_the_end() -> None:
    pages: list[int] = []

    def search(query: str, *, page: int, **asked: Any) -> list[dict[str, Any]]:
        pages.append(page)
        return [{"image": f"https://x.org/{n % 3}.jpg"} for n in range(5)]

    assert [candidate.url for candidate in gather(search)] == [f"https://x.org/{n}.jpg" for n in range(3)]
    assert pages == [1, 2]


def test_it_warns_once_that_there_is_no_licence(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "actorrec"):
        assert gather(failing(DDGSException("No results found.")), times=3) == []
    assert len(caplog.messages) == 1
    assert "no picture has a licence" in caplog.messages[0]


def test_failures_of_the_search_are_told_apart() -> None:
    with pytest.raises(SourceError, match="RatelimitException: 429") as refused:
        gather(failing(RatelimitException("429")))
    assert "other ways: --images-from commons" in refused.value.hint
    with pytest.raises(SourceError, match=r"DDGSException: no\s+connection"):
        gather(failing(DDGSException("no \n connection")))
    with pytest.raises(ItemError) as late:
        gather(failing(TimeoutException("timed out")))
    assert late.value.reason == "timeout"


def test_filters_are_the_packages_own_words() -> None:
    plain = {"max_results": None, "type_image": "photo", "backend": "duckduckgo"}
    assert filters("any", "any") == plain
    assert filters("large", "tall") == plain | {"size": "Large", "layout": "Tall"}
    assert filters("medium", "panoramic") == plain | {"size": "Medium", "layout": "Wide"}


def test_the_installed_package_takes_what_is_handed_to_it() -> None:
    from ddgs.engines import ENGINES

    asked = filters("small", "square") | {"page": 1}
    inspect.signature(DDGS.images).bind(object(), "query", **asked)
    real = inspect.signature(DDGS._search_sync)
    bound = real.bind(object(), "images", "query", **asked)
    assert set(bound.arguments["kwargs"]) == {"size", "layout", "type_image"}  # the rest are its own parameters
    engine = ENGINES["images"]["duckduckgo"]
    source = inspect.getsource(engine.build_payload)
    for name in ("size", "layout", "type_image"):
        assert f'kwargs.get("{name}")' in source
    inspect.signature(DDGS.__init__).bind(object(), timeout=20, verify="/ca.pem")
    assert callable(installed_search(Config().fetch))


def test_the_installed_package_gives_the_fields_that_are_read() -> None:
    from ddgs.results import ImagesResult

    fields = set(ImagesResult.__dataclass_fields__)
    assert {"image", "url", "width", "height"} <= fields
    empty = dict(vars(ImagesResult()))
    assert gather(lambda query, **asked: [empty]) == []
