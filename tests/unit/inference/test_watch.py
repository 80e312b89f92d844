"""Which pictures of which sources come up again."""

import os
from pathlib import Path

import pytest

from actorrec.inference.watch import Watched


def due(watched: Watched) -> list[str]:
    return [Path(source.name).name for source in watched.due()]


def touch(path: Path, content: bytes = b"") -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content)
    return path


def test_nothing_is_due_of_nothing() -> None:
    assert due(Watched(())) == []


def test_a_picture_that_is_named_comes_up_in_every_round_whether_it_is_there_or_not(tmp_path: Path) -> None:
    watched = Watched((str(tmp_path / "a.jpg"),))
    assert due(watched) == due(watched) == ["a.jpg"]
    touch(tmp_path / "a.jpg")
    assert due(watched) == due(watched) == ["a.jpg"]


@pytest.mark.parametrize("pattern", ["", "*.jpg"])
def test_of_a_folder_or_glob_come_up_the_new_and_the_changed(tmp_path: Path, pattern: str) -> None:
    a, b = touch(tmp_path / "a.jpg"), touch(tmp_path / "b.jpg")
    watched = Watched((str(tmp_path / pattern),))
    assert due(watched) == ["a.jpg", "b.jpg"]
    assert due(watched) == []
    touch(tmp_path / "c.jpg")
    b.write_bytes(b"longer")
    assert due(watched) == ["b.jpg", "c.jpg"]
    os.utime(a, ns=(1, 1))  # another time alone
    assert due(watched) == ["a.jpg"]
    other = touch(tmp_path / "other", b"longer")  # of the same length, and copied with its time
    os.utime(other, ns=(b.stat().st_atime_ns, b.stat().st_mtime_ns))
    other.replace(b)
    assert due(watched) == ["b.jpg"]
    assert due(watched) == []


def test_a_picture_that_went_and_came_back_is_new(tmp_path: Path) -> None:
    a = touch(tmp_path / "a.jpg")
    touch(tmp_path / "b.jpg")
    watched = Watched((str(tmp_path),))
    due(watched)
    aside = a.rename(tmp_path / "aside")
    assert due(watched) == []
    aside.rename(a)
    assert due(watched) == ["a.jpg"]


def test_a_folder_that_cannot_serve_says_so_once(tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    folder.mkdir()
    watched = Watched((str(folder),))
    assert [source.error for source in watched.due()] == ["the folder holds no pictures"]
    assert due(watched) == []
    touch(folder / "a.jpg")
    assert due(watched) == ["a.jpg"]
    (folder / "a.jpg").unlink()
    assert due(watched) == ["photos"]


def test_a_round_that_was_broken_off_is_made_again(tmp_path: Path) -> None:
    touch(tmp_path / "a.jpg")
    touch(tmp_path / "b.jpg")
    watched = Watched((str(tmp_path),))
    next(watched.due())
    assert due(watched) == ["a.jpg", "b.jpg"]


def test_a_path_that_becomes_a_folder_is_a_folder_from_then_on(tmp_path: Path) -> None:
    watched = Watched((str(tmp_path / "later"),))
    assert due(watched) == ["later"]
    touch(tmp_path / "later" / "a.jpg")
    assert due(watched) == ["a.jpg"]
    assert due(watched) == []
