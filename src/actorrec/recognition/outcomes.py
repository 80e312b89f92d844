"""One labelled picture, or one kept face, and what a recogniser says of it."""

from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ItemError
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.manifests.evaluation import PictureOutcome
from actorrec.manifests.model import Rate
from actorrec.recognition.crops import read_crop
from actorrec.recognition.gallery import photo_counts
from actorrec.recognition.rates import rate_of
from actorrec.recognition.recogniser import Recogniser
from actorrec.recognition.score_models import footing
from actorrec.types import BoundingBox, Face, Landmarks, RecognisedFace
from actorrec.vision.decode import read_picture
from actorrec.vision.main_face import main_face

_MAX_BYTES: Final = 64 * 2**20
_MAX_PIXELS: Final = 80_000_000


@dataclass(frozen=True, slots=True)
class LabelledPicture:
    """A picture and who it shows.

    Attributes:
        path: The file.
        source: As the user would find it.
        label: The folder it lies in; empty for a stranger's.
        actual: Whom the recogniser knows by that label; None for somebody it does not know.
    """

    path: Path
    source: str
    label: str
    actual: str | None


def picture_outcome(recogniser: Recogniser, picture: LabelledPicture) -> PictureOutcome:
    """Detect, align and name the main face of a picture; one that cannot be read is an outcome too."""
    try:
        pixels = read_picture(picture.path, max_bytes=_MAX_BYTES, max_pixels=_MAX_PIXELS).pixels
    except ItemError:
        return PictureOutcome(source=picture.source, actual=picture.actual, problem="unreadable")
    found = recogniser.recognise(pixels)[0]
    height, width = pixels.shape[:2]
    meant = main_face([each.face for each in found], (height, width))
    chosen = next((each for each in found if each.face is meant), None)
    return _outcome(recogniser, picture.source, picture.actual, chosen)


def crop_outcome(
    recogniser: Recogniser, where: tuple[ArtifactStore, DatasetManifest], record: FaceRecord, known: AbstractSet[str]
) -> PictureOutcome:
    """Name a face of a data set by its stored crop; a person who is not in ``known`` counts as a stranger.

    Raises:
        ArtifactError: If the crop is missing, or is not the one that was built.
    """
    crop = read_crop(*where, record)
    side = float(crop.shape[0])
    points = np.asarray(record.crop_landmarks, np.float32)
    face = Face(BoundingBox(0.0, 0.0, side, side), Landmarks(points), record.score)
    found = recogniser.name_faces(crop, [face])[0]
    actual = record.person_id if record.person_id in known else None
    return _outcome(recogniser, record.crop, actual, found[0])


def top1_of(outcomes: Sequence[PictureOutcome]) -> Rate:
    """Pictures of known people whose nearest person is right."""
    known = [outcome for outcome in outcomes if outcome.actual is not None]
    return rate_of(sum(outcome.right for outcome in known), len(known))


def tpir_of(outcomes: Sequence[PictureOutcome]) -> Rate:
    """Pictures of known people that were given their own name."""
    known = [outcome for outcome in outcomes if outcome.actual is not None]
    return rate_of(sum(outcome.named == outcome.actual for outcome in known), len(known))


def fpir_of(outcomes: Sequence[PictureOutcome]) -> Rate | None:
    """Pictures of strangers that were given a name; None without strangers."""
    strangers = [outcome for outcome in outcomes if outcome.actual is None]
    return rate_of(sum(outcome.named is not None for outcome in strangers), len(strangers)) if strangers else None


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
