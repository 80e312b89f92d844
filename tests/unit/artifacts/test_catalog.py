"""Which artifact is the newest, and which is meant."""

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from actorrec.artifacts.catalog import again, commit_manifest, file_name, last_made, load_manifest, newest
from actorrec.artifacts.local import LocalStore
from actorrec.errors import ArtifactError
from actorrec.manifests.images import ImagesManifest

NOON = datetime(2026, 1, 2, 12, tzinfo=UTC)


def made(store: LocalStore, key: str, hours: int) -> ImagesManifest:
    return commit_manifest(
        store,
        ImagesManifest(
            key=key, created_at=NOON + timedelta(hours=hours), people_source="file", image_sources=[],
            people=[], images=[], tallies=[],
        ),
    )  # fmt: skip


def files(root: Path) -> list[str]:
    return sorted(path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file())


def test_an_empty_store_has_no_newest(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="holds no images"):
        newest(LocalStore(tmp_path), ImagesManifest)


def test_what_a_command_came_to_again_is_the_newest(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old, new = made(store, "aaaa", 0), made(store, "bbbb", 1)
    assert newest(store, ImagesManifest).key == "bbbb"
    assert again(store, old) == old
    assert newest(store, ImagesManifest).key == "aaaa"
    assert newest(store, ImagesManifest, lambda manifest: manifest.key == "bbbb") == new
    again(store, new)
    assert newest(store, ImagesManifest).key == "bbbb"


def test_nothing_is_written_about_what_is_the_newest_anyway(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made(store, "aaaa", 0)
    new = made(store, "bbbb", 1)
    before = files(tmp_path)
    again(store, new)
    assert files(tmp_path) == before


@pytest.mark.parametrize(
    "content", [b"", b"[]", b'{"at": "2030-01-01"}', b"{}", json.dumps({"at": "noon"}).encode(), b"\xff"]
)
def test_a_damaged_mark_says_nothing(tmp_path: Path, content: bytes) -> None:
    store = LocalStore(tmp_path)
    old = made(store, "aaaa", 0)
    store.put_bytes(file_name(old, "again.json"), content)
    assert last_made(store, old) == old.created_at


def test_who_names_what_is_not_there_is_told_what_is(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    made(store, "aaaa", 1)
    made(store, "aabb", 2)
    for named in ("images/zzzz", "aa"):
        with pytest.raises(ArtifactError) as caught:
            load_manifest(store, ImagesManifest, named)
        assert caught.value.hint == "it holds images/aaaa, images/aabb"
