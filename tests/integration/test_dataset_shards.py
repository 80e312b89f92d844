"""A data set looked at in shares on many machines is that of one machine, whatever happens to a share on the way."""

import hashlib
import itertools
import json
import random
import shutil
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
from PIL import Image
from typer.testing import CliRunner, Result

from actorrec.artifacts.catalog import MANIFEST_NAME, find_manifest, manifests
from actorrec.artifacts.collection import collect, find_garbage
from actorrec.artifacts.copies import copy_with_lineage
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.review_log import ReviewLog
from actorrec.artifacts.store import ArtifactStore
from actorrec.cli.app import app
from actorrec.config import Config
from actorrec.dataset.batches import pack, unpack
from actorrec.dataset.build import build_dataset
from actorrec.dataset.candidates import Examined, Pictures
from actorrec.dataset.merge import merge_shards
from actorrec.dataset.shard import Share, build_shard, run_digest
from actorrec.errors import ActorRecError, ArtifactError, ConfigError, ModelContractError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.images import RECORDS_NAME
from actorrec.manifests.review import PictureRef
from actorrec.manifests.shard import ShardManifest
from actorrec.progress import SilentProgress
from explored import EXPLORE, examples
from patience import PATIENCE_S
from s3_servers import new_store
from scraped_sets import scraped_set

EXAMPLES = Path(__file__).parents[2] / "examples" / "people"
PLAIN = Config()
COMMAND = (sys.executable, "-m", "actorrec", "build-dataset")


def settings(**changes: object) -> Config:
    return Config.model_validate({"dataset": changes})


def make_shares(given: list[Path], count: int, config: Config, machine: Callable[[int], ArtifactStore]) -> None:
    """Every share, the last first, each on a machine of its own."""
    for index in range(count, 0, -1):
        build_shard(given, Share(index, count), config, store=machine(index))


def same(one: DatasetManifest, other: DatasetManifest) -> bool:
    return (one.key, one.content_digest()) == (other.key, other.content_digest())


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two roots with all that may lie in a folder: copies, broken files, somebody's and nobody's, scraped ones."""
    first, second = tmp_path_factory.mktemp("first"), tmp_path_factory.mktemp("second")
    for person in sorted(EXAMPLES.iterdir()):
        for picture in sorted(person.iterdir()):
            with Image.open(picture) as image:
                small = image.convert("RGB").resize((480, 480 * image.height // image.width))
            for root, quality in ((first, 95), (second, 60)):
                (root / person.name).mkdir(exist_ok=True)
                small.save(root / person.name / picture.name, quality=quality)  # one name, two contents, one person
            small.transpose(Image.Transpose.FLIP_LEFT_RIGHT).save(second / person.name / "mirrored.png")
            shutil.copy(first / person.name / picture.name, first / person.name / "again.jpg")
    shutil.copy(first / "Grace_Hopper" / "again.jpg", first / "Hedy_Lamarr" / "borrowed.jpg")
    (first / "Hans_Gude" / "text.jpg").write_text("no picture")
    (first / "Hans_Gude" / "empty.jpg").touch()
    (second / "Hans_Gude" / "nowhere.jpg").symlink_to("nowhere")
    shutil.copy(first / "Hans_Gude" / "again.jpg", second / "stray.jpg")
    scraped = LocalStore(tmp_path_factory.mktemp("scrape"))
    scraped_set(scraped, {("Q7251", "Nikola Tesla"): [first / "Nikola_Tesla" / "again.jpg"]}, key="copied")
    with_records = Path(scraped.uri) / "images" / "copied" / "Nikola_Tesla_Q7251"
    assert (with_records / RECORDS_NAME).is_file()
    shutil.copytree(with_records, second / "Nikola Tesla (copied)")
    return [first, second]


@pytest.fixture(scope="module")
def pictures(photos: list[Path]) -> dict[tuple[str, str], list[Path]]:
    """What was scraped: one of them also lies in a folder, one person is also somebody's folder."""
    return {
        ("Q11641", "Grace Hopper"): [photos[1] / "Grace_Hopper" / "mirrored.png"],
        ("Q937", "Albert Einstein"): sorted((photos[0] / "Albert_Einstein").iterdir()),
    }


