"""Who disagrees with the others in a folder."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.vision.similarity import normalise

# All on the cosine scale of the cleaning embedder (dlib-resnet29), measured on the development photos: right photos
# agree with the rest of their folder by 0.935 and more (99.5 %), strangers by 0.903 or less (95 %) and planted photos
# of a known person by 0.90 or less (95 %); right photos are nearer to their own folder than to any other by 0.028
# and more (99.5 %), planted ones farther by 0.048 and more (99 %).
STRANGER_BELOW: Final = 0.91
NEARER_BY: Final = 0.012
# A folder of few, very different photos agrees less: a face must also lie this far below its folder's median.
BELOW_MEDIAN: Final = 0.03
# Fewer photos cannot outvote one; and where more than this share would go, nobody knows who is right.
MIN_PHOTOS: Final = 3
MAX_WRONG_SHARE: Final = 0.4
_TRUSTED_SHARE: Final = 0.7
_ROUNDS: Final = 4


@dataclass(frozen=True, slots=True)
class Doubt:
    """A face that disagrees with its folder.

    Attributes:
        row: Which face.
        agreement: Cosine to the mean of the folder's best agreeing other faces.
        nearer_to: The person it is clearly nearer to, if there is one.
        nearer_similarity: Cosine to that person.
        unsure: So many of the folder disagree that none of them can be called wrong.
    """

    row: int
    agreement: float
    nearer_to: int | None
    nearer_similarity: float
    unsure: bool


def judge_people(vectors: NDArray[np.float32], owners: NDArray[np.intp]) -> list[Doubt]:
    """Find the faces that are likely somebody else's; people with fewer than three photos are not judged.

    Args:
        vectors: Shape (N, D), float32, unit rows; N may be 0.
        owners: Shape (N,): the number of each face's person, 0 to M − 1.
    """
    if not len(vectors):
        return []
    people = range(int(owners.max()) + 1)
    means = np.zeros((len(people), vectors.shape[1]), np.float32)
    agreement = np.ones(len(vectors), np.float32)
    for person in people:
        rows = np.flatnonzero(owners == person)
        means[person], agreement[rows] = _trusted_mean(vectors[rows])
    counts = np.bincount(owners, minlength=len(people))
    similarities = vectors @ means.T
    similarities[np.arange(len(vectors)), owners] = -1.0
    # One photo says too little about a person to take somebody else's photo away.
    similarities[:, counts < MIN_PHOTOS - 1] = -1.0
    doubts: list[Doubt] = []
    for person in people:
        rows = np.flatnonzero(owners == person)
        if len(rows) >= MIN_PHOTOS:
            doubts += _of_person(rows, agreement[rows], similarities[rows])
    return doubts


def _of_person(
    rows: NDArray[np.intp], agreement: NDArray[np.float32], similarities: NDArray[np.float32]
) -> list[Doubt]:
    nearest = similarities.argmax(axis=1)
    nearness = similarities.max(axis=1)
    nearer = nearness - agreement > NEARER_BY
    stranger = (agreement < STRANGER_BELOW) & (agreement < np.median(agreement) - BELOW_MEDIAN)
    wrong = np.flatnonzero(nearer | stranger)
    unsure = len(wrong) > MAX_WRONG_SHARE * len(rows)
    return [
        Doubt(
            row=int(rows[at]),
            agreement=float(agreement[at]),
            nearer_to=int(nearest[at]) if nearer[at] else None,
            nearer_similarity=float(nearness[at]),
            unsure=unsure,
        )
        for at in wrong
    ]


def _trusted_mean(vectors: NDArray[np.float32]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Mean direction of the faces that agree best, and each face's cosine to it with that face left out."""
    if len(vectors) < 2:
        return vectors[0], np.ones(len(vectors), np.float32)
    # The start: the face with the highest median similarity to the others, which a minority cannot move.
    cosines = vectors @ vectors.T
    agreement = cosines[int(np.argmax(np.median(cosines, axis=1)))]
    for _ in range(_ROUNDS):
        trusted = agreement >= np.quantile(agreement, 1 - _TRUSTED_SHARE)
        total = vectors[trusted].sum(axis=0)
        without_self = total - vectors * trusted[:, None]
        agreement = (vectors * normalise(without_self)[0]).sum(axis=1)
    return normalise(vectors[trusted].sum(axis=0, keepdims=True))[0][0], agreement
