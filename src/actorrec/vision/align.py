"""Five-point alignment: the one way a face becomes pixels for a net, everywhere."""

from dataclasses import dataclass
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.types import Landmarks, UInt8Image


@dataclass(frozen=True)
class FaceTemplate:
    """Where the five landmarks of an aligned face lie.

    Attributes:
        name: Stable name that travels in manifests and bundles.
        size_px: Side of the square crop, px.
        points_px: Five (x, y) in px, in the order of ``Landmarks``.
    """

    name: str
    size_px: int
    points_px: tuple[tuple[float, float], ...]

    @cached_property
    def points(self) -> NDArray[np.float32]:
        """Shape (5, 2), float32, px."""
        return np.asarray(self.points_px, np.float32)


DLIB_150: Final = FaceTemplate(
    # Fitted to where MTCNN's points fall in dlib's own chips (facts-models: measured on real faces).
    "dlib-150",
    150,
    ((47.6, 44.8), (100.4, 45.0), (74.0, 78.6), (50.2, 100.9), (97.5, 101.2)),
)
ARCFACE_112: Final = FaceTemplate(
    # The template published with ArcFace (Deng et al., 2019), used by most embedders since.
    "arcface-112",
    112,
    (
        (38.2946, 51.6963),
        (73.5318, 51.5014),
        (56.0252, 71.7366),
        (41.5493, 92.3655),
        (70.7299, 92.2041),
    ),
)
# What a data set keeps: dlib's field of view and a fifth more on each side, at 1.27 times its scale, so that
# any template (and any jitter of it) can be cut from the stored crop without black borders or upsampling.
_CANONICAL_SCALE, _CANONICAL_SIZE_PX = 1.27, 272
_CANONICAL_SHIFT = (_CANONICAL_SIZE_PX - DLIB_150.size_px * _CANONICAL_SCALE) / 2
CANONICAL_272: Final = FaceTemplate(
    "canonical-272",
    _CANONICAL_SIZE_PX,
    tuple(
        (round(x * _CANONICAL_SCALE + _CANONICAL_SHIFT, 3), round(y * _CANONICAL_SCALE + _CANONICAL_SHIFT, 3))
        for x, y in DLIB_150.points_px
    ),
)
TEMPLATES: Final = {template.name: template for template in (DLIB_150, ARCFACE_112, CANONICAL_272)}


def similarity_transform(source: NDArray[np.float32], target: NDArray[np.float32]) -> NDArray[np.float64]:
    """Least-squares rotation, uniform scale and shift from one point set to another.

    Umeyama (1991), "Least-squares estimation of transformation parameters between two point patterns",
    without reflection, written for two dimensions, where it has a closed form in complex numbers.

    Args:
        source: Shape (P, 2), float, px, P ≥ 2, not all equal.
        target: Shape (P, 2), float, px.

    Returns:
        Shape (2, 3), float64: maps a column (x, y, 1) of the source to the target.

    Raises:
        ValueError: If the shapes differ or all source points coincide.
    """
    if source.shape != target.shape or source.ndim != 2 or source.shape[1] != 2:
        raise ValueError(f"point sets must both be (P, 2), got {source.shape} and {target.shape}")
    from_xy, to_xy = source.astype(np.float64), target.astype(np.float64)
    from_mean, to_mean = from_xy.mean(axis=0), to_xy.mean(axis=0)
    from_z = (from_xy - from_mean) @ np.array([1, 1j])
    to_z = (to_xy - to_mean) @ np.array([1, 1j])
    spread = float(np.sum(np.abs(from_z) ** 2))
    if spread < 1e-12:
        raise ValueError("all source points coincide")
    turn = complex(np.sum(np.conj(from_z) * to_z) / spread)  # scale · e^{i·angle}
    linear = np.array([[turn.real, -turn.imag], [turn.imag, turn.real]])
    return np.column_stack([linear, to_mean - linear @ from_mean])


def transform_points(matrix: NDArray[np.float64], points: NDArray[np.float32]) -> NDArray[np.float32]:
    """Apply an affine map of shape (2, 3) to points of shape (P, 2); returns (P, 2) float32."""
    return (points @ matrix[:, :2].T + matrix[:, 2]).astype(np.float32)


def warp(pixels: UInt8Image, matrix: NDArray[np.float64], size_px: int) -> UInt8Image:
    """Cut a square crop through an affine map, without aliasing when it shrinks.

    Args:
        pixels: Shape (H, W, 3), uint8.
        matrix: Shape (2, 3): picture px to crop px.
        size_px: Side of the crop.

    Returns:
        Shape (size_px, size_px, 3), uint8; what lies outside the picture is black.
    """
    import cv2

    scale = float(np.hypot(matrix[0, 0], matrix[1, 0]))
    corners = np.array([[0, 0], [size_px, 0], [0, size_px], [size_px, size_px]], np.float64)
    linear_inverse = np.linalg.inv(matrix[:, :2])
    in_picture = (corners - matrix[:, 2]) @ linear_inverse.T
    height, width = pixels.shape[:2]
    x1, y1 = np.clip(np.floor(in_picture.min(axis=0)).astype(int) - 2, 0, (width, height))
    x2, y2 = np.clip(np.ceil(in_picture.max(axis=0)).astype(int) + 3, 0, (width, height))
    if x2 <= x1 or y2 <= y1:
        return np.zeros((size_px, size_px, 3), np.uint8)
    region = pixels[y1:y2, x1:x2]
    local = matrix.copy()
    local[:, 2] += matrix[:, :2] @ (x1, y1)
    if scale < 0.6:
        # Bilinear sampling reads four pixels: a face that shrinks more would alias. Average it down first.
        half = (max(1, round(region.shape[1] * scale)), max(1, round(region.shape[0] * scale)))
        ratio = np.array([region.shape[1] / half[0], region.shape[0] / half[1]])
        region = np.asarray(cv2.resize(region, half, interpolation=cv2.INTER_AREA))
        # Pixel centres: x_big + 0.5 = (x_small + 0.5) * ratio.
        local[:, 2] += local[:, :2] @ (0.5 * ratio - 0.5)
        local[:, :2] = local[:, :2] * ratio
    crop = cv2.warpAffine(np.ascontiguousarray(region), local, (size_px, size_px), flags=cv2.INTER_LINEAR)
    return np.asarray(crop, np.uint8)


def align_face(pixels: UInt8Image, landmarks: Landmarks, template: FaceTemplate) -> UInt8Image:
    """Warp a face so that its landmarks fall on a template.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB.
        landmarks: In px of ``pixels``.
        template: Where they must fall.

    Returns:
        Shape (size_px, size_px, 3), uint8, RGB.
    """
    return warp(pixels, similarity_transform(landmarks.points, template.points), template.size_px)
