"""The stage on a loopback site with every fault that the project promises to stand: exact, counted by name, polite."""

import hashlib
import io
import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from PIL import Image

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.manifests.images import RECORDS_NAME, ImagesManifest, ScrapedImage
from actorrec.scrape.scrape import scrape
from sites.big import SECRET_NOTE, BigSite, big_site, person_name
from sites.faults import REASONS, Plan

PLAN = Plan(people=6, wanted=12, fault_factor=4, seed=3)
RATE_PER_S = 60.0


@pytest.fixture(scope="module")
def site() -> Iterator[BigSite]:
    with big_site(PLAN, rate_per_s=RATE_PER_S) as running:
        yield running


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("scrape")


@pytest.fixture(scope="module")
def scraped(site: BigSite, root: Path) -> ImagesManifest:
    return scrape(Config.model_validate(site.settings(root)), store=LocalStore(root / "store"))


@pytest.fixture(scope="module")
def log(site: BigSite, scraped: ImagesManifest) -> dict[str, Any]:
    del scraped
    return site.log()


def test_the_site_has_every_fault() -> None:
    kinds = {PLAN.kind(person, index) for person in range(PLAN.people) for index in range(PLAN.offered)}
    assert kinds == {"whole", "busy", "failing", *REASONS}


def test_everybody_has_exactly_what_was_asked_and_every_fault_is_counted_by_name(scraped: ImagesManifest) -> None:
    assert len(scraped.images) == PLAN.people * PLAN.wanted
    for person, tally in enumerate(scraped.tallies):
        expected = PLAN.expected(person)
        assert (tally.got, tally.asked, tally.short_because) == (expected.pop(""), PLAN.wanted, "")
        assert tally.failed == dict(expected)
        assert tally.tried == PLAN.wanted + expected.total()


def test_what_failed_once_is_counted_as_recovered(scraped: ImagesManifest, log: dict[str, Any]) -> None:
    faults = Counter(status for _, _, status in log["requests"] if status in (429, 503))
    assert {int(reason): count for reason, count in scraped.recovered.items()} == faults
    assert set(faults) == {429, 503}


def test_nothing_forbidden_was_asked_for(log: dict[str, Any]) -> None:
    assert not [path for _, path, _ in log["requests"] if path.startswith("/private/")]
    assert log["trapped"] == 0


def test_no_picture_was_asked_for_again_and_none_too_many(scraped: ImagesManifest, log: dict[str, Any]) -> None:
    whole = Counter(path for _, path, status in log["requests"] if status == 200)
    paths = {image.url.partition("/pictures")[2] for image in scraped.images}
    assert {whole[f"/pictures{path}"] for path in paths} == {1}
    broken_off = {path for path, count in whole.items() if count > 1}
    assert broken_off == {
        PLAN.path(p, i)
        for p in range(PLAN.people)
        for i in range(PLAN.offered)
        if PLAN.kind(p, i) == "broken-off" and PLAN.path(p, i) in whole
    }
    fetched = {path for path in whole if path != "/robots.txt"} - broken_off
    not_taken = sum(PLAN.expected(person).total() - PLAN.wanted for person in range(PLAN.people))
    assert len(fetched) <= len(scraped.images) + not_taken


def test_the_folders_hold_what_the_records_say(scraped: ImagesManifest, root: Path) -> None:
    artifact = root / "store" / scraped.ref
    folders = {path.name for path in artifact.iterdir() if path.is_dir()}
    assert len(folders) == PLAN.people
    assert {"Zoë_Krauß_p000", "李小龙_p001", "श्रीदेवी_कपूर_p003", "Ann_O_Neill_p004"} <= folders
    for folder in folders:
        lines = (artifact / folder / RECORDS_NAME).read_text(encoding="utf-8").splitlines()
        images = [ScrapedImage.model_validate_json(line) for line in lines]
        assert images == [image for image in scraped.images if image.file.startswith(f"{folder}/")]
        assert [Path(image.file).stem[-4:] for image in images] == [f"{n:04d}" for n in range(1, PLAN.wanted + 1)]
        assert {path.name for path in (artifact / folder).iterdir()} == {
            RECORDS_NAME,
            *(Path(image.file).name for image in images),
        }
    for image in scraped.images:
        data = (artifact / image.file).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (image.sha256, image.bytes)
        with Image.open(io.BytesIO(data)) as picture:
            assert (picture.size, picture.format) == (
                (image.width_px, image.height_px),
                "PNG" if image.file.endswith("png") else "JPEG",
            )
    assert {record.name: record.sha256 for record in scraped.files} == {
        path.relative_to(artifact).as_posix(): hashlib.sha256(path.read_bytes()).hexdigest()
        for path in artifact.rglob("*")
        if path.is_file() and path.name != "manifest.json"
    }


def test_notes_are_gone_and_pictures_stand_upright(scraped: ImagesManifest, root: Path) -> None:
    noted = turned = 0
    for image in scraped.images:
        path = root / "store" / scraped.ref / image.file
        assert SECRET_NOTE.encode() not in path.read_bytes()
        with Image.open(path) as picture:
            assert not picture.getexif()
        index = int(Path(image.url).stem)
        noted += index % 10 == 3
        turned += index % 25 == 4
        assert (image.sha256 == image.source_sha256) == (index % 10 != 3 and index % 25 != 4)
    assert noted
    assert turned


def test_records_say_where_each_picture_came_from(scraped: ImagesManifest, site: BigSite) -> None:
    image = scraped.images[0]
    assert image.url.startswith(f"{site.url}/pictures/000/")
    assert (image.licence, image.author) == ("CC BY 4.0", "Somebody")
    assert image.page is not None
    assert image.etag
    assert {image.source for image in scraped.images if image.person_id == "p000"} == {
        "urls:first.csv",
        "urls:second.csv",
    }
    assert [listed.person.name for listed in scraped.people] == [person_name(p) for p in range(PLAN.people)]


def test_asked_again_it_answers_without_a_request(site: BigSite, scraped: ImagesManifest, root: Path) -> None:
    before = len(site.log()["requests"])
    again = scrape(Config.model_validate(site.settings(root)), store=LocalStore(root / "store"))
    assert again == scraped
    assert len(site.log()["requests"]) == before
    assert not list((root / "cache" / "scrape").iterdir())


def test_another_run_elsewhere_is_the_same_set(site: BigSite, scraped: ImagesManifest, root: Path) -> None:
    settings = site.settings(root)
    settings["fetch"] |= {"connections": 3, "connections_per_host": 2}
    other = scrape(Config.model_validate(settings), store=LocalStore(root / "other"))
    assert other.content_digest() == scraped.content_digest()
    assert json.loads((root / "other" / other.ref / "manifest.json").read_text())["key"] == scraped.key
