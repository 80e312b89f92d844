"""The stage on real photos: what it keeps, what it says of the rest, and that nothing leaks."""

import shutil
from collections import Counter
from pathlib import Path

import cv2
import numpy as np
import pytest
from PIL import Image

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from actorrec.errors import DataError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.recognition.crops import load_crops, read_crop, recrop
from actorrec.types import UInt8Image
from actorrec.vision.align import DLIB_150
from bad_pictures import ODD_BUT_GOOD, bad_files, encoded, write_all

PEOPLE = ("Aaron_Eckhart", "Bradley_Cooper", "Kirsten_Dunst", "Will_Smith")
PHOTOS = 8


@pytest.fixture(scope="module")
def photos(test_data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Eight photos of each of four people."""
    root = tmp_path_factory.mktemp("photos")
    for person in PEOPLE:
        (root / person).mkdir()
        for path in sorted((test_data / "actors" / person).glob("*.jpg"))[:PHOTOS]:
            shutil.copy(path, root / person)
    return root


@pytest.fixture(scope="module")
def built(photos: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, DatasetManifest]:
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return store, build_dataset([photos], Config(), store=store)


def settings(**changes: object) -> Config:
    return Config.model_validate({"dataset": changes})


def pixels_of(path: Path) -> UInt8Image:
    return np.asarray(Image.open(path).convert("RGB"), np.uint8)


def outcomes(manifest: DatasetManifest) -> Counter[tuple[str, str]]:
    return Counter((image.outcome, image.reason) for image in manifest.images)


def test_good_photos_are_all_kept_with_a_crop_each(built: tuple[LocalStore, DatasetManifest]) -> None:
    store, manifest = built
    assert outcomes(manifest) == {("kept", ""): len(PEOPLE) * PHOTOS}
    assert [person.name for person in manifest.people] == [person.replace("_", " ") for person in PEOPLE]
    assert manifest.not_measured == []
    for face, crop in zip(manifest.faces, load_crops(store, manifest, manifest.faces), strict=True):
        assert crop.shape == (272, 272, 3)
        # The crop's landmarks lie near the template's: it is aligned.
        assert np.abs(np.array(face.crop_landmarks) - manifest.template.points_px).max() < 25
        assert recrop(crop, face.crop_landmarks, DLIB_150).std() > 10
    on_disk = {name.split("/", 2)[2] for name in store.names(f"dataset/{manifest.key}")}
    assert on_disk == {record.name for record in manifest.files} | {"manifest.json"}  # no work files are left


def test_about_the_wanted_share_is_tested(built: tuple[LocalStore, DatasetManifest]) -> None:
    sides = Counter((face.person_id, face.split) for face in built[1].faces)
    for person in PEOPLE:
        assert 1 <= sides[person, "test"] <= 3


def test_the_same_again_is_the_same_without_work(
    photos: Path, built: tuple[LocalStore, DatasetManifest], monkeypatch: pytest.MonkeyPatch
) -> None:
    store, manifest = built
    before = {path: path.stat().st_mtime_ns for path in Path(store.uri).rglob("*.jpg")}
    again = build_dataset([photos], Config(), store=store)
    assert again == manifest
    assert {path: path.stat().st_mtime_ns for path in Path(store.uri).rglob("*.jpg")} == before


def test_place_order_and_number_of_workers_do_not_matter(
    photos: Path, built: tuple[LocalStore, DatasetManifest], tmp_path: Path
) -> None:
    shutil.copytree(photos, tmp_path / "elsewhere")
    store = LocalStore(tmp_path / "store")
    moved = build_dataset([tmp_path / "elsewhere"], settings(workers=3), store=store)
    assert moved.content_digest() == built[1].content_digest()


def test_another_setting_is_another_data_set(
    photos: Path, built: tuple[LocalStore, DatasetManifest], tmp_path: Path
) -> None:
    other = build_dataset([photos], settings(test_share=0.5), store=LocalStore(tmp_path))
    assert other.key != built[1].key
    assert Counter(f.split for f in other.faces)["test"] > Counter(f.split for f in built[1].faces)["test"]


def test_odd_pictures_are_used_and_bad_ones_are_told(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    sources = sorted((photos / "Bradley_Cooper").glob("*.jpg")) + sorted((photos / "Will_Smith").glob("*.jpg"))
    odd = dict(zip(ODD_BUT_GOOD.items(), sources, strict=False))
    for (name, make), source in odd.items():
        write_all(root / source.parent.name, {name: make(pixels_of(source))})
    bad = bad_files(pixels_of(sources[0]))
    write_all(root / "Will_Smith", {name: data for name, (data, _) in bad.items()})
    write_all(root / "Will_Smith", {"no face.png": encoded(np.full((300, 400, 3), 90, np.uint8), "PNG")})
    manifest = build_dataset([root], Config(), store=LocalStore(tmp_path / "store"))
    by_name = {image.path.split("/", 1)[1]: image for image in manifest.images}
    assert len(by_name) == len(ODD_BUT_GOOD) + len(bad) + 1
    for name in ODD_BUT_GOOD:
        assert by_name[name].outcome == "kept", by_name[name]
    for name, (_, reasons) in bad.items():
        assert by_name[name].outcome == "failed" and by_name[name].reason in reasons, by_name[name]
        assert by_name[name].detail
    assert (by_name["no face.png"].outcome, by_name["no face.png"].reason) == ("dropped", "no-face")


def test_a_set_that_is_mostly_lost_is_not_committed(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos"
    shutil.copytree(photos / "Will_Smith", root / "Will_Smith")
    write_all(root / "Will_Smith", {f"{index}.jpg": b"text" for index in range(PHOTOS)})
    store = LocalStore(tmp_path / "store")
    with pytest.raises(DataError, match="not-a-picture 8") as caught:
        build_dataset([root], settings(max_skip_ratio=0.4), store=store)
    assert "max_skip_ratio" in caught.value.hint
    assert not [name for name in store.names("dataset") if name.endswith("manifest.json")]
    assert len(build_dataset([root], settings(max_skip_ratio=0.6), store=store).faces) == PHOTOS


def test_pictures_without_any_face_are_an_error(tmp_path: Path) -> None:
    write_all(tmp_path / "p" / "Nobody", {"grey.png": encoded(np.full((200, 300, 3), 90, np.uint8), "PNG")})
    with pytest.raises(DataError, match="no-face 1"):
        build_dataset([tmp_path / "p"], settings(max_skip_ratio=1.0), store=LocalStore(tmp_path / "s"))


def test_one_person_with_two_photos_is_learned_from_and_not_measured(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "photos" / "Will_Smith"
    root.mkdir(parents=True)
    for path in sorted((photos / "Will_Smith").glob("*.jpg"))[:2]:
        shutil.copy(path, root)
    manifest = build_dataset([root.parent], Config(), store=LocalStore(tmp_path / "store"))
    assert {face.split for face in manifest.faces} == {"train"}
    assert manifest.not_measured == ["Will_Smith"]


def planted(pixels: UInt8Image, rng: np.random.Generator) -> dict[str, UInt8Image]:
    """Copies of a photo as they are found on the web."""
    height, width = pixels.shape[:2]

    def turned(degrees: float) -> UInt8Image:
        matrix = cv2.getRotationMatrix2D((width / 2, height / 2), degrees, 1)
        return np.asarray(cv2.warpAffine(pixels, matrix, (width, height), borderMode=cv2.BORDER_REFLECT), np.uint8)

    top, left = rng.integers(0, height // 10 + 1), rng.integers(0, width // 10 + 1)
    part = pixels[top : top + height * 9 // 10, left : left + width * 9 // 10]
    return {
        "crop": np.ascontiguousarray(part),
        "mirror": np.ascontiguousarray(pixels[:, ::-1]),
        "half": np.asarray(cv2.resize(pixels, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA), np.uint8),
        "bright": np.clip(pixels * 1.3 + 8, 0, 255).astype(np.uint8),
        "turned": turned(4),
        "mirrored-part": np.ascontiguousarray(part[:, ::-1]),
    }


def test_no_copy_of_a_photo_lies_across_the_split(photos: Path, tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    for path in sorted(photos.rglob("*.jpg")):
        copies = planted(pixels_of(path), rng)
        chosen = rng.choice(sorted(copies), 2, replace=False)
        files = {f"{path.stem}~{kind}.jpg": encoded(copies[kind], "JPEG", quality=60) for kind in chosen}
        write_all(tmp_path / "p" / path.parent.name, {f"{path.stem}~original.jpg": path.read_bytes(), **files})
    # With copies left in (no face is ever "the same"), the split alone has to hold; then with copies removed.
    manifest = build_dataset([tmp_path / "p"], settings(test_share=0.4), store=LocalStore(tmp_path / "s"))
    source_of = {image.sha256: Path(image.path).stem.split("~")[0] for image in manifest.images}
    sides: dict[str, set[str]] = {}
    for face in manifest.faces:
        sides.setdefault(source_of[face.image_sha256], set()).add(face.split)
    assert {source for source, both in sides.items() if len(both) > 1} == set()
    assert len(sides) == len(PEOPLE) * PHOTOS  # of every photo one copy is still there
    duplicates = [image for image in manifest.images if image.reason == "near-duplicate"]
    assert len(duplicates) >= 0.9 * 2 * len(PEOPLE) * PHOTOS
    for image in duplicates:
        assert Path(image.path).stem.split("~")[0] == Path(image.detail.split(" of ")[1]).stem.split("~")[0]


def test_every_planted_wrong_photo_is_caught_and_no_right_one(photos: Path, test_data: Path, tmp_path: Path) -> None:
    root = tmp_path / "p"
    shutil.copytree(photos, root)
    strangers = sorted((test_data / "unknowns").rglob("*.jpg"))[:4]
    for person, stranger in zip(PEOPLE, strangers, strict=True):
        shutil.copy(stranger, root / person / "stranger.jpg")
    for person, other in zip(PEOPLE, PEOPLE[1:] + PEOPLE[:1], strict=True):
        unseen = sorted((test_data / "actors" / other).glob("*.jpg"))[PHOTOS]
        shutil.copy(unseen, root / person / "wrong.jpg")
    manifest = build_dataset([root], Config(), store=LocalStore(tmp_path / "s"))
    dropped = {image.path for image in manifest.images if image.reason == "wrong-person"}
    assert dropped == {f"{person}/{name}.jpg" for person in PEOPLE for name in ("stranger", "wrong")}
    named = next(image for image in manifest.images if image.path == f"{PEOPLE[0]}/wrong.jpg")
    assert PEOPLE[1] in named.detail
    flagged = build_dataset([root], settings(wrong_person="flag"), store=LocalStore(tmp_path / "s"))
    assert outcomes(flagged)["flagged", "wrong-person"] == len(dropped)
    assert sum("wrong-person" in face.flags for face in flagged.faces) == len(dropped)
    assert len(flagged.faces) == len(manifest.faces) + len(dropped)


def test_one_photo_under_two_names_is_settled_by_the_folders(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "p"
    shutil.copytree(photos, root)
    source = sorted((root / PEOPLE[0]).glob("*.jpg"))[0]
    shutil.copy(source, root / PEOPLE[1] / "borrowed.jpg")
    for folder in ("New One", "New Two"):  # nobody can know whose photo this is
        write_all(root / folder, {"same.jpg": sorted((photos / PEOPLE[2]).glob("*.jpg"))[0].read_bytes()})
    shutil.rmtree(root / PEOPLE[2])
    manifest = build_dataset([root], Config(), store=LocalStore(tmp_path / "s"))
    reasons = {image.path: image.reason for image in manifest.images if image.outcome != "kept"}
    assert reasons == {
        f"{PEOPLE[1]}/borrowed.jpg": "wrong-person",
        "New One/same.jpg": "two-names",
        "New Two/same.jpg": "two-names",
    }


def test_the_right_face_of_a_group_is_kept(photos: Path, tmp_path: Path) -> None:
    root = tmp_path / "p"
    shutil.copytree(photos, root)
    mine = pixels_of(sorted((photos / PEOPLE[3]).glob("*.jpg"))[0])
    other = pixels_of(sorted((photos / PEOPLE[0]).glob("*.jpg"))[1])
    larger = cv2.resize(other, None, fx=1.6, fy=1.6)
    height = max(mine.shape[0], larger.shape[0])
    pad = [np.pad(each, ((0, height - each.shape[0]), (0, 0), (0, 0))) for each in (mine, larger)]
    sorted((root / PEOPLE[3]).glob("*.jpg"))[0].unlink()
    (root / PEOPLE[3] / "group.png").write_bytes(encoded(np.hstack(pad), "PNG"))
    manifest = build_dataset([root], Config(), store=LocalStore(tmp_path / "s"))
    image = next(image for image in manifest.images if image.path.endswith("group.png"))
    assert image.outcome == "kept" and image.faces_found >= 2
    face = next(face for face in manifest.faces if face.image_sha256 == image.sha256)
    assert face.box[2] < mine.shape[1] + 10  # the smaller face, on the left
    assert face.agreement is not None and face.agreement > 0.9


def test_forty_faces_and_faces_cut_by_the_edge(photos: Path, test_data: Path, tmp_path: Path) -> None:
    tiles = [pixels_of(path)[60:190, 60:190] for path in sorted((test_data / "lfw_dev" / "people").rglob("*.jpg"))[:40]]
    crowd = np.vstack([np.hstack(tiles[row : row + 8]) for row in range(0, 40, 8)])
    root = tmp_path / "p"
    shutil.copytree(photos / PEOPLE[0], root / PEOPLE[0])
    whole = pixels_of(sorted((photos / PEOPLE[0]).glob("*.jpg"))[0])
    write_all(
        root / "Crowd",
        {"forty.jpg": encoded(crowd, "JPEG", quality=95), "cut.jpg": encoded(whole[:, : whole.shape[1] // 2], "JPEG")},
    )
    store = LocalStore(tmp_path / "s")
    manifest = build_dataset([root], Config(), store=store)
    forty = next(image for image in manifest.images if image.path.endswith("forty.jpg"))
    assert forty.faces_found >= 36
    for face in manifest.faces:
        assert read_crop(store, manifest, face).shape == (272, 272, 3)
