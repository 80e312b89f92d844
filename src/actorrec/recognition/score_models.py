"""How similar faces of one person and of two people come out: a few numbers for each embedder.

Everything is said of the *decision score* u: the cosine to a prototype, multiplied by ``footing``. A prototype of
many photos is a steadier direction than one of a single photo, and so is nearer to everybody: its cosines to
strangers are larger by the factor 1 / footing. On equal footing, strangers' scores have the same mean whatever the
number of photos, on both embedders measured (tools/fit_score_model.py prints it).
"""

import json
import math
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError

GENERIC: Final = "generic"
"""Key of the model for embedders that have none of their own; its scores are in units of 1 − location."""

_erfc: Final = np.vectorize(math.erfc, otypes=[np.float64])


@dataclass(frozen=True, slots=True)
class ScoreModel:
    """Scores of strangers and of the right person against a prototype of n photos.

    Attributes:
        location: Mean score of a stranger.
        people_variance: Variance of strangers' scores that stays however many photos a prototype has.
        photo_variance: What one photo adds to it; n photos add this / n.
        tail_scale: With ``tail_bend``: a stranger's score that a standard normal would put z deviations up lies
            ``tail_scale · z − tail_bend · z²`` deviations up: the tail is lighter than the normal's.
        tail_bend: See ``tail_scale``.
        same: Mean cosine of two photos of one person.
        gap_mean: Mean of ln(1 − u) where the prototype is the right person's, for many photos.
        gap_mean_photo: What a single photo adds to it; n photos add this / n.
        gap_variance: Variance of ln(1 − u), for many photos.
        gap_variance_photo: What a single photo adds to it; n photos add this / n.
    """

    location: float
    people_variance: float
    photo_variance: float
    tail_scale: float
    tail_bend: float
    same: float
    gap_mean: float
    gap_mean_photo: float
    gap_variance: float
    gap_variance_photo: float

    def false_match(self, scores: NDArray[np.float64], photos: float) -> NDArray[np.float64]:
        """Probability that a stranger scores at least so much against one prototype.

        Args:
            scores: Shape (T,), float64, decision scores.
            photos: How many photos the prototype has, at least 1.

        Returns:
            Shape (T,), float64, falling in the score.
        """
        up = (scores - self.location) / math.sqrt(self.people_variance + self.photo_variance / photos)
        # The smaller root of tail_bend · z² − tail_scale · z + up = 0, in the form that stands tail_bend = 0.
        root = np.sqrt(np.maximum(self.tail_scale**2 - 4 * self.tail_bend * up, 0.0))
        return np.asarray(0.5 * _erfc(2 * up / (self.tail_scale + root) / math.sqrt(2)))

    def miss(self, scores: NDArray[np.float64], photos: float) -> NDArray[np.float64]:
        """Probability that a face scores below so much against the prototype of the right person.

        Args:
            scores: Shape (T,), float64, decision scores.
            photos: How many photos the prototype has, at least 1.

        Returns:
            Shape (T,), float64, rising in the score.
        """
        mean = self.gap_mean + self.gap_mean_photo / photos
        spread = math.sqrt(self.gap_variance + self.gap_variance_photo / photos)
        gaps = np.log(np.maximum(1 - scores, 1e-12))
        return np.asarray(0.5 * _erfc((gaps - mean) / spread / math.sqrt(2)))

    def rescaled(self, location: float, spread: float | None = None) -> "ScoreModel":
        """Turn the generic model, in units of 1 − location, into one for an embedder.

        Args:
            location: Mean cosine of photos of two people.
            spread: Standard deviation of those cosines; None for the generic one.
        """
        unit = max(1 - location, 1e-6)
        variance = self.people_variance + self.photo_variance
        scale = unit**2 if spread is None else spread**2 / variance
        return ScoreModel(
            location=location,
            people_variance=self.people_variance * scale,
            photo_variance=self.photo_variance * scale,
            tail_scale=self.tail_scale,
            tail_bend=self.tail_bend,
            same=location + unit * self.same,
            gap_mean=self.gap_mean + math.log(unit),
            gap_mean_photo=self.gap_mean_photo,
            gap_variance=self.gap_variance,
            gap_variance_photo=self.gap_variance_photo,
        )


def footing(photo_counts: NDArray[np.int64], same: float) -> NDArray[np.float64]:
    """What brings cosines to prototypes of different numbers of photos onto an equal footing.

    It is the expected length of the mean of n unit vectors whose mutual cosine is ``same``.

    Args:
        photo_counts: Shape (M,), photos of each prototype, at least 1.
        same: Mean cosine of two photos of one person.

    Returns:
        Shape (M,), float64, in (0, 1]; 1 for a single photo.
    """
    counts = np.maximum(photo_counts, 1).astype(np.float64)
    return np.asarray(np.sqrt((1 + (counts - 1) * min(max(same, 0.0), 1.0)) / counts))


def shipped_model(model_id: str) -> ScoreModel | None:
    """The fitted model of an embedder (or of ``GENERIC``), or None where there is none."""
    found = _shipped().get(model_id)
    return None if found is None else ScoreModel(**found["model"])


@cache
def _shipped() -> dict[str, Any]:
    text = resources.files("actorrec.recognition").joinpath("score_models.json").read_text(encoding="utf-8")
    models = json.loads(text)["models"]
    if not isinstance(models, dict):
        raise ModelContractError("the installed score_models.json is damaged", hint="install actorrec again")
    return models
