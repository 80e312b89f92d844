"""How much a look counts, and the scale of likeness."""

import dataclasses

import pytest

from actorrec.faces.embedders import DEFAULT_SPEC
from actorrec.inference.tracking.looks import Likeness, weight_of
from actorrec.types import FaceQuality

GOOD = FaceQuality(face_px=120, sharpness=900, yaw=0.02, roll_deg=0, visible=1.0)


def test_a_good_fresh_look_counts_nearly_whole() -> None:
    assert 0.9 < weight_of(GOOD, 0.0) <= 1


@pytest.mark.parametrize(
    "worse",
    [{"face_px": 24.0}, {"sharpness": 20.0}, {"yaw": 0.6}, {"visible": 0.5}],
    ids=lambda worse: next(iter(worse)),
)
def test_a_worse_look_counts_less_but_something(worse: dict[str, float]) -> None:
    assert 0.05 <= weight_of(dataclasses.replace(GOOD, **worse), 0.0) < 0.6


def test_landmarks_that_were_followed_for_long_count_less() -> None:
    assert weight_of(GOOD, 0.0) > weight_of(GOOD, 1.0) > weight_of(GOOD, 10.0) > 0.4


def test_measures_that_are_no_numbers_count_least() -> None:
    assert weight_of(dataclasses.replace(GOOD, sharpness=float("nan")), 0.0) == 0.05


@pytest.mark.parametrize("model_id", [DEFAULT_SPEC.model_id, "nobody-knows"], ids=["shipped", "other"])
def test_the_bars_rise_from_other_to_same(model_id: str) -> None:
    likeness = Likeness(model_id)
    steps = [index / 1000 for index in range(-1000, 1001)]
    quite_other = sum(likeness.is_other(step, followed=True) for step in steps)
    other = sum(likeness.is_other(step, followed=False) for step in steps)
    same = sum(not likeness.is_same(step) for step in steps)
    assert 0 < quite_other < other < same < len(steps)


def test_the_shipped_scale_is_that_of_its_score_model() -> None:
    likeness = Likeness(DEFAULT_SPEC.model_id)
    assert likeness.is_same(0.94)
    assert not likeness.is_same(0.89)
    assert likeness.is_other(0.85, followed=True)
    assert not likeness.is_other(0.91, followed=False)
