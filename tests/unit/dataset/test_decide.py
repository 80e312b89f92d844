"""What a data set is, from what its pictures hold."""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
from made_faces import candidate, person_vectors, picture

from actorrec.artifacts.review_log import Decisions
from actorrec.dataset.decide import decide
from actorrec.dataset.given import Given
from actorrec.dataset.photos import Photo
from actorrec.sections import DatasetSection


def test_a_copy_that_is_too_bad_takes_no_good_one_with_it() -> None:
    """The larger copy would be the better one, were it not turned away: it goes for that, and the other stays."""
    vector = person_vectors(1, 0)[0]
    face_print = np.random.default_rng(1).integers(0, 256, (48, 48)).astype(np.uint8)
    faces = {
        "turned.jpg": replace(candidate(vector, 300, yaw=3.0), face_print=face_print),
        "good.jpg": replace(candidate(vector, 100), face_print=face_print),
        "copy.jpg": replace(candidate(vector, 80), face_print=face_print),
    }
    photos = [Photo("Ann", name, Path(name), hashlib.sha256(name.encode()).hexdigest()) for name in sorted(faces)]
    seen = {photo.sha256 or "": picture(photo.sha256 or "", faces[photo.name]) for photo in photos}
    decided = decide(Given(photos), seen, Decisions(), DatasetSection(), 1)
    became = {image.path: (image.outcome, image.reason) for image in decided.images}
    assert became == {
        "turned.jpg": ("dropped", "turned-away"),
        "good.jpg": ("kept", ""),
        "copy.jpg": ("dropped", "near-duplicate"),
    }
