"""One suite over every source of pictures, each against a site or files in the real shape."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from ddgs.exceptions import DDGSException

from actorrec.config import Config
from actorrec.errors import SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.rights.licences import classify
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.images.ddgs import DdgsImages
from actorrec.scrape.images.open import image_sources
from actorrec.scrape.protocols import Candidate, Fetcher, ImageSource
from sites.commons import Commons, WikiFile, portraits
from sites.server import Reply, Site, serve
from sites.tmdb_images import V3_KEY, TmdbImagesSite, TmdbPerson

MANY = 120
ODD_NAME = 'Zoë "Zo" O’Brien-Šimić & Søn'
HOSTILE = '<b onclick="x()">Eve\u202e</b><script>alert(1)</script><span style="display: none">Eve</span> &amp;\x00 Co'


def listed(name: str, person_id: str, **ids: str) -> ListedPerson:
    person = Person(person_id=person_id, name=name, external_ids=ids)
    return ListedPerson(person=person, rank=1, source="test", listed_at=datetime.now(UTC))


PERSON = listed("Ann Arden", "Q1", wikidata="Q1", imdb="nm0000001", tmdb="1")
NOBODY = listed("No Body", "Q2", wikidata="Q2", imdb="nm0000002", tmdb="2")
ODD = listed(ODD_NAME, ODD_NAME)


@dataclass
class World:
    """A source with 120 pictures of ``PERSON``, two of ``ODD`` and none of ``NOBODY``.

    Attributes:
        licence_class: Of what it offers.
        pages: Requests, or searches, that list pictures, so far.
        hostile: Makes the first picture of ``PERSON`` carry ``HOSTILE`` and addresses that are none.
        edit: Where it asks a site: sets what changes the site's answers.
    """

    open: Callable[[Fetcher], ImageSource]
    licence_class: str
    pages: Callable[[], int] = lambda: 0
    hostile: Callable[[], None] = lambda: None
    edit: Callable[[Callable[[dict[str, Any]], None]], None] | None = None
    site: Site = field(default_factory=Site)

    def candidates(self, person: ListedPerson, most: int = 10_000) -> list[Candidate]:
        async def gather() -> list[Candidate]:
            settings = Config().fetch.model_copy(
                update={"allow_addresses": ("127.0.0.0/8",), "rate_per_s": 1000.0, "attempts": 2}
            )
            found: list[Candidate] = []
            async with open_fetcher(settings) as fetcher:
                source = self.open(fetcher)
                async with aclosing(source.candidates(person)) as candidates:  # type: ignore[type-var]
                    async for candidate in candidates:
                        assert candidate.source == source.name
                        found.append(candidate)
                        if len(found) == most:
                            break
            return found

        return asyncio.run(gather())


def config_for(site: Site) -> Config:
    return Config.model_validate(
        {
            "fetch": {"rate_per_s": 1000},
            "sources": {
                "commons_api_url": f"{site.url}/w/api.php",
                "wikidata_api_url": f"{site.url}/w/api.php",
                "tmdb_url": f"{site.url}/3",
                "tmdb_key": V3_KEY,
            },
        }
    )


def from_spec(spec: str, site: Site) -> Callable[[Fetcher], ImageSource]:
    return lambda fetcher: image_sources([spec], config_for(site), fetcher)[0]


def commons(site: Site, folder: Path) -> World:
    del folder
    first = WikiFile(
        "Ann Arden 000.jpg", depicts=("Q1",), meta={"Artist": HOSTILE, "LicenseUrl": "javascript:alert(1)"}
    )
    wiki = Commons(claims={"Q1": {}})
    wiki.files = portraits(MANY, "Q1", "Ann Arden")
    wiki.files += [WikiFile(f"{n}.jpg", text=f"at dinner: {ODD_NAME.replace(chr(34), '')}") for n in "ab"]
    for file in wiki.files[-2:]:
        object.__setattr__(file, "text", " ".join(file.text.split()))
    wiki.join(site)

    def edit(change: Callable[[dict[str, Any]], None]) -> None:
        wiki.edit = change

    def hostile() -> None:
        wiki.files[0] = first

    return World(
        from_spec("commons", site),
        "free",
        lambda: sum("generator" in asked.query for asked in site.asked),
        hostile,
        edit,
        site,
    )


def tmdb(site: Site, folder: Path) -> World:
    del folder
    base = TmdbImagesSite(
        [TmdbPerson(1, "Ann Arden", profiles=60, tagged=60), TmdbPerson(2, "No Body"), TmdbPerson(3, ODD_NAME, "", 2)]
    )
    base.join(site)

    def edit(change: Callable[[dict[str, Any]], None]) -> None:
        base.edit = change

    return World(
        from_spec("tmdb", site),
        "restricted",
        lambda: sum("images" in asked.path for asked in site.asked),
        edit=edit,
        site=site,
    )


def ddgs(site: Site, folder: Path) -> World:
    del folder
    results = [
        {
            "title": f"Ann {n}",
            "image": f"https://pictures.example/{n}.jpg",
            "thumbnail": "https://tse.example/t",
            "url": f"https://pages.example/{n}.html",
            "height": 800 if n % 2 else "800",
            "width": "" if n == 7 else 1200,
            "source": "Bing",
        }
        for n in range(MANY)
    ]
    queries: list[str] = []
    change: list[Callable[[dict[str, Any]], None]] = []

    def search(query: str, *, page: int = 1, **filters: Any) -> list[dict[str, Any]]:
        assert filters["backend"] == "duckduckgo" and filters["max_results"] is None
        queries.append(query)
        all_of = {'"Ann Arden" actor': results, '"Zoë Zo O’Brien-Šimić & Søn" actor': results[:2]}.get(query, [])
        if not (here := all_of[(page - 1) * 100 : page * 100]):
            raise DDGSException("No results found.")
        answer = {"results": [dict(result) for result in here]}
        for edit in change:
            edit(answer)
        return answer["results"]

    def hostile() -> None:
        results[:0] = [
            {"image": image, "url": "file:///etc/passwd"} for image in ("javascript:x", "data:,x", "ftp://a/b")
        ]
        results[3]["url"] = "javascript:alert(1)"

    return World(
        lambda fetcher: DdgsImages(config_for(site), search),
        "unknown",
        lambda: len(queries),
        hostile,
        change.append,
        site,
    )


def folder(site: Site, folder: Path) -> World:
    for name, count in (("ann_ARDEN", MANY), (ODD_NAME, 2), ("someone else", 1)):
        (folder / name).mkdir()
        for number in range(count):
            (folder / name / f"{number:03}.jpg").write_bytes(b"picture")
    return World(from_spec(f"folder:{folder}", site), "user-supplied")


def urls(site: Site, folder: Path) -> World:
    rows = [{"person": "NM0000001", "url": f"https://pictures.example/{n}.jpg"} for n in range(MANY)]
    rows += [{"person": ODD_NAME, "url": f"https://pictures.example/odd{n}.jpg"} for n in range(2)]
    (folder / "list.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    return World(from_spec(f"urls:{folder / 'list.jsonl'}", site), "unknown")


MAKERS = [commons, tmdb, ddgs, folder, urls]


@pytest.fixture(params=MAKERS, ids=[maker.__name__ for maker in MAKERS])
def world(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[World]:
    make: Callable[[Site, Path], World] = request.param
    with serve() as site:
        yield make(site, tmp_path)


def test_all_pictures_come_in_the_same_order_twice_each_once(world: World) -> None:
    found = world.candidates(PERSON)
    assert len(found) == MANY
    assert len({candidate.url for candidate in found}) == MANY
    assert found == world.candidates(PERSON)


def test_more_pages_are_asked_for_only_on_demand(world: World) -> None:
    assert len(world.candidates(PERSON, most=3)) == 3
    assert world.pages() <= 1


def test_nobody_has_no_pictures_and_that_is_no_error(world: World) -> None:
    assert world.candidates(NOBODY) == []


def test_every_picture_says_where_it_is_and_what_its_licence_is(world: World) -> None:
    for candidate in world.candidates(PERSON):
        assert classify(candidate.licence) == world.licence_class
        if candidate.path is not None:
            assert candidate.path.is_file() and (candidate.path.parents[2] / candidate.url) == candidate.path
        else:
            assert re.match(r"https?://[^/]+/", candidate.url)


def test_a_name_with_accents_and_quotes_is_found(world: World) -> None:
    assert len(world.candidates(ODD)) == 2


def test_what_is_hostile_in_an_answer_does_not_come_through(world: World) -> None:
    world.hostile()
    found = world.candidates(PERSON)
    assert len(found) == MANY
    for candidate in found:
        assert candidate.author in (None, "A. Photographer", "Eve & Co")
        for address in (candidate.url if candidate.path is None else None, candidate.page, candidate.licence_url):
            assert address is None or address.startswith(("http://", "https://"))


FIELDS = [
    *((commons, field) for field in ("entities", "entities.Q1.claims", "query", "query.pages", "query.pages.0.title")),
    *((commons, f"query.pages.0.imageinfo{rest}") for rest in ("", ".0.url", ".0.descriptionurl", ".0.mime")),
    *((commons, f"query.pages.0.imageinfo.0.{rest}") for rest in ("width", "height")),
    *((tmdb, field) for field in ("images", "images.secure_base_url", "profiles", "profiles.0.file_path")),
    *((tmdb, field) for field in ("profiles.0.width", "profiles.0.height", "results", "total_pages")),
    (tmdb, "results.0.file_path"),
    (ddgs, "results.0.image"),
]


@pytest.mark.parametrize(("make", "field"), FIELDS, ids=[f"{make.__name__}-{field}" for make, field in FIELDS])
@pytest.mark.parametrize("how", ["gone", "other"])
def test_a_field_that_is_gone_or_changed_is_named(
    make: Callable[[Site, Path], World], field: str, how: str, tmp_path: Path
) -> None:
    with serve() as site:
        world = make(site, tmp_path)
        assert world.edit is not None
        world.edit(lambda answer: spoil(answer, field.split("."), how))
        with pytest.raises(SourceError) as caught:
            world.candidates(PERSON)
    named = field.removeprefix("results.") if make is ddgs else re.sub(r"\.0(?=\.|$)", r"(\\.0)?", field)
    assert re.search(named, caught.value.message)
    assert caught.value.source == make.__name__
    assert caught.value.message.startswith(make.__name__)
    assert "other ways: --images-from" in caught.value.hint
    assert f"from {make.__name__}" not in caught.value.hint


def spoil(answer: Any, path: list[str], how: str) -> None:
    *above, last = path
    for step in above:
        answer = answer[int(step)] if isinstance(answer, list) else answer.get(step, {})
    if last in answer:
        del answer[last]
        if how == "other":
            answer[last] = {"moved": "elsewhere"} if last not in ("query", "images") else ["elsewhere"]


@pytest.mark.parametrize("make", [commons, tmdb], ids=["commons", "tmdb"])
@pytest.mark.parametrize("body", [b"", b"<html>Are you human?</html>", b"[]", b"\xff\xfe", b"[" * 100_000])
def test_an_answer_that_is_no_json_is_an_error_of_the_source(
    make: Callable[[Site, Path], World], body: bytes, tmp_path: Path
) -> None:
    with serve() as site:
        world = make(site, tmp_path)
        for path in site.routes:
            site.routes[path] = lambda asked: Reply(body, 200, "application/json")
        with pytest.raises(SourceError, match=f"^{make.__name__}: ") as caught:
            world.candidates(PERSON)
    assert "other ways" in caught.value.hint
