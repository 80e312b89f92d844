"""Enrolling real people from real photos, and everything that changes who is known."""

import multiprocessing
import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actorrec.artifacts.catalog import load_manifest, manifests
from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.enrol import EnrolReport, enrol
from actorrec.enrolment.people import forget, list_stored_people, merge, rename
from actorrec.errors import ArtifactError, ConfigError, DataError, ModelContractError
from actorrec.inference.pictures import recognise_pictures
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.results import PictureResult
from actorrec.progress import SilentProgress
from actorrec.recognition.recogniser import load_recogniser
from actorrec.recognition.stored_bundle import open_stored
from real_faces import data_dir

CONFIG = Config()
PEOPLE = ("Will_Smith", "Kirsten_Dunst", "Aaron_Eckhart")


def photos_of(person: str) -> list[Path]:
    found = sorted((data_dir() / "actors" / person).glob("*.jpg"))
    assert len(found) >= 7
    return found


def teach(store: str, people: dict[str, Sequence[Path]]) -> EnrolReport:
    return enrol(open_store(store), CONFIG, people, progress=SilentProgress())


def named(store: str, picture: Path) -> PictureResult:
    bundle = open_stored(open_store(store), load_manifest(open_store(store), BundleManifest, "newest"))
    (result,) = recognise_pictures([str(picture)], load_recogniser(bundle, num_threads=1), CONFIG.inference)
    return result


