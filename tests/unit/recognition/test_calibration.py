"""Calibration: thresholds against simulated and real strangers, and confidence that means what it says."""

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.manifests.model import Calibration
from actorrec.recognition.calibration import (
    calibrate,
    confidences,
    decision_scores,
    same_person_probability,
)
from actorrec.recognition.gallery import build_gallery, empty_gallery, photo_counts
from actorrec.recognition.held_back import pair_statistics, rejection, stranger_maxima
from actorrec.recognition.rates import rate_of
from actorrec.recognition.score_models import GENERIC, ScoreModel, footing, shipped_model
from actorrec.types import Gallery
from actorrec.vision.similarity import normalise

DLIB = "dlib-resnet29-v1"
WITHOUT_TAIL = ScoreModel(0.2, 0.01, 0.0, 1.0, 0.0, 0.7, -1.4, 0.0, 0.04, 0.0)


def people_and_photos(
    people: int, photos: int, *, seed: int, common: float = 0.0, dim: int = 64
) -> tuple[NDArray[np.float32], list[str]]:
    """Unit vectors that share a direction (as dlib's do), a person's own and each photo's noise."""
    rng = np.random.default_rng(seed)
    own = np.repeat(rng.normal(size=(people, dim)), photos, axis=0)
    vectors = own + 0.55 * rng.normal(size=own.shape)
    vectors[:, 0] += common * math.sqrt(dim)
    return normalise(vectors.astype(np.float32))[0], [f"p{i // photos:03d}" for i in range(people * photos)]


def gallery_of(people: int, photos: int, *, model_id: str = "brought-net", **how: float) -> Gallery:
    vectors, names = people_and_photos(people, photos, seed=1, common=how.get("common", 0.0))
    return build_gallery(model_id, vectors, names, names)


def share_named(gallery: Gallery, probes: NDArray[np.float32], calibration: Calibration) -> float:
    scores = decision_scores((probes @ gallery.prototypes.T).astype(np.float32), gallery, calibration)
    return float(np.mean(scores.max(axis=1) >= calibration.threshold))


@pytest.mark.parametrize("common", [0.0, 2.0])
@pytest.mark.parametrize("photos", [1, 5])
def test_an_embedder_never_seen_keeps_strangers_out_wherever_its_cosines_lie(common: float, photos: int) -> None:
    gallery = gallery_of(40, photos, common=common)
    calibration = calibrate(gallery, target_fpir=0.01)
    strangers, _ = people_and_photos(4000, 1, seed=99, common=common)
    assert share_named(gallery, strangers, calibration) < 0.015
    rng = np.random.default_rng(5)
    fresh = normalise((gallery.prototypes + 0.04 * rng.normal(size=gallery.prototypes.shape)).astype(np.float32))[0]
    assert share_named(gallery, fresh, calibration) > 0.9


def test_the_threshold_rises_with_people_and_with_strictness() -> None:
    few, many = gallery_of(20, 2, model_id=DLIB, common=2.0), gallery_of(200, 2, model_id=DLIB, common=2.0)
    assert calibrate(few, target_fpir=0.001).threshold > calibrate(few, target_fpir=0.1).threshold
    assert calibrate(many, target_fpir=0.01).threshold > calibrate(few, target_fpir=0.01).threshold


def test_one_person_one_photo_of_an_embedder_never_seen_is_named_only_when_all_but_identical() -> None:
    calibration = calibrate(gallery_of(1, 1), target_fpir=0.01)
    assert calibration.method == "score-model" and calibration.threshold > 0.95
    assert "caution" in calibration.note


def test_nobody_known_and_tiny_galleries_are_valid() -> None:
    for gallery in (empty_gallery(DLIB, 128), empty_gallery("brought-net", 64), gallery_of(2, 1)):
        calibration = calibrate(gallery, target_fpir=0.01)
        assert math.isfinite(calibration.threshold) and calibration.strangers_used == 0


def test_the_method_says_whether_held_back_people_were_used() -> None:
    assert calibrate(gallery_of(9, 10, model_id=DLIB), target_fpir=0.01).method == "score-model"
    held_back = calibrate(gallery_of(10, 3, model_id=DLIB), target_fpir=0.01)
    assert held_back.method == "held-back" and held_back.strangers_used == 30


def test_people_who_are_alike_raise_the_threshold() -> None:
    """A gallery whose people are nearer to each other than LFW's are tells of strangers who are, too."""
    usual, alike = gallery_of(30, 3, model_id=DLIB, common=1.0), gallery_of(30, 3, model_id=DLIB, common=4.0)
    assert calibrate(usual, target_fpir=0.01).parameters["shift"] == 0
    raised = calibrate(alike, target_fpir=0.01)
    assert raised.parameters["shift"] > 0.005 and raised.threshold > calibrate(usual, target_fpir=0.01).threshold


