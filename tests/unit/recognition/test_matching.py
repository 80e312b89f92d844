"""Names from scores: unknown, one name once, and what a doubtful face is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.manifests.model import Calibration
from actorrec.recognition.gallery import build_gallery, empty_gallery
from actorrec.recognition.matching import doubtful_faces, match_faces, nearest_photos

CALIBRATION = Calibration(
    method="score-model",
    target_fpir=0.01,
    threshold=0.8,
    parameters={"same": 1.0, "midpoint": 0.75, "slope": 40.0},
)
GALLERY = build_gallery("net-1", np.eye(3, 8, dtype=np.float32), ["Ada", "Bo", "Cy"], ["a.jpg", "b.jpg", "c.jpg"])


def face(*cosines: float) -> NDArray[np.float32]:
    """A unit vector with the given cosines to Ada, Bo and Cy."""
    vector = np.zeros(8, np.float32)
    vector[: len(cosines)] = cosines
    vector[7] = max(0.0, 1 - float(np.sum(vector**2))) ** 0.5
    return vector


def test_no_faces_and_nobody_known() -> None:
    assert match_faces(np.zeros((0, 8), np.float32), GALLERY, CALIBRATION) == []
    found = match_faces(face(0.9)[None], empty_gallery("net-1", 8), CALIBRATION)
    assert [(each.person_id, each.best_id, each.confidence) for each in found] == [(None, None, 0.0)]


def test_a_near_face_is_named_and_a_far_one_is_unknown_with_its_nearest_kept() -> None:
    near, far = match_faces(np.stack([face(0.1, 0.95), face(0.2, 0.1, 0.6)]), GALLERY, CALIBRATION)
    assert (near.person_id, near.best_id, near.runner_up) == ("Bo", "Bo", "Ada")
    assert near.similarity == pytest.approx(0.95, abs=1e-6) and near.confidence > 0.99
    assert (far.person_id, far.best_id, far.runner_up) == (None, "Cy", "Ada")
    assert far.similarity == pytest.approx(0.6, abs=1e-6) and far.confidence < 0.01


def test_exactly_the_threshold_is_enough() -> None:
    at = Calibration(method="score-model", target_fpir=0.01, threshold=0.5, parameters={"same": 1.0})
    assert match_faces(face(0.5)[None], GALLERY, at)[0].person_id == "Ada"


def test_a_name_is_given_once_to_the_surer_face_and_the_other_doubts() -> None:
    weaker, stronger = match_faces(np.stack([face(0.9), face(0.99)]), GALLERY, CALIBRATION)
    assert stronger.person_id == "Ada" and weaker.person_id is None and weaker.best_id == "Ada"
    alone = match_faces(face(0.9)[None], GALLERY, CALIBRATION)[0]
    assert alone.person_id == "Ada" and weaker.confidence < alone.confidence


def test_a_face_whose_person_is_taken_gets_its_next_nearest_if_that_is_enough() -> None:
    loose = CALIBRATION.model_copy(update={"threshold": 0.6})
    second, first = match_faces(np.stack([face(0.7, 0.65), face(0.9, 0.1)]), GALLERY, loose)
    assert (first.person_id, second.person_id) == ("Ada", "Bo")
    assert second.similarity == pytest.approx(0.65, abs=1e-6) and second.runner_up == "Ada"


def test_forty_faces_of_a_crowd_share_no_name() -> None:
    rng = np.random.default_rng(0)
    crowd = np.stack([face(*rng.uniform(0.3, 0.57, 3)) for _ in range(40)])
    named = [each.person_id for each in match_faces(crowd, GALLERY, CALIBRATION.model_copy(update={"threshold": 0.4}))]
    given = [name for name in named if name is not None]
    assert sorted(given) == ["Ada", "Bo", "Cy"]


def test_few_and_many_photos_stand_on_an_equal_footing() -> None:
    """Cosine 0.80 to one photo beats 0.84 to the mean of nine photos that agree at 0.7 among themselves."""
    one = np.zeros(16, np.float32)
    one[0] = 1
    nine = np.zeros((9, 16), np.float32)
    nine[:, 1], nine[range(9), range(2, 11)] = 0.7**0.5, 0.3**0.5
    gallery = build_gallery("net-1", np.vstack([one, nine]), ["One"] + ["Nine"] * 9, [str(i) for i in range(10)])
    mean = gallery.prototypes[gallery.person_ids.index("Nine")]
    probe = 0.6 * mean
    probe[0] = 0.58
    probe[15] = (1 - float(probe @ probe)) ** 0.5
    fair = CALIBRATION.model_copy(update={"parameters": {"same": 0.7}, "threshold": 0.2})
    assert match_faces(probe[None].astype(np.float32), gallery, fair)[0].best_id == "One"
    naive = fair.model_copy(update={"parameters": {"same": 1.0}})
    assert match_faces(probe[None].astype(np.float32), gallery, naive)[0].best_id == "Nine"


def test_only_faces_near_the_threshold_are_doubtful() -> None:
    faces = np.stack([face(0.3), face(0.76), face(0.97), face(0.70)])
    assert doubtful_faces(faces, GALLERY, CALIBRATION).tolist() == [1, 3]
    assert doubtful_faces(faces[:0], GALLERY, CALIBRATION).tolist() == []
    assert doubtful_faces(faces, empty_gallery("net-1", 8), CALIBRATION).tolist() == []


def test_nearest_photos_are_named_best_first() -> None:
    nearest = nearest_photos(face(0.2, 0.9, 0.3), GALLERY, 2)
    assert [name for name, _ in nearest] == ["Bo: b.jpg", "Cy: c.jpg"]
    assert nearest[0][1] == pytest.approx(0.9, abs=1e-6)
    assert nearest_photos(face(0.2), empty_gallery("net-1", 8), 3) == []
