"""One suite over every artifact store."""

import hashlib
import multiprocessing
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest

from actorrec.artifacts.catalog import artifact_key, commit_manifest, load_manifest, newest
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, ModelContractError
from actorrec.manifests.dataset import DatasetManifest, Person
from actorrec.manifests.nets import TemplateRecord
from patience import PATIENCE_S

TEMPLATE = TemplateRecord(name="t", size_px=32, points_px=((1, 2), (3, 2), (2, 3), (1, 4), (3, 4)))


@pytest.fixture(params=["local", "s3"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> ArtifactStore:
    if request.param == "local":
        return LocalStore(tmp_path / "store")
    request.getfixturevalue("aws_keys")
    url = request.getfixturevalue("moto_url")  # skips where boto3 and moto are not installed
    from s3_servers import new_store

    return new_store(url, tmp_path)


def dataset(key: str, people: int = 0) -> DatasetManifest:
    known = [Person(person_id=f"p{i}", name=f"P {i}") for i in range(people)]
    return DatasetManifest(
        key=key, template=TEMPLATE, detector_id="d", embedder_id="e", people=known, images=[], faces=[]
    )


def test_an_empty_store_lists_nothing_and_says_what_makes_a_dataset(store: ArtifactStore) -> None:
    assert list(store.names("dataset")) == []
    with pytest.raises(ArtifactError, match="holds no dataset") as caught:
        newest(store, DatasetManifest)
    assert "build-dataset" in caught.value.hint


def test_what_is_put_is_read_back_with_its_digest(store: ArtifactStore, tmp_path: Path) -> None:
    record = store.put_bytes("dataset/abcd/crops/Ada Lovelace/ü.bin", b"one")
    assert record.name == "crops/Ada Lovelace/ü.bin"
    assert record.sha256 == hashlib.sha256(b"one").hexdigest()
    (tmp_path / "big").write_bytes(b"x" * 3_000_000)
    assert store.put_file("dataset/abcd/big", tmp_path / "big").bytes == 3_000_000
    assert store.read_bytes("dataset/abcd/crops/Ada Lovelace/ü.bin") == b"one"
    assert store.local_path("dataset/abcd/big").stat().st_size == 3_000_000
    assert list(store.names("dataset/abcd")) == ["dataset/abcd/big", "dataset/abcd/crops/Ada Lovelace/ü.bin"]


def test_commit_never_rewrites(store: ArtifactStore) -> None:
    assert store.commit("dataset/abcd/manifest.json", b"first")
    assert not store.commit("dataset/abcd/manifest.json", b"second")
    assert store.read_bytes("dataset/abcd/manifest.json") == b"first"


@pytest.mark.parametrize("name", ["../outside", "/etc/passwd", "dataset/../../x", "dataset//x", ""])
def test_no_name_leaves_the_store(store: ArtifactStore, name: str) -> None:
    with pytest.raises(ArtifactError):
        store.put_bytes(name, b"x")
    with pytest.raises(ArtifactError):
        store.read_bytes(name)


def test_what_is_missing_is_an_artifact_error(store: ArtifactStore) -> None:
    with pytest.raises(ArtifactError):
        store.read_bytes("dataset/none/x")
    with pytest.raises(ArtifactError):
        store.local_path("dataset/none/x")
    store.delete("dataset/none/x")


def test_deleting_the_last_file_leaves_nothing_behind(store: ArtifactStore, tmp_path: Path) -> None:
    store.put_bytes("dataset/abcd/unfinished/1/x", b"1")
    store.put_bytes("dataset/abcd/crops/y", b"2")
    store.delete("dataset/abcd/unfinished/1/x")
    assert list(store.names("dataset/abcd")) == ["dataset/abcd/crops/y"]
    assert not (tmp_path / "store/dataset/abcd/unfinished").exists()
    assert not store.exists("dataset/abcd/unfinished/1/x")


WRITES = """
import sys
from pathlib import Path
from actorrec.artifacts.local import LocalStore
LocalStore(Path(sys.argv[1])).put_file(sys.argv[2], Path(sys.argv[3]))
"""


@contextmanager
def _writing(store: LocalStore, number: int, folder: Path) -> Iterator[tuple["subprocess.Popen[bytes]", IO[bytes]]]:
    """A process that writes a file of the store and waits for more; and where that comes from."""
    source = folder / f"source{number}"
    os.mkfifo(source)
    command = [sys.executable, "-c", WRITES, store.uri, f"dataset/abcd/crops/{number}", str(source)]
    with subprocess.Popen(command) as process:
        try:
            with source.open("wb", buffering=0) as more:
                yield process, more
        finally:
            process.kill()


def test_the_lock_clears_what_killed_writers_left_and_spares_the_living(tmp_path: Path) -> None:
    store, folder = LocalStore(tmp_path / "store"), tmp_path / "store/dataset/abcd"
    with _writing(store, 1, tmp_path) as (killed, cut_off), _writing(store, 2, tmp_path) as (living, source):
        killed.kill()
        killed.wait()
        cut_off.close()
        assert len(list(folder.rglob(".partial-*"))) == 2
        with store.lock("dataset/abcd"):
            assert len(list(folder.rglob(".partial-*"))) == 1
        source.write(b"whole")
        source.close()
        assert living.wait(PATIENCE_S) == 0
    assert store.read_bytes("dataset/abcd/crops/2") == b"whole"
    store.delete("dataset/abcd/crops/2")
    assert not folder.exists()


def test_the_lock_clears_folders_that_killed_commands_had_emptied(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    store.put_bytes("dataset/abcd/crops/x", b"1")
    for emptied in ("dataset/abcd/unfinished/1/2", "dataset/bbbb/crops"):
        (tmp_path / emptied).mkdir(parents=True)
    with store.lock("dataset/abcd"):
        assert {path.name for path in (tmp_path / "dataset").rglob("*")} == {"abcd", "bbbb", "crops", "x"}
    store.delete("dataset/abcd/crops/x")
    with store.try_lock("dataset") as mine:
        assert mine and not list((tmp_path / "dataset").iterdir())


def _write_while_its_folder_is_removed_once(root: Path) -> None:
    removed: list[str] = []

    def remove(event: str, arguments: tuple[object, ...]) -> None:
        if event == "open" and ".partial-" in str(arguments[0]) and not removed:
            removed.append("dataset/abcd")
            (root / "dataset/abcd").rmdir()

    sys.addaudithook(remove)
    LocalStore(root).put_bytes("dataset/abcd/x", b"1")


def test_a_folder_that_another_command_took_for_empty_is_made_again(tmp_path: Path) -> None:
    writer = multiprocessing.get_context("fork").Process(
        target=_write_while_its_folder_is_removed_once, args=(tmp_path,)
    )
    writer.start()
    writer.join()
    assert (writer.exitcode, LocalStore(tmp_path).read_bytes("dataset/abcd/x")) == (0, b"1")


def test_newest_is_by_time_and_uncommitted_artifacts_do_not_exist(store: ArtifactStore) -> None:
    commit_manifest(store, dataset("bbbb"))
    commit_manifest(store, dataset("aaaa", people=1))
    store.put_bytes("dataset/cccc/crops/x.jpg", b"half")
    assert newest(store, DatasetManifest).key == "aaaa"
    assert load_manifest(store, DatasetManifest, "dataset/bbbb").key == "bbbb"
    assert load_manifest(store, DatasetManifest, "bb").key == "bbbb"
    with pytest.raises(ArtifactError, match="no dataset 'cccc'"):
        load_manifest(store, DatasetManifest, "cccc")


def test_an_ambiguous_reference_is_refused(store: ArtifactStore) -> None:
    commit_manifest(store, dataset("abc1"))
    commit_manifest(store, dataset("abc2"))
    with pytest.raises(ArtifactError, match="more than one"):
        load_manifest(store, DatasetManifest, "abc")


def test_a_manifest_of_tomorrow_is_refused_by_name(store: ArtifactStore) -> None:
    store.put_bytes("dataset/abcd/manifest.json", b'{"kind": "dataset", "key": "abcd", "surprise": 1}')
    with pytest.raises(ModelContractError, match=r"dataset/abcd/manifest\.json"):
        newest(store, DatasetManifest)


def test_content_digest_ignores_times_and_sees_content() -> None:
    first, second = dataset("abcd"), dataset("abcd")
    assert first.created_at != second.created_at or first is not second
    assert first.content_digest() == second.content_digest()
    assert first.content_digest() != dataset("abcd", people=1).content_digest()
    assert artifact_key("dataset", ["a"], {"x": 1}) == artifact_key("dataset", ["a"], {"x": 1})
    assert artifact_key("dataset", ["a"], {"x": 1}) != artifact_key("model", ["a"], {"x": 1})


def test_a_lock_keeps_the_second_out_until_the_first_is_done(store: ArtifactStore) -> None:
    order: list[str] = []
    inside = threading.Event()

    def second() -> None:
        assert inside.wait(PATIENCE_S)
        with store.lock("dataset/abcd"):
            order.append("second")

    thread = threading.Thread(target=second)
    thread.start()
    with store.lock("dataset/abcd"):
        inside.set()
        thread.join(0.2)
        order.append("first")
    thread.join(PATIENCE_S)
    assert order == ["first", "second"]


def test_a_lock_is_only_tried_where_that_is_asked(store: ArtifactStore) -> None:
    one, other = "dataset/abcd", "dataset/other"
    with store.try_lock(one) as first, store.try_lock(one) as second, store.try_lock(other) as third:
        assert (first, second, third) == (True, False, True)
    with store.try_lock("dataset/abcd") as again:
        assert again
    assert list(store.names("")) == []


class Counted:
    def __init__(self) -> None:
        self.done = 0

    def advance(self, amount: int = 1) -> None:
        self.done += amount

    def measure(self, **values: float) -> None:
        del values


def test_many_files_go_in_and_come_back_in_order(store: ArtifactStore, tmp_path: Path) -> None:
    contents = {f"dataset/abcd/crops/{number:03d}.jpg": bytes([number]) * number for number in range(150)}
    (tmp_path / "file").write_bytes(b"from a file")
    step = Counted()
    items: list[tuple[str, bytes | Path]] = [*contents.items(), ("dataset/abcd/file", tmp_path / "file")]
    records = store.put_files(iter(items), step)
    assert [record.name for record in records] == [name.removeprefix("dataset/abcd/") for name, _ in items]
    assert records[7].sha256 == hashlib.sha256(bytes([7]) * 7).hexdigest() and step.done == len(items)
    assert store.put_files(items, Counted()) == records
    paths = store.fetch_files([name for name, _ in items], step)
    assert [path.read_bytes() for path in paths] == [*contents.values(), b"from a file"]
    assert step.done == 2 * len(items)
    sizes = {entry.name: entry.bytes for entry in store.entries("dataset/abcd")}
    assert sizes == {name: len(data) for name, data in contents.items()} | {"dataset/abcd/file": 11}
    assert [entry.name for entry in store.entries("")] == list(store.names("dataset"))
    with pytest.raises(ArtifactError):
        store.fetch_files(["dataset/abcd/none"], step)


def test_what_it_holds_is_known_by_content(store: ArtifactStore) -> None:
    record = store.put_bytes("dataset/abcd/x", b"one")
    assert store.holds("dataset/abcd/x", record.sha256) and store.sha256("dataset/abcd/x") == record.sha256
    assert not store.holds("dataset/abcd/x", "0" * 64) and not store.holds("dataset/abcd/y", record.sha256)
    store.put_bytes("dataset/abcd/x", b"two")
    assert store.local_path("dataset/abcd/x").read_bytes() == b"two"
    store.put_bytes("dataset/abcd/x", b"three")
    assert store.local_path("dataset/abcd/x").read_bytes() == b"three"
    with pytest.raises(ArtifactError):
        store.sha256("dataset/abcd/y")


def _race(root: Path, barrier: "multiprocessing.synchronize.Barrier", name: str) -> None:
    store = LocalStore(root)
    barrier.wait()
    os._exit(0 if store.commit("dataset/abcd/manifest.json", name.encode()) else 7)


def test_of_two_processes_one_commits(tmp_path: Path) -> None:
    context = multiprocessing.get_context("spawn")
    barrier = context.Barrier(2)
    racers = [context.Process(target=_race, args=(tmp_path, barrier, name)) for name in ("a", "b")]
    for racer in racers:
        racer.start()
    for racer in racers:
        racer.join(PATIENCE_S)
    assert {racer.exitcode for racer in racers} == {0, 7}
    assert (tmp_path / "dataset/abcd/manifest.json").read_bytes() in (b"a", b"b")
    assert [path.name for path in (tmp_path / "dataset/abcd").iterdir()] == ["manifest.json"]


def test_files_of_a_local_store_have_the_mode_that_new_files_have(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    store.put_bytes("dataset/abcd/a.bin", b"a")
    store.commit("dataset/abcd/manifest.json", b"{}")
    (tmp_path / "plain").write_bytes(b"")
    modes = {path.stat().st_mode for path in (tmp_path / "store").rglob("*.*") if path.is_file()}
    assert modes == {(tmp_path / "plain").stat().st_mode}
