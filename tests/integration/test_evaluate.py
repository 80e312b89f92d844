"""Evaluation on real photos: what counts, what is named, and a report that stands alone."""

import errno
import os
import re
import shutil
from dataclasses import replace
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest

from actorrec.errors import DataError
from actorrec.evaluation.evaluate import evaluate, evaluate_dataset
from actorrec.evaluation.report import report_html, write_report
from actorrec.faces.detectors import default_detector_spec, make_detector
from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder
from actorrec.manifests.dataset import Person
from actorrec.manifests.evaluation import EvaluationReport
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.gallery import build_gallery, rename_person
from actorrec.recognition.recogniser import Recogniser
from actorrec.recognition.views import embed_photo, enrolment_views
from actorrec.types import BoundingBox, Face, Landmarks
from actorrec.vision.align import DLIB_150
from actorrec.vision.decode import read_picture
from actorrec.vision.main_face import main_face
from real_faces import data_dir

PEOPLE, LEARNED, TESTED = 6, 3, 3


@cache
def recogniser() -> Recogniser:
    """Six people of lfw_dev, three photos each."""
    detector = make_detector(default_detector_spec("mtcnn"), None, num_threads=1)
    embedder = make_embedder(DEFAULT_SPEC, None)
    vectors, people, sources = [], [], []
    for folder in folders():
        for path in sorted(folder.glob("*.jpg"))[:LEARNED]:
            pixels = read_picture(path, max_bytes=1 << 24, max_pixels=1 << 24).pixels
            face = main_face(detector.detect(pixels), pixels.shape[:2])
            assert face is not None, path
            views = enrolment_views(pixels, face.landmarks, DLIB_150, jitters=2, seed=0)
            vectors.append(embed_photo(embedder, views))
            people.append(folder.name)
            sources.append(path.name)
    gallery = build_gallery(DEFAULT_SPEC.model_id, np.stack(vectors), people, sources)
    return Recogniser(detector, embedder, gallery, calibrate(gallery, target_fpir=0.01), ())


def folders() -> list[Path]:
    return sorted((data_dir() / "lfw_dev" / "people").iterdir())[:PEOPLE]


