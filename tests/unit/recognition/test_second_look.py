"""The second look at doubtful faces: what is cut, who pays for it, and that it is what the gallery is compared with."""

from dataclasses import dataclass, field

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.faces.detectors import default_detector_spec, make_detector
from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder
from actorrec.faces.protocols import Embedder
from actorrec.manifests.model import Calibration
from actorrec.manifests.nets import EmbedderSpec
from actorrec.recognition.gallery import build_gallery
from actorrec.recognition.recogniser import Recogniser
from actorrec.recognition.views import embed_photo, second_look_views
from actorrec.types import BoundingBox, Face, Landmarks, UInt8Image
from actorrec.vision.align import DLIB_150, align_face
from real_faces import FaceSample, face_samples

PIXELS = np.random.default_rng(0).integers(0, 256, (180, 240, 3), dtype=np.uint8)
POINTS = Landmarks(np.array([[90, 70], [140, 72], [115, 100], [95, 130], [138, 131]], np.float32))


@dataclass(slots=True)
class Counting:
    """The real embedder, with how many crops each call had."""

    inner: Embedder
    batches: list[int] = field(default_factory=list)

    @property
    def spec(self) -> EmbedderSpec:
        return self.inner.spec

    def embed(self, crops: UInt8Image) -> NDArray[np.float32]:
        self.batches.append(len(crops))
        return self.inner.embed(crops)


def test_ten_different_views_the_face_as_it_is_first() -> None:
    views = second_look_views(PIXELS, POINTS, DLIB_150)
    assert views.shape == (10, 150, 150, 3) and views.dtype == np.uint8
    np.testing.assert_array_equal(views[0], align_face(PIXELS, POINTS, DLIB_150))
    np.testing.assert_array_equal(views[1], views[0][:, ::-1])
    assert len({view.tobytes() for view in views}) == 10
    np.testing.assert_array_equal(views, second_look_views(PIXELS, POINTS, DLIB_150))


def test_moves_are_small_and_undo_each_other() -> None:
    """A bright spot in the middle of the face stays there on average, in mirrored views and in the others."""
    dark = np.zeros_like(PIXELS)
    dark[98:103, 113:118] = 255
    across = np.arange(150)[None, :, None]
    places = np.array([(view * across).sum() / view.sum() for view in second_look_views(dark, POINTS, DLIB_150)])
    assert places[3::2].mean() == pytest.approx(places[1], abs=0.5)
    assert places[2::2].mean() == pytest.approx(places[0], abs=0.5)
    assert 2 < np.abs(places[2::2] - places[0]).max() < 10


def test_the_second_look_is_nearer_to_the_persons_other_photos() -> None:
    samples = face_samples(12, 3)
    embedder = make_embedder(DEFAULT_SPEC, None)
    people = np.array([sample.person for sample in samples])
    looks = [second_look_views(sample.pixels, sample.landmarks, DLIB_150) for sample in samples]
    first = np.stack([embed_photo(embedder, views[:1]) for views in looks])
    second = np.stack([embed_photo(embedder, views) for views in looks])
    same = (people[:, None] == people) & ~np.eye(len(people), dtype=bool)
    assert np.einsum("nd,nd->n", first, second).min() > 0.95
    assert (second @ first.T)[same].mean() > (first @ first.T)[same].mean()


@pytest.mark.parametrize(("midpoint", "looks"), [(0.5, [1]), (1.0, [1, 10])])
def test_only_a_doubtful_face_pays_for_it(midpoint: float, looks: list[int]) -> None:
    sample = face_samples(12, 3)[0]
    embedder = Counting(make_embedder(DEFAULT_SPEC, None))
    views = second_look_views(sample.pixels, sample.landmarks, DLIB_150)
    vectors = [embed_photo(embedder, views[:1]), embed_photo(embedder, views)]
    embedder.batches.clear()
    (found,), _ = recogniser_of(embedder, vectors[-1], midpoint).name_faces(sample.pixels, [face_of(sample)])
    assert embedder.batches == looks
    # The gallery is the mean of the very same views: only a face looked at again is exactly like it.
    expected = 1.0 if len(looks) > 1 else float(vectors[0] @ vectors[1])
    assert found.prediction.similarity == pytest.approx(expected, abs=1e-5)


def recogniser_of(embedder: Embedder, known: NDArray[np.float32], midpoint: float) -> Recogniser:
    gallery = build_gallery(embedder.spec.model_id, known[None], ["Ada"], ["a.jpg"])
    calibration = Calibration(
        method="score-model",
        target_fpir=0.01,
        threshold=midpoint,
        parameters={"same": 1.0, "midpoint": midpoint, "slope": 20.0, "shift": 0.0},
        strangers_used=0,
        note="made for this test",
    )
    detector = make_detector(default_detector_spec("mtcnn"), None, num_threads=1)
    return Recogniser(detector, embedder, gallery, calibration, ())


def face_of(sample: FaceSample) -> Face:
    low, high = sample.landmarks.points.min(axis=0), sample.landmarks.points.max(axis=0)
    return Face(BoundingBox(float(low[0]), float(low[1]), float(high[0]), float(high[1])), sample.landmarks, 1.0)
