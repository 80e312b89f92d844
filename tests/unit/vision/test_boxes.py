import numpy as np
import pytest

from actorrec.vision.boxes import areas, keep_best, overlaps, square

NONE = np.empty((0, 4), np.float32)
# A 10×10 box, the same moved right by half, a 4×4 one inside the first, and one far away.
BOXES = np.array([[0, 0, 10, 10], [5, 0, 15, 10], [1, 1, 5, 5], [100, 100, 110, 120]], np.float32)


def test_no_boxes() -> None:
    assert areas(NONE).shape == (0,)
    assert overlaps(NONE, BOXES).shape == (0, 4)
    assert keep_best(NONE, np.empty(0, np.float32), 0.5).size == 0
    assert square(NONE).shape == (0, 4)


def test_areas_of_boxes_and_of_one_turned_inside_out() -> None:
    inside_out = np.array([[10, 0, 0, 10]], np.float32)
    assert areas(np.vstack([BOXES, inside_out])).tolist() == [100, 100, 16, 200, 0]


def test_overlap_over_the_union() -> None:
    # 50 common of 150, 16 of 100, nothing.
    assert overlaps(BOXES[:1], BOXES)[0] == pytest.approx([1, 1 / 3, 0.16, 0])


def test_overlap_over_the_smaller() -> None:
    assert overlaps(BOXES[:1], BOXES, over="smaller")[0] == pytest.approx([1, 0.5, 1, 0])


def test_overlap_of_empty_boxes_is_none_and_finite() -> None:
    point = np.zeros((1, 4), np.float32)
    assert overlaps(point, point).tolist() == [[0]]


def test_the_best_is_kept_and_what_overlaps_it_dropped() -> None:
    scores = np.array([0.5, 0.9, 0.6, 0.7], np.float32)
    assert keep_best(BOXES, scores, 0.3).tolist() == [1, 3, 2]
    assert keep_best(BOXES, scores, 0.5).tolist() == [1, 3, 2, 0]
    assert keep_best(BOXES, scores, 0.5, over="smaller").tolist() == [1, 3, 2]


def test_a_dropped_box_drops_nothing_itself() -> None:
    chain = np.array([[0, 0, 10, 10], [4, 0, 14, 10], [8, 0, 18, 10]], np.float32)
    assert keep_best(chain, np.array([0.9, 0.8, 0.7], np.float32), 0.4).tolist() == [0, 2]


def test_ties_go_to_the_earlier_row() -> None:
    same = np.repeat(BOXES[:1], 3, axis=0)
    assert keep_best(same, np.full(3, 0.5, np.float32), 0.5).tolist() == [0]


def test_square_keeps_the_centre_and_the_longer_side() -> None:
    assert square(np.array([[0, 0, 10, 20]], np.float32)).tolist() == [[-5, 0, 15, 20]]
