"""Pairs of faces that are one photo twice: saved again, re-cropped, mirrored, turned or brightened."""

from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.vision.phash import Texture, coarse_vector, registered_correlation, texture

# Likeness of two faces: registered correlation of the crops plus this many times (cosine of the embeddings − 0.97).
# Neither alone tells a copy from two shots of one session with the same look and light. Measured on the development
# photos: copies (re-crops, mirrors, quality 25, half size, brightness × 1.35, turns) 0.80 to 1.15, most above 0.95;
# pairs of different photos of one person 0.86 at most, 0.4 % of them above 0.70.
_COSINE_WEIGHT, _COSINE_FROM = 5.0, 0.97
SURE_COPY: Final = 0.87
"""Likeness from which two faces are one photo."""
SAME_GROUP: Final = 0.70
"""From here two faces share a group of the split: being wrong costs little there, missing a copy is a leak."""
_SAME_PIXELS: Final = 0.8
# Every copy that was measured passes the first of these with room to spare, and one of the other two; the pairs that
# do not are spared the dearer registration.
_MIN_COSINE, _MIN_COARSE, _MIN_DETAIL = 0.92, 0.65, 0.25
_ROWS, _PAIRS = 512, 4096
# Of very many look-alikes only the likeliest are registered, so that work grows with the photos, not their square.
_MAX_PAIRS_PER_FACE: Final = 20

Copy = tuple[int, int, float]
"""Rows of the two faces, the first the smaller, and their likeness."""


def find_copies(vectors: NDArray[np.float32], prints: Sequence[NDArray[np.uint8]], workers: int) -> list[Copy]:
    """Every pair of faces that may be one photo twice: those with a likeness of at least ``SAME_GROUP``.

    Args:
        vectors: Shape (N, D), float32, unit rows of the cleaning embedder; N may be 0.
        prints: N prints of the aligned crops (``vision.phash.face_print``).
        workers: Threads.

    Returns:
        Pairs in ascending order of rows.
    """
    if len(prints) < 2:
        return []
    textures = [texture(each) for each in prints]
    flipped = [texture(np.ascontiguousarray(each[:, ::-1])) for each in prints]
    candidates = sorted(_candidates(vectors, prints, textures, flipped))
    likeliest = sorted(candidates, key=lambda pair: -pair[3])[: _MAX_PAIRS_PER_FACE * len(prints)]

    def register(pair: tuple[int, int, bool, float]) -> Copy:
        first, second, mirror, _ = pair
        other = flipped[second] if mirror else textures[second]
        bonus = _COSINE_WEIGHT * (float(vectors[first] @ vectors[second]) - _COSINE_FROM)
        correlation = registered_correlation(textures[first], other)
        # A bad light moves the embedding of a copy; pixels that agree so well are enough for the split.
        return first, second, max(correlation + bonus, SAME_GROUP if correlation >= _SAME_PIXELS else -1.0)

    best: dict[tuple[int, int], float] = {}
    with ThreadPoolExecutor(workers) as pool:
        for first, second, likeness in pool.map(register, likeliest):
            if likeness >= SAME_GROUP:
                best[first, second] = max(likeness, best.get((first, second), -1.0))
    return [(first, second, likeness) for (first, second), likeness in sorted(best.items())]


def _candidates(
    vectors: NDArray[np.float32],
    prints: Sequence[NDArray[np.uint8]],
    textures: Sequence[Texture],
    flipped: Sequence[Texture],
) -> Iterator[tuple[int, int, bool, float]]:
    coarse = np.stack([coarse_vector(each) for each in prints])
    coarse_flipped = np.stack([coarse_vector(each[:, ::-1]) for each in prints])
    fine = np.stack([each.vector for each in textures])
    fine_flipped = np.stack([each.vector for each in flipped])
    for firsts, seconds in _alike(vectors):
        for mirror, others, fine_others in ((False, coarse, fine), (True, coarse_flipped, fine_flipped)):
            near = np.einsum("ij,ij->i", coarse[firsts], others[seconds])
            match = np.einsum("ij,ij->i", fine[firsts], fine_others[seconds])
            for index in np.flatnonzero((match >= _MIN_DETAIL) | ((near >= _MIN_COARSE) & (match > 0))):
                yield int(firsts[index]), int(seconds[index]), mirror, float(match[index])


def _alike(vectors: NDArray[np.float32]) -> Iterator[tuple[NDArray[np.intp], NDArray[np.intp]]]:
    """Pairs whose embeddings could be copies', a bounded number at a time."""
    for start in range(0, len(vectors), _ROWS):
        cosines = vectors[start : start + _ROWS] @ vectors.T
        firsts, seconds = np.nonzero(cosines >= _MIN_COSINE)
        firsts = firsts + start
        later = seconds > firsts
        firsts, seconds = firsts[later], seconds[later]
        for at in range(0, len(firsts), _PAIRS):
            yield firsts[at : at + _PAIRS], seconds[at : at + _PAIRS]
