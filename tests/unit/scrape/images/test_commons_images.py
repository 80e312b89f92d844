import asyncio
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError, ItemError, SourceError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.images.commons import CommonsImages
from actorrec.scrape.protocols import Candidate
from actorrec.sections import FetchSection
from sites.commons import Commons, WikiFile, portraits
from sites.server import Site, serve

FETCH = FetchSection(allow_addresses=("127.0.0.0/8",), rate_per_s=1000, attempts=3)


@pytest.fixture
def site() -> Iterator[Site]:
    with serve() as site:
        yield site


def listed(name: str = "Ann Arden", **ids: str) -> ListedPerson:
    person = Person(person_id="Q1", name=name, external_ids=ids)
    return ListedPerson.model_validate(
        {"person": person, "rank": 1, "source": "t", "listed_at": "2026-01-01T00:00:00Z"}
    )


ANN = listed(wikidata="Q1")


def gather(site: Site, wiki: Commons, person: ListedPerson = ANN, **changes: Any) -> list[Candidate]:
    wiki.join(site)
    api = f"{site.url}/w/api.php"
    sources = {"commons_api_url": api, "wikidata_api_url": api} | changes.pop("sources", {})
    config = Config.model_validate({"fetch": FETCH, "sources": sources, **changes})

    async def run() -> list[Candidate]:
        async with open_fetcher(config.fetch) as fetcher:
            return [candidate async for candidate in CommonsImages(config, fetcher).candidates(person)]

    return asyncio.run(run())


def titles(found: list[Candidate]) -> list[str]:
    return [(candidate.page or "").rpartition("File:")[2] for candidate in found]


def test_the_items_own_picture_comes_first_then_depicting_then_the_category_then_what_is_deeper(site: Site) -> None:
    wiki = Commons(
        [
            WikiFile("Both.jpg", depicts=("Q1",), categories=("Ann",)),
            WikiFile("Zed.jpg", categories=("Ann",)),
            WikiFile("Own.jpg", depicts=("Q1",), categories=("Ann",)),
            WikiFile("Abe.jpg", categories=("Ann",)),
            WikiFile("Other.jpg", depicts=("Q11",), categories=("Ann B.",)),
            WikiFile("Deep.jpg", categories=("Ann/Ann in 2019",)),
        ],
        {"Q1": {"P18": ["Own.jpg"], "P373": ["Ann"]}},
    )
    assert titles(gather(site, wiki)) == ["Own.jpg", "Both.jpg", "Abe.jpg", "Zed.jpg", "Deep.jpg"]


def test_the_preferred_of_several_own_pictures_is_taken(site: Site) -> None:
    files = [WikiFile(f"{name}.jpg") for name in ("A", "B", "C")]
    claims: list[Any] = ["A.jpg", ("B.jpg", "preferred"), ("C.jpg", "deprecated"), (None, "preferred")]
    assert titles(gather(site, Commons(files, {"Q1": {"P18": claims}}))) == ["B.jpg"]


def test_an_item_without_claims_and_one_that_is_gone_still_are_searched_for(site: Site) -> None:
    for claims in ({"Q1": {}}, {}):
        assert titles(gather(site, Commons(portraits(2, "Q1", "A"), claims))) == ["A_000.jpg", "A_001.jpg"]


def test_a_smaller_copy_is_fetched_only_of_wider_pictures(site: Site) -> None:
    files = [
        WikiFile("Narrow.jpg", ("Q1",), width=960, height=3000),
        WikiFile("Scan.tif", ("Q1",), width=5000, height=4000, mime="image/tiff"),
        WikiFile("Small.tif", ("Q1",), width=800, height=900, mime="image/tiff"),
        WikiFile("Wide.jpg", ("Q1",), width=961, height=400),
    ]
    narrow, scan, small, wide = gather(site, Commons(files, {"Q1": {}}))
    assert narrow.url.startswith(f"{site.url}/wikipedia/commons/") and narrow.url.endswith("/Narrow.jpg")
    assert "/thumb/" not in narrow.url
    assert wide.url.endswith("/Wide.jpg/960px-Wide.jpg")
    assert (wide.width_px, wide.height_px) == (961, 400)
    assert scan.url.endswith("/960px-Scan.tif.jpg")
    assert small.url.endswith("/Small.tif") and "/thumb/" not in small.url
    assert [found.mime for found in (narrow, scan, small)] == ["image/jpeg", "image/jpeg", "image/tiff"]


