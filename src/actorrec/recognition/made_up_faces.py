"""Pictures of nobody, the same on every machine: smooth patterns with eyes, nose and mouth where faces have them."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.nets import TemplateRecord
from actorrec.types import BoundingBox, Face, Landmarks, UInt8Image

PATTERNS_VERSION: Final = 1
"""Raised when the same call would give other pixels."""

# Skin, background, how dark the features are, how wide a face is, and the waves over it (periods per eye distance to
# the right and down, strength): they differ more than people do, so that nets give vectors far from each other.
_LOOKS: Final = (
    ((224, 178, 148), (60, 84, 110), 0.72, 1.00, (0.0, 0.0, 0.0)),
    ((132, 88, 62), (190, 196, 188), 0.80, 1.12, (3.1, 0.7, 0.5)),
    ((240, 206, 186), (28, 30, 34), 0.35, 0.80, (0.0, 1.9, 0.6)),
    ((110, 132, 176), (150, 120, 60), 0.95, 1.25, (1.3, 1.1, 0.9)),
)
_SIZE_WH: Final = (640, 360)
_POINTS_IN_PICTURE: Final = ((290.0, 150.0), (350.0, 150.0), (320.0, 188.0), (293.0, 214.0), (347.0, 214.0))
_FEATURE_SIZES: Final = (0.22, 0.22, 0.14, 0.20, 0.20)  # of the eye distance, in the order of ``Landmarks``


def made_up_crops(template: TemplateRecord) -> UInt8Image:
    """Four aligned faces of nobody.

    Returns:
        Shape (4, S, S, 3), uint8, RGB.
    """
    points = np.asarray(template.points_px, np.float64)
    size_wh = (template.size_px, template.size_px)
    return np.stack([_drawn(points, size_wh, look) for look in range(len(_LOOKS))])


def made_up_picture() -> tuple[UInt8Image, Face]:
    """A picture of nobody, 640 × 360 px, shape (360, 640, 3), uint8, RGB, and where the face in it is."""
    points = np.asarray(_POINTS_IN_PICTURE, np.float64)
    box = BoundingBox(260.0, 100.0, 380.0, 250.0)
    return _drawn(points, _SIZE_WH, 0), Face(box, Landmarks(points.astype(np.float32)), 1.0)


def _drawn(points: NDArray[np.float64], size_wh: tuple[int, int], look: int) -> UInt8Image:
    skin, ground, dark, wide, (right, down, strength) = _LOOKS[look]
    x, y = np.meshgrid(np.arange(size_wh[0], dtype=np.float64), np.arange(size_wh[1], dtype=np.float64))
    eyes_px = max(1.0, float(np.hypot(*(points[1] - points[0]))))
    middle = points.mean(axis=0)
    head = _spot(x, y, middle, (1.35 * wide * eyes_px, 1.85 * eyes_px))[..., None]
    slope = (0.75 + 0.5 * (x / size_wh[0] + y / size_wh[1]) / 2)[..., None]  # light from one side
    pixels = (np.asarray(ground) * (1 - head) + np.asarray(skin) * head) * slope
    for point, size in zip(points, _FEATURE_SIZES, strict=True):
        pixels *= 1 - dark * _spot(x, y, point, (size * eyes_px, size * eyes_px * 0.7))[..., None]
    waves = np.abs((right * x + down * y) / eyes_px % 1 - 0.5) * 2
    pixels *= 1 - strength * waves[..., None]
    return np.clip(np.rint(pixels), 0, 255).astype(np.uint8)


def _spot(
    x: NDArray[np.float64], y: NDArray[np.float64], middle: NDArray[np.float64], radii_xy: tuple[float, float]
) -> NDArray[np.float64]:
    """One in the middle, falling smoothly to zero at the radii; polynomials give the same numbers on every machine."""
    away = ((x - middle[0]) / radii_xy[0]) ** 2 + ((y - middle[1]) / radii_xy[1]) ** 2
    return np.asarray(1 - np.clip(away, 0, 1) ** 2, np.float64) ** 2
