"""Alignment: one similarity, without aliasing, the same whatever the crop was cut from."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.types import Landmarks
from actorrec.vision.align import (
    ARCFACE_112,
    CANONICAL_272,
    DLIB_150,
    TEMPLATES,
    align_face,
    similarity_transform,
    transform_points,
    warp,
)
from real_faces import face_samples


@settings(deadline=None)
@given(scale=st.floats(0.05, 20), angle=st.floats(-3.1, 3.1), dx=st.floats(-500, 500), dy=st.floats(-500, 500))
def test_a_similarity_is_found_exactly(scale: float, angle: float, dx: float, dy: float) -> None:
    turn = scale * np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    source = DLIB_150.points
    target = (source @ turn.T + [dx, dy]).astype(np.float32)
    found = transform_points(similarity_transform(source, target), source)
    assert np.abs(found - target).max() < 1e-3 * max(1.0, scale)


def test_points_that_coincide_or_differ_in_number_are_refused() -> None:
    with pytest.raises(ValueError, match="coincide"):
        similarity_transform(np.zeros((5, 2), np.float32), ARCFACE_112.points)
    with pytest.raises(ValueError, match=r"\(4, 2\)"):
        similarity_transform(np.zeros((4, 2), np.float32), ARCFACE_112.points)


def test_a_face_outside_the_picture_is_black() -> None:
    crop = warp(np.full((20, 30, 3), 200, np.uint8), np.array([[1.0, 0, 1000], [0, 1, 0]]), 16)
    assert crop.shape == (16, 16, 3)
    assert not crop.any()


def test_an_identity_keeps_the_pixels() -> None:
    pixels = np.random.default_rng(0).integers(0, 255, (40, 30, 3)).astype(np.uint8)
    assert (warp(pixels, np.array([[1.0, 0, 0], [0, 1, 0]]), 24) == pixels[:24, :24]).all()


def test_shrinking_averages_instead_of_aliasing() -> None:
    stripes = np.zeros((160, 160, 3), np.uint8)
    stripes[:, ::2] = 255
    crop = warp(stripes, np.array([[0.1, 0, 0], [0, 0.1, 0]]), 16)
    assert np.abs(crop[2:-2, 2:-2].astype(int) - 127).max() < 12


def test_every_template_can_be_cut_from_the_stored_crop() -> None:
    for template in TEMPLATES.values():
        matrix = similarity_transform(CANONICAL_272.points, template.points)
        corners = np.array([[0, 0], [template.size_px, template.size_px]], float)
        inside = (corners - matrix[:, 2]) @ np.linalg.inv(matrix[:, :2]).T
        assert inside.min() >= -1 and inside.max() <= 273, template.name


def test_cutting_from_the_stored_crop_is_nearly_cutting_from_the_photo() -> None:
    for sample in face_samples(4, 1):
        matrix = similarity_transform(sample.landmarks.points, CANONICAL_272.points)
        stored = sample.crop(CANONICAL_272)
        again = align_face(stored, Landmarks(transform_points(matrix, sample.landmarks.points)), DLIB_150)
        assert np.abs(again.astype(int) - sample.crop(DLIB_150)).mean() < 3
