"""The part of the training side that stops training early: whole groups, so that no near-copy tells the answer."""

import hashlib
from collections import defaultdict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.dataset import FaceRecord

VALIDATION_SHARE = 0.2
MIN_GROUPS = 4
"""Groups a person needs before one is set aside: below that, learning needs them all."""


def validation_mask(faces: Sequence[FaceRecord], seed: int) -> NDArray[np.bool_]:
    """Choose about a fifth of each person's faces, never splitting a group.

    Args:
        faces: The training side.
        seed: The same seed and faces give the same choice, in whatever order they come.

    Returns:
        Shape (F,), bool: True for validation. A person with fewer than ``MIN_GROUPS`` groups has none there, and
        no group has faces on both sides, even one that holds faces of two people.
    """
    groups: dict[str, dict[str, list[int]]] = defaultdict(lambda: defaultdict(list))
    for index, face in enumerate(faces):
        groups[face.person_id][face.group].append(index)
    chosen: set[str] = set()
    for person_id in sorted(groups):
        chosen |= _choose(groups[person_id], seed)
    # A group two people share is learned from whole, so that neither loses faces to the other's draw.
    shared = {g for g in chosen if sum(g in of_person for of_person in groups.values()) > 1}
    return np.array([face.group in chosen - shared for face in faces], bool)


def _choose(of_person: dict[str, list[int]], seed: int) -> set[str]:
    if len(of_person) < MIN_GROUPS:
        return set()
    wanted = VALIDATION_SHARE * sum(len(members) for members in of_person.values())
    chosen: set[str] = set()
    faces = 0
    for group in sorted(of_person, key=lambda name: hashlib.sha256(f"{seed}/{name}".encode()).digest()):
        size = len(of_person[group])
        # A huge group (one film's stills) may not swallow the training side.
        if faces + size <= max(1.5 * wanted, 1):
            chosen.add(group)
            faces += size
        if faces >= wanted:
            break
    return chosen
