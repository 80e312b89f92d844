"""The shelf of unknown faces: bounds, repeats, damage, and what happens between two processes."""

import hashlib
import os
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.unknowns import Shelved, UnknownShelf
from actorrec.errors import ArtifactError
from actorrec.manifests.unknowns import UnknownFace
from actorrec.sections import UnknownsSection

NOON = datetime(2026, 5, 3, 12, tzinfo=UTC)
LIMITS = UnknownsSection(keep=True, max_faces=3, max_age_days=10)
CROP = b"\xff\xd8 a crop"


def face(number: int, *, days: float = 0, like: int | None = None, model_id: str = "m") -> UnknownFace:
    """A face of its own direction, or of that of another one."""
    direction = np.zeros(64)
    direction[number if like is None else like] = 1
    return UnknownFace(
        face_id=f"{number:016x}",
        seen_at=NOON + timedelta(days=days),
        source=f"{number}.jpg",
        crop_sha256=hashlib.sha256(CROP).hexdigest(),
        face_px=80,
        model_id=model_id,
        embedding=tuple(direction.tolist()),
    )


def ids(shelf: UnknownShelf) -> list[int]:
    return [int(each.face_id, 16) for each in shelf.faces()]


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture
def shelf(store: LocalStore) -> UnknownShelf:
    return UnknownShelf(store)


def test_an_empty_shelf_reads_and_expires_without_writing_anything(shelf: UnknownShelf, tmp_path: Path) -> None:
    assert shelf.faces() == [] and shelf.expire(LIMITS, NOON) == 0
    assert not (tmp_path / "store").exists()
    assert shelf.clear() == 0 and shelf.faces() == []


@pytest.mark.parametrize("clear", [True, False])
def test_half_a_face_that_a_killed_process_left_goes_with_the_next_change(
    shelf: UnknownShelf, tmp_path: Path, clear: bool
) -> None:
    half = tmp_path / "store/unknowns/.partial-0123456789ab"
    half.parent.mkdir(parents=True)
    half.write_bytes(CROP[:1000])
    if clear:
        assert shelf.clear() == 0
    else:
        assert shelf.add(face(1), CROP, limits=LIMITS).kept
    assert not half.exists()


def test_a_crop_that_a_full_disk_left_without_its_record_goes_with_the_next_face(
    shelf: UnknownShelf, store: LocalStore
) -> None:
    store.put_bytes("unknowns/00ff00ff00ff00ff.jpg", CROP)
    assert shelf.add(face(1), CROP, limits=LIMITS).kept
    assert list(store.names("unknowns")) == [f"unknowns/{face(1).face_id}.{end}" for end in ("jpg", "json")]


def test_what_was_kept_is_there_for_the_next_process_newest_first(shelf: UnknownShelf, store: LocalStore) -> None:
    assert shelf.add(face(1), CROP, limits=LIMITS) == Shelved(kept=True, dropped=0)
    assert shelf.add(face(2, days=1), CROP, limits=LIMITS).kept
    again = UnknownShelf(store)
    assert again.faces() == [face(2, days=1), face(1)]
    assert again.crop(face(1).face_id) == CROP == again.crop_file(face(2).face_id).read_bytes()


def test_faces_of_strangers_are_not_for_everybody(shelf: UnknownShelf, store: LocalStore, tmp_path: Path) -> None:
    before = os.umask(0o022)
    try:
        shelf.add(face(1), CROP, limits=LIMITS)
        store.put_bytes("datasets/a", b"")
    finally:
        os.umask(before)
    folder = tmp_path / "store" / "unknowns"
    modes = {path.suffix: stat.S_IMODE(path.stat().st_mode) for path in (folder, *folder.iterdir())}
    assert modes == {"": 0o750, ".jpg": 0o640, ".json": 0o640}
    assert stat.S_IMODE((tmp_path / "store" / "datasets" / "a").stat().st_mode) == 0o644


def test_the_same_face_and_near_copies_are_kept_once_for_each_net(shelf: UnknownShelf) -> None:
    shelf.add(face(1), CROP, limits=LIMITS)
    assert not shelf.add(face(1, days=1), CROP, limits=LIMITS).kept
    assert not shelf.add(face(2, like=1), CROP, limits=LIMITS).kept
    assert shelf.add(face(3, like=1, model_id="another"), CROP, limits=LIMITS).kept
    assert ids(shelf) == [3, 1]


def test_the_oldest_makes_room_and_is_counted(shelf: UnknownShelf, store: LocalStore) -> None:
    for number in (1, 2, 3):
        shelf.add(face(number, days=-number), CROP, limits=LIMITS)
    assert shelf.add(face(4), CROP, limits=LIMITS) == Shelved(kept=True, dropped=1)
    assert ids(shelf) == [4, 1, 2]
    assert len(list(store.names("unknowns"))) == 6
    fewer = UnknownsSection(max_faces=1)
    assert shelf.add(face(5, days=1), CROP, limits=fewer) == Shelved(kept=True, dropped=3)


def test_the_too_old_are_dropped_even_if_nothing_new_comes(shelf: UnknownShelf) -> None:
    shelf.add(face(1), CROP, limits=LIMITS)
    shelf.add(face(2, days=5), CROP, limits=LIMITS)
    assert shelf.expire(LIMITS, NOON + timedelta(days=11)) == 1
    assert ids(shelf) == [2]
    assert shelf.add(face(2, days=16), CROP, limits=LIMITS) == Shelved(kept=True, dropped=1)


def test_a_crop_whose_record_was_never_written_goes_too(shelf: UnknownShelf, store: LocalStore) -> None:
    shelf.add(face(1), CROP, limits=LIMITS)
    store.put_bytes(f"unknowns/{face(2).face_id}.jpg", CROP)
    assert shelf.expire(LIMITS, NOON) == 0
    assert len(list(store.names("unknowns"))) == 2 and ids(shelf) == [1]


def test_two_processes_see_what_the_other_did(shelf: UnknownShelf, store: LocalStore) -> None:
    other = UnknownShelf(store)
    shelf.add(face(1), CROP, limits=LIMITS)
    assert not other.add(face(2, like=1), CROP, limits=LIMITS).kept
    assert other.remove([face(1).face_id, face(9).face_id]) == 1
    assert shelf.faces() == []
    assert shelf.add(face(1), CROP, limits=LIMITS).kept


@pytest.mark.parametrize("face_id", ["0" * 16, "../../secret", "", "x/y"])
def test_a_face_that_is_not_there_has_no_crop(shelf: UnknownShelf, face_id: str) -> None:
    shelf.add(face(1), CROP, limits=LIMITS)
    with pytest.raises(ArtifactError, match="no unknown face"):
        shelf.crop(face_id)


def test_a_changed_crop_is_refused(shelf: UnknownShelf, store: LocalStore) -> None:
    shelf.add(face(1), CROP, limits=LIMITS)
    store.put_bytes(f"unknowns/{face(1).face_id}.jpg", b"another")
    with pytest.raises(ArtifactError, match="changed or damaged"):
        shelf.crop_file(face(1).face_id)


@pytest.mark.parametrize("content", [b"", b"{}", face(2).model_dump_json().encode()])
def test_a_damaged_record_says_what_to_do_and_is_cleared(store: LocalStore, content: bytes) -> None:
    store.put_bytes(f"unknowns/{face(1).face_id}.json", content)
    shelf = UnknownShelf(store)
    with pytest.raises(ArtifactError) as caught:
        shelf.faces()
    assert "forget --unknowns" in caught.value.hint
    assert shelf.clear() == 1 and list(store.names("unknowns")) == []
