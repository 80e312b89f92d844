"""Frames that change their size and show the same, larger or smaller: what is followed in them goes on."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.grey import GreyFrame, grey_frame
from actorrec.types import BoundingBox, Face, Landmarks, UInt8Image

_SAME_SHAPE: Final = 0.01  # of the ratio of the sides: sizes are whole px

Times = NDArray[np.float32]
"""Shape (2,), float32: how many times as large, across and down."""

_AS_BEFORE: Final = np.ones(2, np.float32)


class SteadySize:
    """Makes grey pictures of one size from frames of one shape: of the largest so far."""

    def __init__(self) -> None:
        self._frame_wh: tuple[int, int] | None = None
        self._grey_hw: tuple[int, ...] = ()

    def look(self, pixels: UInt8Image) -> tuple[GreyFrame, Times | None]:
        """Take in the next frame.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB; any size from 1×1 up.

        Returns:
            Its grey picture, and how many times as large as the frame before it is; None where it has another shape, or
            is the first: what was known of places in the frame before says nothing of this one.
        """
        grey = grey_frame(pixels)
        size_wh = (pixels.shape[1], pixels.shape[0])
        before, self._frame_wh = self._frame_wh, size_wh
        if before == size_wh and grey.pixels.shape == self._grey_hw:
            return grey, _AS_BEFORE
        times = None if before is None else _times(before, size_wh)
        if times is None or grey.pixels.size > np.prod(self._grey_hw):
            self._grey_hw = grey.pixels.shape
        elif grey.pixels.shape != self._grey_hw:
            grey = _enlarged(grey, self._grey_hw)
        return grey, times


def scaled(face: Face, times: Times) -> Face:
    """The face in a frame that is so many times as large."""
    across, down = map(float, times)
    box = BoundingBox(face.box.x1 * across, face.box.y1 * down, face.box.x2 * across, face.box.y2 * down)
    return Face(box, Landmarks(face.landmarks.points * times), face.score)


def _times(before_wh: tuple[int, int], size_wh: tuple[int, int]) -> Times | None:
    left, right = size_wh[0] * before_wh[1], size_wh[1] * before_wh[0]
    if abs(left - right) > _SAME_SHAPE * max(left, right):
        return None
    return np.array([size_wh[0] / before_wh[0], size_wh[1] / before_wh[1]], np.float32)


def _enlarged(grey: GreyFrame, shape_hw: tuple[int, ...]) -> GreyFrame:
    import cv2

    height, width = grey.pixels.shape
    times = np.array([shape_hw[1] / width, shape_hw[0] / height], np.float32)
    larger = cv2.resize(grey.pixels, (shape_hw[1], shape_hw[0]), interpolation=cv2.INTER_LINEAR)
    return GreyFrame(np.asarray(larger, np.uint8), grey.scale_xy * times)
