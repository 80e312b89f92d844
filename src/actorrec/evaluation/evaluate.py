"""Measure a recogniser on labelled photos and on strangers, as ``infer`` would see them."""

import os
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Final

import numpy as np

from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import DataError, ItemError
from actorrec.evaluation.summarise import summarise
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.manifests.evaluation import EvaluationReport, PictureOutcome
from actorrec.progress import Progress, SilentProgress
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.crops import read_crop
from actorrec.recognition.gallery import photo_counts
from actorrec.recognition.recogniser import Recogniser
from actorrec.recognition.score_models import footing
from actorrec.types import BoundingBox, Face, Landmarks, RecognisedFace
from actorrec.vision.decode import read_picture
from actorrec.vision.listing import list_pictures
from actorrec.vision.main_face import main_face

_MAX_BYTES: Final = 64 * 2**20
_MAX_PIXELS: Final = 80_000_000


@dataclass(frozen=True, slots=True)
class _Picture:
    path: Path
    source: str
    label: str
    actual: str | None


def evaluate(
    recogniser: Recogniser,
    photos: Path,
    unknowns: Path | None = None,
    *,
    target_fpir: float | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Measure on a folder per person, and on pictures of strangers.

    People that the gallery does not know count as strangers, and are listed. A picture that cannot be read, or in
    which no face is found, is wrong for the person it shows (and not named, for a stranger).

    Args:
        recogniser: What is measured; its own detector, embedder, gallery and threshold.
        photos: A folder per person, named by ``person_id``.
        unknowns: Pictures of nobody the gallery knows, in any depth of folders.
        target_fpir: Another false-naming rate than the recogniser was calibrated to; None for its own threshold.
        progress: Told of every picture.

    Raises:
        DataError: If a folder is missing or there is no picture.
    """
    recogniser = _at_target(recogniser, target_fpir)
    known_ids = set(recogniser.gallery.person_ids)
    pictures = list(_labelled(photos, known_ids))
    unknown_people = sorted({picture.label for picture in pictures if picture.actual is None})
    pictures += _strangers(unknowns)
    if not pictures:
        raise DataError(f"there is no picture in {photos}", hint="it needs a folder for each person, with photos in it")
    outcomes = []
    with (progress or SilentProgress()).step("evaluating", len(pictures), "pictures") as step:
        for picture in pictures:
            outcomes.append(_measure(recogniser, picture))
            step.advance()
    return summarise(
        outcomes,
        recogniser.calibration,
        measured_on=f"{len(pictures)} pictures, detected, aligned and named as infer does",
        names=(recogniser.model_id, recogniser.detector.detector_id),
        people_known=len(known_ids),
        unknown_people=unknown_people,
    )


def evaluate_dataset(
    recogniser: Recogniser,
    dataset: DatasetManifest,
    unknowns: Path | None = None,
    *,
    store: ArtifactStore,
    target_fpir: float | None = None,
    progress: Progress | None = None,
) -> EvaluationReport:
    """Measure on the test side of the data set that a model was trained on.

    The faces are those that ``build-dataset`` found and kept, so that a photo without a face is not counted here.

    Args:
        recogniser: What is measured.
        dataset: Its faces of split ``test``; people with too few photos to be tested are not in it.
        unknowns: Pictures of nobody the gallery knows.
        store: Where the data set lives.
        target_fpir: Another false-naming rate than the recogniser was calibrated to; None for its own threshold.
        progress: Told of every picture.

    Raises:
        DataError: If the data set has no test side.
    """
    recogniser = _at_target(recogniser, target_fpir)
    known_ids = set(recogniser.gallery.person_ids)
    faces = [face for face in dataset.faces if face.split == "test"]
    if not faces:
        raise DataError("the data set has no photos held back for testing", hint="give photos with --photos DIR")
    strangers = _strangers(unknowns)
    outcomes = []
    with (progress or SilentProgress()).step("evaluating", len(faces) + len(strangers), "pictures") as step:
        for record in faces:
            outcomes.append(_measure_crop(recogniser, (store, dataset), record, known_ids))
            step.advance()
        for picture in strangers:
            outcomes.append(_measure(recogniser, picture))
            step.advance()
    return summarise(
        outcomes,
        recogniser.calibration,
        measured_on=f"{len(faces)} held-back faces of {dataset.ref} and {len(strangers)} pictures of strangers",
        names=(recogniser.model_id, dataset.detector_id),
        people_known=len(known_ids),
        unknown_people=sorted({face.person_id for face in faces} - known_ids),
    )


def _at_target(recogniser: Recogniser, target_fpir: float | None) -> Recogniser:
    if target_fpir is None or target_fpir == recogniser.calibration.target_fpir:
        return recogniser
    return replace(recogniser, calibration=calibrate(recogniser.gallery, target_fpir=target_fpir))


def _labelled(photos: Path, known_ids: set[str]) -> Iterator[_Picture]:
    try:
        paths = list_pictures(photos)
    except OSError as error:
        raise DataError(f"cannot read the folder {error.filename or photos}: {error.strerror}") from None
    for path in paths:
        inside = path.relative_to(photos)
        if len(inside.parts) > 1:  # a picture beside the folders has no label
            person = unicodedata.normalize("NFC", _readable(inside.parts[0]))
            yield _Picture(path, _readable(str(inside)), person, person if person in known_ids else None)


def _strangers(unknowns: Path | None) -> list[_Picture]:
    if unknowns is None:
        return []
    try:
        return [
            _Picture(path, _readable(str(path.relative_to(unknowns))), "", None) for path in list_pictures(unknowns)
        ]
    except OSError as error:
        raise DataError(f"cannot read the folder {error.filename or unknowns}: {error.strerror}") from None


def _readable(name: str) -> str:
    """A file name that can be written as UTF-8; bytes that are none become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")


def _measure(recogniser: Recogniser, picture: _Picture) -> PictureOutcome:
    try:
        pixels = read_picture(picture.path, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS).pixels
    except ItemError:
        return PictureOutcome(source=picture.source, actual=picture.actual, problem="unreadable")
    found = recogniser.recognise(pixels)[0]
    height, width = pixels.shape[:2]
    meant = main_face([each.face for each in found], (height, width))
    chosen = next((each for each in found if each.face is meant), None)
    return _outcome(recogniser, picture.source, picture.actual, chosen)


def _measure_crop(
    recogniser: Recogniser, where: tuple[ArtifactStore, DatasetManifest], record: FaceRecord, known_ids: set[str]
) -> PictureOutcome:
    crop = read_crop(*where, record)
    side = float(crop.shape[0])
    points = np.asarray(record.crop_landmarks, np.float32)
    face = Face(BoundingBox(0.0, 0.0, side, side), Landmarks(points), record.score)
    found = recogniser.name_faces(crop, [face])[0]
    actual = record.person_id if record.person_id in known_ids else None
    return _outcome(recogniser, record.crop, actual, found[0])


def _outcome(recogniser: Recogniser, source: str, actual: str | None, found: RecognisedFace | None) -> PictureOutcome:
    if found is None:
        return PictureOutcome(source=source, actual=actual, problem="no-face")
    prediction, gallery = found.prediction, recogniser.gallery
    score = prediction.similarity
    if prediction.best_id is not None:
        row = gallery.person_ids.index(prediction.best_id)
        same = recogniser.calibration.parameters.get("same", 1.0)
        score *= float(footing(photo_counts(gallery)[row : row + 1], same)[0])
    return PictureOutcome(
        source=source,
        actual=actual,
        best_id=prediction.best_id,
        named=prediction.person_id,
        score=score,
        confidence=prediction.confidence,
    )
