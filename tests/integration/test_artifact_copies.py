"""Copies with lineage, collecting and verifying, over both stores."""

from datetime import timedelta
from pathlib import Path

import pytest

from actorrec.artifacts.catalog import again, find_manifest, load_manifest, manifests
from actorrec.artifacts.collection import collect, find_garbage
from actorrec.artifacts.copies import copy_with_lineage
from actorrec.artifacts.inspection import damage, inspect
from actorrec.artifacts.lineage import KINDS
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, ModelContractError
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.images import ImagesManifest
from actorrec.progress import SilentProgress
from stored_chains import add_bundle, add_dataset, add_images, whole

AGES_AGO, NOW = timedelta(days=7), timedelta(seconds=-60)


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "local":
        return LocalStore(tmp_path / "store")
    request.getfixturevalue("aws_keys")
    url = request.getfixturevalue("moto_url")
    from s3_servers import new_store

    return new_store(url, tmp_path)


def refs(store: ArtifactStore) -> set[str]:
    return {manifest.ref for kind in KINDS.values() for manifest in manifests(store, kind)}


def test_there_and_back_with_everything_it_came_from(store: ArtifactStore, tmp_path: Path) -> None:
    here, back = LocalStore(tmp_path / "here"), LocalStore(tmp_path / "back")
    images = add_images(here, "aaaa", 1)
    data = add_dataset(here, "bbbb", 2, images)
    bundle = add_bundle(here, "cccc", 3, data)
    add_images(here, "dddd", 4)
    first = copy_with_lineage(bundle, here, store, SilentProgress())
    assert [(each.ref, each.sent) for each in first.copied] == [(images.ref, 3), (data.ref, 3), (bundle.ref, 1)]
    assert refs(store) == {images.ref, data.ref, bundle.ref}
    second = copy_with_lineage(bundle, here, store, SilentProgress())
    assert [(each.sent, each.there) for each in second.copied] == [(0, 3), (0, 3), (0, 1)]
    copy_with_lineage(load_manifest(store, BundleManifest, "newest"), store, back, SilentProgress())
    for manifest_type, manifest in ((ImagesManifest, images), (DatasetManifest, data), (BundleManifest, bundle)):
        copied = find_manifest(back, manifest_type, manifest.key)
        assert copied == manifest and whole(back, manifest)
    assert inspect(back, SilentProgress()).damaged == []


def test_a_copy_goes_on_where_it_was_and_puts_a_cut_file_right(store: ArtifactStore, tmp_path: Path) -> None:
    here = LocalStore(tmp_path / "here")
    images = add_images(here, "aaaa", 1, files=6)
    for number in (0, 1):
        store.put_bytes(f"images/aaaa/Ada/{number:04d}.jpg", here.read_bytes(f"images/aaaa/Ada/{number:04d}.jpg"))
    store.put_bytes("images/aaaa/Ada/0002.jpg", b"cut")
    store.put_bytes("images/aaaa/Ada/0003.jpg", b"x" * 100)
    report = copy_with_lineage(images, here, store, SilentProgress())
    assert (report.copied[0].sent, report.copied[0].there) == (4, 2) and whole(store, images)


def test_a_damaged_file_is_not_copied_as_if_it_were_whole(store: ArtifactStore, tmp_path: Path) -> None:
    here = LocalStore(tmp_path / "here")
    images = add_images(here, "aaaa", 1)
    here.put_bytes("images/aaaa/Ada/0001.jpg", b"x" * 100)
    with pytest.raises(ArtifactError, match=r"images/aaaa/Ada/0001\.jpg is damaged"):
        copy_with_lineage(images, here, store, SilentProgress())
    assert refs(store) == set()


def test_another_artifact_of_that_name_is_refused(store: ArtifactStore, tmp_path: Path) -> None:
    here = LocalStore(tmp_path / "here")
    images = add_images(here, "aaaa", 1)
    add_images(store, "aaaa", 2)
    with pytest.raises(ArtifactError, match="holds another images/aaaa"):
        copy_with_lineage(images, here, store, SilentProgress())


def test_an_input_that_is_nowhere_is_named(store: ArtifactStore, tmp_path: Path) -> None:
    here = LocalStore(tmp_path / "here")
    images = add_images(here, "aaaa", 1)
    data = add_dataset(here, "bbbb", 2, images)
    for name in list(here.names(images.ref)):
        here.delete(name)
    assert copy_with_lineage(data, here, store, SilentProgress()).missing == ("images/aaaa",)
    found = inspect(store, SilentProgress())
    assert found.missing_inputs == [("dataset/bbbb", "images/aaaa")] and damage(store, found) is None


