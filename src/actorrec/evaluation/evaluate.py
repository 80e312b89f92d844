"""Measure a recogniser on labelled photos and on strangers, as ``infer`` would see them."""

import os
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from actorrec.artifacts.digest import file_sha256
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import DataError
from actorrec.evaluation.summarise import summarise
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.evaluation import EvaluationReport
from actorrec.progress import Progress, SilentProgress
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.evaluation_set import STRANGER, held_back_faces, held_back_words, set_digest, shown_by_faces
from actorrec.recognition.outcomes import LabelledPicture, crop_outcome, picture_outcome
from actorrec.recognition.recogniser import Recogniser
from actorrec.vision.listing import list_pictures


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
            outcomes.append(picture_outcome(recogniser, picture))
            step.advance()
    report = summarise(
        outcomes,
        recogniser,
        measured_on=f"{len(pictures)} pictures, detected, aligned and named as infer does",
        detector_id=recogniser.detector.detector_id,
        unknown_people=unknown_people,
        unlisted=unlisted,
    )
    return report.model_copy(update={"set_digest": _digest_of(_shown_by(pictures), unlisted)})


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
    faces = held_back_faces(dataset)
    if not faces:
        raise DataError("the data set has no photos held back for testing", hint="give photos with --photos DIR")
    unlisted: list[str] = []
    strangers = _strangers(unknowns, unlisted)
    outcomes = []
    with (progress or SilentProgress()).step("evaluating", len(faces) + len(strangers), "pictures") as step:
        for record in faces:
            outcomes.append(crop_outcome(recogniser, (store, dataset), record, known_ids))
            step.advance()
        for picture in strangers:
            outcomes.append(picture_outcome(recogniser, picture))
            step.advance()
    report = summarise(
        outcomes,
        recogniser,
        measured_on=held_back_words(dataset, faces)
        + (f" and {len(strangers)} pictures of strangers" if strangers else ""),
        detector_id=dataset.detector_id,
        unknown_people=sorted({face.person_id for face in faces} - known_ids),
        unlisted=unlisted,
    )
    shown = [*shown_by_faces(dataset, faces), *_shown_by(strangers)]
    return report.model_copy(update={"set_digest": _digest_of(shown, unlisted)})


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


def _labelled(photos: Path, labels: Mapping[str, str], unlisted: list[str]) -> Iterator[LabelledPicture]:
    for path in _pictures_in(photos, unlisted):
        inside = path.relative_to(photos)
        if len(inside.parts) > 1:  # a picture beside the folders has no label
            person = unicodedata.normalize("NFC", _readable(inside.parts[0]))
            yield LabelledPicture(path, _readable(str(inside)), person, labels.get(person))


def _strangers(unknowns: Path | None, unlisted: list[str]) -> list[LabelledPicture]:
    if unknowns is None:
        return []
    pictures = _pictures_in(unknowns, unlisted)
    return [LabelledPicture(path, _readable(str(path.relative_to(unknowns))), STRANGER, None) for path in pictures]


def _pictures_in(folder: Path, unlisted: list[str]) -> list[Path]:
    """The pictures below a folder; folders in it that are closed are told to ``unlisted``."""

    def closed(error: OSError) -> None:
        inside = Path(error.filename).relative_to(folder)
        if not inside.parts:
            raise DataError(f"cannot read the folder {folder}: {error.strerror}")
        unlisted.append(f"{_readable(str(inside))} ({error.strerror})")

    return list_pictures(folder, on_error=closed)


def _shown_by(pictures: Iterable[LabelledPicture]) -> Iterator[tuple[str, str | None]]:
    """Who each picture shows by its folder, and the SHA-256 of its contents; None for one that cannot be opened."""
    for picture in pictures:
        try:
            yield picture.label, file_sha256(picture.path)
        except OSError:
            yield picture.label, None


def _digest_of(shown: Iterable[tuple[str, str | None]], unlisted: Sequence[str]) -> str | None:
    """Digest of the set; None where a part of it cannot be read, so that nobody knows what it is."""
    pairs = list(shown)
    read = [(who, sha256) for who, sha256 in pairs if sha256 is not None]
    return set_digest(read) if len(read) == len(pairs) and not unlisted else None


def _readable(name: str) -> str:
    """A file name that can be written as UTF-8; bytes that are none become U+FFFD."""
    return os.fsencode(name).decode("utf-8", "replace")
