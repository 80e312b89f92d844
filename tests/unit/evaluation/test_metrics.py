"""Metrics against numbers worked out by hand."""

import numpy as np
import pytest

from actorrec.evaluation.metrics import (
    confusion_counts,
    det_curve,
    macro_f1,
    macro_f1_interval,
    person_scores,
    reliability,
    tpir_at,
)


def test_nothing_measured() -> None:
    assert macro_f1([], []) == 0 and person_scores([], []) == {} and macro_f1_interval([], []) == (0, 1)
    assert tpir_at(det_curve([], 0, [], 0), 0.01) == 0


def test_person_scores_by_hand() -> None:
    """A: 2 of 3 right and one of B's claimed. B: 1 of 2. The picture without a face is wrong for A."""
    scores = person_scores(["A", "A", "A", "B", "B"], ["A", "A", None, "A", "B"])
    assert (scores["A"].precision, scores["A"].recall) == (pytest.approx(2 / 3), pytest.approx(2 / 3))
    assert (scores["B"].precision, scores["B"].recall, scores["B"].f1) == (1, 0.5, pytest.approx(2 / 3))
    assert macro_f1(["A", "A", "A", "B", "B"], ["A", "A", None, "A", "B"]) == pytest.approx(2 / 3)


def test_each_person_counts_the_same_in_macro_f1() -> None:
    actual = ["A"] * 98 + ["B"] * 2
    assert macro_f1(actual, ["A"] * 98 + ["A", "B"]) == pytest.approx((196 / 197 + 2 / 3) / 2)


def test_the_interval_of_macro_f1_holds_it_and_is_a_point_without_errors() -> None:
    actual, nearest = ["A"] * 20 + ["B"] * 20, ["A"] * 18 + ["B"] * 22
    low, high = macro_f1_interval(actual, nearest)
    assert low < macro_f1(actual, nearest) < high and macro_f1_interval(actual, actual) == (1, 1)


def test_the_det_curve_counts_those_at_the_threshold_as_named() -> None:
    curve = det_curve([0.9, 0.8, 0.6], 4, [0.7, 0.5], 2)
    at = {float(t): (f, m) for t, f, m in zip(curve.thresholds, curve.fpir, curve.fnir, strict=True)}
    assert at[-np.inf] == (1, 0.25) and at[0.6] == (0.5, 0.25)
    assert at[0.7] == (0.5, 0.5) and at[0.8] == (0, 0.5) and at[np.inf] == (0, 1)
    assert tpir_at(curve, 0) == 0.5 and tpir_at(curve, 0.5) == 0.75


def test_reliability_by_hand() -> None:
    bins, error = reliability([0.95, 0.95, 0.15, 1.0], [True, False, False, True])
    assert [(each.count, each.share_right) for each in bins] == [(1, 0), (3, pytest.approx(2 / 3))]
    assert error == pytest.approx(0.25 * 0.15 + 0.75 * abs(2.9 / 3 - 2 / 3))


def test_weights_bring_a_lopsided_set_to_the_stated_mix() -> None:
    sure, right = [0.9] * 9 + [0.9], [True] * 9 + [False]
    assert reliability(sure, right)[1] == pytest.approx(0, abs=1e-9)
    assert reliability(sure, right, [0.5 / 9] * 9 + [0.5])[1] == pytest.approx(0.4)


def test_confusion_counts() -> None:
    assert confusion_counts(["A", "A", "B"], ["A", "unknown", "B"]) == {
        ("A", "A"): 1,
        ("A", "unknown"): 1,
        ("B", "B"): 1,
    }
