"""When a similarity is enough for a name, and how sure that name is.

The threshold is set without a single test stranger: from the score model of the embedder (``score_models``), the
number of people and of photos each has, and what the gallery's own people, held back in turn, show (``held_back``).
"""

from dataclasses import replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.model import Calibration
from actorrec.recognition.gallery import photo_counts
from actorrec.recognition.held_back import (
    PairStatistics,
    fitted_to_own,
    pair_statistics,
    rejection,
    shift_of_strangers,
)
from actorrec.recognition.score_models import GENERIC, ScoreModel, footing, shipped_model
from actorrec.types import Gallery

KNOWN_SHARE: Final = 0.5
"""The mix that ``confidence`` is a probability for: as many faces of known people as of strangers."""
MIN_PEOPLE: Final = 10
MIN_PHOTOS: Final = 30
"""With fewer people or photos, a gallery's own photos say too little, and the score model alone decides."""
_STRICTER: Final = 2.0  # a name more likely wrong than right is refused, but at least half the target rate is used
# People are taken to be independent; on held-out draws a gallery of M compared like 0.8 M to 1.2 M independent people.
_MOST_COMPARISONS: Final = 1.2
_GRID: Final = 6000
# What is believed of an embedder before anything is seen of it: mean cosine of strangers 0.4, give or take 0.35
# (measured nets lie at 0.01 and at 0.84).
_UNKNOWN_LOCATION, _UNKNOWN_SPREAD = 0.4, 0.35
_HIGHEST: Final = 0.985  # never ask for more than a picture's own re-compression reaches


def calibrate(gallery: Gallery, *, target_fpir: float) -> Calibration:
    """Set the threshold so that at most ``target_fpir`` of strangers are named, and the confidence that goes with it.

    Args:
        gallery: Who is known; may be empty.
        target_fpir: Part of the strangers that may be given a name, in (0, 0.5).
    """
    model, note = _model_for(gallery)
    enough = len(gallery.person_ids) >= MIN_PEOPLE and len(gallery.photo_person) >= MIN_PHOTOS
    shift = shift_of_strangers(gallery, model) if enough else 0.0
    model = replace(fitted_to_own(gallery, model), location=model.location + shift)
    counts = photo_counts(gallery) if gallery.person_ids else np.ones(1, np.int64)
    threshold, midpoint, slope = _decide(model, counts, target_fpir)
    held_back = f"; raised by {shift:.4f} on what its own people, held back in turn, show" if enough else ""
    return Calibration(
        method="held-back" if enough else "score-model",
        target_fpir=target_fpir,
        threshold=round(threshold, 6),
        parameters={
            "same": round(model.same, 6),
            "midpoint": round(midpoint, 6),
            "slope": round(slope, 4),
            "shift": round(shift, 6),
        },
        strangers_used=len(gallery.photo_person) if enough else 0,
        note=f"{note}{held_back}",
    )


def decision_scores(
    similarities: NDArray[np.float32], gallery: Gallery, calibration: Calibration
) -> NDArray[np.float32]:
    """Bring cosines to prototypes of many and of few photos onto an equal footing.

    Args:
        similarities: Shape (N, M), float32, cosines to the gallery's prototypes.
        gallery: The one that was calibrated.

    Returns:
        Shape (N, M), float32; what ``threshold`` is compared with.
    """
    factors = footing(photo_counts(gallery), calibration.parameters.get("same", 1.0))
    return np.asarray(similarities * factors.astype(np.float32), np.float32)


def confidences(scores: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float32]:
    """Probability that the nearest person is right, where half of all faces are of known people.

    Args:
        scores: Any shape, float32, decision scores.

    Returns:
        The same shape, float32, in (0, 1), rising in the score; at least 0.5 from the threshold on.
    """
    midpoint = calibration.parameters.get("midpoint", calibration.threshold)
    slope = calibration.parameters.get("slope", 20.0)
    odds = np.clip(slope * (scores.astype(np.float64) - midpoint), -30, 30)
    return np.asarray(1 / (1 + np.exp(-odds)), np.float32)


