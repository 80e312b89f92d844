"""Listing what was given: whose it is, what is ignored, what is an error."""

import os
import unicodedata
from pathlib import Path

import pytest

from actorrec.dataset.photos import find_photos, hash_photos, in_order
from actorrec.dataset.records import person_record, safe_folder
from actorrec.errors import DataError
from actorrec.progress import SilentProgress


def touch(*paths: Path) -> None:
    for path in paths:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(path.name.encode("utf-8", "surrogateescape"))


def test_folders_are_people_and_roots_are_merged(tmp_path: Path) -> None:
    touch(tmp_path / "r1/Ann_Lee/1.jpg", tmp_path / "r1/Ann_Lee/deep/er/2.jpg", tmp_path / "r2/Ann_Lee/3.jpg")
    touch(tmp_path / "r2/Bob/4.jpg", tmp_path / "r2/Bob/.hidden.jpg", tmp_path / "r2/.trash/5.jpg")
    touch(tmp_path / "r2/Bob/Thumbs.db", tmp_path / "r2/Bob/.git/x.jpg")
    found = [
        (photo.person_id, photo.name) for photo in in_order(find_photos([tmp_path / "r1", tmp_path / "r2"]).photos)
    ]
    assert found == [
        ("Ann_Lee", "Ann_Lee/1.jpg"),
        ("Ann_Lee", "Ann_Lee/3.jpg"),
        ("Ann_Lee", "Ann_Lee/deep/er/2.jpg"),
        ("Bob", "Bob/4.jpg"),
    ]


def test_names_are_in_normal_form_and_any_bytes_are_readable(tmp_path: Path) -> None:
    touch(tmp_path / unicodedata.normalize("NFD", "Zoë") / "a\nb.jpg")
    touch(tmp_path / os.fsdecode(b"caf\xe9") / "1.jpg")
    people = {photo.person_id for photo in find_photos([tmp_path]).photos}
    assert people == {"Zoë", "caf\ufffd"}


@pytest.mark.parametrize("make", ["missing", "file", "empty", "empty person", "pictures"])
def test_nothing_to_work_on_is_said_with_what_to_do(make: str, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    if make == "file":
        touch(root)
    elif make == "pictures":
        touch(root / "1.jpg", root / "2.png")
    elif make != "missing":
        (root / ("Ann" if make == "empty person" else "")).mkdir(parents=True)
    with pytest.raises(DataError) as caught:
        find_photos([root])
    assert str(root) in caught.value.message
    assert caught.value.hint or make == "missing"


def test_pictures_beside_the_folders_are_nobodys(tmp_path: Path) -> None:
    touch(tmp_path / "Ann/1.jpg", tmp_path / "stray.jpg", tmp_path / "README.md")
    stray, mine = in_order(find_photos([tmp_path]).photos)
    assert stray.name == "stray.jpg" and stray.problem is not None and stray.problem.reason == "no-person"
    assert mine.problem is None


def test_hashing_notes_what_cannot_be_read(tmp_path: Path) -> None:
    touch(tmp_path / "Ann/1.jpg", tmp_path / "Ann/gone.jpg", tmp_path / "Ann/big.jpg")
    (tmp_path / "Ann/big.jpg").write_bytes(bytes(200))
    os.mkfifo(tmp_path / "Ann/pipe.jpg")
    photos = in_order(find_photos([tmp_path]).photos)
    (tmp_path / "Ann/gone.jpg").unlink()
    by_name = {photo.path.name: photo for photo in hash_photos(photos, 100, 2, SilentProgress())}
    assert by_name["1.jpg"].sha256 is not None
    reasons = {name: photo.problem.reason for name, photo in by_name.items() if photo.problem}
    assert reasons == {"gone.jpg": "unreadable", "big.jpg": "too-large", "pipe.jpg": "not-a-file"}


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read every folder")
def test_a_folder_that_may_not_be_read_is_told(tmp_path: Path) -> None:
    touch(tmp_path / "Ann/1.jpg", tmp_path / "Bob/2.jpg")
    (tmp_path / "Bob").chmod(0)
    try:
        problems = [photo.problem for photo in find_photos([tmp_path]).photos if photo.problem]
    finally:
        (tmp_path / "Bob").chmod(0o755)
    assert [problem.reason for problem in problems] == ["unreadable"]


def test_folder_names_in_the_store_are_safe_and_distinct() -> None:
    people = ["Ann Lee", "Ann/Lee", "Ann%2FLee", "..", "a\nb", "a b", "a ", "名前", "x" * 200, "x" * 199 + "y", "CON\\"]
    folders = [safe_folder(person) for person in people]
    assert len(set(folders)) == len(people)
    for folder in folders:
        assert not set(folder) & set("/\\\n") and folder not in ("", ".", "..") and len(folder.encode()) <= 120
    assert folders[0] == "Ann Lee"


def test_names_are_shown_without_underscores() -> None:
    assert person_record("J_K_Simmons").name == "J K Simmons"
    assert person_record("___").name == "___"