@pytest.fixture
def photos(tmp_path: Path) -> Path:
    """Three other photos of each person, a picture without a face, a broken one, and a person nobody knows."""
    target = tmp_path / "photos"
    for folder in folders():
        (target / folder.name).mkdir(parents=True)
        for path in sorted(folder.glob("*.jpg"))[LEARNED : LEARNED + TESTED]:
            shutil.copy(path, target / folder.name)
    first = target / folders()[0].name
    from PIL import Image

    Image.new("RGB", (90, 60), (120, 130, 140)).save(first / "empty wall.jpg")
    (first / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    stranger = sorted((data_dir() / "lfw_dev" / "strangers").rglob("*.jpg"))[0]
    (target / "<b>Nobody & Co").mkdir()
    shutil.copy(stranger, target / "<b>Nobody & Co" / "a <i>b.jpg")
    (target / "beside the folders.jpg").write_bytes(stranger.read_bytes())
    return target


@pytest.fixture
def strangers(tmp_path: Path) -> Path:
    target = tmp_path / "strangers" / "deep"
    target.mkdir(parents=True)
    for path in sorted((data_dir() / "lfw_dev" / "strangers").rglob("*.jpg"))[1:25]:
        shutil.copy(path, target)
    return target.parent


def test_every_picture_counts_and_each_miss_is_named(photos: Path, strangers: Path) -> None:
    report = evaluate(recogniser(), photos, strangers)
    known = PEOPLE * TESTED + 2
    assert report.top1.n == report.tpir.n == report.macro_f1.n == known
    assert report.top1.value == pytest.approx((known - 2) / known), [miss.source for miss in report.misses]
    assert report.fpir is not None and report.fpir.n == 25 and report.fpir.value <= 1 / 25
    assert report.unknown_people == ["<b>Nobody & Co"]
    first = folders()[0].name
    problems = {miss.source: miss.miss for miss in report.misses if miss.problem}
    assert problems == {f"{first}/empty wall.jpg": "no-face", f"{first}/broken.jpg": "unreadable"}
    row = next(row for row in report.people if row.person_id == first)
    assert (row.photos, row.right, row.no_face) == (TESTED + 2, TESTED, 2)
    assert report.wrong_names.value == 0 and report.calibration.threshold == recogniser().calibration.threshold
    assert EvaluationReport.model_validate_json(report.model_dump_json()) == report


def test_another_target_moves_the_threshold_and_nothing_else(photos: Path) -> None:
    strict = evaluate(recogniser(), photos, target_fpir=0.0001)
    assert strict.calibration.threshold > recogniser().calibration.threshold
    assert strict.fpir is not None and strict.fpir.n == 1  # the folder of somebody nobody knows
    assert strict.calibration.target_fpir == 0.0001


def test_without_strangers_no_false_naming_rate_is_made_up(photos: Path) -> None:
    shutil.rmtree(photos / "<b>Nobody & Co")
    report = evaluate(recogniser(), photos)
    assert report.fpir is None and report.tpir_afterwards is None and report.calibration_error is None
    assert "Strangers" not in report_html(report)


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads every folder")
def test_a_closed_folder_is_named_and_the_others_are_measured(photos: Path, strangers: Path) -> None:
    closed = [photos / folders()[1].name, strangers / "deep"]
    for folder in closed:
        folder.chmod(0)
    try:
        report = evaluate(recogniser(), photos, strangers)
    finally:
        for folder in closed:
            folder.chmod(0o755)
    _named_and_measured(report)


def test_a_folder_that_the_system_refuses_is_named_and_the_others_are_measured(
    photos: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As root, too: the system answers for two folders what it answers another user for closed ones."""
    closed, scandir = {folders()[1].name, "deep"}, os.scandir

    def refusing(path: str) -> object:
        if Path(path).name in closed:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), path)
        return scandir(path)

    strangers = photos.parent / "strangers"
    (strangers / "deep").mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", refusing)
    _named_and_measured(evaluate(recogniser(), photos, strangers))


def _named_and_measured(report: EvaluationReport) -> None:
    why = os.strerror(errno.EACCES)
    assert report.unlisted == [f"{folders()[1].name} ({why})", f"deep ({why})"]
    assert report.top1.n == (PEOPLE - 1) * TESTED + 2
    page = report_html(report)
    assert "2 folders could not be listed" in page and folders()[1].name in page


def test_people_are_shown_by_name_and_found_by_id_or_name(photos: Path) -> None:
    """As for scraped people, whose ids are no names; two who share a name are shown, and found, by their ids."""
    first, second, third = (folder.name for folder in folders()[:3])
    ids = {first: "Q1", second: "Q2", third: "Q3"}
    names = {"Q1": first.replace("_", " "), "Q2": "Sam Ek", "Q3": "Sam Ek"}
    old = recogniser()
    gallery = old.gallery
    for name, person_id in ids.items():
        gallery = rename_person(gallery, name, person_id)
    people = tuple(Person(person_id=each, name=names.get(each, each)) for each in gallery.person_ids)
    (photos / second).rename(photos / "Q2")
    report = evaluate(replace(old, gallery=gallery, people=people), photos)
    assert report.unknown_people == ["<b>Nobody & Co", third]
    assert {row.person_id for row in report.people} >= {"Q1", "Q2"}
    assert report.shown("Q1") == names["Q1"] and report.shown("Q2") == "Q2" and report.shown(None) == ""
    page = report_html(report)
    assert f"<td>{names['Q1']}</td>" in page and "<td>Q2</td>" in page
    assert ">Q1<" not in page and "Sam Ek" not in page


def test_no_pictures_and_no_folder_are_errors(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="no picture"):
        evaluate(recogniser(), tmp_path)
    with pytest.raises(DataError, match="cannot read the folder"):
        evaluate(recogniser(), tmp_path / "missing")


class Page(HTMLParser):
    """Collects tags and addresses."""

    def __init__(self) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.addresses: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [value or "" for name, value in attrs if name in ("src", "href", "srcset", "action")]


def test_the_report_is_one_file_that_asks_for_nothing_and_escapes_names(
    photos: Path, strangers: Path, tmp_path: Path
) -> None:
    report = evaluate(recogniser(), photos, strangers)
    write_report(report, tmp_path / "new folder" / "report.html")
    text = (tmp_path / "new folder" / "report.html").read_text(encoding="utf-8")
    page = Page()
    page.feed(text)
    assert page.tags.count("img") == 4 and "script" not in page.tags and "link" not in page.tags
    assert all(address.startswith("data:image/png;base64,") for address in page.addresses)
    assert not re.search(r"https?://", text)
    assert "<b>Nobody" not in text and "&lt;b&gt;Nobody &amp; Co" in text
    assert f"n = {report.tpir.n}" in text and "empty wall.jpg" in text and "no face found" in text


def test_the_held_back_side_of_a_data_set() -> None:
    pytest.importorskip("keras")
    from actor_models import trained_actors
    from actorrec.config import Config
    from actorrec.recognition.model_loader import recogniser_from_model

    store, dataset, model = trained_actors()
    report = evaluate_dataset(recogniser_from_model(store, model, Config()), dataset, store=store)
    tested = [face for face in dataset.faces if face.split == "test"]
    assert report.top1.n == len(tested) and report.top1.value >= 0.95 and report.fpir is None
    assert {outcome.source for outcome in report.outcomes} == {face.crop for face in tested}


def face_at(x: float, y: float, side: float) -> Face:
    return Face(BoundingBox(x, y, x + side, y + side), Landmarks(np.zeros((5, 2), np.float32)), 1.0)


def test_the_main_face_is_the_largest_unless_it_is_far_out() -> None:
    middle, edge, large_edge = face_at(80, 80, 40), face_at(0, 0, 50), face_at(0, 0, 90)
    assert main_face([], (200, 200)) is None
    assert main_face([edge, middle], (200, 200)) is middle
    assert main_face([large_edge, middle], (200, 200)) is large_edge
