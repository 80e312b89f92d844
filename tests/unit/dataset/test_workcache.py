"""What was looked at survives a kill, and damage costs only the work, not the run."""

from pathlib import Path

import numpy as np
from made_faces import candidate, person_vectors, picture

from actorrec.artifacts.local import LocalStore
from actorrec.dataset.candidates import Examined, Pictures
from actorrec.dataset.workcache import WorkCache

VECTORS = person_vectors(3, 0)
PICTURES = Pictures((b"crop 1", b"crop two"), (b"thumb 1", b"t2"), b"whole")
TWO_FACES = picture("a" * 64, candidate(VECTORS[0]), candidate(VECTORS[1], 60))


def test_what_goes_in_comes_out(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    cache = WorkCache(store, "dataset/k")
    cache.add(TWO_FACES, PICTURES)
    cache.add(Examined("b" * 64, reason="empty", detail="the file is empty"), Pictures())
    cache.flush()
    again = WorkCache(store, "dataset/k")
    found = again.load()
    assert found["b" * 64].reason == "empty"
    face = found["a" * 64].faces[1]
    assert face.box == TWO_FACES.faces[1].box and face.quality == TWO_FACES.faces[1].quality
    assert np.array_equal(face.vector, VECTORS[1])
    assert dict(again.pictures(["a" * 64])) == {"a" * 64: PICTURES}
    assert dict(again.pictures(["b" * 64])) == {"b" * 64: Pictures()}
    again.clear()
    assert list(store.names("dataset")) == []


def test_nothing_cached_is_nothing_found(tmp_path: Path) -> None:
    cache = WorkCache(LocalStore(tmp_path), "dataset/k")
    cache.flush()
    assert cache.load() == {}


def test_batches_are_written_as_they_fill(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    cache = WorkCache(store, "dataset/k")
    for index in range(30):
        cache.add(Examined(f"{index:064d}", reason="empty"), Pictures())
    assert len(WorkCache(store, "dataset/k").load()) == 24


def test_a_damaged_batch_is_done_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    cache = WorkCache(store, "dataset/k")
    cache.add(TWO_FACES, PICTURES)
    cache.flush()
    (name,) = store.names("dataset/k")
    whole = (tmp_path / name).read_bytes()
    for damaged in (b"", b"PK", whole[: len(whole) // 2], whole[:200] + bytes(100) + whole[300:]):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)  # emptied folders go
        (tmp_path / name).write_bytes(damaged)
        assert WorkCache(store, "dataset/k").load() == {}
        assert list(store.names("dataset/k")) == []