def test_what_nothing_needs_goes_and_nothing_else(store: ArtifactStore) -> None:
    old = add_images(store, "aaaa", 1)
    needed = add_images(store, "bbbb", 2)
    newest = add_images(store, "cccc", 3)
    add_dataset(store, "dddd", 4, old)
    data = add_dataset(store, "eeee", 5, needed)
    again(store, data)
    store.put_bytes("images/ffff/Ada/1.jpg", b"unfinished")
    store.put_bytes("review/log/00000001.json", b"{}")
    store.put_bytes("unknowns/face.json", b"{}")
    store.put_bytes("somebody/elses/file", b"{}")
    before = list(store.names(""))
    assert {each.ref for each in find_garbage(store, unfinished_for=AGES_AGO)} == {"images/aaaa", "dataset/dddd"}
    assert find_garbage(store, keep=["dataset/dddd"], unfinished_for=AGES_AGO) == []
    garbage = find_garbage(store, unfinished_for=NOW)
    assert [(each.ref, each.why) for each in garbage] == [
        ("dataset/dddd", "not needed"), ("images/aaaa", "not needed"), ("images/ffff", "unfinished"),
    ]  # fmt: skip
    assert list(store.names("")) == before
    with store.lock("images/ffff"):
        assert {each.ref for each in collect(store, garbage, SilentProgress())} == {"dataset/dddd", "images/aaaa"}
    collect(store, garbage, SilentProgress())
    assert refs(store) == {needed.ref, newest.ref, data.ref}
    gone = ("images/aaaa/", "dataset/dddd/", "images/ffff/")
    assert list(store.names("")) == [name for name in before if not name.startswith(gone)]
    assert inspect(store, SilentProgress()).damaged == []


def test_what_killed_commands_left_without_a_name_goes_with_the_next_collection(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    manifest = add_images(store, "aaaa", 1)
    (tmp_path / "dataset/bbbb/crops").mkdir(parents=True)
    (tmp_path / "model/cccc").mkdir(parents=True)
    (tmp_path / "model/cccc/.partial-0123456789ab").write_bytes(b"half a gallery")
    assert collect(store, find_garbage(store, unfinished_for=NOW), SilentProgress()) == []
    assert [path.name for kind in ("dataset", "model") for path in (tmp_path / kind).rglob("*")] == []
    assert whole(store, manifest)


def test_unfinished_work_that_was_finished_meanwhile_stays(store: ArtifactStore) -> None:
    store.put_bytes("images/ffff/Ada/0000.jpg", b"unfinished")
    garbage = find_garbage(store, unfinished_for=NOW)
    manifest = add_images(store, "ffff", 1)
    assert collect(store, garbage, SilentProgress()) == [] and whole(store, manifest)


def test_with_a_damaged_manifest_nothing_is_collected(store: ArtifactStore) -> None:
    add_images(store, "aaaa", 1)
    add_images(store, "bbbb", 2)
    store.put_bytes("dataset/cccc/manifest.json", b"not one")
    with pytest.raises(ModelContractError, match="dataset/cccc"):
        find_garbage(store, unfinished_for=AGES_AGO)


def test_every_damage_is_named(store: ArtifactStore) -> None:
    images = add_images(store, "aaaa", 1, files=5)
    add_dataset(store, "bbbb", 2, images)
    assert damage(store, inspect(store, SilentProgress())) is None
    store.put_bytes("images/aaaa/Ada/0000.jpg", b"x" * 100)
    store.put_bytes("images/aaaa/Ada/0001.jpg", b"cut")
    store.delete("images/aaaa/Ada/0002.jpg")
    store.put_bytes("images/aaaa/Ada/more.jpg", b"nobody's")
    store.put_bytes("images/cccc/Ada/0000.jpg", b"unfinished")
    store.put_bytes("dataset/dddd/manifest.json", b"not one")
    found = inspect(store, SilentProgress())
    wrong = dict(found.damaged)
    assert {name.rsplit("/", 1)[1] for name in wrong} == {"0000.jpg", "0001.jpg", "0002.jpg", "manifest.json"}
    assert wrong["images/aaaa/Ada/0002.jpg"] == "is missing"
    assert wrong["images/aaaa/Ada/0001.jpg"] == "has 3 bytes instead of 100"
    assert "SHA-256" in wrong["images/aaaa/Ada/0000.jpg"]
    assert found.orphans == ["images/aaaa/Ada/more.jpg"] and found.unfinished == ["images/cccc"]
    error = damage(store, found)
    assert error is not None and error.exit_code == 4 and "and 3 more" in error.message
