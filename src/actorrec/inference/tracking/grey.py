"""The grey picture that change and motion are seen in: small, whatever the camera gives."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.types import UInt8Image

LONGEST_SIDE_PX: Final = 640  # faces of 24 px stay visible in it, and following costs the same from any camera

Grey = NDArray[np.uint8]
"""Shape (H, W), uint8."""


@dataclass(frozen=True, slots=True, eq=False)
class GreyFrame:
    """A frame without its colours, shrunk.

    Attributes:
        pixels: Shape (h, w), uint8; the longer side has at most ``LONGEST_SIDE_PX``.
        scale_xy: Shape (2,), float32: its px for one px of the frame, across and down.
    """

    pixels: Grey
    scale_xy: NDArray[np.float32]


def grey_frame(pixels: UInt8Image) -> GreyFrame:
    """Shrink a frame by a whole number, where its longer side is more than ``LONGEST_SIDE_PX``.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB; any size from 1×1 up.
    """
    import cv2

    height, width = pixels.shape[:2]
    grey = cv2.cvtColor(pixels, cv2.COLOR_RGB2GRAY)
    times = -(-max(height, width) // LONGEST_SIDE_PX)
    if times > 1:
        # Areas of whole pixels take OpenCV's fast path.
        size_wh = (max(1, width // times), max(1, height // times))
        grey = cv2.resize(grey, size_wh, interpolation=cv2.INTER_AREA)
    scale = np.array([grey.shape[1] / width, grey.shape[0] / height], np.float32)
    return GreyFrame(np.asarray(grey, np.uint8), scale)
