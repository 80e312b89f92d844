"""Every input gives something: a picture or the reason why there is none."""

import os
from pathlib import Path

import pytest

from actorrec.inference.sources import PictureSource, expand_sources


def names(found: list[PictureSource]) -> list[str]:
    return [Path(source.name).name for source in found]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    for name in ("b.JPG", "a.png", "notes.txt", ".hidden.jpg", "deep/er/c.webp", ".secret/d.jpg", "new\nline ä.jpg"):
        path = tmp_path / "photos" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"")
    (tmp_path / "photos" / "empty").mkdir()
    return tmp_path / "photos"


def test_nothing_gives_nothing() -> None:
    assert list(expand_sources([])) == []


def test_a_folder_gives_its_pictures_to_the_bottom_in_order(photos: Path) -> None:
    assert names(list(expand_sources([str(photos)]))) == ["a.png", "b.JPG", "c.webp", "new\nline ä.jpg"]


def test_a_named_file_is_taken_whatever_its_suffix_and_once_for_each_time_it_is_named(photos: Path) -> None:
    notes = str(photos / "notes.txt")
    assert [source.path for source in expand_sources([notes, notes])] == [Path(notes), Path(notes)]


def test_globs(photos: Path) -> None:
    assert names(list(expand_sources([str(photos / "*.png"), str(photos / "**" / "*.webp")]))) == ["a.png", "c.webp"]
    (nothing,) = expand_sources([str(photos / "*.tiff")])
    assert (nothing.path, nothing.error) == (None, "no file matches")


def test_a_file_whose_name_looks_like_a_glob(photos: Path) -> None:
    odd = photos / "set[1].jpg"
    odd.write_bytes(b"")
    assert [source.path for source in expand_sources([str(odd)])] == [odd]


def test_a_missing_file_is_handed_on_to_fail_by_name(photos: Path) -> None:
    (missing,) = expand_sources([str(photos / "missing.jpg")])
    assert missing.path == photos / "missing.jpg"


def test_an_empty_folder_says_so(photos: Path) -> None:
    (empty,) = expand_sources([str(photos / "empty")])
    assert empty.error == "the folder holds no pictures"


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_folder_that_cannot_be_listed_says_so_and_the_others_are_read(photos: Path) -> None:
    (photos / "deep").chmod(0)
    try:
        found = list(expand_sources([str(photos), str(photos / "deep/er/c.webp")]))
    finally:
        (photos / "deep").chmod(0o755)
    assert names(found) == ["a.png", "b.JPG", "new\nline ä.jpg", "deep", "c.webp"]
    assert "cannot be listed" in found[3].error


def test_a_name_that_no_file_system_takes_is_handed_on_to_fail_by_name() -> None:
    (source,) = expand_sources(["x" * 5000])
    assert source.path == Path("x" * 5000)


def test_a_name_that_is_no_text_is_spelled_out(tmp_path: Path) -> None:
    raw = os.fsencode(tmp_path) + b"/caf\xe9.jpg"
    Path(os.fsdecode(raw)).write_bytes(b"")
    (source,) = expand_sources([str(tmp_path)])
    assert source.name.endswith("caf\\udce9.jpg")
    assert source.path is not None
    assert source.path.exists()
