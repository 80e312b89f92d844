"""The numbers of an evaluation: pure functions of labels and scores."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class PersonScore:
    """How one person came out, closed set.

    Attributes:
        photos: Pictures of the person, those without a face included.
        right: How many of them were nearest to the person.
        claimed: How many pictures of anybody were nearest to the person.
    """

    photos: int
    right: int
    claimed: int

    @property
    def precision(self) -> float:
        return self.right / self.claimed if self.claimed else 0.0

    @property
    def recall(self) -> float:
        return self.right / self.photos if self.photos else 0.0

    @property
    def f1(self) -> float:
        total = self.photos + self.claimed
        return 2 * self.right / total if total else 0.0


def person_scores(actual: Sequence[str], nearest: Sequence[str | None]) -> dict[str, PersonScore]:
    """Per-person counts.

    Args:
        actual: Who each picture shows.
        nearest: The nearest person; None where no face was found, which is wrong for the person it shows.

    Returns:
        One entry for each person of ``actual``, sorted; a name given to nobody's picture alone is not listed.
    """
    photos, claimed = Counter(actual), Counter(name for name in nearest if name is not None)
    right = Counter(name for name, answer in zip(actual, nearest, strict=True) if name == answer)
    return {name: PersonScore(photos[name], right[name], claimed[name]) for name in sorted(photos)}


def macro_f1(actual: Sequence[str], nearest: Sequence[str | None]) -> float:
    """Mean F1 over the people of ``actual``, each counting the same; 0.0 for none."""
    scores = person_scores(actual, nearest)
    return float(np.mean([score.f1 for score in scores.values()])) if scores else 0.0


def macro_f1_interval(
    actual: Sequence[str], nearest: Sequence[str | None], *, draws: int = 500, seed: int = 0
) -> tuple[float, float]:
    """95 % bootstrap percentile interval of ``macro_f1``: each person's pictures are drawn again with replacement.

    Macro-F1 is no proportion, so Wilson's interval does not apply. With every answer right it is [1, 1].
    """
    if not actual:
        return 0.0, 1.0
    rng = np.random.default_rng(seed)
    names = np.asarray(actual)
    groups = [np.flatnonzero(names == name) for name in sorted(set(actual))]
    found = []
    for _ in range(draws):
        drawn = np.concatenate([rng.choice(group, len(group)) for group in groups]).tolist()
        found.append(macro_f1([actual[i] for i in drawn], [nearest[i] for i in drawn]))
    low, high = np.quantile(found, [0.025, 0.975])
    return float(low), float(high)


@dataclass(frozen=True, slots=True, eq=False)
class DetCurve:
    """Detection error trade-off: what each threshold would have done.

    Attributes:
        thresholds: Shape (T,), float64, rising; the first lets every face have a name.
        fpir: Shape (T,): part of the strangers that would be named.
        fnir: Shape (T,): part of the known that would not be named rightly.
    """

    thresholds: NDArray[np.float64]
    fpir: NDArray[np.float64]
    fnir: NDArray[np.float64]


def det_curve(right_scores: Sequence[float], known: int, stranger_scores: Sequence[float], strangers: int) -> DetCurve:
    """Trade-off over every threshold.

    Args:
        right_scores: Decision scores of the known faces whose nearest person is right.
        known: Pictures of known people, those that can never be right (no face, nearest to another) included.
        stranger_scores: Decision scores of strangers' faces.
        strangers: Pictures of strangers, those without a face included.
    """
    rising = np.unique(np.asarray([*right_scores, *stranger_scores], np.float64))
    thresholds = np.concatenate([[-np.inf], rising, [np.inf]])
    named = len(stranger_scores) - np.searchsorted(np.sort(stranger_scores), thresholds, side="left")
    right = len(right_scores) - np.searchsorted(np.sort(right_scores), thresholds, side="left")
    return DetCurve(thresholds, named / max(strangers, 1), 1 - right / max(known, 1))


def tpir_at(curve: DetCurve, fpir: float) -> float:
    """Part of the known that could be named with at most ``fpir`` of the strangers named (threshold set afterwards)."""
    return float(1 - curve.fnir[curve.fpir <= fpir].min(initial=1.0))


@dataclass(frozen=True, slots=True)
class ReliabilityBin:
    """Faces whose confidence lay in one range."""

    count: int
    mean_confidence: float
    share_right: float


def reliability(
    confidences: Sequence[float], right: Sequence[bool], weights: Sequence[float] | None = None, *, bins: int = 10
) -> tuple[list[ReliabilityBin], float]:
    """How far confidences are from what happened.

    Args:
        confidences: Each in [0, 1].
        right: Whether the nearest person was right (never for a stranger).
        weights: How much each counts (to bring known and strangers to a stated mix); 1 each by default.
        bins: Equal ranges of confidence.

    Returns:
        The ranges that hold a face, lowest first, and the expected calibration error: the mean distance between
        confidence and share right, weighted by range (Naeini et al., 2015).
    """
    sure, hit = np.asarray(confidences, np.float64), np.asarray(right, np.float64)
    weight = np.ones(len(sure)) if weights is None else np.asarray(weights, np.float64)
    which = np.minimum((sure * bins).astype(int), bins - 1)
    found: list[ReliabilityBin] = []
    error = 0.0
    for index in sorted(set(which.tolist())):
        inside = which == index
        mean, share = np.average(np.stack([sure, hit])[:, inside], axis=1, weights=weight[inside]).tolist()
        found.append(ReliabilityBin(int(inside.sum()), mean, share))
        error += float(weight[inside].sum() / weight.sum()) * abs(mean - share)
    return found, error


def confusion_counts(actual: Sequence[str], answers: Sequence[str]) -> dict[tuple[str, str], int]:
    """How often each actual person got each answer; pairs that never happened are left out."""
    return dict(sorted(Counter(zip(actual, answers, strict=True)).items()))
