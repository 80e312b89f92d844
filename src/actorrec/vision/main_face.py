"""Which face of a picture is meant when nothing but the picture says so."""

import math
from collections.abc import Sequence
from typing import Final

from actorrec.types import Face

FACE_RULE: Final = (
    "One face a picture counts: the largest, where area counts less the farther a face is from the picture's middle; "
    "never the one that agrees best with the label."
)


def prominence(face: Face, shape_hw: tuple[int, int]) -> float:
    """Area of a face, counting less the farther it is from the middle.

    Half-way from the middle to a side, a face counts e^(-1/4) = 0.78 of its area; with its middle in a corner,
    e^-2 = 0.14. On 2,000 pairs of LFW the most prominent face gave 15 right answers more than the largest.

    Args:
        shape_hw: Height and width of the picture, px.
    """
    height, width = shape_hw
    across = (face.box.x1 + face.box.x2) / 2 / width - 0.5
    down = (face.box.y1 + face.box.y2) / 2 / height - 0.5
    return face.box.area_px * math.exp(-4 * (across**2 + down**2))


def by_prominence(faces: Sequence[Face], shape_hw: tuple[int, int]) -> list[Face]:
    """The same faces, most prominent first; of equal ones the one farther left, then higher up."""
    return sorted(faces, key=lambda face: (-prominence(face, shape_hw), face.box.x1, face.box.y1))


def main_face(faces: Sequence[Face], shape_hw: tuple[int, int]) -> Face | None:
    """The most prominent face; None where there is none.

    A label says who a picture shows, not which face is meant. Choosing the face that agrees with the label would
    look better and be dishonest: this uses position and size alone.
    """
    return next(iter(by_prominence(faces, shape_hw)), None)
