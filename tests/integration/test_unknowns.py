"""Faces that got no name: kept only when asked for, named by a person, known from then on."""

import hashlib
import io
import shutil
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actorrec.artifacts.catalog import load_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.unknowns import UnknownShelf
from actorrec.config import Config
from actorrec.enrolment.enrol import enrol
from actorrec.enrolment.from_unknowns import enrol_unknowns
from actorrec.enrolment.people import list_stored_people
from actorrec.errors import ArtifactError, DataError
from actorrec.inference.pictures import recognise_pictures
from actorrec.inference.unknowns import UnknownKeeper
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.results import PictureResult
from actorrec.manifests.unknowns import UnknownFace
from actorrec.progress import SilentProgress
from actorrec.recognition.recogniser import load_recogniser
from actorrec.recognition.stored_bundle import open_stored
from actorrec.sections import UnknownsSection
from real_faces import data_dir

CONFIG = Config()
QUIET = SilentProgress()
KEEP = UnknownsSection(keep=True)


def photos_of(person: str) -> list[Path]:
    return sorted((data_dir() / "actors" / person).glob("*.jpg"))


@pytest.fixture(scope="module")
def taught(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store that knows Will Smith."""
    root = tmp_path_factory.mktemp("taught") / "store"
    enrol(LocalStore(root), CONFIG, {"Will Smith": photos_of("Will_Smith")[:4]}, progress=QUIET)
    return root


@pytest.fixture
def store(taught: Path, tmp_path: Path) -> LocalStore:
    shutil.copytree(taught, tmp_path / "store")
    return LocalStore(tmp_path / "store")


def infer(
    store: LocalStore, pictures: Sequence[Path], limits: UnknownsSection = KEEP
) -> tuple[UnknownKeeper, list[PictureResult]]:
    bundle = open_stored(store, load_manifest(store, BundleManifest, "newest"))
    recogniser = load_recogniser(bundle, num_threads=1)
    keeper = UnknownKeeper(UnknownShelf(store), limits, recogniser.model_id)
    sources = [str(picture) for picture in pictures]
    return keeper, list(recognise_pictures(sources, recogniser, CONFIG.inference, on_faces=keeper))


def test_what_has_no_name_is_kept_and_what_has_one_is_not(store: LocalStore) -> None:
    pictures = [photos_of("Kirsten_Dunst")[0], photos_of("Will_Smith")[5]]
    keeper, results = infer(store, pictures)
    assert [[face.name for face in result.faces] for result in results] == [[None], ["Will Smith"]]
    (face,) = UnknownShelf(store).faces()
    assert keeper.kept == 1 and face.source == str(pictures[0])
    assert face.model_id == results[0].model_id and 0 <= (datetime.now(UTC) - face.seen_at).total_seconds() < 600
    assert face.face_px == pytest.approx(results[0].faces[0].box[2] - results[0].faces[0].box[0], abs=0.02)
    assert np.linalg.norm(face.embedding) == pytest.approx(1, abs=1e-4)
    crop = UnknownShelf(store).crop(face.face_id)
    assert hashlib.sha256(crop).hexdigest() == face.crop_sha256
    with Image.open(io.BytesIO(crop)) as picture:
        assert (picture.format, picture.size) == ("JPEG", (272, 272)) and not picture.getexif()


def test_the_same_pictures_again_and_copies_of_them_add_nothing(store: LocalStore, tmp_path: Path) -> None:
    pictures = [photos_of("Kirsten_Dunst")[0], photos_of("Aaron_Eckhart")[0]]
    assert infer(store, pictures)[0].kept == 2
    assert infer(store, pictures)[0].kept == 0
    with Image.open(pictures[0]) as original:
        original.resize((original.width * 9 // 10, original.height * 9 // 10)).save(tmp_path / "smaller.jpg")
    assert infer(store, [tmp_path / "smaller.jpg"])[0].kept == 0
    assert len(UnknownShelf(store).faces()) == 2


def test_faces_smaller_than_asked_for_are_not_kept(store: LocalStore) -> None:
    picture = photos_of("Kirsten_Dunst")[0]
    assert infer(store, [picture], UnknownsSection(min_face_px=5000))[0].kept == 0
    assert UnknownShelf(store).faces() == []


def test_named_unknowns_are_known_from_then_on_and_leave_the_shelf(store: LocalStore) -> None:
    theirs, stranger = photos_of("Kirsten_Dunst"), photos_of("Aaron_Eckhart")[0]
    infer(store, [*theirs[:4], stranger])
    shelf = UnknownShelf(store)
    mine = [face.face_id for face in shelf.faces() if face.source != str(stranger)]
    assert len(mine) == 4
    report = enrol_unknowns(store, CONFIG, "Kirsten Dunst", mine, QUIET)
    assert [photo.outcome for photo in report.photos] == ["enrolled"] * 4
    assert [face.source for face in shelf.faces()] == [str(stranger)]
    known = {row.person_id: row for row in list_stored_people(store)}
    assert known["Kirsten Dunst"].photos == 4 and known["Will Smith"].photos == 4
    assert known["Kirsten Dunst"].sources[0].startswith("unknowns/")
    _, results = infer(store, [*theirs[4:8], stranger])
    names = [[face.name for face in result.faces] for result in results]
    assert names.count(["Kirsten Dunst"]) >= 3 and names[-1] == [None]


def test_more_faces_of_somebody_known_are_added_to_them(store: LocalStore) -> None:
    infer(store, [photos_of("Kirsten_Dunst")[0]])
    (face,) = UnknownShelf(store).faces()
    enrol_unknowns(store, CONFIG, "will smith", [face.face_id, face.face_id], QUIET)
    assert {row.name: row.photos for row in list_stored_people(store)} == {"Will Smith": 5}


def test_a_face_that_is_gone_stops_the_enrolment_before_anything_is_learned(store: LocalStore) -> None:
    infer(store, [photos_of("Kirsten_Dunst")[0]])
    (face,) = UnknownShelf(store).faces()
    before = load_manifest(store, BundleManifest, "newest").key
    with pytest.raises(ArtifactError, match="no unknown face"):
        enrol_unknowns(store, CONFIG, "Kirsten Dunst", [face.face_id, "0" * 16], QUIET)
    with pytest.raises(DataError):
        enrol_unknowns(store, CONFIG, "  ", [face.face_id], QUIET)
    assert load_manifest(store, BundleManifest, "newest").key == before
    assert UnknownShelf(store).faces() == [face]


def test_a_crop_without_a_face_is_skipped_and_stays(store: LocalStore) -> None:
    infer(store, [photos_of("Kirsten_Dunst")[0]])
    shelf = UnknownShelf(store)
    (face,) = shelf.faces()
    buffer = io.BytesIO()
    Image.new("RGB", (272, 272), (90, 90, 90)).save(buffer, "JPEG")
    grey = UnknownFace(
        face_id="f" * 16,
        seen_at=datetime.now(UTC),
        source="wall.jpg",
        crop_sha256=hashlib.sha256(buffer.getvalue()).hexdigest(),
        face_px=99,
        model_id=face.model_id,
        embedding=tuple(-value for value in face.embedding),
    )
    shelf.add(grey, buffer.getvalue(), limits=KEEP)
    report = enrol_unknowns(store, CONFIG, "Kirsten Dunst", [face.face_id, grey.face_id], QUIET)
    assert sorted((photo.outcome, photo.reason) for photo in report.photos) == [
        ("enrolled", ""),
        ("skipped", "no-face"),
    ]
    assert shelf.faces() == [grey]