@contextmanager
def scraped_on(folder: Path, pictures: dict[tuple[str, str], list[Path]]) -> Iterator[LocalStore]:
    """A machine with the scraped set, one picture of which is damaged."""
    store = LocalStore(folder)
    scraped_set(store, pictures)
    damaged = folder / "images" / "abcd" / "Albert_Einstein_Q937" / "Albert_Einstein_0001.jpg"
    damaged.write_bytes(damaged.read_bytes() + b"!")
    yield store


@pytest.mark.parametrize("count", [1, 2, 5])
def test_every_number_of_shares_gives_the_data_set_of_one_machine(
    count: int, photos: list[Path], pictures: dict[tuple[str, str], list[Path]], tmp_path: Path
) -> None:
    given = [*photos, Path("images/abcd")]
    with scraped_on(tmp_path / "alone", pictures) as alone:
        one = build_dataset(given, PLAIN, store=alone)
    outcomes = {(image.outcome, image.reason) for image in one.images}
    reasons = {"near-duplicate", "not-a-picture", "empty", "unreadable", "no-person", "changed"}
    assert reasons <= {reason for _, reason in outcomes}, outcomes
    desk = LocalStore(tmp_path / "desk")
    for index in random.Random(count).sample(range(1, count + 1), count):
        with scraped_on(tmp_path / f"machine {index}", pictures) as machine:
            shard = build_shard(given, Share(index, count), PLAIN, store=machine)
        copy_with_lineage(shard, machine, desk, SilentProgress())
    assert same(merge_shards([], PLAIN, store=desk), one)
    assert sum(len(shard.photos) for shard in manifests(desk, ShardManifest)) == len(one.images)


