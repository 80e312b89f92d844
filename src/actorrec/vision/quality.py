"""What the quality gate measures of a face."""

import numpy as np

from actorrec.types import Face, FaceQuality, UInt8Image
from actorrec.vision.align import ARCFACE_112, align_face, similarity_transform

_GRID = 16


def measure_quality(pixels: UInt8Image, face: Face) -> FaceQuality:
    """Measure size, sharpness, pose and how much of the face lies inside the picture.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB: the whole picture.
        face: In px of ``pixels``.
    """
    import cv2

    aligned = align_face(pixels, face.landmarks, ARCFACE_112)
    grey = cv2.cvtColor(aligned, cv2.COLOR_RGB2GRAY)
    # The middle of the crop: its rim may be black where the picture ends, and an edge there is no sharpness.
    sharpness = float(cv2.Laplacian(grey[16:-16, 16:-16], cv2.CV_32F).var())
    yaw, roll_deg = _pose(face)
    return FaceQuality(
        face_px=min(face.box.width_px, face.box.height_px),
        sharpness=sharpness,
        yaw=yaw,
        roll_deg=roll_deg,
        visible=_visible(pixels, face),
    )


def _pose(face: Face) -> tuple[float, float]:
    left_eye, right_eye, nose, left_mouth, right_mouth = face.landmarks.points.astype(np.float64)
    eyes = right_eye - left_eye
    eye_distance = float(np.hypot(*eyes))
    roll_deg = float(np.degrees(np.arctan2(eyes[1], eyes[0])))
    top, bottom = (left_eye + right_eye) / 2, (left_mouth + right_mouth) / 2
    down = bottom - top
    length = float(np.hypot(*down))
    if eye_distance < 1e-6 or length < 1e-6:
        return 99.0, roll_deg
    # Distance of the nose from the face's middle line: a cross product over the line's length.
    offset = (down[0] * (nose[1] - top[1]) - down[1] * (nose[0] - top[0])) / length
    return float(offset / eye_distance), roll_deg


def _visible(pixels: UInt8Image, face: Face) -> float:
    """Share of a grid of points of the aligned crop that falls inside the picture."""
    matrix = similarity_transform(face.landmarks.points, ARCFACE_112.points)
    centres = (np.arange(_GRID) + 0.5) * (ARCFACE_112.size_px / _GRID)
    grid = np.stack(np.meshgrid(centres, centres), axis=-1).reshape(-1, 2)
    points = (grid - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
    height, width = pixels.shape[:2]
    inside = (points[:, 0] >= 0) & (points[:, 0] < width) & (points[:, 1] >= 0) & (points[:, 1] < height)
    return float(inside.mean())
