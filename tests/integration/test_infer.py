"""Naming faces of real pictures, annotating them, and comparing two."""

import json
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.enrol import enrol
from actorrec.inference.annotate import Annotator
from actorrec.inference.compare import compare
from actorrec.inference.pictures import recognise_pictures
from actorrec.manifests.results import PictureResult
from actorrec.progress import SilentProgress
from actorrec.recognition.model_loader import recogniser_without_people
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.recognition.stored_bundle import open_stored
from real_faces import data_dir

SETTINGS = Config().inference


@pytest.fixture(scope="module")
def splits() -> dict[str, dict[str, list[str]]]:
    found: dict[str, dict[str, list[str]]] = json.loads((data_dir() / "splits.json").read_text())
    return found


@pytest.fixture(scope="module")
def recogniser(splits: dict[str, dict[str, list[str]]], tmp_path_factory: pytest.TempPathFactory) -> Recogniser:
    """Knows the 24 actors from at most six of their training photos each."""
    store = open_store(str(tmp_path_factory.mktemp("store")))
    people = {person: [data_dir() / "actors" / name for name in sides["train"][:6]] for person, sides in splits.items()}
    report = enrol(store, Config(), people, progress=SilentProgress())
    return load_recogniser(open_stored(store, report.manifest), num_threads=2)


def named(recogniser: Recogniser, *sources: Path) -> Iterator[PictureResult]:
    return recognise_pictures([str(source) for source in sources], recogniser, SETTINGS)


def test_actors_are_named_on_photos_they_were_not_taught_from(
    recogniser: Recogniser, splits: dict[str, dict[str, list[str]]]
) -> None:
    right = wrong = 0
    for person, sides in splits.items():
        for result in named(recogniser, *(data_dir() / "actors" / name for name in sides["test"][:3])):
            assert result.error is None
            right += any(face.person_id == person for face in result.faces)
            wrong += any(face.person_id not in (None, person) for face in result.faces)
    assert right >= 66, f"{right} of 72 right, {wrong} wrong"
    assert wrong <= 3, f"{right} of 72 right, {wrong} wrong"


def test_strangers_stay_unknown(recogniser: Recogniser) -> None:
    pictures = sorted((data_dir() / "unknowns").glob("*.jpg"))
    faces = [face for result in named(recogniser, *pictures) for face in result.faces]
    assert len(faces) >= 115
    assert sum(face.person_id is not None for face in faces) <= 4


def test_a_name_is_given_once_a_picture_and_each_face_gets_the_same_as_alone(recogniser: Recogniser) -> None:
    photo = Image.open(data_dir() / "actors/Will_Smith/Will_Smith_003.jpg").convert("RGB")
    twice = Image.new("RGB", (photo.width * 2, photo.height))
    twice.paste(photo, (0, 0))
    twice.paste(photo, (photo.width, 0))
    found, timings = recogniser.recognise(np.asarray(twice), explain=2)
    assert [face.prediction.person_id for face in found].count("Will_Smith") == 1
    assert len(found) == 2
    assert found[0].prediction.similarity == pytest.approx(found[1].prediction.similarity, abs=0.01)
    assert found[0].nearest_photos[0][0].startswith("Will_Smith")
    assert min(timings.detect_ms, timings.align_ms, timings.embed_ms, timings.match_ms) > 0