@pytest.fixture(scope="module")
def faces(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Thirty photos of three people, copies of some of them, and some of somebody else."""
    root, people = tmp_path_factory.mktemp("faces"), ("Mel_Gibson", "Tobey_Maguire", "Will_Smith")
    for person, other in zip(people, people[1:] + people[:1], strict=True):
        (root / person).mkdir()
        found = sorted((test_data / "actors" / person).glob("*.jpg"))
        for path in found[:10]:
            shutil.copy(path, root / person)
        for path in found[:10:3]:
            with Image.open(path) as image:
                image.save(root / person / f"copy of {path.name}", quality=50)
        shutil.copy(sorted((test_data / "actors" / other).glob("*.jpg"))[-1], root / person / "wrong.jpg")
    return root


@pytest.fixture(scope="module")
def at_once(faces: Path, tmp_path_factory: pytest.TempPathFactory) -> DatasetManifest:
    manifest = build_dataset([faces], PLAIN, store=LocalStore(tmp_path_factory.mktemp("at-once")))
    assert {"wrong-person", "near-duplicate"} <= {image.reason for image in manifest.images}
    return manifest


@pytest.mark.parametrize("count", [1, 2, 5])
def test_real_faces_in_shares(count: int, faces: Path, at_once: DatasetManifest, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    make_shares([faces], count, PLAIN, lambda _: store)
    merged = merge_shards([], PLAIN, store=store)
    assert same(merged, at_once)
    for record in merged.files:
        assert hashlib.sha256(store.read_bytes(f"{merged.ref}/{record.name}")).hexdigest() == record.sha256
    assert merge_shards([], PLAIN, store=store) == merged == build_dataset([faces], PLAIN, store=store)


KILLED = """
import os, signal, sys
from contextlib import nullcontext
from pathlib import Path
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.shard import Share, build_shard
from actorrec.progress import SilentProgress

faces, store = Path(sys.argv[1]), Path(sys.argv[2])

class Killing(SilentProgress):
    def step(self, title, total, unit=""):
        return nullcontext(self) if title == "finding faces" else super().step(title, total, unit)

    def advance(self, amount=1):
        if list(store.glob("shard/*/batches/*.npz")):
            os.kill(os.getpid(), signal.SIGKILL)

build_shard([faces], Share(1, 1), Config(), store=LocalStore(store), progress=Killing())
"""


def test_a_killed_share_goes_on(faces: Path, at_once: DatasetManifest, tmp_path: Path) -> None:
    killed = subprocess.run(
        [sys.executable, "-c", KILLED, str(faces), str(tmp_path)], capture_output=True, timeout=PATIENCE_S
    )
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    batches = list(tmp_path.glob("shard/*/batches/*.npz"))
    assert batches and not list(tmp_path.glob(f"shard/*/{MANIFEST_NAME}"))
    kept = {path: path.stat().st_mtime_ns for path in batches}
    again = [*COMMAND, str(faces), "--shard", "1/1", "--store", str(tmp_path)]
    assert subprocess.run(again, capture_output=True, check=True, timeout=PATIENCE_S).stdout
    assert {path: path.stat().st_mtime_ns for path in kept} == kept, "what was done is not done again"
    assert same(merge_shards([], PLAIN, store=LocalStore(tmp_path)), at_once)


def test_the_same_share_again_does_nothing_and_a_changed_picture_makes_it_anew(
    photos: list[Path], tmp_path: Path
) -> None:
    shutil.copytree(photos[0], tmp_path / "photos")
    store, given = LocalStore(tmp_path / "store"), [tmp_path / "photos"]
    make_shares(given, 2, PLAIN, lambda _: store)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "store" / "shard").rglob("*.npz")}
    make_shares(given, 2, PLAIN, lambda _: store)
    assert {p: p.stat().st_mtime_ns for p in (tmp_path / "store" / "shard").rglob("*.npz")} == before
    (tmp_path / "photos" / "Hans_Gude" / "text.jpg").write_text("another text")
    make_shares(given, 2, PLAIN, lambda _: store)
    assert len(list(manifests(store, ShardManifest))) == 3, "one share is new, of the same run"
    merged = merge_shards([], PLAIN, store=store)
    assert same(merged, build_dataset(given, PLAIN, store=LocalStore(tmp_path / "alone")))


@pytest.fixture(scope="module")
def halves(photos: list[Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with both halves of the first root."""
    folder = tmp_path_factory.mktemp("halves")
    make_shares(photos[:1], 2, PLAIN, lambda _: LocalStore(folder))
    return folder


def shards_of(store: ArtifactStore) -> dict[int, ShardManifest]:
    return {shard.index: shard for shard in manifests(store, ShardManifest)}


def test_reviews_takedowns_and_licences_count_at_the_merge(
    photos: list[Path], pictures: dict[tuple[str, str], list[Path]], tmp_path: Path
) -> None:
    listed = tmp_path / "takedown.txt"
    listed.write_text("person Grace Hopper\n")
    config = Config.model_validate({"dataset": {"free_only": True}, "rights": {"takedown": str(listed)}})
    stores = [LocalStore(tmp_path / name) for name in ("alone", "shares")]
    for store in stores:
        scraped_set(store, pictures, licence="unknown")
    given = [photos[0], Path("images/abcd")]
    build_shard(given, Share(1, 2), PLAIN, store=stores[1])  # this machine has no list
    second = build_shard(given, Share(2, 2), config, store=stores[1])
    assert "taken-down" in {photo.problem[0] for photo in second.photos if photo.problem}
    sha256 = hashlib.sha256((photos[0] / "Hans_Gude" / "again.jpg").read_bytes()).hexdigest()
    for store in stores:
        ReviewLog(store).append("drop", pictures=[PictureRef(image_sha256=sha256, given_person_id="Hans_Gude")])
    one = build_dataset(given, config, store=stores[0])
    assert {"taken-down", "restricted-licence", "reviewed"} <= {image.reason for image in one.images}
    assert same(merge_shards([], config, store=stores[1]), one)


def test_shares_and_runs_are_named_by_their_beginnings(halves: Path, photos: list[Path], tmp_path: Path) -> None:
    shutil.copytree(halves, tmp_path / "s")
    store = LocalStore(tmp_path / "s")
    shards, merged = shards_of(store), merge_shards([], PLAIN, store=store)
    build_shard(photos[1:], Share(1, 2), PLAIN, store=store)  # of another run, made last
    with pytest.raises(ArtifactError, match=r"share 2/2 is not in") as caught:
        merge_shards([], PLAIN, store=store)
    assert "--shard 2/2" in caught.value.hint and f"--merge {shards[1].run[:16]}" in caught.value.hint
    for names in ([shards[1].run[:10]], [shards[2].ref], [shards[1].key[:6], shards[2].key], [shards[2].ref] * 2):
        assert merge_shards(names, PLAIN, store=store) == merged
    newest = next(s for s in manifests(store, ShardManifest) if s.run != shards[1].run)
    with pytest.raises(ArtifactError, match="of another run"):
        merge_shards([shards[1].ref, newest.ref], PLAIN, store=store)
    with pytest.raises(ArtifactError, match="no share or run 'photos'") as caught:
        merge_shards(["photos"], PLAIN, store=store)
    assert "takes no photos" in caught.value.hint
    with pytest.raises(ArtifactError, match="holds no shares"):
        merge_shards([], PLAIN, store=LocalStore(tmp_path / "none"))


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"dataset": {"max_pixels": 10_000}}, "max_pixels: 80000000 and 10000"),
        ({"dataset": {"previews": False}}, "previews: True and False"),
        ({"detector": {"min_face_px": 30}}, "detector.min_face_px: 24 and 30"),
        ({"detector": {"name": "haar"}}, "detector.name: mtcnn and haar"),
    ],
)
def test_other_settings_of_looking_are_refused_by_name(halves: Path, change: dict[str, object], named: str) -> None:
    with pytest.raises(ConfigError, match=named) as caught:
        merge_shards([], Config.model_validate(change), store=LocalStore(halves))
    assert caught.value.hint


