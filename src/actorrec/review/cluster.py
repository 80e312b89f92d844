"""Which unknown faces are alike."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.vision.similarity import normalise

ALIKE: Final = 0.94
"""Cosine to a group's mean from which a face joins it, on the default embedder's scale. Measured on 555 faces of 40
people of the development photos: 111 groups, 1.3 % of the faces among those of somebody else; at 0.93 they are 83
groups and 7.6 %. Many small groups can be selected together, a wrong face in a large one is overlooked."""


def cluster(vectors: NDArray[np.float32], alike: float = ALIKE) -> list[list[int]]:
    """Group similar faces: each joins the group whose mean is nearest, or begins one.

    Args:
        vectors: Shape (N, D), float32; N may be 0. Each row is scaled to unit length.
        alike: Cosine to a group's mean from which a face joins it.

    Returns:
        Row numbers by group, the largest group first, rows in their order; every row is in one group.
    """
    groups: list[list[int]] = []
    if not len(vectors):
        return groups
    unit, _ = normalise(np.asarray(vectors, np.float32))
    sums, means = np.zeros_like(unit), np.zeros_like(unit)
    for row, vector in enumerate(unit):
        similarity = means[: len(groups)] @ vector
        best = int(np.argmax(similarity)) if groups else -1
        if best < 0 or similarity[best] < alike:
            best = len(groups)
            groups.append([])
        groups[best].append(row)
        sums[best] += vector
        means[best] = normalise(sums[best : best + 1])[0][0]
    return sorted(groups, key=lambda rows: (-len(rows), rows[0]))
