"""Which face of a photo: the one that agrees with the others, else the largest."""

import numpy as np
from made_faces import candidate, person_vectors, picture

from actorrec.dataset.choose import choose_faces


def test_nothing_is_chosen_of_nothing() -> None:
    assert choose_faces([]) == []
    assert choose_faces([picture("a")]) == [-1]


def test_a_single_photo_gives_its_largest_face() -> None:
    mine, other = person_vectors(1, 0)[0], person_vectors(1, 1)[0]
    assert choose_faces([picture("a", candidate(mine, 50), candidate(other, 90))]) == [0]


def test_agreement_beats_size() -> None:
    mine, others = person_vectors(4, 0), person_vectors(4, 1)
    photos = [
        picture("a", candidate(mine[0], 90)),
        picture("b", candidate(mine[1], 40), candidate(others[0], 200)),  # the larger face is somebody else's
        picture("c", candidate(mine[2], 90), candidate(person_vectors(1, 2)[0], 100)),
        picture("d"),
        picture("e", candidate(mine[3], 90)),
    ]
    chosen = choose_faces(photos)
    assert chosen == [0, 1, 1, -1, 0]


def test_agreement_decides_between_two_photos() -> None:
    mine, other = person_vectors(2, 0), person_vectors(1, 1)
    photos = [picture("a", candidate(mine[0], 60), candidate(other[0], 90)), picture("b", candidate(mine[1], 80))]
    assert choose_faces(photos) == [1, 0]


def test_between_two_that_agree_nearly_alike_the_larger_is_taken() -> None:
    mine = person_vectors(1, 0)[0]
    aside = np.zeros_like(mine)
    aside[:2] = mine[1], -mine[0]
    less = mine + 0.1 * aside / np.linalg.norm(aside)  # cosine 0.995
    both = picture("a", candidate(less / np.linalg.norm(less), 90), candidate(mine, 40))
    assert choose_faces([both, picture("b", candidate(mine, 80)), picture("c", candidate(mine, 80))]) == [0, 0, 0]


def test_of_a_couple_that_is_always_together_the_larger_is_taken() -> None:
    one, two = person_vectors(4, 0), person_vectors(4, 1)
    photos = [picture(str(i), candidate(one[i], 100), candidate(two[i], 60)) for i in range(4)]
    assert choose_faces(photos) == [0, 0, 0, 0]
