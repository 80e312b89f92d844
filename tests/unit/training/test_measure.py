import numpy as np
import pytest

from actorrec.training.measure import class_indices, macro_top1, top1_rate


def test_top1_counts_the_highest_score() -> None:
    scores = np.array([[0.9, 0.1, 0.0], [0.2, 0.3, 0.1], [0.5, 0.6, 0.1], [0.1, 0.2, 0.9]], np.float32)
    truth = np.array([0, 0, 1, 2], np.int32)
    rate = top1_rate(scores, truth)
    assert (rate.value, rate.n) == (0.75, 4)
    assert macro_top1(scores, truth) == pytest.approx((0.5 + 1 + 1) / 3)


def test_no_faces_is_no_measure() -> None:
    nothing = np.zeros((0, 3), np.float32), np.zeros(0, np.int32)
    assert top1_rate(*nothing).n == 0
    assert macro_top1(*nothing) == 0.0


def test_classes_are_rows() -> None:
    assert class_indices(["b", "a", "b"], ["a", "b"]).tolist() == [1, 0, 1]
