"""What every detector does to a picture before it looks."""

import numpy as np

from actorrec.types import UInt8Image


def shrink(pixels: UInt8Image, max_side_px: int) -> tuple[UInt8Image, float]:
    """Shrink a picture whose longer side is above a limit, by area averaging.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB, at least 1×1.
        max_side_px: Longer side allowed.

    Returns:
        The picture, or the same array where it fits, and the factor it was scaled by (≤ 1).

    Raises:
        ValueError: If the array is not a colour picture (the message gives shape and type).
    """
    if pixels.ndim != 3 or pixels.shape[2] != 3 or pixels.dtype != np.uint8 or not pixels.size:
        raise ValueError(f"a picture is (H, W, 3) uint8 with at least one pixel, got {pixels.dtype}{pixels.shape}")
    height, width = pixels.shape[:2]
    scale = min(1.0, max_side_px / max(height, width))
    if scale == 1.0:
        return pixels, 1.0
    import cv2

    target_wh = (max(1, round(width * scale)), max(1, round(height * scale)))
    return np.asarray(cv2.resize(pixels, target_wh, interpolation=cv2.INTER_AREA), np.uint8), scale


def halvings(pixels: UInt8Image, smallest_px: int = 32) -> list[UInt8Image]:
    """The picture, its half, its quarter and so on by area averaging, while the shorter side stays long enough.

    Args:
        pixels: Shape (H, W, 3), uint8.
        smallest_px: Least shorter side of a half.

    Returns:
        The picture itself first; an odd row or column is left out of each half.
    """
    import cv2

    scales = [pixels]
    while min(scales[-1].shape[:2]) // 2 >= smallest_px:
        height, width = (side // 2 for side in scales[-1].shape[:2])
        even = scales[-1][: 2 * height, : 2 * width]
        scales.append(np.asarray(cv2.resize(even, (width, height), interpolation=cv2.INTER_AREA), np.uint8))
    return scales


def add_border(pixels: UInt8Image, margin_px: int) -> UInt8Image:
    """The picture inside a mid-grey border of ``margin_px`` on every side; the same array where that is 0."""
    if margin_px == 0:
        return pixels
    import cv2

    sides = (margin_px,) * 4
    return np.asarray(cv2.copyMakeBorder(pixels, *sides, cv2.BORDER_CONSTANT, value=(127, 127, 127)), np.uint8)
