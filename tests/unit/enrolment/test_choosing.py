"""Which face of a photo is the person's, on vectors made by hand."""

import numpy as np

from actorrec.enrolment.choosing import choose_faces

X, Y, Z = np.eye(3, dtype=np.float32)
NOBODY = np.zeros((0, 3), np.float32)


def test_no_photos_no_choice() -> None:
    assert choose_faces([], NOBODY) == []


def test_the_first_face_of_an_only_photo() -> None:
    assert choose_faces([np.stack([X, Y])], NOBODY) == [0]


def test_the_face_that_agrees_with_the_other_photos_even_if_it_is_small() -> None:
    photos = [np.stack([X, Y]), Y[None], np.stack([Z, Y])]
    assert choose_faces(photos, NOBODY) == [1, 0, 1]


def test_the_face_that_is_in_all_photos_though_none_shows_it_alone() -> None:
    photos = [np.stack([X, Y]), np.stack([Z, Y])]
    assert choose_faces(photos, NOBODY) == [1, 1]


def test_photos_that_are_already_known_count() -> None:
    assert choose_faces([np.stack([X, Z])], Z[None]) == [1]
