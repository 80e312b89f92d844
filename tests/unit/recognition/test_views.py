"""Enrolment views: how many, how far from the photo, and what they are worth on real faces."""

import numpy as np
import pytest

from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder
from actorrec.recognition.views import embed_photo, enrolment_views
from actorrec.types import Landmarks
from actorrec.vision.align import DLIB_150, align_face
from real_faces import face_samples

PIXELS = np.random.default_rng(0).integers(0, 256, (180, 240, 3), dtype=np.uint8)
POINTS = Landmarks(np.array([[90, 70], [140, 72], [115, 100], [95, 130], [138, 131]], np.float32))


def test_without_jitters_there_is_the_photo_alone() -> None:
    views = enrolment_views(PIXELS, POINTS, DLIB_150, jitters=0, seed=1)
    assert views.shape == (1, 150, 150, 3) and views.dtype == np.uint8
    np.testing.assert_array_equal(views[0], align_face(PIXELS, POINTS, DLIB_150))


def test_with_jitters_the_photo_and_its_mirror_image_come_first() -> None:
    views = enrolment_views(PIXELS, POINTS, DLIB_150, jitters=3, seed=1)
    assert views.shape == (5, 150, 150, 3)
    np.testing.assert_array_equal(views[1], views[0][:, ::-1])
    assert all(not np.array_equal(views[0], view) for view in views[2:])


def test_a_seed_gives_the_same_views_again_and_another_gives_others() -> None:
    first, again, other = (enrolment_views(PIXELS, POINTS, DLIB_150, jitters=2, seed=seed) for seed in (4, 4, 5))
    np.testing.assert_array_equal(first, again)
    assert not np.array_equal(first[2:], other[2:])


def test_the_mean_of_views_is_nearer_to_the_persons_other_photos() -> None:
    """What jitters are for; and every view still shows the person."""
    samples = face_samples(12, 3)
    embedder = make_embedder(DEFAULT_SPEC, None)
    people = np.array([sample.person for sample in samples])
    plain, mean = [], []
    for sample in samples:
        views = enrolment_views(sample.pixels, sample.landmarks, DLIB_150, jitters=6, seed=0)
        vector = embed_photo(embedder, views[:1])
        assert np.linalg.norm(vector) == pytest.approx(1, abs=1e-5)
        plain.append(vector)
        mean.append(embed_photo(embedder, views))
    cosines = np.stack(mean) @ np.stack(plain).T
    before = np.stack(plain) @ np.stack(plain).T
    same = (people[:, None] == people) & ~np.eye(len(people), dtype=bool)
    assert np.diag(cosines).min() > 0.95
    assert cosines[same].mean() > before[same].mean()
