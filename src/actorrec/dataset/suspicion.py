"""How odd each face is, as numbers that a page can sort by."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.dataset.agreement import BELOW_MEDIAN, MIN_PHOTOS, NEARER_BY, STRANGER_BELOW
from actorrec.dataset.clean import Verdict
from actorrec.sections import DatasetSection
from actorrec.types import FaceQuality
from actorrec.vision.similarity import normalise

# On the cosine scale: this far beyond a limit of agreement.py a face is as odd as can be.
_SPAN: Final = 0.05
_STEEPNESS: Final = 4.0
ABOUT_A_PERSON: Final = frozenset({"wrong-person", "no-agreement", "two-names"})
# Where each kind begins and how far it reaches: outliers above low quality above near-duplicates. A face that is
# kept can reach the outliers, but not pass them.
_OUTLIER, _QUALITY, _NO_FACE, _COPY, _KEPT = (0.6, 0.4), (0.35, 0.25), (0.3, 0.0), (0.1, 0.2), (0.0, 0.6)
_KEPT_BY_QUALITY: Final = 0.15


@dataclass(frozen=True, slots=True)
class Standing:
    """A face among the kept ones.

    Attributes:
        agreement: Cosine to the mean of the person's other kept faces; None where there are none.
        nearer_to: Person it is nearer to than to its own, if there is one.
        oddness: 0 to 1; 0.5 at the limit of what counts as somebody else. 0 where nothing can be said.
    """

    agreement: float | None
    nearer_to: str | None
    oddness: float


def standings(vectors: NDArray[np.float32], owners: Sequence[str], kept: Sequence[bool]) -> list[Standing]:
    """Compare each face with the kept faces of everybody.

    Args:
        vectors: Shape (N, D), float32, unit rows; N may be 0.
        owners: Person of each face.
        kept: Whether each face is in the set.
    """
    people = sorted({owner for owner, inside in zip(owners, kept, strict=True) if inside})
    number = {person: index for index, person in enumerate(people)}
    sums = np.zeros((len(people), vectors.shape[1]), np.float32)
    counts = np.zeros(len(people), np.int64)
    for row, (owner, inside) in enumerate(zip(owners, kept, strict=True)):
        if inside:
            sums[number[owner]] += vectors[row]
            counts[number[owner]] += 1
    # As in agreement.py: too few photos say too little to claim somebody else's.
    sure = [person for person in people if counts[number[person]] >= MIN_PHOTOS - 1]
    means = normalise(sums[[number[person] for person in sure]])[0] if sure else np.zeros((0, vectors.shape[1]))
    agreements = [
        _agreement(vectors[row], sums[number[owner]] if owner in number else None, inside)
        for row, (owner, inside) in enumerate(zip(owners, kept, strict=True))
    ]
    medians = _medians(agreements, owners, kept)
    found: list[Standing] = []
    for row, owner in enumerate(owners):
        similar = {person: float(cosine) for person, cosine in zip(sure, means @ vectors[row], strict=True)}
        similar.pop(owner, None)
        nearest = max(similar, key=lambda person: similar[person], default=None)
        judged = owner in number and counts[number[owner]] >= MIN_PHOTOS - 1
        found.append(
            _standing(agreements[row], medians.get(owner), nearest, similar.get(nearest or "", -1.0), judged=judged)
        )
    return found


def _standing(
    agreement: float | None, median: float | None, nearest: str | None, nearness: float, *, judged: bool
) -> Standing:
    if agreement is None or median is None:
        return Standing(None, None, 0.0)
    unlike = min(STRANGER_BELOW, median - BELOW_MEDIAN) - agreement
    beyond = max(unlike, nearness - agreement - NEARER_BY) / _SPAN
    oddness = float(1 / (1 + np.exp(-_STEEPNESS * beyond))) if judged else 0.0
    return Standing(round(agreement, 4), nearest if nearness > agreement else None, round(oddness, 4))


def _agreement(vector: NDArray[np.float32], total: NDArray[np.float32] | None, inside: bool) -> float | None:
    others = None if total is None else total - vector if inside else total
    length = 0.0 if others is None else float(np.linalg.norm(others))
    return float(vector @ others) / length if others is not None and length > 1e-6 else None


def _medians(agreements: Sequence[float | None], owners: Sequence[str], kept: Sequence[bool]) -> dict[str, float]:
    by_person: dict[str, list[float]] = {}
    for agreement, owner, inside in zip(agreements, owners, kept, strict=True):
        if inside and agreement is not None:
            by_person.setdefault(owner, []).append(agreement)
    return {person: float(np.median(values)) for person, values in by_person.items()}


def suspicion(verdict: Verdict, standing: Standing | None, quality: float) -> float:
    """How much a picture wants looking at: 0 (nothing odd) to 1.

    Args:
        verdict: What became of it.
        standing: Of its chosen face; None where it has none.
        quality: 0 to 1, as ``poorness``.
    """
    odd = standing.oddness if standing else 0.0
    if verdict.reason in ABOUT_A_PERSON:
        return _on(_OUTLIER, odd)
    if verdict.outcome == "kept":
        return max(_on(_KEPT, min(1.0, 2 * odd)), round(_KEPT_BY_QUALITY * quality, 4))
    if verdict.reason == "near-duplicate":
        return _on(_COPY, odd)
    if verdict.reason == "reviewed":
        return 0.0
    if standing is None:
        return _on(_NO_FACE, 0.0)
    return _on(_QUALITY, quality)


def poorness(quality: FaceQuality, settings: DatasetSection) -> tuple[float, str]:
    """How near a face is to the limits of quality, or how far beyond: 0.5 at a limit, towards 1 beyond it.

    Returns:
        That, and which limit is the nearest, in words.
    """
    beyond = {
        f"small ({quality.face_px:.0f} px)": settings.min_face_px / max(quality.face_px, 1.0),
        "cut off": settings.min_visible / max(quality.visible, 0.01),
        "turned away": abs(quality.yaw) / max(settings.max_yaw, 0.01),
        "blurred": settings.min_sharpness / max(quality.sharpness, 0.1),
    }
    worst = max(beyond, key=lambda name: beyond[name])
    return round(beyond[worst] / (1 + beyond[worst]), 4), worst


def _on(kind: tuple[float, float], share: float) -> float:
    start, reach = kind
    return round(min(1.0, start + reach * share), 4)
