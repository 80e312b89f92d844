from pathlib import Path

import pytest

from actorrec.errors import ConfigError
from actorrec.manifests.dataset import Person
from actorrec.rights.takedown import Takedown, load_takedown

DIGEST = "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08"


def takedown(tmp_path: Path, *lines: str) -> Takedown:
    file = tmp_path / "takedown.txt"
    file.write_text("\n".join(lines), encoding="utf-8")
    return load_takedown(file)


def somebody(name: str = "Ann Arden", person_id: str = "Q1", **external_ids: str) -> Person:
    return Person(person_id=person_id, name=name, external_ids=external_ids)


def test_no_list_and_an_empty_list_hold_nothing(tmp_path: Path) -> None:
    for nothing in (load_takedown(None), takedown(tmp_path), takedown(tmp_path, "# only a comment", "")):
        assert not nothing
        assert not nothing.person(somebody())
        assert not nothing.url("https://example.org/a.jpg")
        assert not nothing.sha256(DIGEST)
        assert nothing.digest == Takedown().digest


@pytest.mark.parametrize("entry", ["ZOË  brügge", "Zoe\u0308 Bru\u0308gge", "q77", "NM0000077", "tmdb-77", "77"])
def test_a_person_is_found_by_name_and_by_every_id(tmp_path: Path, entry: str) -> None:
    held = takedown(tmp_path, f"person {entry}   # asked for in May")
    assert held.person(somebody("Zoë Brügge", "Q77", imdb="nm0000077", tmdb="77"))
    assert not held.person(somebody("Zoe Brugge", "Q78", imdb="nm0000078", tmdb="78"))


def test_addresses_are_found_whole_or_by_their_beginning(tmp_path: Path) -> None:
    held = takedown(
        tmp_path, "url https://Example.org/K%C3%B6nig.jpg", "url http://example.org/ann/*", "url https://x.org/p#me"
    )
    assert held
    assert held.url("http://example.org/König.jpg")
    assert held.url("https://example.org/K%c3%b6nig.jpg#top")
    assert held.url("https://example.org/ann/1.jpg?w=2")
    assert held.url("https://x.org/p")
    assert not held.url("https://example.org/anna/1.jpg")
    assert not held.url("https://example.org/K%C3%B6nig.jpg?w=2")
    assert not held.url("https://example.net/ann/1.jpg")
    assert not held.url("")


def test_a_smaller_copy_of_a_wikimedia_picture_is_that_picture(tmp_path: Path) -> None:
    top = "https://upload.wikimedia.org/wikipedia/commons"
    held = takedown(tmp_path, f"url {top}/a/ab/Ann_%281%29.jpg")
    assert held.url(f"{top}/thumb/a/ab/Ann_%281%29.jpg/960px-Ann_%281%29.jpg")
    assert held.url(f"{top}/a/ab/Ann_(1).jpg")
    assert not held.url(f"{top}/thumb/a/ac/Ann_%281%29.jpg/960px-Ann_%281%29.jpg")
    assert takedown(tmp_path, f"url {top}/thumb/a/ab/X.png/330px-X.png").url(f"{top}/a/ab/X.png")


def test_any_digest_is_found_in_either_case(tmp_path: Path) -> None:
    held = takedown(tmp_path, f"sha256 {DIGEST.upper()}")
    assert held.sha256("0" * 64, DIGEST)
    assert not held.sha256("0" * 64)
    assert not held.sha256()


def test_the_digest_is_of_what_is_held_not_of_how_it_is_written(tmp_path: Path) -> None:
    one = takedown(tmp_path, "person Ann", f"sha256 {DIGEST}", "url https://x.org/*")
    same = takedown(tmp_path, "# again", "url https://x.org/*", f"sha256 {DIGEST}", "person ANN", "person Ann")
    assert one.digest == same.digest
    assert one.digest != takedown(tmp_path, "person Ann", f"sha256 {DIGEST}", "url https://x.org/").digest


@pytest.mark.parametrize(
    "line",
    [
        "person",
        "persons Ann",
        "Ann Arden",
        "url",
        "url *",
        "url ftp://x.org/a",
        "url https://*",
        "url a b",
        "url https://[abc/x",
        "url https://ex℀mple.org/",
        "sha256 12",
    ],
)
def test_a_bad_line_is_named(tmp_path: Path, line: str) -> None:
    with pytest.raises(ConfigError, match=r"takedown\.txt:2: ") as caught:
        takedown(tmp_path, "person Ann", line)
    assert "sha256 HEX" in caught.value.hint


def test_a_list_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"gone\.txt: No such file"):
        load_takedown(tmp_path / "gone.txt")
    (tmp_path / "latin.txt").write_bytes("person Zoë".encode("latin-1"))
    with pytest.raises(ConfigError, match=r"latin\.txt is not UTF-8"):
        load_takedown(tmp_path / "latin.txt")
