"""Sets of pictures: what makes one another, what is short and why, editions, takedowns, nothing at all."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.errors import ConfigError, DataError, SourceError
from actorrec.manifests.images import ImagesManifest
from actorrec.scrape.listing import list_people
from actorrec.scrape.scrape import scrape
from bad_pictures import encoded
from sites.server import Asked, Reply, Site, serve


def blots(seed: int, format: str = "JPEG") -> bytes:
    colours = np.random.default_rng(seed).integers(0, 256, (8, 8, 3), dtype=np.uint8)
    return encoded(np.asarray(Image.fromarray(colours).resize((160, 120), Image.Resampling.BICUBIC)), format)


def picture(asked: Asked) -> Reply:
    """Every number is another picture, but below 100 there is none."""
    number = int(asked.path.rpartition("/")[2])
    if number < 100:
        return Reply(b"not found", 404)
    tag = f'"{number}"'
    if asked.headers.get("if-none-match") == tag:
        return Reply(b"", 304)
    return Reply(blots(number, "WEBP" if number == 102 else "JPEG"), 200, "image/jpeg", {"ETag": tag})


@pytest.fixture
def site() -> Iterator[Site]:
    with serve({"/pictures/*": picture, "/robots.txt": lambda _: Reply(b"", 404)}) as running:
        yield running


class Desk:
    """A user's folder with lists, a store and settings."""

    def __init__(self, folder: Path, site: Site) -> None:
        self.folder, self.site, self.store = folder, site, LocalStore(folder / "store")
        self.rights: dict[str, Any] = {}

    def write(self, names: str, *rows: tuple[str, int]) -> None:
        (self.folder / "names.txt").write_text(names, encoding="utf-8")
        lines = [f"{person},{self.site.url}/pictures/{number}" for person, number in rows]
        (self.folder / "list.csv").write_text("\n".join(["person,url", *lines]) + "\n", encoding="utf-8")

    def config(self, images: int, *others: str) -> Config:
        return Config.model_validate(
            {
                "scrape": {
                    "people": f"file:{self.folder / 'names.txt'}",
                    "images_from": [f"urls:{self.folder / 'list.csv'}", *others],
                    "images": images,
                },
                "fetch": {
                    "allow_addresses": ["127.0.0.1/32"],
                    "rate_per_s": 200,
                    "cache_dir": str(self.folder / "cache"),
                },
                "rights": self.rights,
            }
        )

    def scrape(self, images: int, *others: str, refresh: bool = False) -> ImagesManifest:
        return scrape(self.config(images, *others), store=self.store, refresh=refresh)

    def asked(self) -> list[str]:
        return [asked.path for asked in self.site.asked if asked.path != "/robots.txt"]


@pytest.fixture
def desk(tmp_path: Path, site: Site) -> Desk:
    return Desk(tmp_path, site)


def test_who_has_too_few_or_none_is_told(desk: Desk) -> None:
    desk.write("Ann\nBob\nCid\n", ("Ann", 100), ("Ann", 101), ("Bob", 1), ("Bob", 102))
    manifest = desk.scrape(2)
    assert [(tally.person_id, tally.got, tally.short_because) for tally in manifest.tallies] == [
        ("Ann", 2, ""),
        ("Bob", 1, "urls:list.csv had no more: 2 candidates, 1 not taken (http-404 1)"),
        ("Cid", 0, "urls:list.csv had none"),
    ]
    assert [listed.person.name for listed in manifest.people] == ["Ann", "Bob", "Cid"]


def test_a_folder_of_ones_own_fills_what_is_missing(desk: Desk) -> None:
    desk.write("Zoë Krauß\n", ("Zoë Krauß", 100))
    (desk.folder / "mine" / "Zoë_Krauß").mkdir(parents=True)
    for number in (100, 200, 201):  # the first is what the site has, too
        (desk.folder / "mine" / "Zoë_Krauß" / f"{number}.jpg").write_bytes(blots(number))
    manifest = desk.scrape(3, f"folder:{desk.folder / 'mine'}")
    assert [(image.source, image.licence) for image in manifest.images] == [
        ("urls:list.csv", "unknown"),
        ("folder:mine", "user-supplied"),
        ("folder:mine", "user-supplied"),
    ]
    assert manifest.tallies[0].failed == {"duplicate": 1}
    assert manifest.images[1].url.endswith("Zoë_Krauß/200.jpg")