def test_more_faces_than_one_batch(recogniser: Recogniser) -> None:
    tiles = [Image.open(path).convert("RGB") for path in sorted((data_dir() / "lfw_dev/strangers").glob("*.jpg"))[:40]]
    crowd = Image.new("RGB", (8 * 250, 5 * 250))
    for index, tile in enumerate(tiles):
        crowd.paste(tile, (250 * (index % 8), 250 * (index // 8)))
    found, _ = recogniser.recognise(np.asarray(crowd))
    assert len(found) >= 38
    names = [face.prediction.person_id for face in found if face.prediction.person_id]
    assert len(names) == len(set(names))


def test_every_input_gives_one_plain_json_line(recogniser: Recogniser, tmp_path: Path) -> None:
    (tmp_path / "broken.jpg").write_bytes(b"\xff\xd8\xff")
    (tmp_path / "text.jpg").write_text("hello")
    Image.new("L", (1, 1)).save(tmp_path / "one.png")
    Image.open(data_dir() / "scenes/spiderman_04.jpg").convert("CMYK").save(tmp_path / "cmyk.jpg")
    results = list(named(recogniser, tmp_path, tmp_path / "missing.jpg", tmp_path / "*.tif"))
    assert [Path(result.source).name for result in results] == [
        "broken.jpg", "cmyk.jpg", "one.png", "text.jpg", "missing.jpg", "*.tif",
    ]  # fmt: skip
    assert [result.error is None for result in results] == [False, True, True, False, False, False]
    for result in results:
        line = json.loads(result.model_dump_json())
        assert set(line) == {"source", "width", "height", "model_id", "error", "faces", "timings_ms"}
        assert (line["error"] is None) or (line["faces"] == [] and line["width"] is None)
    cmyk = results[1]
    assert len(cmyk.faces) >= 3
    assert all(0 <= face.confidence <= 1 and -1 <= face.similarity <= 1 for face in cmyk.faces)


def test_annotated_pictures_are_copies_that_never_harm_a_source(recogniser: Recogniser, tmp_path: Path) -> None:
    folder = tmp_path / "photos"
    source = Image.open(data_dir() / "scenes/kit_with_rose.jpg")
    for name in ("a.jpg", "a.png", "deep/a.jpg"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        source.save(folder / name)
    before = {path: path.read_bytes() for path in folder.rglob("a.*")}
    annotator = Annotator(folder)  # the very folder the pictures lie in
    list(recognise_pictures([str(folder)], recogniser, SETTINGS, on_picture=annotator))
    assert {path: path.read_bytes() for path in before} == before
    assert len(set(annotator.written)) == 3
    for path in annotator.written:
        drawn = np.asarray(Image.open(path))
        assert drawn.shape == (source.height, source.width, 3)
        assert np.abs(drawn.astype(int) - np.asarray(source)).max() > 100
    again = Annotator(folder)
    list(recognise_pictures([str(path) for path in before], recogniser, SETTINGS, on_picture=again))
    assert set(again.written) == set(annotator.written)
    assert {path: path.read_bytes() for path in before} == before


def test_compare_two_photos_of_one_person_and_of_two(tmp_path: Path) -> None:
    eyes = recogniser_without_people(Config())
    one, again, other = (
        data_dir() / "actors" / name
        for name in ("Will_Smith/Will_Smith_003.jpg", "Will_Smith/Will_Smith_005.jpg", "Adam_Brody/Adam_Brody_002.jpg")
    )
    same, different = compare(one, again, eyes, SETTINGS), compare(one, other, eyes, SETTINGS)
    assert (same.same_person, different.same_person) == (True, False)
    assert same.probability is not None
    assert different.probability is not None
    assert same.probability > 0.9 > 0.1 > different.probability
    # dlib's own advice for its un-normalised distance: one person below 0.6.
    assert same.euclidean is not None
    assert different.euclidean is not None
    assert same.euclidean < 0.6 < different.euclidean
    itself = compare(one, one, eyes, SETTINGS)
    assert (itself.cosine, itself.euclidean) == (1.0, 0.0)
    Image.new("RGB", (80, 50)).save(tmp_path / "wall.png")
    none = compare(one, tmp_path / "wall.png", eyes, SETTINGS)
    assert none.same_person is None
    assert none.error is not None
    assert "no face" in none.error
    assert "wall.png" in none.error


def test_compare_is_right_on_most_pairs() -> None:
    eyes = recogniser_without_people(Config())
    pairs = [line.split("\t") for line in (data_dir() / "lfw_dev/pairs.tsv").read_text().splitlines()[1:]]
    right, total, folder = 0, 0, data_dir() / "lfw_dev/pairs"
    for _, label, file_a, file_b in pairs[::40]:
        found = compare(folder / file_a, folder / file_b, eyes, SETTINGS)
        total += 1
        right += found.same_person == (label == "1")
    assert total >= 40
    assert right >= 0.94 * total, f"{right} of {total}"
