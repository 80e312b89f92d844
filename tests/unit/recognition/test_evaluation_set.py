"""The digest of an evaluation set, by hand."""

import hashlib

import pytest

from actorrec.recognition.evaluation_set import STRANGER, set_digest

A, B, C = ("a" * 64, "b" * 64, "c" * 64)
SET = [("Ada", A), ("Bea", B), (STRANGER, C)]


def test_it_is_the_hash_of_the_sorted_pairs() -> None:
    text = f'[["","{C}"],["Ada","{A}"],["Bea","{B}"]]'
    assert set_digest(SET) == hashlib.sha256(text.encode()).hexdigest()
    assert set_digest([]) == hashlib.sha256(b"[]").hexdigest()


def test_order_does_not_count() -> None:
    assert set_digest(reversed(SET)) == set_digest(SET)


@pytest.mark.parametrize(
    "other",
    [
        [("Ada", B), ("Bea", A), (STRANGER, C)],  # labels changed places
        [("Ada", A), ("Bea", B), ("Bea", C)],  # the stranger is somebody
        [("Ada", A), ("Bea", B)],  # a stranger less
        [*SET, (STRANGER, A)],  # one more, of a picture that is there as Ada
        [*SET, ("Ada", A)],  # the same picture twice
        [("Ada", A), ("Bea", "d" * 64), (STRANGER, C)],  # another picture
        [("ada", A), ("Bea", B), (STRANGER, C)],
    ],
)
def test_a_label_a_picture_and_a_stranger_count(other: list[tuple[str, str]]) -> None:
    assert set_digest(other) != set_digest(SET)