def test_another_list_or_number_is_another_set_and_the_same_is_the_same(desk: Desk) -> None:
    desk.write("Ann\n", ("Ann", 100), ("Ann", 101))
    first = desk.scrape(2)
    assert desk.scrape(2) == first
    assert desk.scrape(1).key != first.key
    desk.write("Ann\n", ("Ann", 100), ("Ann", 101), ("Ann", 102))
    assert desk.scrape(2).key != first.key
    desk.write("Ann\n", ("Ann", 100), ("Ann", 101))
    assert desk.scrape(2) == first
    (desk.folder / "mine" / "Ann").mkdir(parents=True)
    own = desk.scrape(2, f"folder:{desk.folder / 'mine'}")
    (desk.folder / "mine" / "Ann" / "a.jpg").write_bytes(blots(1))
    assert desk.scrape(2, f"folder:{desk.folder / 'mine'}").key != own.key


def test_refreshed_it_is_a_new_edition(desk: Desk, caplog: pytest.LogCaptureFixture) -> None:
    desk.write("Ann\n", ("Ann", 1), ("Ann", 100), ("Ann", 101))
    first = desk.scrape(2)
    second = desk.scrape(2, refresh=True)
    assert second.key != first.key
    assert sorted(desk.asked()) == sorted([f"/pictures/{number}" for number in (1, 100, 101)] * 2)
    with caplog.at_level("INFO"):
        assert desk.scrape(2) == second
    assert "--refresh scrapes anew" in caplog.text
    assert desk.scrape(2, refresh=True).key not in (first.key, second.key)


def test_refreshed_what_did_not_change_is_not_sent_again(desk: Desk) -> None:
    desk.write("Ann\n", ("Ann", 100), ("Ann", 102), ("Ann", 101))
    first = desk.scrape(2)
    desk.site.asked.clear()
    second = desk.scrape(2, refresh=True)
    asked = [asked for asked in desk.site.asked if "pictures" in asked.path]
    assert {asked.headers.get("if-none-match") for asked in asked} == {'"100"', '"102"'}
    assert len(asked) == 2
    kept = {"sha256", "source_sha256", "phash", "width_px", "height_px", "bytes", "etag", "url", "file"}
    assert [image.model_dump(include=kept) for image in second.images] == [
        image.model_dump(include=kept) for image in first.images
    ]


class DyingStore(LocalStore):
    """Stands for kill -9 at the first file that is to be deleted."""

    def delete(self, name: str) -> None:
        raise Killed(name)


class Killed(Exception):  # noqa: N818
    pass


@pytest.mark.parametrize("refresh", [False, True])
def test_killed_right_after_its_commit_it_leaves_nothing_behind(desk: Desk, refresh: bool) -> None:
    desk.write("Ann\n", ("Ann", 100), ("Ann", 102))
    first = desk.scrape(2)
    shutil.rmtree(desk.store.uri)
    desk.store.put_bytes(f"{first.ref}/Ann/Ann_0003.jpg", b"stored by a killed run, and never recorded")
    whole, desk.store = desk.store, DyingStore(Path(desk.store.uri))
    with pytest.raises(Killed):
        desk.scrape(2)
    desk.store = whole
    second = desk.scrape(2, refresh=refresh)
    expected = {f"{first.ref}/{name}" for name in (*first.digests, "manifest.json")}
    assert set(whole.names(first.ref)) == expected
    assert (second.ref == first.ref) != refresh
    assert not list((desk.folder / "cache/scrape").iterdir())
    assert not (Path(whole.uri) / first.ref / "unfinished").exists()


def test_refreshed_what_is_gone_from_the_store_is_fetched_again(desk: Desk) -> None:
    desk.write("Ann\n", ("Ann", 100), ("Ann", 102))
    first = desk.scrape(2)
    desk.store.delete(f"{first.ref}/{first.images[0].file}")
    desk.site.asked.clear()
    again = desk.scrape(2, refresh=True)
    assert [image.sha256 for image in again.images] == [image.sha256 for image in first.images]
    assert sorted(path for path in desk.asked()) == ["/pictures/100", "/pictures/102"]


def test_a_person_who_is_taken_down_is_not_searched_for(desk: Desk) -> None:
    desk.write("Ann\nBob\n", ("Ann", 100), ("Bob", 101))
    (desk.folder / "takedown.txt").write_text("person ann\n")
    desk.rights = {"takedown": str(desk.folder / "takedown.txt")}
    manifest = desk.scrape(1)
    assert [(tally.got, tally.failed, tally.short_because) for tally in manifest.tallies] == [
        (0, {"taken-down": 1}, "on the takedown list"),
        (1, {}, ""),
    ]
    assert desk.asked() == ["/pictures/101"]
    assert [listed.person.name for listed in list_people(desk.config(1))] == ["Bob"]