def test_settings_of_deciding_may_change_between_share_and_merge(
    halves: Path, photos: list[Path], tmp_path: Path
) -> None:
    shutil.copytree(halves, tmp_path / "s")
    config = settings(test_share=0.5, near_duplicate_bits=2, wrong_person="flag", workers=3)
    one = build_dataset(photos[:1], config, store=LocalStore(tmp_path / "alone"))
    assert same(merge_shards([], config, store=LocalStore(tmp_path / "s")), one)


def rewritten(store: LocalStore, shard: ShardManifest, **changes: object) -> None:
    """Another manifest in the place of one: what a machine that means harm could send."""
    path = Path(store.uri) / shard.ref / MANIFEST_NAME
    path.write_text(shard.model_copy(update=changes).model_dump_json())


def as_npz(arrays: dict[str, np.ndarray], **more: object) -> bytes:
    import io

    out = io.BytesIO()
    save = np.savez_compressed if more.pop("compressed", False) else np.savez
    save(out, **{**arrays, **more})
    return out.getvalue()


def _no_jpegs(arrays: dict[str, np.ndarray]) -> bytes:
    return as_npz(arrays, crops=np.zeros_like(arrays["crops"]))


HOSTILE: dict[str, tuple[Callable[[dict[str, np.ndarray]], bytes], str]] = {
    "text": (lambda _: b"not a zip file", "zip"),
    "objects": (lambda a: as_npz(a, vectors=np.array([{"x": 1}], object)), "vectors has another type"),
    "compressed": (lambda a: as_npz(a, compressed=True), "is compressed"),
    "no vectors": (lambda a: as_npz({k: v for k, v in a.items() if k != "vectors"}), "vectors"),
    "not finite": (lambda a: as_npz(a, points=a["points"] * np.nan), "a number that is none"),
    "longer": (lambda a: as_npz(a, vectors=a["vectors"] * np.float32(2)), "embedding is none"),
    "endless": (lambda a: as_npz(a, vectors=a["vectors"] * np.float32(1e38)), "embedding is none"),
    "far away": (lambda a: as_npz(a, crop_points=a["crop_points"] + 1e9), "lies in no picture"),
    "wider": (lambda a: as_npz(a, vectors=np.repeat(a["vectors"], 2, axis=1)), "embedding is none"),
    "fewer": (lambda a: as_npz(a, points=a["points"][1:]), "more or fewer faces"),
    "cut": (lambda a: as_npz(a, crops=a["crops"][:-1]), "crops are cut"),
    "backwards": (lambda a: as_npz(a, thumbs_ends=a["thumbs_ends"][::-1].copy()), "thumbs are cut"),
    "no jpegs": (_no_jpegs, "one of its pictures is none"),
    "no list": (lambda a: as_npz(a, pictures=np.frombuffer(b"{}", np.uint8)), "does not list pictures"),
    "deep": (lambda a: as_npz(a, pictures=np.frombuffer(b"[" * 100_000, np.uint8)), "not what a share holds"),
    "nothing": (lambda a: as_npz(a, pictures=np.frombuffer(b"[{}]", np.uint8)), "sha256: Field required"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_batch_that_means_harm_is_one_line(kind: str, halves: Path, tmp_path: Path) -> None:
    shutil.copytree(halves, tmp_path / "s")
    store, (make, complaint) = LocalStore(tmp_path / "s"), HOSTILE[kind]
    shard = shards_of(store)[2]
    path = tmp_path / "s" / shard.ref / shard.files[0].name
    with np.load(path) as archive:
        data = make(dict(archive))
    path.write_bytes(data)
    with pytest.raises(ModelContractError, match="SHA-256 is not the one") as caught:
        merge_shards([], PLAIN, store=store)
    assert f"remove {shard.ref}" in caught.value.hint and "--shard 2/2" in caught.value.hint
    record = shard.files[0].model_copy(update={"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    rewritten(store, shard, files=[record])
    with pytest.raises(ModelContractError, match=complaint):
        merge_shards([], PLAIN, store=store)
    assert not [name for name in store.names("dataset") if name.endswith(MANIFEST_NAME)]


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        (lambda s: {"photos": s.photos[1:]}, "1 of 13 pictures are in no share"),
        (lambda s: {"photos": [s.photos[0], *s.photos[:-1]]}, "do not hold the pictures"),
        (lambda s: {"photos": [*s.photos, s.photos[0]]}, "do not hold the pictures"),
        (lambda s: {"total": 3}, "does not tell the same"),
        (lambda s: {"count": 10**12}, "not a manifest this version understands: count"),
        (lambda s: {"sets": {"images/abcd": "0" * 64}}, "does not tell the same"),
        (lambda s: {"files": []}, "does not say what is in"),
        (lambda s: {"files": [s.files[0].model_copy(update={"bytes": 10**12})]}, "it has 1,000,000,000,000 bytes"),
        (lambda s: {"files": [s.files[0].model_copy(update={"bytes": 3})]}, "its size or SHA-256 is not the one"),
        (lambda s: {"photos": [p.model_copy(update={"sha256": "1" * 64}) for p in s.photos]}, "does not say what is"),
    ],
)
def test_a_manifest_that_tells_no_truth_is_one_line(
    change: Callable[[ShardManifest], dict[str, object]], complaint: str, halves: Path, tmp_path: Path
) -> None:
    shutil.copytree(halves, tmp_path / "s")
    store = LocalStore(tmp_path / "s")
    shard = shards_of(store)[2]
    rewritten(store, shard, **change(shard))
    with pytest.raises((ModelContractError, ArtifactError), match=complaint):
        merge_shards([], PLAIN, store=store)


def test_shares_that_agree_on_a_face_of_nobody_are_one_line(halves: Path, tmp_path: Path) -> None:
    store = LocalStore(shutil.copytree(halves, tmp_path / "s"))
    shards = shards_of(store)
    photos = {at: [p.model_copy(update={"person_id": ""}) for p in shard.photos] for at, shard in shards.items()}
    names = [(photo.person_id, photo.name) for of_share in photos.values() for photo in of_share]
    people = {person.person_id: person for person in shards[1].people}
    run = run_digest(names, people, shards[1].sets, shards[1].looking, 2)
    for at, shard in shards.items():
        rewritten(store, shard, photos=photos[at], run=run)
    with pytest.raises(ModelContractError, match="which is in nobody's folder"):
        merge_shards([], PLAIN, store=store)


def test_a_share_that_tells_of_another_s_picture_is_not_heard(halves: Path, tmp_path: Path) -> None:
    told = merge_shards([], PLAIN, store=LocalStore(shutil.copytree(halves, tmp_path / "true")))
    store = LocalStore(shutil.copytree(halves, tmp_path / "s"))
    liar, other = shards_of(store)[1], shards_of(store)[2]
    path = tmp_path / "s" / liar.ref / liar.files[0].name
    own = {photo.sha256 for photo in liar.photos}
    forged = [Examined(p.sha256, reason="unreadable") for p in other.photos if p.sha256 and p.sha256 not in own]
    data = pack([*unpack(path.read_bytes(), with_pictures=True), *((each, Pictures()) for each in forged)])
    path.write_bytes(data)
    record = liar.files[0].model_copy(update={"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)})
    rewritten(store, liar, files=[record, *liar.files[1:]])
    assert forged and same(merge_shards([], PLAIN, store=store), told)


def spoiled(value: object, rng: random.Random) -> object:
    """The same JSON value with something in it changed."""
    if isinstance(value, dict | list) and value and rng.random() < 0.9:
        at = rng.choice(list(value)) if isinstance(value, dict) else rng.randrange(len(value))
        value[at] = spoiled(value[at], rng)  # type: ignore[index, call-overload]
        return value
    if isinstance(value, int | float) and rng.random() < 0.6:
        return value + rng.choice([-1, 1, 2**70]) if isinstance(value, int) else value * rng.choice([0, -1, 1e300])
    return rng.choice([None, 0, -1, 10**30, 1e308, "", "x", "\0", "../..", "a" * 64, [], {}, True, [1, 2], 2**63])


def test_whatever_a_share_says_it_is_an_error_of_ours_or_a_data_set(halves: Path, tmp_path: Path) -> None:
    seed = random.randrange(10**6) if EXPLORE else 1
    rng, refused = random.Random(seed), 0
    for number in range(examples(60)):
        store = LocalStore(shutil.copytree(halves, tmp_path / str(number)))
        shard = shards_of(store)[rng.choice([1, 2])]
        manifest = Path(store.uri) / shard.ref / MANIFEST_NAME
        told = json.loads(manifest.read_text())
        if rng.random() < 0.5:
            told = spoiled(told, rng)
        else:
            batch = manifest.parent / shard.files[0].name
            with np.load(batch) as archive:
                arrays = dict(archive)
            pictures = spoiled(json.loads(arrays["pictures"].tobytes()), rng)
            batch.write_bytes(as_npz({**arrays, "pictures": np.frombuffer(json.dumps(pictures).encode(), np.uint8)}))
            told["files"][0]["sha256"] = hashlib.sha256(batch.read_bytes()).hexdigest()
        manifest.write_text(json.dumps(told))
        try:
            merge_shards([], PLAIN, store=store)
        except ActorRecError:
            refused += 1
        except Exception as error:
            raise AssertionError((seed, number)) from error
    assert refused > examples(60) / 3, seed


def test_a_batch_that_is_gone_and_a_manifest_that_is_none(halves: Path, tmp_path: Path) -> None:
    shutil.copytree(halves, tmp_path / "s")
    store = LocalStore(tmp_path / "s")
    shard = shards_of(store)[1]
    (tmp_path / "s" / shard.ref / shard.files[0].name).unlink()
    with pytest.raises(ArtifactError, match="does not exist"):
        merge_shards([], PLAIN, store=store)
    (tmp_path / "s" / shard.ref / MANIFEST_NAME).write_text("{")
    with pytest.raises(ModelContractError, match="not a manifest"):
        merge_shards([], PLAIN, store=store)


def test_waiting_shares_stay_and_merged_ones_may_go(halves: Path, tmp_path: Path) -> None:
    shutil.copytree(halves, tmp_path / "s")
    store = LocalStore(tmp_path / "s")
    assert find_garbage(store, unfinished_for=timedelta()) == []
    merged = merge_shards([], PLAIN, store=store)
    garbage = find_garbage(store, unfinished_for=timedelta())
    assert {each.ref for each in garbage} == {shard.ref for shard in shards_of(store).values()}
    collect(store, garbage, SilentProgress())
    assert find_manifest(store, DatasetManifest, merged.key) == merged and not shards_of(store)


def test_shares_meet_in_s3(photos: list[Path], moto_url: str, aws_keys: None, tmp_path: Path) -> None:
    cloud, desk = new_store(moto_url, tmp_path), LocalStore(tmp_path / "desk")
    for index in (1, 2):
        machine = LocalStore(tmp_path / str(index))
        shard = build_shard(photos[:1], Share(index, 3), PLAIN, store=machine)
        copy_with_lineage(shard, machine, cloud, SilentProgress())
    build_shard(photos[:1], Share(3, 3), PLAIN, store=cloud)  # this one works on the bucket itself
    one = build_dataset(photos[:1], PLAIN, store=LocalStore(tmp_path / "alone"))
    assert same(merge_shards([], PLAIN, store=desk, source=cloud), one)
    assert same(merge_shards([], PLAIN, store=cloud), one)
    assert not list(desk.names("shard"))


def run(*arguments: str | Path, command: str = "build-dataset") -> Result:
    return CliRunner().invoke(app, [*command.split(), *map(str, arguments)], env={"COLUMNS": "300"})


def test_the_command_says_what_is_still_to_do(photos: list[Path], tmp_path: Path) -> None:
    there, here = tmp_path / "there", tmp_path / "here"
    first = json.loads(run(photos[0], "--shard", "1/2", "--store", there, "--json").stdout)
    assert (first["index"], first["count"], first["total"], first["missing"]) == (1, 2, 13, ["2/2"])
    missing = run("--merge", "--store", there, "--json")
    assert missing.exit_code == 4 and "share 2/2 is not in" in json.loads(missing.stdout)["error"]
    second = run(photos[0], "--shard", "2/2", "--store", there)
    assert "all are here: actorrec build-dataset --merge" in second.stdout
    merged = json.loads(run("--merge", "--from", there, "--store", here, "--json").stdout)
    one = json.loads(run(photos[0], "--store", tmp_path / "alone", "--json").stdout)
    assert merged == one


def test_pushed_shares_meet_in_another_folder(halves: Path, tmp_path: Path) -> None:
    one = merge_shards([], PLAIN, store=LocalStore(shutil.copytree(halves, tmp_path / "there")))
    for shard in shards_of(LocalStore(halves)).values():
        pushed = run(shard.ref, "--to", tmp_path / "here", "--store", halves, command="artifacts push")
        assert pushed.exit_code == 0, pushed.stderr
    listed = run("--json", "--store", tmp_path / "here", command="artifacts ls")
    assert [each["kind"] for each in json.loads(listed.stdout)] == ["shard", "shard"]
    assert same(merge_shards([], PLAIN, store=LocalStore(tmp_path / "here")), one)


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        *((["--shard", text], f"--shard {text}: there is no such share") for text in ("0/2", "3/2", "x", "1/5000")),
        (["--shard", "1/2", "--merge"], "--shard and --merge exclude each other"),
        (["--shard", "1/2", "--export-npz", "x.npz"], "--export-npz: this makes no data set yet"),
        (["--from", "there"], "--from is an option of --merge"),
        (["faces.npz", "--shard", "1/2"], "not faces.npz"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(arguments: list[str], complaint: str, tmp_path: Path) -> None:
    done = run(*arguments, "--store", tmp_path)
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 2 and complaint in done.stderr
    assert not list(tmp_path.iterdir())


def test_names_decide_whose_share_a_picture_is(photos: list[Path], halves: Path) -> None:
    shards = shards_of(LocalStore(halves))
    for index, photo in itertools.chain.from_iterable([(i, p) for p in s.photos] for i, s in shards.items()):
        digest = hashlib.sha256(f"{photo.person_id}/{photo.name}".encode()).hexdigest()
        assert int(digest, 16) % 2 == index - 1