def test_confidence_rises_and_is_at_least_a_half_where_named() -> None:
    for gallery in (gallery_of(3, 1, model_id=DLIB), gallery_of(40, 1, common=1.0), gallery_of(40, 8)):
        calibration = calibrate(gallery, target_fpir=0.01)
        grid = np.linspace(-1, 1, 400, dtype=np.float32)
        sure = confidences(grid, calibration)
        assert np.all(np.diff(sure) >= 0) and sure.min() >= 0 and sure.max() <= 1
        assert confidences(np.array([calibration.threshold], np.float32), calibration)[0] >= 0.499


def test_footing_by_hand() -> None:
    """Two unit vectors at cosine 0.5 have a mean of length sqrt(0.75)."""
    np.testing.assert_allclose(footing(np.array([1, 2]), 0.5), [1, math.sqrt(0.75)])


def test_a_model_without_a_bend_is_the_normal_distribution() -> None:
    up = np.array([0.2, 0.2 + 0.1 * 2.326348])
    np.testing.assert_allclose(WITHOUT_TAIL.false_match(up, 1), [0.5, 0.01], atol=1e-6)


def test_rejection_is_the_product_over_prototypes() -> None:
    grid = np.array([0.2 + 0.1 * 2.326348])
    assert rejection(WITHOUT_TAIL, np.array([1, 4, 4]), grid)[0] == pytest.approx(0.99**3, abs=1e-6)


def test_pair_statistics_by_hand() -> None:
    photos = np.array([[1, 0], [0.6, 0.8], [0, 1]], np.float32)
    seen = pair_statistics(build_gallery("n", photos, ["A", "A", "B"], ["1", "2", "3"]))
    assert (seen.pairs, seen.same) == (1, pytest.approx(0.6)) and seen.mean == pytest.approx(0.4)
    assert seen.spread == pytest.approx(0.4)


def test_stranger_maxima_never_look_at_ones_own_prototype() -> None:
    photos = np.array([[1, 0, 0], [0, 1, 0], [0.6, 0, 0.8]], np.float32)
    gallery = build_gallery("n", photos, ["A", "B", "C"], ["1", "2", "3"])
    np.testing.assert_allclose(stranger_maxima(gallery, 1.0), [0.6, 0, 0.6], atol=1e-6)
    assert photo_counts(gallery).tolist() == [1, 1, 1]


def test_the_shipped_models_are_a_few_sensible_numbers() -> None:
    dlib, generic = shipped_model(DLIB), shipped_model(GENERIC)
    assert dlib is not None and generic is not None and shipped_model("brought-net") is None
    assert 0.8 < dlib.location < dlib.same < 1 and generic.location == 0 < generic.same < 1
    grid = np.linspace(dlib.location, 0.999, 500)
    assert np.all(np.diff(dlib.false_match(grid, 3)) <= 0) and np.all(np.diff(dlib.miss(grid, 3)) >= 0)


def test_the_generic_model_moves_to_where_an_embedder_lies() -> None:
    generic = shipped_model(GENERIC)
    assert generic is not None
    moved = generic.rescaled(0.8, 0.04)
    assert moved.location == 0.8 and moved.people_variance + moved.photo_variance == pytest.approx(0.0016)
    assert moved.same == pytest.approx(0.8 + 0.2 * generic.same)


def test_same_person_probability_rises_and_says_what_it_rests_on() -> None:
    low, known = same_person_probability(DLIB, 0.85)
    high, _ = same_person_probability(DLIB, 0.97)
    assert known and low < 0.05 and high > 0.95
    assert same_person_probability("brought-net", 0.7) == (pytest.approx(1, abs=0.1), False)


@pytest.mark.parametrize(
    ("hits", "n", "low", "high"), [(0, 0, 0, 1), (0, 10, 0, 0.2775), (10, 10, 0.7225, 1), (6, 600, 0.0046, 0.0217)]
)
def test_wilson_intervals_by_hand(hits: int, n: int, low: float, high: float) -> None:
    rate = rate_of(hits, n)
    assert (rate.low, rate.high) == (pytest.approx(low, abs=1e-4), pytest.approx(high, abs=1e-4))
    assert rate.low <= rate.value <= rate.high


def test_impossible_proportions_are_refused() -> None:
    with pytest.raises(ValueError, match="3 of 2"):
        rate_of(3, 2)
