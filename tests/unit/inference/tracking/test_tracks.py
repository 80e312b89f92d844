"""Which found face is which known one, and what of a hostile detector's answer is used."""

import dataclasses

import numpy as np

from actorrec.inference.tracking.tracks import MAX_FACES, pair, tangled, upon_one_another, usable
from actorrec.types import BoundingBox, Landmarks
from tracked_scenes import face_at


def test_nothing_pairs_with_nothing() -> None:
    assert pair([], []) == []
    assert pair([face_at(0, 0)], []) == []
    assert tangled([]) == []
    assert usable([]) == []


def test_the_closest_pair_first_each_once() -> None:
    known = [face_at(0, 0), face_at(20, 0), face_at(200, 90)]
    found = [face_at(22, 0), face_at(2, 0), face_at(205, 92), face_at(100, 100)]
    assert sorted(pair(known, found)) == [(0, 1), (1, 0), (2, 2)]


def test_a_face_may_go_half_its_width_but_not_change_its_size() -> None:
    assert pair([face_at(0, 0)], [face_at(20, 0)]) == [(0, 0)]
    assert pair([face_at(0, 0, 60)], [face_at(90, 0, 60)]) == []
    assert pair([face_at(0, 0, 20)], [face_at(10, 10, 100)]) == []


def test_faces_upon_one_another_are_tangled() -> None:
    assert tangled([face_at(0, 0)]) == []
    assert tangled([face_at(0, 0), face_at(100, 0), face_at(20, 0)]) == [0, 2]


def test_a_small_face_lies_upon_a_large_one() -> None:
    together = upon_one_another([face_at(0, 0, 100), face_at(200, 0)], [face_at(40, 40, 30), face_at(90, 0, 30)])
    assert together.tolist() == [[True, True], [False, False]]
    assert upon_one_another([], [face_at(0, 0)]).shape == (0, 1)


def test_of_thousands_the_largest_and_surest_are_used() -> None:
    rng = np.random.default_rng(1)
    small = [face_at(float(x), float(y), 10, 0.5) for x, y in rng.uniform(0, 300, (3000, 2))]
    large = [face_at(float(x), 0, 80, 0.9) for x in range(5)]
    kept = usable([*small, *large])
    assert len(kept) == 3005
    assert {id(face) for face in large} <= {id(face) for face in kept[:MAX_FACES]}


def test_faces_that_are_no_numbers_or_no_size_are_dropped() -> None:
    good = face_at(10, 10)
    bad = [
        dataclasses.replace(good, score=float("nan")),
        dataclasses.replace(good, box=BoundingBox(0, 0, float("inf"), 10)),
        dataclasses.replace(good, box=BoundingBox(10, 10, 10, 10)),
        dataclasses.replace(good, landmarks=Landmarks(np.full((5, 2), 7, np.float32))),
        dataclasses.replace(good, landmarks=Landmarks(np.full((5, 2), np.nan, np.float32))),
    ]
    assert usable([*bad, good]) == [good]
