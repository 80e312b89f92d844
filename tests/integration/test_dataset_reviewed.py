"""What reviewers decide is what the next data set holds, and an undo brings the old one back."""

import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.review_log import ReviewLog
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.errors import DataError
from actorrec.manifests.dataset import DatasetManifest, ImageRecord
from actorrec.manifests.review import SHEET_NAME, Box, PictureRef, ReviewEntry, ReviewSheet
from actorrec.types import UInt8Image
from bad_pictures import encoded

SMITH, DUNST, ECKHART = "Will_Smith", "Kirsten_Dunst", "Aaron_Eckhart"
PHOTOS = 6


def pixels_of(path: Path) -> UInt8Image:
    return np.asarray(Image.open(path).convert("RGB"), np.uint8)


def beside(left: UInt8Image, right: UInt8Image) -> bytes:
    """Two photos as one picture."""
    height = max(left.shape[0], right.shape[0])
    padded = [np.pad(each, ((0, height - each.shape[0]), (0, 0), (0, 0))) for each in (left, right)]
    return encoded(np.hstack(padded), "PNG")


@pytest.fixture(scope="module")
def photos(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Six photos of each of three people; one of Dunst in Smith's folder, one of both, one small, one twice."""
    root = tmp_path_factory.mktemp("photos")
    actors = test_data / "actors"
    all_of = {person: sorted((actors / person).glob("*.jpg")) for person in (SMITH, DUNST, ECKHART)}
    for person, paths in all_of.items():
        (root / person).mkdir()
        for path in paths[:PHOTOS]:
            shutil.copy(path, root / person)
    shutil.copy(all_of[DUNST][PHOTOS], root / SMITH / "wrong.jpg")
    (root / SMITH / "both.png").write_bytes(beside(pixels_of(all_of[SMITH][PHOTOS]), pixels_of(all_of[DUNST][7])))
    small = Image.fromarray(pixels_of(all_of[SMITH][PHOTOS + 1]))
    small.resize((small.width // 5, small.height // 5)).save(root / SMITH / "small.png")
    pixels = pixels_of(root / SMITH / all_of[SMITH][0].name)
    (root / SMITH / "copy.jpg").write_bytes(encoded(pixels[5:-5, 5:-5], "JPEG", quality=50))
    return root


@pytest.fixture
def store(tmp_path: Path) -> LocalStore:
    return LocalStore(tmp_path / "store")


@pytest.fixture(scope="module")
def first(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[DatasetManifest, ReviewSheet]:
    """The data set before anybody looked at it."""
    store = LocalStore(tmp_path_factory.mktemp("first"))
    manifest = build(photos, store)
    return manifest, sheet_of(manifest, store)


def build(photos: Path, store: LocalStore) -> DatasetManifest:
    return build_dataset([photos], Config(), store=store)


def sheet_of(manifest: DatasetManifest, store: LocalStore) -> ReviewSheet:
    assert SHEET_NAME in manifest.digests
    return ReviewSheet.model_validate_json(store.read_bytes(f"{manifest.ref}/{SHEET_NAME}"))


def entry_of(sheet: ReviewSheet, name: str) -> ReviewEntry:
    return next(entry for entry in sheet.entries if entry.path.endswith(name))


def image_of(manifest: DatasetManifest, name: str) -> ImageRecord:
    return next(image for image in manifest.images if image.path.endswith(name))


def ref(entry: ReviewEntry, box: Box | None = None) -> PictureRef:
    return PictureRef(image_sha256=entry.image_sha256, given_person_id=entry.given_person_id, box=box)


def test_before_any_review_the_checks_decide(first: tuple[DatasetManifest, ReviewSheet]) -> None:
    manifest, sheet = first
    reasons = {image.path: image.reason for image in manifest.images if image.outcome != "kept"}
    assert reasons == {
        f"{SMITH}/wrong.jpg": "wrong-person",
        f"{SMITH}/small.png": "too-small",
        f"{SMITH}/copy.jpg": "near-duplicate",
    }
    assert manifest.decisions == 0 and {entry.decided for entry in sheet.entries} == {None}


def test_a_review_makes_a_new_set_and_its_undo_gives_the_old_one_back(
    photos: Path, store: LocalStore, first: tuple[DatasetManifest, ReviewSheet]
) -> None:
    old, sheet = build(photos, store), first[1]
    assert old.content_digest() == first[0].content_digest()
    entry = sheet.entries[0]
    log = ReviewLog(store)
    event = log.append("drop", pictures=[ref(entry)])
    new = build(photos, store)
    assert new.key != old.key and new.decisions == 1 and build(photos, store) == new
    assert (image_of(new, entry.path).outcome, image_of(new, entry.path).reason) == ("dropped", "reviewed")
    shown = entry_of(sheet_of(new, store), entry.path)
    assert (shown.decided, shown.suspicion, shown.thumb) == ("drop", 0.0, entry.thumb)
    undo = log.append("undo", undoes=event.seq)
    assert build(photos, store) == old
    log.append("undo", undoes=undo.seq)
    assert build(photos, store) == new


def test_a_review_that_leaves_nothing_says_so(photos: Path, store: LocalStore, tmp_path: Path) -> None:
    shutil.copytree(photos / ECKHART, tmp_path / "p" / ECKHART)
    entries = sheet_of(build(tmp_path / "p", store), store).entries
    ReviewLog(store).append("drop", pictures=[ref(entry) for entry in entries])
    with pytest.raises(DataError, match=f"no photo is left: reviewed {PHOTOS}") as caught:
        build(tmp_path / "p", store)
    assert "review" in caught.value.hint


def test_decisions_on_other_pictures_change_nothing(
    photos: Path, store: LocalStore, first: tuple[DatasetManifest, ReviewSheet]
) -> None:
    stranger = PictureRef(image_sha256="0" * 64, given_person_id=SMITH)
    ReviewLog(store).append("drop", pictures=[stranger])
    ReviewLog(store).append("merge", person_id="Nobody", to="No One")
    assert build(photos, store).content_digest() == first[0].content_digest()


def test_what_a_reviewer_keeps_stays_in_whatever_the_checks_say(
    photos: Path, store: LocalStore, first: tuple[DatasetManifest, ReviewSheet]
) -> None:
    names = ("wrong.jpg", "small.png", "copy.jpg")
    ReviewLog(store).append("keep", pictures=[ref(entry_of(first[1], name)) for name in names])
    manifest = build(photos, store)
    assert {image_of(manifest, name).outcome for name in names} == {"kept"}
    # Of two copies the other one goes now.
    twins = [image for image in manifest.images if image.reason == "near-duplicate"]
    assert [image.detail for image in twins] == [f"near-duplicate of {SMITH}/copy.jpg"]


def test_a_moved_picture_is_the_other_persons(
    photos: Path, store: LocalStore, first: tuple[DatasetManifest, ReviewSheet]
) -> None:
    wrong, both = entry_of(first[1], "wrong.jpg"), entry_of(first[1], "both.png")
    ReviewLog(store).append("move", pictures=[ref(wrong), ref(both)], to=DUNST)
    manifest = build(photos, store)
    assert (image_of(manifest, "wrong.jpg").person_id, image_of(manifest, "wrong.jpg").outcome) == (DUNST, "kept")
    (face,) = [face for face in manifest.faces if face.image_sha256 == both.image_sha256]
    assert face.person_id == DUNST and both.box is not None and face.box[0] > both.box[2], "her face, on the right"
    shown = entry_of(sheet_of(manifest, store), "wrong.jpg")
    assert (shown.person_id, shown.given_person_id, shown.decided) == (DUNST, SMITH, "move")


def test_not_them_chooses_another_face_or_none(
    photos: Path, store: LocalStore, first: tuple[DatasetManifest, ReviewSheet]
) -> None:
    both, wrong = entry_of(first[1], "both.png"), entry_of(first[1], "wrong.jpg")
    log = ReviewLog(store)
    log.append("not-them", pictures=[ref(both, both.box), ref(wrong, wrong.box)])
    shown = sheet_of(build(photos, store), store)
    assert entry_of(shown, "both.png").box not in (None, both.box)
    assert (entry_of(shown, "wrong.jpg").reason, entry_of(shown, "wrong.jpg").thumb) == ("reviewed", None)
    assert "none of its faces" in entry_of(shown, "wrong.jpg").detail
    other = next(box for box in both.boxes if box != both.box)
    log.append("pick", pictures=[ref(both, (other[0] + 1.5, *other[1:]))])  # found by overlap
    manifest = build(photos, store)
    (face,) = [face for face in manifest.faces if face.image_sha256 == both.image_sha256]
    assert (face.box, face.person_id) == (other, SMITH), "nobody doubts what a reviewer picked"


def test_merged_people_are_one(photos: Path, store: LocalStore, first: tuple[DatasetManifest, ReviewSheet]) -> None:
    ReviewLog(store).append("merge", person_id=DUNST, to="Mary_Jane")
    manifest = build(photos, store)
    assert [person.name for person in manifest.people] == ["Aaron Eckhart", "Mary Jane", "Will Smith"]
    assert manifest.decisions == PHOTOS
    assert {image.person_id for image in manifest.images if image.path.startswith(DUNST)} == {"Mary_Jane"}
    entries = [e for e in sheet_of(manifest, store).entries if e.given_person_id == DUNST]
    assert len(entries) == PHOTOS and {entry.person_id for entry in entries} == {"Mary_Jane"}


def test_the_same_file_of_two_folders_is_one_face_once_they_are_merged(photos: Path, tmp_path: Path) -> None:
    shutil.copytree(photos / ECKHART, tmp_path / "p" / "One")
    shutil.copytree(photos / ECKHART, tmp_path / "p" / "Two")
    store = LocalStore(tmp_path / "store")
    log = ReviewLog(store)
    log.append("merge", person_id="Two", to="One")
    manifest = build(tmp_path / "p", store)
    assert len(manifest.faces) == PHOTOS and len({face.face_id for face in manifest.faces}) == PHOTOS
    dropped = [entry for entry in sheet_of(manifest, store).entries if entry.given_person_id == "One"]
    log.append("drop", pictures=[ref(dropped[0])])
    assert len(build(tmp_path / "p", store).faces) == PHOTOS, "its twin of the other folder takes its place"


def test_the_sheet_shows_every_picture_the_odd_ones_first(
    first: tuple[DatasetManifest, ReviewSheet], photos: Path
) -> None:
    manifest, sheet = first
    assert len(sheet.entries) == len(manifest.images)
    assert sheet.people == {SMITH: "Will Smith", DUNST: "Kirsten Dunst", ECKHART: "Aaron Eckhart"}
    ranked = sorted(sheet.entries, key=lambda entry: -entry.suspicion)
    assert [Path(entry.path).name for entry in ranked[:2]] == ["wrong.jpg", "small.png"]
    copy = ranked.index(entry_of(sheet, "copy.jpg"))
    assert copy < len(ranked) / 2
    assert entry_of(sheet, "wrong.jpg").nearer_to == DUNST
    assert DUNST in entry_of(sheet, "wrong.jpg").why[0] and "px" in entry_of(sheet, "small.png").why[0]
    assert len(entry_of(sheet, "both.png").boxes) >= 2
    right = [entry for entry in sheet.entries if entry.given_person_id != SMITH]
    assert all(entry.suspicion < 0.35 and entry.agreement is not None for entry in right)
    assert len({entry.suspicion for entry in right}) > len(right) / 2, "continuous: a page can sort by it"
    for entry in sheet.entries:
        assert {entry.thumb, entry.preview} <= set(manifest.digests)


def test_thumbs_and_previews_are_small_pictures_without_notes(photos: Path, store: LocalStore, tmp_path: Path) -> None:
    root = tmp_path / "p" / ECKHART
    shutil.copytree(photos / ECKHART, root)
    wide = Image.fromarray(np.repeat(np.repeat(pixels_of(sorted(root.glob("*.jpg"))[0]), 3, 0), 3, 1))
    exif = Image.Exif()
    exif[0x010E] = "my home"
    wide.save(root / "large.jpg", exif=exif)
    manifest = build(tmp_path / "p", store)
    sheet = sheet_of(manifest, store)
    for entry in sheet.entries:
        assert entry.thumb is not None and entry.preview is not None
        for name, most in ((entry.thumb, 128), (entry.preview, 640)):
            data = store.read_bytes(f"{manifest.ref}/{name}")
            with Image.open(io.BytesIO(data)) as image:
                assert (image.format, image.mode) == ("JPEG", "RGB") and max(image.size) <= most
                assert not image.getexif() and b"my home" not in data
    with Image.open(io.BytesIO(store.read_bytes(f"{manifest.ref}/{entry_of(sheet, 'large.jpg').preview}"))) as image:
        assert max(image.size) == 640
    plain = build_dataset([tmp_path / "p"], Config.model_validate({"dataset": {"previews": False}}), store=store)
    assert not [name for name in plain.digests if name.startswith("previews/")]
    assert {entry.preview for entry in sheet_of(plain, store).entries} == {None}
