"""Groups of similar faces."""

import numpy as np
import pytest

from actorrec.review.cluster import cluster


def test_no_faces_make_no_groups() -> None:
    assert cluster(np.zeros((0, 128), np.float32)) == []


def test_the_largest_group_comes_first_and_every_face_is_in_one() -> None:
    a, b, c = np.eye(3, dtype=np.float32)
    near_b = b + 0.1 * c
    assert cluster(np.stack([a, b, near_b, c, b])) == [[1, 2, 4], [0], [3]]


def test_length_does_not_count() -> None:
    a, b = np.eye(2, dtype=np.float32)
    assert cluster(np.stack([a, 50 * a, b, 0.01 * b])) == [[0, 1], [2, 3]]


def test_a_face_joins_the_nearest_group_not_the_first_that_will_do() -> None:
    degrees = np.deg2rad([0, 30, 18])
    vectors = np.stack([np.cos(degrees), np.sin(degrees)], axis=1).astype(np.float32)
    assert cluster(vectors, alike=0.92) == [[1, 2], [0]]


def test_by_default_faces_are_alike_from_0_94_on() -> None:
    apart = np.arccos([1.0, 0.95, 1.0, 0.93])  # two pairs, in planes of their own
    vectors = np.zeros((4, 4), np.float32)
    for row, angle in enumerate(apart):
        plane = row // 2 * 2
        vectors[row, plane : plane + 2] = np.cos(angle), np.sin(angle)
    assert cluster(vectors) == [[0, 1], [2], [3]]


@pytest.mark.parametrize(("alike", "groups"), [(-1.0, 1), (1.1, 40)])
def test_the_limit_decides(alike: float, groups: int) -> None:
    vectors = np.random.default_rng(3).normal(size=(40, 16)).astype(np.float32)
    found = cluster(vectors, alike=alike)
    assert len(found) == groups
    assert sorted(row for group in found for row in group) == list(range(40))
