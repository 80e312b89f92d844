"""Wrong people: caught when they are a minority, nobody accused when nobody can know."""

import numpy as np
from made_faces import DIM, person_vectors

from actorrec.dataset.agreement import judge_people


def test_nobody_is_judged_in_an_empty_set() -> None:
    assert judge_people(np.zeros((0, DIM), np.float32), np.zeros(0, np.intp)) == []


def test_right_faces_are_left_alone() -> None:
    vectors = np.concatenate([person_vectors(count, person) for person, count in enumerate((10, 3, 7, 1, 2))])
    owners = np.repeat(np.arange(5), (10, 3, 7, 1, 2))
    assert judge_people(vectors, owners) == []


def test_a_planted_known_person_is_named() -> None:
    vectors = np.concatenate([person_vectors(8, 0), person_vectors(8, 1)])
    owners = np.repeat([0, 1], 8)
    owners[3] = 1  # a photo of person 0 in the folder of person 1
    (doubt,) = judge_people(vectors, owners)
    assert (doubt.row, doubt.nearer_to, doubt.unsure) == (3, 0, False)


def test_a_stranger_is_caught_without_a_name() -> None:
    vectors = np.concatenate([person_vectors(8, 0), person_vectors(8, 1), person_vectors(1, 2)])
    (doubt,) = judge_people(vectors, np.array([0] * 8 + [1] * 8 + [0]))
    assert (doubt.row, doubt.nearer_to, doubt.unsure) == (16, None, False)


def test_two_photos_of_two_people_accuse_nobody() -> None:
    vectors = np.concatenate([person_vectors(1, 0), person_vectors(1, 1), person_vectors(5, 2)])
    assert judge_people(vectors, np.array([0, 0, 1, 1, 1, 1, 1])) == []


def test_half_and_half_is_unsure() -> None:
    vectors = np.concatenate([person_vectors(3, 0), person_vectors(3, 1), person_vectors(6, 2)])
    doubts = judge_people(vectors, np.array([0] * 6 + [1] * 6))
    assert doubts
    assert all(doubt.unsure for doubt in doubts)


def test_the_order_of_faces_does_not_matter() -> None:
    vectors = np.concatenate([person_vectors(8, 0), person_vectors(8, 1)])
    owners = np.repeat([0, 1], 8)
    owners[3] = 1
    turned = np.arange(16)[::-1]
    found = {turned[doubt.row] for doubt in judge_people(vectors[turned], owners[turned])}
    assert found == {doubt.row for doubt in judge_people(vectors, owners)}
