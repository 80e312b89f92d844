"""Whether a picture of a person is one that there is already."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.types import UInt8Image
from actorrec.vision.phash import hash_distance_bits, perceptual_hashes

_SIDE_PX: Final = 12
# Measured on 371 photos of actors: a copy saved again (quality 10 to 25), as WebP, or at half or a quarter of its size
# differs by 6.7 at most; two different photos by 21.6 at least. The hash alone tells photos apart, but not pictures
# without much in them: a red card and a blue card have one hash.
_SAME_COLOURS: Final = 12.0


@dataclass(frozen=True, slots=True)
class Look:
    """What a picture looks like, small enough to keep of thousands.

    Attributes:
        phash: 64-bit perceptual hash.
        mirrored_phash: Of the mirror image.
        colours: 12 × 12 RGB pixels, uint8, row by row.
    """

    phash: int
    mirrored_phash: int
    colours: bytes


def look(pixels: UInt8Image) -> Look:
    """See ``Look``.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
    """
    import cv2

    small = np.asarray(cv2.resize(pixels, (_SIDE_PX, _SIDE_PX), interpolation=cv2.INTER_AREA), np.uint8)
    return Look(*perceptual_hashes(pixels), small.tobytes())


class Repeats:
    """The pictures of one person that are taken, and whether another is one of them again.

    Args:
        max_bits: Of the 64 bits of the hash, how many may differ between copies.
    """

    def __init__(self, max_bits: int) -> None:
        self._max_bits = max_bits
        self._digests: set[str] = set()
        self._looks: list[tuple[int, NDArray[np.int16]]] = []

    def add(self, digests: tuple[str, ...], phash: int, colours: bytes) -> None:
        """Remember a picture that is taken."""
        self._digests.update(digests)
        self._looks.append((phash, _square(colours)))

    def reason(self, digests: tuple[str, ...], seen: Look) -> str:
        """``duplicate`` (the same bytes, as they came or as stored), ``near-duplicate`` (also mirrored), or empty."""
        if not self._digests.isdisjoint(digests):
            return "duplicate"
        square = _square(seen.colours)
        for phash, colours in self._looks:
            if self._alike(phash, seen.phash, colours, square):
                return "near-duplicate"
            if self._alike(phash, seen.mirrored_phash, colours, square[:, ::-1]):
                return "near-duplicate"
        return ""

    def _alike(self, first: int, second: int, colours: NDArray[np.int16], others: NDArray[np.int16]) -> bool:
        if hash_distance_bits(first, second) > self._max_bits:
            return False
        return float(np.sqrt(np.mean(np.square(colours - others, dtype=np.float64)))) <= _SAME_COLOURS


def _square(colours: bytes) -> NDArray[np.int16]:
    return np.frombuffer(colours, np.uint8).reshape(_SIDE_PX, _SIDE_PX, 3).astype(np.int16)
