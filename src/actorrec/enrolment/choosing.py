"""Which face of an enrolment photo is the person's."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actorrec.vision.similarity import cosine_similarity


def choose_faces(embeddings: Sequence[NDArray[np.float32]], known: NDArray[np.float32]) -> list[int]:
    """Choose one face a photo: the one that agrees with the person's other photos, else the first.

    A face's agreement is the mean, over the person's other photos, of its cosine to the most alike face there: the
    face that is in all of them wins, though no photo shows the person alone.

    Args:
        embeddings: Per photo, shape (F, D), float32, unit rows, F ≥ 1: its faces, most prominent first.
        known: Shape (K, D), float32, unit rows: photos of the person that are already in the gallery; K may be 0.

    Returns:
        Per photo, the index of the chosen face.
    """
    chosen: list[int] = []
    for index, faces in enumerate(embeddings):
        others = [cosine_similarity(faces, other).max(axis=1) for i, other in enumerate(embeddings) if i != index]
        others += [cosine_similarity(faces, photo[None])[:, 0] for photo in known]
        chosen.append(int(np.argmax(np.mean(others, axis=0))) if others else 0)
    return chosen
