"""Faces in view over time, and which found face is which of them."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.naming import Answer
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.types import Face, RecognisedFace
from actorrec.vision.boxes import Boxes, overlaps

MAX_FACES: Final = 100
"""Faces that are followed at once; of more found ones the largest and surest are."""
SAME_FACE_IOU: Final = 0.3
"""Between a face followed and the same face found anew, after a second's drift."""
_NEAR: Final = 0.5  # of the larger side: how far a face may have gone whose boxes no longer overlap so much
_SAME_SIZE: Final = 0.6
_LEAST_SPREAD_PX: Final = 1.0  # of five landmarks; closer together they say nothing of how a face lies
_FARTHEST_PX: Final = 1e6


@dataclass(slots=True, eq=False)
class Track:
    """One face over time; times are of the watcher's clock but for ``first_s`` and ``last_s``.

    Attributes:
        track_id: From 1.
        face: Where it is, or was seen last.
        first_s, last_s: When it was first and last seen, on the frames' clock.
        seen_s: When it was last seen.
        found_s: When it was last found by the detector.
        looked_s: When it was last embedded; −inf before.
        misses: Searches in a row that did not find it.
        lost: It is not seen at the moment.
        hidden: The scene was cut, or another face came in its place, since it was seen: only looks bring it back.
        unsure: It may be somebody else by now; its next look tells.
        lapsed: It was lost for a while since its last look.
        moved: The face changed since its last look.
        told: Whether a sighting has spoken of it.
        evidence: Its looks.
        answer: Who it is by them; None before the first.
        latest: As it was embedded in this frame.
    """

    track_id: int
    face: Face
    first_s: float
    last_s: float
    seen_s: float
    found_s: float
    looked_s: float = float("-inf")
    misses: int = 0
    lost: bool = False
    hidden: bool = False
    unsure: bool = False
    lapsed: bool = False
    moved: bool = True
    told: bool = False
    odd_looks: int = 0
    evidence: Evidence = field(default_factory=Evidence)
    answer: Answer | None = None
    latest: RecognisedFace | None = None

    def as_told(self) -> TrackedFace:
        """As sightings speak of it."""
        answer = self.answer
        return TrackedFace(
            track_id=self.track_id,
            face=self.face,
            decided=answer is not None and answer.decided,
            prediction=None if answer is None else answer.prediction,
            candidates=() if answer is None else answer.candidates,
            first_s=self.first_s,
            last_s=self.last_s,
            looks=self.evidence.looks,
            latest=self.latest,
        )


def usable(faces: Sequence[Face]) -> list[Face]:
    """Found faces that can be followed and embedded, the largest and surest first."""
    kept = [face for face in faces if _sound(face)]
    kept.sort(key=lambda face: -face.score * face.box.area_px**0.5)
    return kept


def pair(tracks: Sequence[Face], found: Sequence[Face]) -> list[tuple[int, int]]:
    """Which found face is which known one, the closest pairs first, each once.

    Returns:
        Pairs of an index of ``tracks`` and one of ``found``.
    """
    if not tracks or not found:
        return []
    left, right = _boxes(tracks), _boxes(found)
    closeness = overlaps(left, right)
    closeness[closeness < SAME_FACE_IOU] = 0
    closeness = np.maximum(closeness, SAME_FACE_IOU * _nearness(left, right))
    pairs: list[tuple[int, int]] = []
    for _ in range(min(closeness.shape)):
        row, column = np.unravel_index(int(closeness.argmax()), closeness.shape)
        if closeness[row, column] <= 0:
            break
        pairs.append((int(row), int(column)))
        closeness[row, :] = closeness[:, column] = 0
    return pairs


def tangled(faces: Sequence[Face]) -> list[int]:
    """Faces that lie so much upon one another that following may take one for the other."""
    if len(faces) < 2:
        return []
    together = upon_one_another(faces, faces) & ~np.eye(len(faces), dtype=np.bool_)
    return [int(index) for index in np.flatnonzero(together.any(axis=1))]


def upon_one_another(left: Sequence[Face], right: Sequence[Face]) -> NDArray[np.bool_]:
    """Which faces lie where others do, whatever their size; shape (N, M)."""
    return overlaps(_boxes(left), _boxes(right), over="smaller") > SAME_FACE_IOU


def _nearness(left: Boxes, right: Boxes) -> NDArray[np.float32]:
    """1 for one centre down to 0 for as far apart as a face may go, for faces of about one size; shape (N, M)."""
    centres_left, centres_right = (left[:, :2] + left[:, 2:]) / 2, (right[:, :2] + right[:, 2:]) / 2
    apart = np.linalg.norm(centres_left[:, None] - centres_right[None], axis=2)
    side_left, side_right = np.sqrt(_areas(left))[:, None], np.sqrt(_areas(right))[None, :]
    larger = np.maximum(np.maximum(side_left, side_right), 1e-6)
    alike = np.minimum(side_left, side_right) / larger >= _SAME_SIZE
    near = np.clip(1 - apart / (_NEAR * larger), 0, 1)
    return np.asarray(np.where(alike, near, 0), np.float32)


def _areas(boxes: Boxes) -> NDArray[np.float32]:
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    return np.asarray(sides[:, 0] * sides[:, 1], np.float32)


def _boxes(faces: Sequence[Face]) -> Boxes:
    rows = [(face.box.x1, face.box.y1, face.box.x2, face.box.y2) for face in faces]
    return np.array(rows, np.float32).reshape(-1, 4)


def _sound(face: Face) -> bool:
    box = face.box
    numbers = np.array([box.x1, box.y1, box.x2, box.y2, face.score, *face.landmarks.points.ravel()])
    return (
        bool(np.all(np.abs(numbers) < _FARTHEST_PX))
        and box.width_px >= 1
        and box.height_px >= 1
        and float(np.ptp(face.landmarks.points, axis=0).max()) >= _LEAST_SPREAD_PX
    )