def same_person_probability(model_id: str, similarity: float) -> tuple[float, bool]:
    """Probability that two photos show one person, where half of all pairs do.

    Args:
        model_id: The embedder.
        similarity: Cosine of the two embeddings.

    Returns:
        The probability, and whether it rests on the embedder's own score model (else it is a rough guess that
        takes the cosines of strangers to lie around zero, as most nets trained with a margin have them).
    """
    model = shipped_model(model_id)
    known = model is not None
    _, midpoint, slope = _decide(model or _generic(), np.ones(1, np.int64), 0.01)
    odds = float(np.clip(slope * (similarity - midpoint), -30, 30))
    return float(1 / (1 + np.exp(-odds))), known


def _model_for(gallery: Gallery) -> tuple[ScoreModel, str]:
    """The embedder's own score model, or the generic one fitted to what the gallery's photos show."""
    own = shipped_model(gallery.model_id)
    if own is not None:
        return own, "score model fitted to this embedder on LFW people outside every reported set"
    seen, generic, people = pair_statistics(gallery), _generic(), len(gallery.person_ids)
    location, uncertainty = _believed_location(seen, generic, people)
    usual = generic.rescaled(location)
    trust = seen.pairs / (seen.pairs + 20.0)
    variance = (1 - trust) * (usual.people_variance + usual.photo_variance) + trust * seen.spread**2
    model = generic.rescaled(location, float(np.sqrt(variance + uncertainty)))
    if seen.same is not None:
        several = int(np.sum(photo_counts(gallery) > 1))
        model = replace(model, same=(seen.same * several + model.same * 3) / (several + 3))
    few = "" if people >= MIN_PEOPLE else f"; set from {people} people alone, so it names with caution"
    return model, f"no score model for this embedder: spread measured between the gallery's own photos{few}"


def _believed_location(seen: PairStatistics, generic: ScoreModel, people: int) -> tuple[float, float]:
    """Mean cosine of strangers under an embedder never seen before, and the variance of that belief."""
    evidence = [(_UNKNOWN_LOCATION, _UNKNOWN_SPREAD**-2)]
    if seen.same is not None:
        # One person's photos hint at where strangers lie: on both nets measured, the gap between two photos of a
        # person is a quarter of the gap between strangers.
        guess = 1 - (1 - seen.same) / (1 - generic.same)
        evidence.append((float(np.clip(guess, -0.1, 0.95)), 0.25**-2))
    if seen.pairs:
        evidence.append((seen.mean, people / 0.1**2))  # people's means scatter by about 0.1 on either net
    precision = sum(weight for _, weight in evidence)
    return sum(mean * weight for mean, weight in evidence) / precision, 1 / precision


def _generic() -> ScoreModel:
    model = shipped_model(GENERIC)
    assert model is not None, "score_models.json always has the generic model"
    return model


def _decide(model: ScoreModel, counts: NDArray[np.int64], target_fpir: float) -> tuple[float, float, float]:
    """Threshold, and midpoint and slope of the confidence, all in decision score."""
    grid = np.linspace(model.location, 1 - 1e-6, _GRID)
    below = rejection(model, counts, grid)
    cautious = target_fpir / _MOST_COMPARISONS
    by_rate, by_stricter = np.interp([1 - cautious, 1 - cautious / _STRICTER], below, grid).tolist()
    missed = np.mean([model.miss(grid, float(photos)) for photos in np.unique(counts)], axis=0)
    half, sure = _where_likely(grid, below, missed)
    threshold = min(max(by_rate, min(half, by_stricter)), _HIGHEST)
    slope = float(np.log(9.0)) / max(sure - half, 1e-4 * (1 - model.location))
    return threshold, min(half, threshold), slope


def _where_likely(
    grid: NDArray[np.float64], below: NDArray[np.float64], missed: NDArray[np.float64]
) -> tuple[float, float]:
    """Scores at which a name is right with probability 0.5 and 0.9, by Bayes' rule on the two densities."""
    stranger = np.diff(below) * (1 - KNOWN_SHARE)
    right = np.diff(missed) * KNOWN_SHARE
    middle = (grid[1:] + grid[:-1]) / 2
    # Below the usual best score of a stranger the ratio means nothing.
    start = min(int(np.searchsorted(below, 0.5)), len(middle) - 1)
    odds = np.maximum.accumulate((right / np.maximum(stranger, 1e-300))[start:])
    half, sure = np.searchsorted(odds, [1.0, 9.0]).clip(max=len(odds) - 1).tolist()
    return float(middle[start + half]), float(middle[start + sure])
