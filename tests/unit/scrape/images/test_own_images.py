"""Folders and lists of the user's own, and how sources are named."""

import asyncio
import unicodedata
from pathlib import Path
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.manifests.dataset import Person
from actorrec.manifests.images import ListedPerson
from actorrec.scrape.fetch.client import open_fetcher
from actorrec.scrape.images.folder import FolderImages
from actorrec.scrape.images.open import image_sources
from actorrec.scrape.images.urls import UrlListImages
from actorrec.scrape.protocols import Candidate, ImageSource


def listed(name: str = "Zoë Brügge", person_id: str = "Q77", **ids: str) -> ListedPerson:
    person = Person(person_id=person_id, name=name, external_ids=ids or {"imdb": "nm0000077", "tmdb": "77"})
    return ListedPerson.model_validate(
        {"person": person, "rank": 1, "source": "t", "listed_at": "2026-01-01T00:00:00Z"}
    )


def gather(source: ImageSource, person: ListedPerson | None = None) -> list[Candidate]:
    async def run() -> list[Candidate]:
        return [candidate async for candidate in source.candidates(person or listed())]

    return asyncio.run(run())


def put(*files: Path) -> None:
    for file in files:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"picture")


@pytest.mark.parametrize(
    "name", ["Zoë Brügge", "ZOË_brügge", unicodedata.normalize("NFD", "Zoë Brügge"), "q77", "nm0000077", "tmdb-77"]
)
def test_a_folder_is_found_by_name_and_by_every_id(tmp_path: Path, name: str) -> None:
    put(tmp_path / name / "b.jpg", tmp_path / name / "a.PNG", tmp_path / "Zoe Brugge" / "c.jpg", tmp_path / "d.jpg")
    found = gather(FolderImages(tmp_path))
    assert [candidate.url for candidate in found] == [f"{tmp_path.name}/{name}/{file}" for file in ("a.PNG", "b.jpg")]
    assert all(c.path and c.path.is_file() and c.licence == "user-supplied" for c in found)


def test_pictures_below_count_hidden_and_other_files_do_not(tmp_path: Path) -> None:
    here = tmp_path / "Q77"
    put(here / "2019" / "a.jpg", here / ".b.jpg", here / ".cache" / "c.jpg", here / "notes.txt", here / "d.webp")
    assert [candidate.url for candidate in gather(FolderImages(tmp_path))] == [
        f"{tmp_path.name}/Q77/{file}" for file in ("2019/a.jpg", "d.webp")
    ]


def test_links_that_lead_out_are_passed_over(tmp_path: Path) -> None:
    root, outside = tmp_path / "photos", tmp_path / "private"
    put(root / "Q77" / "a.jpg", root / "more" / "b.jpg", outside / "c.jpg", outside / "d.jpg")
    (root / "Q77" / "inside.jpg").symlink_to(root / "more" / "b.jpg")
    (root / "Q77" / "outside.jpg").symlink_to(outside / "c.jpg")
    (root / "Q77" / "nowhere.jpg").symlink_to(root / "gone.jpg")
    (root / "Q77" / "circle.jpg").symlink_to(root / "Q77" / "circle.jpg")
    (root / "nm0000077").symlink_to(outside, target_is_directory=True)
    assert [candidate.url for candidate in gather(FolderImages(root))] == ["photos/Q77/a.jpg", "photos/Q77/inside.jpg"]
    (tmp_path / "link").symlink_to(root, target_is_directory=True)
    assert len(gather(FolderImages(tmp_path / "link"))) == 2


def test_a_person_without_a_folder_has_no_pictures(tmp_path: Path) -> None:
    assert gather(FolderImages(tmp_path)) == []
    with pytest.raises(ConfigError, match="no folder"):
        FolderImages(tmp_path / "gone")


def url_list(folder: Path, text: str, name: str = "list.csv", encoding: str = "utf-8") -> UrlListImages:
    (folder / name).write_bytes(text.encode(encoding))
    return UrlListImages(folder / name)


def test_rows_of_a_csv_file(tmp_path: Path) -> None:
    source = url_list(
        tmp_path,
        "Person,URL,page,licence,licence_url,author\r\n"
        'zoe\u0308 bru\u0308gge,https://x.org/b.jpg,https://x.org/b,"CC BY 4.0",https://cc.org/by,"Jo, ""J"" Doe"\r\n'
        "nm0000077, https://x.org/a.jpg ,,,,\r\n"
        "Somebody Else,https://x.org/c.jpg,,,,\r\n"
        "tmdb-77,https://x.org/b.jpg,,,,\r\n",
        encoding="utf-8-sig",
    )
    b, a = gather(source)
    assert (b.url, b.page, b.licence, b.licence_url) == (
        "https://x.org/b.jpg",
        "https://x.org/b",
        "CC BY 4.0",
        "https://cc.org/by",
    )
    assert b.author == 'Jo, "J" Doe'
    assert (a.url, a.page, a.licence, a.licence_url, a.author) == ("https://x.org/a.jpg", None, "unknown", None, None)
    assert gather(source, listed("No Body", "Q9", imdb="nm0000009")) == []


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_file_as_office_programs_write_it(tmp_path: Path, delimiter: str) -> None:
    rows = (("person", "url", "author"), ("Zoë Brügge", "https://x.org/a,b;c.jpg", "Doe, Jo"))
    text = "".join(delimiter.join(f'"{cell}"' if ";" in cell else cell for cell in row) + "\r\n" for row in rows)
    (found,) = gather(url_list(tmp_path, text, encoding="utf-8-sig"))
    assert (found.url, found.author) == ("https://x.org/a,b;c.jpg", "Doe, Jo")


