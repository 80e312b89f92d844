"""Quality: hand-computed numbers on made faces, order on real ones."""

import cv2
import numpy as np
import pytest

from actorrec.types import BoundingBox, Face, Landmarks
from actorrec.vision.align import ARCFACE_112
from actorrec.vision.quality import measure_quality
from real_faces import face_samples

PICTURE = np.random.default_rng(0).integers(0, 255, (200, 300, 3)).astype(np.uint8)


def face_at(points: np.ndarray, side: float = 112) -> Face:
    x, y = points.min(axis=0) - 20
    return Face(BoundingBox(x, y, x + side, y + side * 1.5), Landmarks(points.astype(np.float32)), 0.9)


def test_a_face_on_the_template_is_level_frontal_and_whole() -> None:
    quality = measure_quality(PICTURE, face_at(ARCFACE_112.points + 40))
    assert quality.face_px == 112  # the shorter side
    assert abs(quality.yaw) < 0.02
    assert abs(quality.roll_deg) < 0.5
    assert quality.visible == 1.0


def test_roll_is_the_angle_of_the_eyes() -> None:
    turn = np.array([[0.0, -1.0], [1.0, 0.0]])  # a quarter turn, clockwise as the picture is seen
    points = (ARCFACE_112.points - 56) @ turn.T + 100
    assert measure_quality(PICTURE, face_at(points)).roll_deg == pytest.approx(90, abs=0.5)


def test_yaw_is_the_nose_in_eye_distances() -> None:
    points = np.array([[100, 80], [140, 80], [130, 100], [100, 120], [140, 120]], float)
    # The middle line is x = 120, the nose lies 10 px right of it, the eyes 40 px apart.
    assert abs(measure_quality(PICTURE, face_at(points)).yaw) == pytest.approx(0.25)


def test_a_face_half_outside_is_half_visible() -> None:
    points = ARCFACE_112.points + np.array([-56, 40])
    assert measure_quality(PICTURE, face_at(points)).visible == pytest.approx(0.5, abs=0.07)


def test_eyes_in_one_spot_are_turned_away_for_sure() -> None:
    points = np.array([[100, 80], [100, 80], [110, 100], [95, 120], [105, 120]], float)
    assert measure_quality(PICTURE, face_at(points)).yaw > 10


def test_blur_lowers_sharpness_of_real_faces() -> None:
    for sample in face_samples(4, 1):
        box = BoundingBox(60, 60, 190, 190)
        face = Face(box, sample.landmarks, 0.9)
        sharp = measure_quality(sample.pixels, face).sharpness
        blurred = np.asarray(cv2.GaussianBlur(sample.pixels, (0, 0), 4), np.uint8)
        assert measure_quality(blurred, face).sharpness < 0.25 * sharp
