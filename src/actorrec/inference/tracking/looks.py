"""One look at a face: how much it counts, and whether it shows the person of the looks before."""

import math
from typing import Final

from actorrec.recognition.calibration import same_person_probability
from actorrec.types import Face, FaceQuality, UInt8Image
from actorrec.vision.quality import measure_quality

_FULL_PX: Final = 80.0  # a face of this size has all the detail the embedders take
_HALF_SHARP: Final = 40.0
_LEAST_WEIGHT: Final = 0.05
_STALE_S: Final = 2.0
_SAME: Final = 0.5
_OTHER: Final = 0.05
_QUITE_OTHER: Final = 0.005


def look_weight(pixels: UInt8Image, face: Face, followed_s: float) -> float:
    """How much a look at a face counts, in (0, 1].

    Args:
        pixels: Shape (H, W, 3), uint8, RGB: the frame.
        face: In px of it.
        followed_s: For how long the face was followed since it was last found: its landmarks drift.
    """
    return weight_of(measure_quality(pixels, face), followed_s)


def weight_of(quality: FaceQuality, followed_s: float) -> float:
    """As ``look_weight``, of measures taken."""
    size = min(1.0, quality.face_px / _FULL_PX)
    sharp = quality.sharpness / (quality.sharpness + _HALF_SHARP)
    frontal = 1 / (1 + (2 * quality.yaw) ** 2)
    fresh = 0.5 + 0.5 * math.exp(-max(0.0, followed_s) / _STALE_S)
    weight = size * sharp * frontal * fresh * quality.visible
    return min(1.0, max(_LEAST_WEIGHT, weight)) if math.isfinite(weight) else _LEAST_WEIGHT


class Likeness:
    """Whether two embeddings in one film show one person: the embedder's own scale of similarity.

    Args:
        model_id: The embedder.
    """

    def __init__(self, model_id: str) -> None:
        middle, slope = _scale(model_id)
        self._same, self._other, self._quite_other = (
            middle + math.log(probability / (1 - probability)) / slope for probability in (_SAME, _OTHER, _QUITE_OTHER)
        )

    def is_same(self, similarity: float) -> bool:
        """Whether a face that came from nowhere is one that was lost."""
        return similarity >= self._same

    def is_other(self, similarity: float, *, followed: bool) -> bool:
        """Whether a face that stands where another stood is somebody else.

        Args:
            similarity: Cosine of its look to the looks before.
            followed: Whether it was followed without a gap; then a bad look is likelier than another person.
        """
        return similarity < (self._quite_other if followed else self._other)


def _scale(model_id: str) -> tuple[float, float]:
    """Midpoint and slope of the logistic curve that ``same_person_probability`` is."""
    low, high = -1.0, 1.0
    while True:
        middle = (low + high) / 2
        probability, _ = same_person_probability(model_id, middle)
        if 0.05 < probability < 0.95 or high - low < 1e-6:
            break
        low, high = (middle, high) if probability < 0.5 else (low, middle)
    step = (high - low) / 64
    beside, _ = same_person_probability(model_id, middle + step)
    slope = (_log_odds(beside) - _log_odds(probability)) / step
    return middle - _log_odds(probability) / slope, slope


def _log_odds(probability: float) -> float:
    kept = min(max(probability, 1e-12), 1 - 1e-12)
    return math.log(kept / (1 - kept))