def test_a_list_of_the_columns_that_must_be(tmp_path: Path) -> None:
    assert len(gather(url_list(tmp_path, "url,person\nhttps://x.org/1,Q77\n\nhttps://x.org/2,Q77"))) == 2
    assert gather(url_list(tmp_path, "person,url\n")) == []


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("", 1, "must name the columns"),
        ("Q77,https://x.org/a\n", 1, "must name the columns"),
        ("person|url\nQ77|https://x.org\n", 1, "must name the columns, not: person|url"),
        ("person,url,url\nQ77,https://x.org,\n", 1, "must name the columns"),
        ("person,url,colour\nQ77,https://x.org,red\n", 1, "must name the columns"),
        ("person,url\nQ77,https://x.org/a\nQ77,ftp://x.org/a\n", 3, "url: is no http or https address"),
        ("person,url\nQ77,javascript:x\n", 2, "url: is no http or https address"),
        ("person,url\nQ77\n", 2, "url: Field required"),
        ("person,url\n ,https://x.org\n", 2, "person: is empty"),
        ("person,url\nQ77,https://x.org,more\n", 2, "more fields than columns"),
        ('person,url\nQ77,"https://x.org\n', 2, "unexpected end of data"),
        ("person,url,page\nQ77,https://x.org,about:blank\n", 2, "page: is no http or https address"),
    ],
)
def test_a_bad_row_of_a_csv_file_is_named(tmp_path: Path, text: str, line: int, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        url_list(tmp_path, text)
    assert caught.value.message.startswith(f"{tmp_path / 'list.csv'}:{line}: ")
    assert says in caught.value.message
    assert "columns: person, url" in caught.value.hint


@pytest.mark.parametrize(
    ("row", "says"),
    [
        ("{", "is not JSON"),
        ("[" * 100_000, "is not JSON"),
        ("[]", "is not an object"),
        ('{"person": "Q77"}', "url: Field required"),
        ('{"person": 77, "url": "https://x.org"}', "person: Input should be a valid string"),
        ('{"person": "Q77", "url": "https://x.org", "colour": "red"}', "colour: Extra inputs are not permitted"),
    ],
)
def test_a_bad_row_of_json_lines_is_named(tmp_path: Path, row: str, says: str) -> None:
    good = '{"person": "Q77", "url": "https://x.org", "page": null}\n\n'
    with pytest.raises(ConfigError, match=r"list\.jsonl:3: ") as caught:
        url_list(tmp_path, good + row, "list.jsonl")
    assert says in caught.value.message


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.csv: No such file"):
        UrlListImages(tmp_path / "gone.csv")
    with pytest.raises(ConfigError, match="not UTF-8"):
        url_list(tmp_path, "person,url\nZoë,https://x.org\n", encoding="latin-1")
    with pytest.raises(ConfigError, match=r"a \.csv or \.jsonl file"):
        url_list(tmp_path, "", "list.txt")


def opened(*specs: str, **changes: Any) -> list[ImageSource]:
    config = Config.model_validate({"fetch": {"contact": "a@b.org"}, "sources": {"tmdb_key": "0" * 32}, **changes})

    async def run() -> list[ImageSource]:
        async with open_fetcher(config.fetch) as fetcher:
            return image_sources(specs, config, fetcher)

    return asyncio.run(run())


def test_sources_are_opened_in_the_order_they_are_named_each_once(tmp_path: Path) -> None:
    photos, rows = tmp_path / "photos", tmp_path / "rows.jsonl"
    photos.mkdir()
    rows.write_text("")
    specs = ["tmdb", f"folder:{photos}", "commons", "ddgs", str(photos), str(rows), f"urls:{rows}", "tmdb"]
    names = [source.name for source in opened(*specs)]
    assert names == ["tmdb", "folder:photos", "commons", "ddgs", "urls:rows.jsonl"]


@pytest.mark.parametrize(
    ("spec", "says"),
    [
        ("", "no source of pictures ''"),
        ("comons", "did you mean 'commons'?"),
        ("google", "known: commons, tmdb, ddgs, folder:DIR, urls:FILE"),
        ("folder", "does not say what to read"),
        ("folder:", "does not say what to read"),
        ("folder:gone", "no folder gone"),
        ("urls:gone.csv", "cannot read gone.csv"),
        ("commons:Q1", "'commons' reads no file"),
        ("gone.csv", "no source of pictures 'gone.csv'"),
    ],
)
def test_a_source_that_is_not_known_is_named(spec: str, says: str) -> None:
    with pytest.raises(ConfigError) as caught:
        opened(spec)
    assert says in caught.value.in_full


def test_no_source_at_all_is_an_error() -> None:
    with pytest.raises(ConfigError, match="no source of pictures is named"):
        opened()
