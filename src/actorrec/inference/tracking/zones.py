"""Which changed cells lie on known faces."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.change import CELL_PX
from actorrec.types import Face

_AROUND: Final = 0.15  # of a box's sides: where a change may be the face's
_ASIDE, _ABOVE, _BELOW = 1.0, 0.7, 3.0  # of a box's sides: hair, shoulders and arms move with a face


def changed_faces(cells: NDArray[np.bool_], faces: Sequence[Face], scale_xy: NDArray[np.float32]) -> list[bool]:
    """Which faces lie where something changed.

    Args:
        cells: Shape (h, w), bool.
        faces: In px of the frame.
        scale_xy: px of the grey picture for one of the frame.
    """
    return [bool(cells[_around(face, scale_xy, (_AROUND, _AROUND, _AROUND))].any()) for face in faces]


def outside_faces(cells: NDArray[np.bool_], faces: Sequence[Face], scale_xy: NDArray[np.float32]) -> NDArray[np.bool_]:
    """The changed cells that are no known face nor the body below it; shape (h, w), bool."""
    if not faces or not cells.any():
        return cells
    left = cells.copy()
    for face in faces:
        left[_around(face, scale_xy, (_ASIDE, _ABOVE, _BELOW))] = False
    return left


def _around(face: Face, scale_xy: NDArray[np.float32], margins: tuple[float, float, float]) -> tuple[slice, slice]:
    """Rows and columns of cells of a box with margins aside, above and below, in its sides."""
    box, (aside, above, below) = face.box, margins
    across, down = float(scale_xy[0]) / CELL_PX, float(scale_xy[1]) / CELL_PX
    left, right = box.x1 - aside * box.width_px, box.x2 + aside * box.width_px
    top, bottom = box.y1 - above * box.height_px, box.y2 + below * box.height_px
    rows = slice(max(0, int(top * down)), max(0, int(np.ceil(bottom * down))))
    return rows, slice(max(0, int(left * across)), max(0, int(np.ceil(right * across))))
