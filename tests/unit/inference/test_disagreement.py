"""When two models' faces are one face, and when their answers differ."""

import numpy as np
import pytest

from actorrec.inference.shadow import disagreement
from actorrec.types import BoundingBox, Face, Landmarks, Prediction, RecognisedFace


def face(x1: float, person: str | None, *, width: float = 10.0) -> RecognisedFace:
    box = BoundingBox(x1, 0.0, x1 + width, 20.0)
    seen = Face(box, Landmarks(np.zeros((5, 2), np.float32)), 0.9)
    return RecognisedFace(seen, Prediction(person, 0.5, 0.5, person), np.zeros(4, np.float32))


def test_nothing_and_nothing() -> None:
    assert disagreement([], []) == (0, 0)


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ("Ada", "Ada", (1, 0)),
        (None, None, (1, 0)),
        ("Ada", "Bea", (1, 1)),
        ("Ada", None, (1, 1)),
        (None, "Ada", (1, 1)),
    ],
)
def test_one_face_that_both_found(left: str | None, right: str | None, expected: tuple[int, int]) -> None:
    assert disagreement([face(0, left)], [face(2, right)]) == expected  # shifted by 2 of 10 px: an IoU of 8 / 12


def test_boxes_that_share_half_of_their_union_are_one_face_and_less_is_two() -> None:
    assert disagreement([face(0, None, width=30)], [face(10, None, width=30)]) == (1, 0)  # 20 / 40
    assert disagreement([face(0, None, width=30)], [face(11, None, width=30)]) == (0, 0)  # 19 / 41


@pytest.mark.parametrize(("person", "expected"), [("Ada", (1, 1)), (None, (0, 0))])
def test_a_face_that_only_one_found_counts_if_it_has_a_name(person: str | None, expected: tuple[int, int]) -> None:
    assert disagreement([face(0, person)], []) == expected
    assert disagreement([], [face(0, person)]) == expected


def test_each_face_is_compared_once_with_the_closest() -> None:
    left = [face(0, "Ada"), face(4, "Bea")]
    right = [face(4, "Bea"), face(0, "Ada"), face(100, None)]
    assert disagreement(left, right) == (2, 0)
    # Both of the right would do for the one on the left; the other one is alone, and has a name.
    assert disagreement([face(0, "Ada")], [face(1, "Bea"), face(0, "Ada")]) == (2, 1)
