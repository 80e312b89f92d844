"""How odd a face is: outliers before low quality before copies, and continuous in between."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from made_faces import DIM, GOOD, person_vectors

from actorrec.dataset.clean import Verdict
from actorrec.dataset.suspicion import Standing, poorness, standings, suspicion
from actorrec.sections import DatasetSection

SETTINGS = DatasetSection()
KEPT, WRONG = Verdict("kept", "", ""), Verdict("dropped", "wrong-person", "")
BLURRED, COPY = Verdict("dropped", "blurred", ""), Verdict("dropped", "near-duplicate", "")
shares = st.floats(0, 1)


def standing(oddness: float) -> Standing:
    return Standing(0.95, None, oddness)


def test_no_faces_have_no_standing() -> None:
    assert standings(np.zeros((0, DIM), np.float32), [], []) == []


def test_an_only_face_is_not_odd() -> None:
    assert standings(person_vectors(1, 0), ["a"], [True]) == [Standing(None, None, 0.0)]
    assert standings(person_vectors(1, 0), ["a"], [False]) == [Standing(None, None, 0.0)]


def test_a_planted_face_is_the_oddest_and_says_whom_it_is_nearer_to() -> None:
    vectors = np.concatenate([person_vectors(6, 0), person_vectors(6, 1)])
    owners = ["a"] * 6 + ["a"] + ["b"] * 5
    found = standings(vectors, owners, [True] * 12)
    assert max(range(12), key=lambda row: found[row].oddness) == 6
    assert found[6].nearer_to == "b" and {each.nearer_to for each in found[:6]} == {None}
    assert found[6].oddness > 0.5 > max(each.oddness for each in found[:6])


def test_agreement_is_with_the_others_that_are_in_the_set() -> None:
    vectors = person_vectors(3, 0)
    found = standings(vectors, ["a"] * 3, [True, True, False])
    mean = vectors[0] + vectors[1]
    assert found[0].agreement == pytest.approx(float(vectors[0] @ vectors[1]), abs=1e-4)
    assert found[2].agreement == pytest.approx(float(vectors[2] @ mean / np.linalg.norm(mean)), abs=1e-4)


@given(shares, shares, shares, shares)
def test_outliers_come_before_low_quality_and_that_before_copies(a: float, b: float, c: float, poor: float) -> None:
    # Beyond a limit poorness is at least a half.
    blurred = suspicion(BLURRED, standing(b), 0.5 + poor / 2)
    assert suspicion(WRONG, standing(a), poor) >= blurred > suspicion(COPY, standing(c), poor)
    assert suspicion(KEPT, standing(b), poor) <= suspicion(WRONG, standing(a), poor)


@given(shares, shares)
def test_the_odder_the_more_suspicious(a: float, b: float) -> None:
    low, high = sorted((a, b))
    for verdict in (KEPT, WRONG, COPY):
        assert 0 <= suspicion(verdict, standing(low), 0.2) <= suspicion(verdict, standing(high), 0.2) <= 1


def test_what_a_reviewer_settled_is_not_suspicious() -> None:
    assert suspicion(Verdict("dropped", "reviewed", ""), None, 0.0) == 0
    assert suspicion(KEPT, standing(0.0), 0.0) == 0


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"face_px": 40.0}, "small"),
        ({"sharpness": 12.0}, "blurred"),
        ({"yaw": -0.9}, "turned"),
        ({"visible": 0.25}, "cut"),
    ],
)
def test_at_a_limit_poorness_is_a_half_and_names_it(change: dict[str, float], word: str) -> None:
    share, what = poorness(replace(GOOD, **change), SETTINGS)
    assert share == pytest.approx(0.5) and what.startswith(word)
    assert poorness(GOOD, SETTINGS)[0] < 0.3
