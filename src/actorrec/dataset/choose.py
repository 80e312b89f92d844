"""Which face of a photo is the person whose folder it lies in."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.dataset.candidates import Examined
from actorrec.vision.similarity import normalise

# Between two faces that agree alike the larger wins. Two different people are 0.1 apart on the cleaning
# embedder's scale, two photos of one person mostly less than 0.03.
_SIZE_BONUS: Final = 0.02
_TRUSTED_SHARE: Final = 0.7
_MAX_SEEDS: Final = 2000


def choose_faces(pictures: Sequence[Examined]) -> list[int]:
    """Pick one face a photo: the one that agrees with the person's other photos, else the most prominent.

    The start is the face that has a look-alike in most other photos; then each photo's face nearest to the mean of
    the best agreeing choices is taken until nothing changes.

    Args:
        pictures: All photos of one person; each with its most prominent face first.

    Returns:
        For each photo the index of its face; -1 where it has none.
    """
    chosen = [0 if picture.faces else -1 for picture in pictures]
    with_faces = [index for index, picture in enumerate(pictures) if picture.faces]
    if len(with_faces) < 2 or all(len(pictures[index].faces) == 1 for index in with_faces):
        return chosen
    faces = [face for index in with_faces for face in pictures[index].faces]
    counts = np.array([len(pictures[index].faces) for index in with_faces])
    starts = np.concatenate([[0], np.cumsum(counts)[:-1]])
    vectors = np.stack([face.vector for face in faces])
    largest = np.repeat([pictures[index].faces[0].area_px for index in with_faces], counts)
    bonus = _SIZE_BONUS * np.array([face.area_px for face in faces]) / np.maximum(largest, 1e-6)
    centre = vectors[_seed(vectors, starts, counts, bonus)]
    picks = starts
    for _ in range(8):
        agreement = vectors @ centre
        score = agreement + bonus
        ends = starts + counts
        new = np.array([start + int(np.argmax(score[start:end])) for start, end in zip(starts, ends, strict=True)])
        best = new[np.argsort(-agreement[new], kind="stable")][: max(2, round(_TRUSTED_SHARE * len(new)))]
        centre = normalise(vectors[best].mean(axis=0, keepdims=True))[0][0]
        if np.array_equal(new, picks):
            break
        picks = new
    for index, start, pick in zip(with_faces, starts, picks, strict=True):
        chosen[index] = int(pick - start)
    return chosen


def _seed(
    vectors: NDArray[np.float32], starts: NDArray[np.intp], counts: NDArray[np.intp], bonus: NDArray[np.float64]
) -> int:
    """The face whose nearest look-alikes in the other photos are nearest on the whole."""
    candidates = np.arange(len(vectors)) if len(vectors) <= _MAX_SEEDS else starts[:_MAX_SEEDS]
    nearest = np.maximum.reduceat(vectors[candidates] @ vectors.T, starts, axis=1)
    owner = np.repeat(np.arange(len(starts)), counts)[candidates]
    nearest[np.arange(len(candidates)), owner] = np.nan
    return int(candidates[np.argmax(np.nanmedian(nearest, axis=1) + bonus[candidates])])