def test_large_pictures_come_as_copies_that_are_large(site: Site) -> None:
    wiki = Commons([WikiFile("a.jpg", ("Q1",))], {"Q1": {}})
    (large,) = gather(site, wiki, scrape={"size": "large"})
    assert "/1280px-" in large.url
    (wider,) = gather(site, wiki, scrape={"size": "large"}, sources={"commons_width_px": 1920})
    assert "/1920px-" in wider.url


def test_what_no_face_can_be_on_is_passed_over(site: Site) -> None:
    names = ["Ann Arden signature.png", "AnnArdenSignature.jpg", "Logo of Ann.png", "Ann_autograph.jpg"]
    wiki = Commons([WikiFile(name, ("Q1",)) for name in names], {"Q1": {}})
    for number, mime in enumerate(
        ("image/svg+xml", "application/pdf", "video/webm", "application/ogg", "image/vnd.djvu", "image/x-xcf")
    ):
        wiki.files.append(WikiFile(f"{number}.x", ("Q1",), mime=mime))
    kept = ["Ann signing autographs.jpg", "Ann in Logone.jpg", "Ann the signatures.jpg"]
    wiki.files += [WikiFile(name, ("Q1",)) for name in kept]
    assert [title.replace("_", " ") for title in titles(gather(site, wiki))] == kept


def test_files_that_are_gone_or_hidden_are_passed_over(site: Site) -> None:
    states = ("deleted", "no-file", "hidden", "there")
    wiki = Commons([WikiFile(f"{state}.jpg", ("Q1",), state=state) for state in states], {"Q1": {"P18": ["Lost.jpg"]}})
    assert titles(gather(site, wiki)) == ["there.jpg"]


def test_licence_and_author_are_plain_text(site: Site) -> None:
    plain = {"LicenseShortName": "CC <b>BY</b>&nbsp;4.0", "LicenseUrl": "//creativecommons.org/licenses/by/4.0"}
    wiki = Commons(
        [
            WikiFile(
                "a.jpg", ("Q1",), meta=plain | {"Artist": '<a href="//x.org">Jo</a>', "Restrictions": "personality"}
            ),
            WikiFile("b.jpg", ("Q1",), meta={"LicenseShortName": None, "UsageTerms": "Public domain", "Artist": ""}),
            WikiFile("c.jpg", ("Q1",), meta={"LicenseShortName": None, "Artist": None, "LicenseUrl": None}),
        ],
        {"Q1": {}},
    )
    a, b, c = gather(site, wiki)
    assert (a.licence, a.licence_url, a.author) == ("CC BY 4.0", "https://creativecommons.org/licenses/by/4.0", "Jo")
    assert (b.licence, b.author) == ("Public domain", None)
    assert (c.licence, c.licence_url, c.author) == ("unknown", None, None)


@pytest.mark.parametrize("value", ["gone", "list"])
def test_no_extended_metadata_is_no_error(site: Site, value: str) -> None:
    def edit(answer: dict[str, Any]) -> None:
        for page in answer.get("query", {}).get("pages", ()):
            del page["imageinfo"][0]["extmetadata"]
            if value == "list":
                page["imageinfo"][0]["extmetadata"] = []

    (found,) = gather(site, Commons(portraits(1, "Q1", "A"), {"Q1": {}}, edit=edit))
    assert (found.licence, found.author) == ("unknown", None)


