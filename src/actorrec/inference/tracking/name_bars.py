"""How much a name takes that stands for seconds: decision scores of the mean of all looks."""

import math
from dataclasses import dataclass
from typing import Final

from actorrec.manifests.model import Calibration

_KEEP: Final = 0.2  # who has the name is at times seen between this and 0.5, others seldom: docs/evaluation.md
_STRANGER: Final = 0.05  # one known face in four lies between this and a name at first, one stranger in twelve
_DROP: Final = 0.02
_CHALLENGE: Final = math.log(10.0)


@dataclass(frozen=True, slots=True)
class NameBars:
    """Decision scores.

    Attributes:
        take: From which a name is given.
        keep: From which a face keeps the name it has.
        stranger: Below which a face is soon said to be nobody known; from it on more looks are waited for.
        drop: Below which the last looks take a name away, whatever those before them said.
        challenge: How much surer another face must be to take a name over.
    """

    take: float
    keep: float
    stranger: float
    drop: float
    challenge: float


def name_bars(calibration: Calibration, sure: float) -> NameBars:
    """The bars of a gallery.

    Args:
        calibration: Made for it.
        sure: Confidence from which a name is given, in (0.5, 1).
    """
    threshold = calibration.threshold
    midpoint = calibration.parameters.get("midpoint", threshold)
    slope = max(calibration.parameters.get("slope", 20.0), 1e-6)
    # A curve too flat to reach ``sure`` (an embedder that nobody fitted, few people) must not mean that nobody is
    # ever named: half-way to where photos of one person lie is always enough.
    highest = (threshold + max(threshold, calibration.parameters.get("same", 1.0))) / 2
    take = max(threshold, min(midpoint + _log_odds(sure) / slope, highest))
    keep = min(midpoint + _log_odds(_KEEP) / slope, threshold)
    stranger, drop = (min(keep, midpoint + _log_odds(confidence) / slope) for confidence in (_STRANGER, _DROP))
    return NameBars(take, keep, stranger, drop, _CHALLENGE / slope)


def _log_odds(probability: float) -> float:
    return math.log(probability / (1 - probability))
