"""Which face of a labelled picture is the one that its label means."""

import math
from collections.abc import Sequence
from typing import Final

from actorrec.types import Face

FACE_RULE: Final = (
    "One face a picture counts: the largest, where area counts less the farther a face is from the picture's middle; "
    "never the one that agrees best with the label."
)


def main_face(faces: Sequence[Face], shape_hw: tuple[int, int]) -> Face | None:
    """The largest face, where area counts less the farther a face is from the middle.

    A label says who a picture shows, not which face is meant. Choosing the face that agrees with the label would
    look better and be dishonest: the rule uses position and size alone. Half-way from the middle to a side, a face
    counts e^(-1/4) = 0.78 of its area; with its middle in a corner, e^-2 = 0.14.

    Args:
        faces: In px of the picture; may be empty.
        shape_hw: Height and width of the picture, px.

    Returns:
        None where there is no face.
    """
    height, width = shape_hw

    def weight(face: Face) -> float:
        across = (face.box.x1 + face.box.x2) / 2 / width - 0.5
        down = (face.box.y1 + face.box.y2) / 2 / height - 0.5
        return face.box.area_px * math.exp(-4 * (across**2 + down**2))

    return max(faces, key=weight, default=None)
