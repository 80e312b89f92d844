"""What several looks say together: vectors of two numbers, worked out by hand."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.inference.tracking.evidence import Evidence


def at(degrees: float) -> np.ndarray:
    """A unit vector in the plane."""
    return np.array([math.cos(math.radians(degrees)), math.sin(math.radians(degrees))], np.float32)


def angle(vector: np.ndarray) -> float:
    return math.degrees(math.atan2(float(vector[1]), float(vector[0])))


def test_the_mean_is_weighted_and_of_unit_length() -> None:
    evidence = Evidence()
    evidence.add(at(0), 1.0, 0.0)
    evidence.add(at(90), 0.5, 0.1)
    # (1, 0) + 0.5 · (0, 1) lies at atan(0.5).
    assert angle(evidence.mean) == pytest.approx(26.565, abs=1e-3)
    assert float(np.linalg.norm(evidence.mean)) == pytest.approx(1, abs=1e-6)
    assert evidence.mean.dtype == np.float32
    assert (evidence.looks, evidence.last_s) == (2, 0.1)


def test_the_recent_mean_is_of_the_last_three_looks() -> None:
    evidence = Evidence()
    for degrees in (90, 0, 10, 20):
        evidence.add(at(degrees), 0.5, 0.0)
    assert angle(evidence.recent) == pytest.approx(10, abs=1e-3)
    assert angle(evidence.mean) > 20


def test_what_was_given_may_be_changed_afterwards() -> None:
    evidence, look = Evidence(), at(0)
    evidence.add(look, 1.0, 0.0)
    look[:] = at(90)
    assert angle(evidence.mean) == angle(evidence.recent) == 0


def test_looks_of_long_ago_fade() -> None:
    """The memory is 60 looks of full weight: 600 others leave (1 − 1/60)^600 of what was before."""
    evidence = Evidence()
    for _ in range(60):
        evidence.add(at(0), 1.0, 0.0)
    for _ in range(600):
        evidence.add(at(90), 1.0, 0.0)
    assert angle(evidence.mean) == pytest.approx(90, abs=0.01)
    assert evidence.looks == 660


@pytest.mark.parametrize("weight", [0.0, -1.0, 1.5, float("nan"), float("inf")], ids=str)
def test_a_weight_that_cannot_be_is_refused(weight: float) -> None:
    with pytest.raises(ValueError, match="weight"):
        Evidence().add(at(0), weight, 0.0)


@pytest.mark.parametrize(
    "look",
    [np.zeros(2), np.array([np.nan, 1]), np.array([np.inf, 0]), np.array([2, 0]), np.ones((1, 2))],
    ids=["zero", "nan", "inf", "long", "matrix"],
)
def test_a_look_that_cannot_be_is_refused(look: np.ndarray) -> None:
    evidence = Evidence()
    with pytest.raises(ValueError, match="unit length"):
        evidence.add(look.astype(np.float32), 1.0, 0.0)
    assert evidence.looks == 0


def test_there_is_no_mean_of_no_looks() -> None:
    with pytest.raises(ValueError, match="no look"):
        _ = Evidence().mean
    with pytest.raises(ValueError, match="no look"):
        _ = Evidence().recent


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 360), st.floats(0.01, 1)), min_size=1, max_size=200))
def test_the_mean_stays_a_unit_vector_and_memory_bounded(looks: list[tuple[float, float]]) -> None:
    evidence = Evidence()
    for degrees, weight in looks:
        evidence.add(at(degrees), weight, 0.0)
    assert abs(float(np.linalg.norm(evidence.recent)) - 1) < 1e-3 or len(looks) > 1  # opposite looks cancel
    assert float(np.linalg.norm(evidence.mean)) <= 1 + 1e-6
    held = [value for value in vars(evidence).values() if hasattr(value, "__len__")]
    assert sum(len(value) for value in held) <= 2 + 3