def known(store: str) -> dict[str, int]:
    return {row.person_id: row.photos for row in list_stored_people(open_store(store))}


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that knows three people from four photos each."""
    store = tmp_path_factory.mktemp("taught") / "store"
    report = teach(str(store), {person: photos_of(person)[:4] for person in PEOPLE})
    assert report.started
    assert {photo.outcome for photo in report.photos} == {"enrolled"}
    return store


@pytest.fixture
def store(taught: Path, tmp_path: Path) -> str:
    shutil.copytree(taught, tmp_path / "store")
    return str(tmp_path / "store")


def test_the_newly_taught_are_named_on_other_photos_and_strangers_are_not(taught: Path) -> None:
    right = [
        [face.person_id for face in named(str(taught), photo).faces] == [person]
        for person in PEOPLE
        for photo in photos_of(person)[4:8]
    ]
    assert sum(right) >= 10, f"{sum(right)} of {len(right)}"
    strangers = [named(str(taught), photo) for photo in sorted((data_dir() / "unknowns").glob("*.jpg"))[:25]]
    assert sum(face.person_id is not None for result in strangers for face in result.faces) <= 1


def test_one_photo_is_enough_to_be_known(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    report = teach(store, {"Will Smith": photos_of("Will_Smith")[:1]})
    assert report.manifest.card.people[0].name == "Will Smith"
    assert report.manifest.card.classes is None
    found = [face.name for photo in photos_of("Will_Smith")[1:6] for face in named(store, photo).faces]
    assert found.count("Will Smith") >= 3


def test_a_new_bundle_names_the_one_it_came_from_and_the_old_one_stays(store: str) -> None:
    before = load_manifest(open_store(store), BundleManifest, "newest")
    report = teach(store, {"Emma_Watson": photos_of("Emma_Watson")[:2]})
    assert report.manifest.inputs == {before.ref: before.content_digest()}
    assert known(store) == dict.fromkeys(PEOPLE, 4) | {"Emma_Watson": 2}
    assert load_manifest(open_store(store), BundleManifest, before.key) == before
    assert open_stored(open_store(store), before).gallery.person_ids == tuple(sorted(PEOPLE))


def test_the_same_photos_again_change_nothing(store: str) -> None:
    before = load_manifest(open_store(store), BundleManifest, "newest")
    report = teach(store, {"Will Smith": photos_of("Will_Smith")[:2]})
    assert report.manifest == before
    assert not report.changed
    assert {photo.outcome for photo in report.photos} == {"already-known"}
    assert len(list(manifests(open_store(store), BundleManifest))) == 1


def test_two_stores_taught_alike_agree(store: str, tmp_path: Path) -> None:
    again = teach(str(tmp_path / "again"), {person: photos_of(person)[:4] for person in PEOPLE})
    assert (
        again.manifest.content_digest() == load_manifest(open_store(store), BundleManifest, "newest").content_digest()
    )


def test_bad_photos_are_told_one_by_one_and_good_ones_count(tmp_path: Path) -> None:
    photos = photos_of("Aaron_Eckhart")
    bad = tmp_path / "photos"
    bad.mkdir()
    (bad / "empty.jpg").write_bytes(b"")
    (bad / "text.jpg").write_text("not a picture")
    (bad / "cut.jpg").write_bytes(photos[0].read_bytes()[:2000])
    Image.fromarray(np.full((300, 200, 3), 90, np.uint8)).save(bad / "wall.png")
    given = [*sorted(bad.iterdir()), bad / "missing.jpg", photos[0]]
    report = teach(str(tmp_path / "store"), {"Aaron": given})
    outcome = {Path(photo.path).name: photo.reason for photo in report.photos}
    assert outcome == {
        "cut.jpg": "truncated",
        "empty.jpg": "empty",
        "missing.jpg": "unreadable",
        "text.jpg": "not-a-picture",
        "wall.png": "no-face",
        photos[0].name: "",
    }
    assert known(str(tmp_path / "store")) == {"Aaron": 1}


def test_no_usable_photo_is_an_error_and_leaves_no_bundle(tmp_path: Path) -> None:
    (tmp_path / "wall.png").write_bytes(b"")
    with pytest.raises(DataError, match="none of the photos can be used"):
        teach(str(tmp_path / "store"), {"Ada": [tmp_path / "wall.png"]})
    with pytest.raises(DataError, match="no photos were given"):
        teach(str(tmp_path / "store"), {})
    with pytest.raises(DataError, match="not a name"):
        teach(str(tmp_path / "store"), {"": photos_of("Will_Smith")[:1]})
    assert list(manifests(open_store(str(tmp_path / "store")), BundleManifest)) == []


def test_of_several_faces_the_one_that_agrees_is_taken(tmp_path: Path) -> None:
    """Emma Watson stands small beside another, larger face; her other photos say which one is she."""
    her, another = Image.open(photos_of("Emma_Watson")[0]), Image.open(photos_of("Will_Smith")[1])
    pair = Image.new("RGB", (900, 600))
    pair.paste(another.resize((560, round(560 * another.height / another.width))), (0, 0))
    pair.paste(her.resize((220, round(220 * her.height / her.width))), (640, 40))
    pair.save(tmp_path / "pair.jpg", quality=95)
    report = teach(str(tmp_path / "store"), {"Emma": [tmp_path / "pair.jpg", *photos_of("Emma_Watson")[1:4]]})
    (chosen,) = [photo for photo in report.photos if photo.path.endswith("pair.jpg")]
    assert chosen.faces_found >= 2
    assert chosen.face_box is not None
    assert chosen.face_box[0] > 600


def test_a_photo_of_somebody_else_who_is_known_is_warned_about(store: str) -> None:
    report = teach(store, {"Nobody": [photos_of("Will_Smith")[5]]})
    assert any("looks like Will Smith" in warning for warning in report.photos[0].warnings)


def test_forgetting_takes_every_vector_and_says_where_the_person_still_is(store: str) -> None:
    opened = open_store(store)
    old = load_manifest(opened, BundleManifest, "newest")
    with pytest.raises(DataError, match="nobody called 'Will Smit'") as caught:
        forget(opened, CONFIG, "Will Smit")
    assert caught.value.hint == "did you mean 'Will Smith'?"
    report = forget(opened, CONFIG, "will smith")
    assert report.still_held_by == (old.ref,)
    gallery = open_stored(opened, report.manifest).gallery
    assert gallery.person_ids == ("Aaron_Eckhart", "Kirsten_Dunst")
    assert len(gallery.photo_embeddings) == 8
    assert not any("Will" in source for source in gallery.photo_sources)
    assert all(face.person_id != "Will_Smith" for face in named(store, photos_of("Will_Smith")[5]).faces)
    (Path(store) / old.ref / "bundle.zip").unlink()  # as far as another command came before it was killed
    everywhere = forget(opened, CONFIG, "will smith", everywhere=True)
    assert (everywhere.manifest, everywhere.person) == (report.manifest, report.person)
    assert (everywhere.deleted, everywhere.still_held_by) == ((old.ref,), ())
    with pytest.raises(DataError, match="nobody called 'will smith'"):
        forget(opened, CONFIG, "will smith", everywhere=True)


def test_forgetting_everywhere_leaves_no_bundle_that_knows_the_person(store: str) -> None:
    opened = open_store(store)
    teach(store, {"Emma": photos_of("Emma_Watson")[:1]})
    report = forget(opened, CONFIG, "Will_Smith", everywhere=True)
    assert len(report.deleted) == 2
    assert report.still_held_by == ()
    assert [manifest.key for manifest in manifests(opened, BundleManifest)] == [report.manifest.key]
    assert [name for name in opened.names("bundle") if report.manifest.key not in name] == []


def test_forgetting_the_last_person_leaves_a_bundle_that_knows_nobody(tmp_path: Path) -> None:
    store = str(tmp_path / "store")
    teach(store, {"Will": photos_of("Will_Smith")[:1]})
    forget(open_store(store), CONFIG, "Will")
    assert known(store) == {}
    assert [face.person_id for face in named(store, photos_of("Will_Smith")[0]).faces] == [None]
    teach(store, {"Will": photos_of("Will_Smith")[:1]})
    assert known(store) == {"Will": 1}


def test_renaming_and_merging(store: str) -> None:
    opened = open_store(store)
    rename(opened, CONFIG, "Will_Smith", "The Fresh Prince")
    assert "The Fresh Prince" in known(store)
    with pytest.raises(DataError, match="somebody already") as caught:
        rename(opened, CONFIG, "Kirsten_Dunst", "the fresh prince")
    assert "people merge" in caught.value.hint
    merge(opened, CONFIG, "Kirsten Dunst", "Aaron Eckhart")
    assert known(store) == {"Aaron_Eckhart": 8, "The Fresh Prince": 4}
    with pytest.raises(DataError):
        merge(opened, CONFIG, "Aaron_Eckhart", "Aaron_Eckhart")


def test_without_a_bundle_there_is_nobody_to_change(tmp_path: Path) -> None:
    opened = open_store(str(tmp_path))
    with pytest.raises(ArtifactError, match="holds no bundle"):
        forget(opened, CONFIG, "Ada")


def _teach_one(store: str, person: str) -> None:
    teach(store, {person: photos_of(person)[:1]})


def test_two_enrolments_at_once_both_take_effect(tmp_path: Path) -> None:
    data_dir()  # skips here: what a child process skips fails here
    store = str(tmp_path / "store")
    context = multiprocessing.get_context("spawn")
    both = [context.Process(target=_teach_one, args=(store, person)) for person in PEOPLE[:2]]
    for process in both:
        process.start()
    for process in both:
        process.join(120)
    assert [process.exitcode for process in both] == [0, 0]
    assert set(known(store)) == set(PEOPLE[:2])


def test_a_damaged_bundle_is_refused_and_nothing_is_added(store: str) -> None:
    newest = load_manifest(open_store(store), BundleManifest, "newest")
    path = Path(store) / newest.ref / "bundle.zip"
    path.write_bytes(path.read_bytes()[:-1000])
    with pytest.raises(ModelContractError, match="bundle"):
        teach(store, {"Emma": photos_of("Emma_Watson")[:1]})
    assert len(list(manifests(open_store(store), BundleManifest))) == 1


def test_a_keras_embedder_cannot_start_a_device_bundle(tmp_path: Path) -> None:
    config = Config.model_validate({"embedder": {"name": "resnet50"}})
    with pytest.raises(ConfigError):
        enrol(open_store(str(tmp_path)), config, {"A": photos_of("Will_Smith")[:1]}, progress=SilentProgress())
