"""Which share a picture is in, what shares have in common, and which shares of a store go together."""

from collections import Counter
from pathlib import Path

import pytest

from actorrec.artifacts.catalog import commit_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.dataset.choose_shards import choose_shards, missing_shares
from actorrec.dataset.photos import Photo, in_order
from actorrec.dataset.shard import Share, read_back, run_digest, written
from actorrec.errors import ArtifactError, ConfigError, ItemError
from actorrec.manifests.dataset import Person
from actorrec.manifests.nets import DetectorSpec
from actorrec.manifests.shard import Looking, ShardManifest

LOOKING = Looking(
    version="1", examine_version=2, detector=DetectorSpec(name="haar", detector_id="h"), embedder="e",
    max_bytes=10, max_pixels=10, previews=True,
)  # fmt: skip


def photo(name: str, person: str = "Ada", **more: object) -> Photo:
    return Photo(person, name, Path("/somewhere", name), **more)  # type: ignore[arg-type]


@pytest.mark.parametrize("text", ["", "0/1", "2/1", "1/0", "1", "1/2/3", "-1/2", "1.0/2", "1/1001", "1/2\n/3", "９/9"])
def test_shares_that_cannot_be_are_refused(text: str) -> None:
    with pytest.raises(ConfigError, match="there is no such share"):
        Share.parse(text)


def test_every_picture_is_in_one_share_wherever_it_lies() -> None:
    photos = [photo(f"Ada/{number}.jpg") for number in range(3000)]
    for count in (1, 2, 5, 7):
        shares = [Share.parse(f" {index}/{count} ") for index in range(1, count + 1)]
        held = Counter(str(share) for each in photos for share in shares if share.holds(each))
        assert held.total() == len(photos) and min(held.values()) > 0.8 * len(photos) / count
    assert Share(1, 2).holds(photo("x")) == Share(1, 2).holds(Photo("Ada", "x", Path("/elsewhere"), "0" * 64))


def test_a_run_is_of_names_in_any_order_and_of_how_they_are_looked_at() -> None:
    names, ada = [("Ada", "1"), ("Ada", "2"), ("Bob", "1")], {"Ada": Person(person_id="Ada", name="Ada L")}
    run = run_digest(names, ada, {}, LOOKING, 2)
    assert run == run_digest(names[::-1], ada, {}, LOOKING, 2)
    others = [
        run_digest(names[:2], ada, {}, LOOKING, 2),
        run_digest([*names, names[0]], ada, {}, LOOKING, 2),
        run_digest(names, {}, {}, LOOKING, 2),
        run_digest(names, ada, {"images/abcd": "0" * 64}, LOOKING, 2),
        run_digest(names, ada, {}, LOOKING.model_copy(update={"previews": False}), 2),
        run_digest(names, ada, {}, LOOKING, 3),
    ]
    assert len({run, *others}) == 7


def test_settings_that_differ_are_named() -> None:
    assert LOOKING.unlike(LOOKING) == ""
    other = LOOKING.model_copy(update={"detector": LOOKING.detector.model_copy(update={"files": {"a": "1" * 64}})})
    assert LOOKING.unlike(other) == f"detector.files.a: None and {'1' * 64}"


def test_a_picture_is_told_of_and_read_back() -> None:
    bad = photo("x.jpg", problem=ItemError("empty", "the file is empty", hint="fill it"))
    for each in (photo("y.jpg", sha256="a" * 64), bad, photo("z.jpg", "")):
        back = read_back(written(each))
        assert (back.person_id, back.name, back.sha256) == (each.person_id, each.name, each.sha256)
        assert str(back.problem) == str(each.problem)
    problem = read_back(written(bad)).problem
    assert problem is not None and (problem.reason, problem.hint) == ("empty", "fill it")


def test_equal_names_are_in_the_order_of_what_they_hold() -> None:
    one, two = photo("1", sha256="b" * 64), Photo("Ada", "1", Path("/a"), "a" * 64)
    assert in_order([one, two]) == in_order([two, one]) == [two, one]


def shard(store: LocalStore, key: str, index: int, count: int, run: str) -> ShardManifest:
    made = ShardManifest(key=key, run=run * 64, looking=LOOKING, index=index, count=count, total=0, photos=[])
    return commit_manifest(store, made)


def test_the_newest_share_of_each_index_is_taken(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    old = shard(store, "aaaa1", 1, 2, "a")
    second = shard(store, "aaaa2", 2, 2, "a")
    new = shard(store, "aaaa3", 1, 2, "a")
    assert choose_shards(store, []) == [new, second]
    assert choose_shards(store, [old.ref]) == [old, second]
    assert choose_shards(store, ["a" * 12]) == [new, second]
    with pytest.raises(ArtifactError, match="more than one share or run 'aaaa'"):
        choose_shards(store, ["aaaa"])
    many = shard(store, "bbbb1", 3, 9, "b")
    assert missing_shares([many], many) == ["1/9", "2/9", "4/9", "5/9", "6/9", "7/9", "8/9", "9/9"]
    with pytest.raises(ArtifactError, match=r"the shares 1/9, 2/9, 4/9, 5/9, 6/9 and 3 more are not in"):
        choose_shards(store, [])
    with pytest.raises(ArtifactError, match="no share or run"):
        choose_shards(store, ["shard/"])


def test_a_job_that_left_no_shares_yet_is_asked_about(tmp_path: Path) -> None:
    job = "actorrec-dataset-0123456789-2-20261123-060000-abcd"
    with pytest.raises(ArtifactError, match="holds no shares") as caught:
        choose_shards(LocalStore(tmp_path / "shards" / job), [])
    assert caught.value.hint.endswith(f"actorrec jobs status {job}")