def test_a_redirect_to_what_is_taken_down_brings_nothing(desk: Desk) -> None:
    desk.write("Ann\n", ("Ann", 101), ("Ann", 102))
    desk.site.routes["/pictures/101"] = lambda _: Reply(b"", 302, headers={"Location": "/pictures/150"})
    (desk.folder / "takedown.txt").write_text(f"url {desk.site.url}/pictures/150\n")
    desk.rights = {"takedown": str(desk.folder / "takedown.txt")}
    made = desk.scrape(2)
    assert [image.url[-3:] for image in made.images] == ["102"]
    assert made.tallies[0].failed == {"taken-down": 1}


def test_not_one_picture_is_an_error_and_the_same_command_tries_again(desk: Desk) -> None:
    desk.write("Ann\nBob\n", ("Ann", 1), ("Ann", 2), ("Bob", 3))
    with pytest.raises(DataError, match=r"not one picture of 2 people \(3 candidates: http-404 3\)") as caught:
        desk.scrape(1)
    assert "--images-from" in caught.value.hint
    desk.site.routes["/pictures/*"] = lambda asked: Reply(blots(int(asked.path[-1])), 200, "image/jpeg")
    assert len(desk.scrape(1).images) == 2


def test_not_one_picture_says_what_helps_against_the_reason(desk: Desk) -> None:
    desk.write("Ann\n", ("Ann", 101), ("Ann", 102))
    desk.site.routes["/robots.txt"] = lambda _: Reply(b"User-agent: *\nDisallow: /\n")
    with pytest.raises(DataError, match="robots-disallowed 2") as caught:
        desk.scrape(1)
    assert "asks programs to stay away" in caught.value.hint
    assert desk.asked() == []


def test_a_wrong_list_is_told_before_anything_is_asked(desk: Desk) -> None:
    desk.write("Ann\n", ("Ann", 100))
    (desk.folder / "list.csv").write_text("name;link\nAnn;x\n")
    with pytest.raises(ConfigError, match=r"list\.csv"):
        desk.scrape(1)
    desk.write("Ann\n", ("Ann", 100))
    with pytest.raises(ConfigError, match=r"missing\.csv"):
        desk.scrape(1, f"urls:{desk.folder / 'missing.csv'}")
    assert desk.site.asked == []


def test_people_in_a_shape_that_is_not_known_leave_nothing_behind(desk: Desk) -> None:
    desk.site.routes["/sparql"] = lambda _: Reply(b"<html>Are you a robot?</html>", 200, "text/html")
    settings = desk.config(1).model_dump()
    settings["scrape"]["people"] = "wikidata"
    settings["scrape"]["images_from"] = [str(desk.folder)]
    settings["sources"]["wikidata_sparql_url"] = f"{desk.site.url}/sparql"
    settings["fetch"]["contact"] = "me@example.org"
    with pytest.raises(SourceError, match="wikidata"):
        scrape(Config.model_validate(settings), store=desk.store)
    assert not list(desk.store.names("images"))


def test_a_name_that_two_people_share_does_not_say_whose_picture_it_is(desk: Desk) -> None:
    desk.write("", ("Chris Lee", 101), ("Q11", 103), ("Q22", 104), ("chris_lee", 103), ("Ann Arden", 105))
    (desk.folder / "people.csv").write_text("name,wikidata\nChris Lee,Q11\nchris lee,Q22\nAnn Arden,Q33\n")
    for number, name in ((6, "Chris Lee"), (7, "q11")):
        (desk.folder / "own" / name).mkdir(parents=True)
        (desk.folder / "own" / name / "a.jpg").write_bytes(blots(number))
    config = desk.config(5, f"folder:{desk.folder / 'own'}")
    people = {"people": str(desk.folder / "people.csv")}
    config = config.model_copy(update={"scrape": config.scrape.model_copy(update=people)})
    made = scrape(config, store=desk.store)
    had = {tally.person_id: (tally.got, tally.failed) for tally in made.tallies}
    assert had == {
        "Q11": (2, {"ambiguous-name": 2}),
        "Q22": (1, {"ambiguous-name": 3}),
        "Q33": (1, {}),
    }
    assert "/pictures/101" not in desk.asked()