def test_without_a_thumbnail_the_original_is_taken(site: Site) -> None:
    def edit(answer: dict[str, Any]) -> None:
        for page in answer.get("query", {}).get("pages", ()):
            del page["imageinfo"][0]["thumburl"]

    (found,) = gather(site, Commons(portraits(1, "Q1", "A"), {"Q1": {}}, edit=edit))
    assert found.url.endswith("/A_000.jpg")


def test_pages_and_parts_of_pages_are_put_together(site: Site) -> None:
    files = portraits(130, "Q1", "A")
    files += [replace(file, title=f"B{file.title}", depicts=(), categories=("Ann",)) for file in files[:70]]
    whole = gather(site, Commons(files, {"Q1": {"P373": ["Ann"]}}))
    assert len(whole) == 200
    assert gather(site, Commons(files, {"Q1": {"P373": ["Ann"]}}, in_parts=True)) == whole


def test_a_wiki_that_repeats_itself_is_stopped(site: Site) -> None:
    def edit(answer: dict[str, Any]) -> None:
        if "batchcomplete" in answer:
            answer.setdefault("query", {"pages": []})
            answer["continue"] = {"gsroffset": 50, "continue": "gsroffset||"}

    assert len(gather(site, Commons(portraits(10, "Q1", "A"), {"Q1": {}}, edit=edit))) == 10
    assert len(site.asked) < 6


def test_people_without_an_item_are_looked_for_by_name(site: Site) -> None:
    wiki = Commons([WikiFile("1.jpg", text="with Ann Arden in Rome"), WikiFile("2.jpg", text="Ann of Arden")])
    for ids in ({}, {"wikidata": "Q1|Q2"}, {"imdb": "nm0000001"}):
        assert titles(gather(site, wiki, listed(**ids))) == ["1.jpg"]


def test_a_busy_wiki_is_asked_again(site: Site) -> None:
    wiki = Commons(portraits(2, "Q1", "A"), {"Q1": {}}, busy=2)
    assert len(gather(site, wiki)) == 2
    wiki.busy = 100
    with pytest.raises(ItemError, match="busy \\(maxlag\\)") as caught:
        gather(site, wiki)
    assert caught.value.reason == "source-busy"
    assert wiki.busy == 100 - FETCH.attempts


def test_a_wait_that_is_too_long_is_not_cut_short(site: Site) -> None:
    wiki = Commons(portraits(2, "Q1", "A"), {"Q1": {}}, busy=100, wait_s=3600)
    with pytest.raises(ItemError, match="busy"):
        gather(site, wiki)
    assert wiki.busy == 99


def test_a_refusal_is_an_error_of_the_source(site: Site) -> None:
    wiki = Commons(error={"code": "badvalue", "info": "Unrecognized value for parameter"})
    with pytest.raises(SourceError, match=r"^commons: refused: badvalue: Unrecognized") as caught:
        gather(site, wiki)
    assert "--images-from folder:DIR" in caught.value.hint
    assert "images-from commons" not in caught.value.hint


def test_results_without_pages_are_no_empty_search(site: Site) -> None:
    wiki = Commons(portraits(120, "Q1", "A"), {"Q1": {}}, edit=lambda answer: answer.pop("query", None))
    with pytest.raises(SourceError, match="the field 'query' is gone"):
        gather(site, wiki)


def test_the_real_hosts_want_a_contact() -> None:
    async def run(contact: str) -> None:
        config = Config.model_validate({"fetch": {"contact": contact}})
        async with open_fetcher(config.fetch) as fetcher:
            CommonsImages(config, fetcher)

    with pytest.raises(ConfigError, match=r"fetch\.contact is empty"):
        asyncio.run(run(""))
    asyncio.run(run("someone@example.org"))


def test_nothing_is_logged_of_a_quiet_run(site: Site, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO, "actorrec"):
        gather(site, Commons(portraits(3, "Q1", "A"), {"Q1": {}}))
    assert caplog.messages == []
