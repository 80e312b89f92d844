"""Measure a recogniser on labelled photos and on strangers, as ``infer`` would see them."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterator, Mapping
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
        photos: A folder per person, named by ``person_id``, or by a name that only one of them has.
        unknowns: Pictures of nobody the gallery knows, in any depth of folders.
        target_fpir: Another false-naming rate than the recogniser was calibrated to; None for its own threshold.
        progress: Told of every picture.

    Raises:
        DataError: If a folder is missing or there is no picture.
    """
    recogniser = _at_target(recogniser, target_fpir)
    unlisted: list[str] = []
    pictures = list(_labelled(photos, _labels(recogniser), unlisted))
    unknown_people = sorted({picture.label for picture in pictures if picture.actual is None})
    pictures += _strangers(unknowns, unlisted)
    if not pictures:
        closed = f"; cannot be listed: {', '.join(unlisted)}" if unlisted else ""
        raise DataError(
            f"there is no picture in {photos}{closed}", hint="it needs a folder for each person, with photos in it"
        )
    outcomes = []
    with (progress or SilentProgress()).step("evaluating", len(pictures), "pictures") as step:
        for picture in pictures:
            outcomes.append(_measure(recogniser, picture))
            step.advance()
    return summarise(
        outcomes,
        recogniser,
        measured_on=f"{len(pictures)} pictures, detected, aligned and named as infer does",
        detector_id=recogniser.detector.detector_id,
        unknown_people=unknown_people,
        unlisted=unlisted,
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
    unlisted: list[str] = []
    strangers = _strangers(unknowns, unlisted)
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
        recogniser,
        measured_on=f"{len(faces)} held-back faces of {dataset.ref} and {len(strangers)} pictures of strangers",
        detector_id=dataset.detector_id,
        unknown_people=sorted({face.person_id for face in faces} - known_ids),
        unlisted=unlisted,
    )


def _at_target(recogniser: Recogniser, target_fpir: float | None) -> Recogniser:
    if target_fpir is None or target_fpir == recogniser.calibration.target_fpir:
        return recogniser
    return replace(recogniser, calibration=calibrate(recogniser.gallery, target_fpir=target_fpir))


def _labels(recogniser: Recogniser) -> dict[str, str]:
    """What a folder may be called → ``person_id``."""
    often = Counter(person.name for person in recogniser.people)
    by_name = {person.name: person.person_id for person in recogniser.people if often[person.name] == 1}
    spaced = {name.replace(" ", "_"): person_id for name, person_id in by_name.items()}
    return spaced | by_name | {person_id: person_id for person_id in recogniser.gallery.person_ids}


def _labelled(photos: Path, labels: Mapping[str, str], unlisted: list[str]) -> Iterator[_Picture]:
    for path in _pictures_in(photos, unlisted):
        inside = path.relative_to(photos)
        if len(inside.parts) > 1:  # a picture beside the folders has no label
            person = unicodedata.normalize("NFC", _readable(inside.parts[0]))
            yield _Picture(path, _readable(str(inside)), person, labels.get(person))


def _strangers(unknowns: Path | None, unlisted: list[str]) -> list[_Picture]:
    if unknowns is None:
        return []
    pictures = _pictures_in(unknowns, unlisted)
    return [_Picture(path, _readable(str(path.relative_to(unknowns))), "", None) for path in pictures]


def _pictures_in(folder: Path, unlisted: list[str]) -> list[Path]:
    """The pictures below a folder; folders in it that are closed are told to ``unlisted``."""

    def closed(error: OSError) -> None:
        inside = Path(error.filename).relative_to(folder)
        if not inside.parts:
            raise DataError(f"cannot read the folder {folder}: {error.strerror}")
        unlisted.append(f"{_readable(str(inside))} ({error.strerror})")

    return list_pictures(folder, on_error=closed)


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
