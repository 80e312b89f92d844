"""What a gallery's own photos say of the score model: each person's photos, held back, play the strangers."""

import math
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.recognition.gallery import photo_counts
from actorrec.recognition.score_models import ScoreModel, footing
from actorrec.types import Gallery

_LEVELS: Final = np.array([0.5, 0.6, 0.7, 0.8, 0.9])
"""Where held-back maxima are compared with the model: high enough to be about look-alikes, low enough to be steady."""
_PEOPLE_TRUST: Final = 40.0  # so many people in the gallery weigh as much as the score model
_PHOTOS_TRUST: Final = 60.0  # so many photos of one's own people weigh as much as its spread of right scores


@dataclass(frozen=True, slots=True)
class PairStatistics:
    """Cosines between single photos, each pair of people (each person) counting the same.

    Attributes:
        pairs: How many pairs of people there are.
        mean, spread: Of the cosines of photos of two people; 0.0 where there is no pair.
        same: Mean cosine of two photos of one person; None where nobody has two.
    """

    pairs: int
    mean: float
    spread: float
    same: float | None


def pair_statistics(gallery: Gallery) -> PairStatistics:
    """Measure a gallery's photos against each other; needs no score model.

    Sums over all pairs of photos of two people come from sums over everybody, less each person's own pairs:
    K · D² work rather than K² · D.
    """
    people, counts = len(gallery.person_ids), photo_counts(gallery)
    photos = gallery.photo_embeddings.astype(np.float64)
    means = np.zeros((people, photos.shape[1]))
    np.add.at(means, gallery.photo_person, photos / counts[gallery.photo_person, None])
    lengths = np.sum(means**2, axis=1)
    pairs = people * (people - 1) // 2
    mean = float((np.sum(means.sum(axis=0) ** 2) - lengths.sum()) / (2 * pairs)) if pairs else 0.0
    own_squares = 0.0
    for row in np.flatnonzero(counts):
        own = photos[gallery.photo_person == row]
        own_squares += float(np.mean((own @ own.T) ** 2))
    spread_of_all = photos.T @ (photos / counts[gallery.photo_person, None])
    square = float((np.sum(spread_of_all**2) - own_squares) / (2 * pairs)) if pairs else 0.0
    several = counts > 1
    same = (lengths[several] * counts[several] - 1) / (counts[several] - 1)
    return PairStatistics(
        pairs, mean, float(np.sqrt(max(square - mean**2, 0.0))), float(same.mean()) if len(same) else None
    )


def stranger_maxima(gallery: Gallery, same: float) -> NDArray[np.float64]:
    """Best decision score of each photo against everybody but its own person.

    Returns:
        Shape (K,), float64; needs at least two people.
    """
    scores = gallery.photo_embeddings @ gallery.prototypes.T * footing(photo_counts(gallery), same)
    scores[np.arange(len(scores)), gallery.photo_person] = -np.inf
    return np.asarray(scores.max(axis=1), np.float64)


def shift_of_strangers(gallery: Gallery, model: ScoreModel) -> float:
    """How much nearer than the model says this gallery's people are to each other, in decision score.

    Films of one country and time, or cousins, are nearer to each other than the people the model was fitted to. The
    photos of a person are far from independent, so people count, not photos. The difference, less its standard error,
    is shrunk by M / (M + 40), and never lowers a threshold: few people cannot show that strangers are farther away.
    """
    counts, people = photo_counts(gallery), len(gallery.person_ids)
    grid = np.linspace(model.location - 3 * (1 - model.location), 1.0, 4000)
    stay_below = rejection(model, counts, grid) ** ((people - 1) / people)
    expected = np.interp(_LEVELS, stay_below, grid)
    weights = 1.0 / counts[gallery.photo_person]
    maxima = stranger_maxima(gallery, model.same)
    found = _weighted_quantiles(maxima, weights, _LEVELS)
    spread = float(np.sqrt(np.average((maxima - np.average(maxima, weights=weights)) ** 2, weights=weights)))
    beyond_chance = float(np.mean(found - expected)) - spread / math.sqrt(people)
    return max(0.0, beyond_chance) * people / (people + _PEOPLE_TRUST)


def rejection(model: ScoreModel, counts: NDArray[np.int64], grid: NDArray[np.float64]) -> NDArray[np.float64]:
    """Probability that a stranger stays below a score against every prototype, at each score of a grid.

    Prototypes are taken as independent; a face that is like one person tends to be like others, so that the truth
    is a little better (at the same mean, fewer strangers make more of the near misses).

    Args:
        counts: Shape (M,), photos of each prototype.
        grid: Shape (T,), rising decision scores.

    Returns:
        Shape (T,), float64, rising.
    """
    logs = np.zeros(len(grid))
    for photos, prototypes in zip(*np.unique(counts, return_counts=True), strict=True):
        logs += prototypes * np.log1p(-np.minimum(model.false_match(grid, float(photos)), 1 - 1e-12))
    return np.asarray(np.exp(logs))


def fitted_to_own(gallery: Gallery, model: ScoreModel) -> ScoreModel:
    """The model with the scores of right people moved towards those of the gallery's own photos.

    Each photo is scored against its person's other photos.
    """
    counts = photo_counts(gallery)
    others = counts[gallery.photo_person] - 1
    rows = np.flatnonzero(others > 0)
    if not len(rows):
        return model
    photos, people = gallery.photo_embeddings[rows].astype(np.float64), gallery.photo_person[rows]
    sums = np.zeros((len(counts), photos.shape[1]))
    np.add.at(sums, gallery.photo_person, gallery.photo_embeddings)
    rest = sums[people] - photos
    cosines = np.sum(rest * photos, axis=1) / np.maximum(np.linalg.norm(rest, axis=1), 1e-12)
    n = others[rows].astype(np.float64)
    gaps = np.log(np.maximum(1 - cosines * footing(others[rows], model.same), 1e-6))
    off = gaps - (model.gap_mean + model.gap_mean_photo / n)
    spread = np.mean(off**2 / (model.gap_variance + model.gap_variance_photo / n))
    trust = len(rows) / (len(rows) + _PHOTOS_TRUST)
    # A person's own photos often come from one shoot and agree better than new ones will: only ever widen.
    wider = max(1.0, 1 + trust * (float(spread) - 1))
    return replace(
        model,
        gap_mean=model.gap_mean + trust * max(0.0, float(np.mean(off))),
        gap_variance=model.gap_variance * wider,
        gap_variance_photo=model.gap_variance_photo * wider,
    )


def _weighted_quantiles(
    values: NDArray[np.float64], weights: NDArray[np.float64], levels: NDArray[np.float64]
) -> NDArray[np.float64]:
    order = np.argsort(values)
    share = np.cumsum(weights[order])
    return np.interp(levels, (share - 0.5 * weights[order]) / share[-1], values[order])
