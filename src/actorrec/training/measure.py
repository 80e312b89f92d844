"""Closed-set accuracy on the faces kept for testing."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.model import Rate
from actorrec.recognition.rates import rate_of


def top1_rate(scores: NDArray[np.float32], truth: NDArray[np.int32]) -> Rate:
    """How many faces score highest for their own person.

    Args:
        scores: Shape (N, n), any monotone score.
        truth: Shape (N,), int32.
    """
    return rate_of(int(np.sum(scores.argmax(axis=1) == truth)) if len(truth) else 0, len(truth))


def macro_top1(scores: NDArray[np.float32], truth: NDArray[np.int32]) -> float:
    """Top-1 averaged over people, each counting alike; 0.0 without faces."""
    if not len(truth):
        return 0.0
    right = scores.argmax(axis=1) == truth
    return float(np.mean([right[truth == person].mean() for person in np.unique(truth)]))


def class_indices(person_ids: Sequence[str], classes: Sequence[str]) -> NDArray[np.int32]:
    """Row of each person in ``classes``, shape (N,), int32."""
    row_of = {person_id: row for row, person_id in enumerate(classes)}
    return np.array([row_of[person_id] for person_id in person_ids], np.int32)
