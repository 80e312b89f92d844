"""The self-test: nets that compute right pass, others do not, and what a card knows of it is no content."""

import io
import os
import stat
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ModelContractError
from actorrec.manifests.bundle import BundleCard, BundleManifest, KnownAnswer
from actorrec.manifests.nets import EmbedderSpec
from actorrec.recognition.bundle import CARD_NAME, open_bundle, write_bundle
from actorrec.recognition.bundle_zip import write_zip
from actorrec.recognition.known_answer import check_answer, known_answer, made_up_units
from actorrec.recognition.made_up_faces import PATTERNS_VERSION, made_up_crops, made_up_picture
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.recognition.self_test import self_test
from actorrec.recognition.stored_bundle import commit_bundle
from actorrec.types import BoundingBox, Face, Landmarks, UInt8Image
from small_bundles import small_bundle


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> tuple[BundleCard, Recogniser]:
    card = write_bundle(tmp_path_factory.mktemp("bundle") / "bundle.zip", *small_bundle())
    _, files = small_bundle()
    return card, load_recogniser(open_bundle(_zip(card, files)), num_threads=1)


def _zip(card: BundleCard, files: dict[str, bytes]) -> bytes:
    out = io.BytesIO()
    write_zip(out, {CARD_NAME: card.model_dump_json().encode(), **files})
    return out.getvalue()


def test_a_good_bundle_passes_with_and_without_an_answer(written: tuple[BundleCard, Recogniser]) -> None:
    card, recogniser = written
    assert card.self_test is not None
    assert card.self_test.patterns_version == PATTERNS_VERSION
    assert card.self_test.least_cosine == 0.95
    self_test(recogniser, card.self_test)
    self_test(recogniser)


def test_an_answer_of_other_patterns_is_passed_over(written: tuple[BundleCard, Recogniser]) -> None:
    _, recogniser = written
    units = made_up_units(recogniser.embedder)
    check_answer(units, KnownAnswer(patterns_version=PATTERNS_VERSION + 1, numbers=[[1.0]], least_cosine=0.95))
    with pytest.raises(ModelContractError, match="another shape"):
        check_answer(units, KnownAnswer(patterns_version=PATTERNS_VERSION, numbers=[[1.0]], least_cosine=0.95))
    with pytest.raises(ModelContractError, match="another shape"):
        check_answer(units, KnownAnswer(patterns_version=PATTERNS_VERSION, numbers=[], least_cosine=0.95))


class OtherEmbedder:
    """Gives what it is told to."""

    def __init__(self, spec: EmbedderSpec, numbers: NDArray[np.float32]) -> None:
        self.spec, self._numbers = spec, numbers

    def embed(self, crops: UInt8Image) -> NDArray[np.float32]:
        return np.resize(self._numbers, (len(crops), *self._numbers.shape[1:])).astype(np.float32)


@pytest.mark.parametrize(
    ("numbers", "said"),
    [
        (np.ones((4, 128)), "one answer for different faces"),
        (np.full((4, 128), np.nan), "no finite vector"),
        (np.full((4, 128), np.inf), "no finite vector"),
        (np.zeros((4, 128)), "no finite vector"),
        (np.ones((4, 127)), "not \\[4, 128\\]"),
        (np.random.default_rng(3).normal(size=(4, 128)), "does not give here"),
    ],
    ids=["constant", "nan", "infinite", "zero", "narrow", "another"],
)
def test_an_embedder_that_computes_wrongly(
    written: tuple[BundleCard, Recogniser], numbers: NDArray[np.float32], said: str
) -> None:
    card, recogniser = written
    other = replace(recogniser, embedder=OtherEmbedder(recogniser.embedder.spec, numbers))
    with pytest.raises(ModelContractError, match=said):
        self_test(other, card.self_test)


class OtherDetector:
    """Finds one face."""

    detector_id = "other"

    def __init__(self, box: BoundingBox, score: float) -> None:
        self._box, self._score = box, score

    def detect(self, pixels: UInt8Image) -> list[Face]:
        return [Face(self._box, Landmarks(np.zeros((5, 2), np.float32)), self._score)]


@pytest.mark.parametrize(
    ("box", "score", "said"),
    [
        (BoundingBox(700, 10, 900, 90), 0.9, "outside the picture"),
        (BoundingBox(-50, 10, -10, 90), 0.9, "outside the picture"),
        (BoundingBox(10, 10, float("nan"), 90), 0.9, "impossible numbers"),
        (BoundingBox(10, 10, 90, 90), 1.5, "impossible numbers"),
    ],
    ids=["right", "left", "nan", "score"],
)
def test_a_detector_that_computes_wrongly(
    written: tuple[BundleCard, Recogniser], box: BoundingBox, score: float, said: str
) -> None:
    _, recogniser = written
    with pytest.raises(ModelContractError, match=said):
        self_test(replace(recogniser, detector=OtherDetector(box, score)))
    self_test(replace(recogniser, detector=OtherDetector(BoundingBox(-5, 10, 90, 90), 0.5)))


def test_the_made_up_faces_are_the_same_everywhere() -> None:
    spec = small_bundle()[0].embedder
    crops, (picture, face) = made_up_crops(spec.template), made_up_picture()
    assert (crops.shape, crops.dtype, picture.shape) == ((4, 150, 150, 3), np.uint8, (360, 640, 3))
    assert face.box.x2 <= 640
    assert [crop.mean() for crop in crops] == pytest.approx([130.47, 100.5, 70.22, 67.98], abs=0.02)
    assert np.array_equal(crops, made_up_crops(spec.template))


def test_a_net_that_cannot_be_run_where_the_bundle_is_made_has_no_answer() -> None:
    card, files = small_bundle()
    assert known_answer(card, files | {card.embedder_file: b"no net"}) is None


def test_the_answer_is_no_content_of_a_bundle(tmp_path: Path) -> None:
    """It may differ in its last digits from machine to machine."""
    store: ArtifactStore = LocalStore(tmp_path)
    made = commit_bundle(store, *small_bundle())
    assert made.card.self_test is not None
    shaken = made.card.self_test.model_copy(update={"numbers": [[0.5]]})
    for answer in (None, shaken):
        card = made.card.model_copy(update={"self_test": answer})
        assert made.model_copy(update={"card": card}).content_digest() == made.content_digest()
        assert commit_bundle(store, card, small_bundle()[1]).key == made.key
    content = made.model_dump(mode="json")
    del content["card"]["self_test"]  # of an earlier version
    assert BundleManifest.model_validate(content).content_digest() == made.content_digest()


def test_a_bundle_is_written_as_the_umask_says(tmp_path: Path) -> None:
    card, files = small_bundle()
    for umask, mode in ((0o022, 0o644), (0o077, 0o600)):
        before = os.umask(umask)
        try:
            write_bundle(tmp_path / "bundle.zip", card, files)
        finally:
            os.umask(before)
        assert stat.S_IMODE((tmp_path / "bundle.zip").stat().st_mode) == mode
    assert [path.name for path in tmp_path.iterdir()] == ["bundle.zip"]
