"""What changed, on drawn pictures with noise."""

import cv2
import numpy as np
import pytest

from actorrec.inference.tracking.change import CELL_PX, Change, ChangeDetector
from actorrec.inference.tracking.grey import grey_frame
from tracked_scenes import noisy, pattern, scenery

SIZE_WH = (320, 180)


def looks(detector: ChangeDetector, *pictures: np.ndarray) -> list[Change]:
    return [detector.look(grey_frame(picture).pixels) for picture in pictures]


@pytest.mark.parametrize("sigma", [0.0, 3.0, 5.0, 8.0])
def test_noise_is_no_change(sigma: float) -> None:
    rng, scene = np.random.default_rng(1), scenery(1, SIZE_WH)
    said = looks(ChangeDetector(), *(noisy(scene, rng, sigma) for _ in range(60)))
    assert said[0].cut
    assert sum(each.any for each in said[1:]) == 0


def test_noise_that_comes_with_the_dark_is_learnt() -> None:
    rng, scene = np.random.default_rng(1), scenery(1, SIZE_WH)
    said = looks(ChangeDetector(), *(noisy(scene, rng, 1 + index / 6) for index in range(60)))
    assert sum(each.any for each in said[30:]) == 0


def test_light_that_drifts_is_no_change() -> None:
    rng, scene = np.random.default_rng(2), scenery(2, SIZE_WH).astype(np.float32)
    said = looks(
        ChangeDetector(),
        *(noisy(np.clip(scene * (1 + 0.001 * index), 0, 255).astype(np.uint8), rng, 3) for index in range(100)),
    )
    assert sum(each.any for each in said[1:]) == 0


@pytest.mark.parametrize("side", [24, 32, 40])
def test_a_small_face_far_away_that_moves_is_noticed_where_it_is(side: int) -> None:
    rng, scene, detector = np.random.default_rng(3), scenery(3, SIZE_WH), ChangeDetector()
    face = cv2.resize(pattern(1), (side, side), interpolation=cv2.INTER_AREA)
    noticed = 0
    for index in range(30):
        picture, left = scene.copy(), 100 + (3 * (index - 10) if index > 10 else 0)
        picture[100 : 100 + side, left : left + side] = face
        said = looks(detector, noisy(picture, rng, 4))[0]
        if index > 10:
            rows, columns = np.nonzero(said.cells)
            noticed += said.any
            assert not said.cut
            assert np.all((rows >= 100 // CELL_PX - 2) & (rows <= (100 + side) // CELL_PX + 2))
            assert np.all((columns >= (left - 6) // CELL_PX - 2) & (columns <= (left + side) // CELL_PX + 2))
        elif index:
            assert not said.any
    assert noticed >= 12


def test_what_moves_slowly_is_noticed_sometime() -> None:
    rng, scene, detector = np.random.default_rng(4), scenery(4, SIZE_WH), ChangeDetector()
    noticed = 0
    for index in range(100):
        shift, picture = np.array([[1, 0, 150 + 0.2 * index], [0, 1, 60]], np.float32), scene.copy()
        cv2.warpAffine(pattern(2), shift, SIZE_WH, dst=picture, borderMode=cv2.BORDER_TRANSPARENT)
        noticed += looks(detector, noisy(picture, rng, 3))[0].any
    assert noticed >= 5


def test_a_cut_and_a_switched_light_are_cuts_and_a_pan_is_none() -> None:
    wide, dark = scenery(5, (450, 300)), np.zeros((180, 320, 3), np.uint8)
    pan = [np.ascontiguousarray(wide[10:190, 5 * step : 320 + 5 * step]) for step in range(12)]
    said = looks(ChangeDetector(), *pan)
    assert [each.cut for each in said] == [True] + [False] * 11
    assert all(each.any for each in said)
    assert [each.cut for each in looks(ChangeDetector(), pan[0], scenery(6, SIZE_WH), dark, dark, pan[0])] == [
        True, True, True, False, True,
    ]  # fmt: skip


def test_pictures_of_any_size() -> None:
    sizes = ((1, 1), (1, 1), (360, 640), (3, 2000), (1080, 1920), (1080, 1920), (7, 5))
    said = looks(ChangeDetector(), *(np.full((*size, 3), 90, np.uint8) for size in sizes))
    assert [each.cut for each in said] == [True, False, True, True, True, False, True]
    assert all(each.cells.ndim == 2 for each in said)


def test_a_large_frame_is_shrunk_by_a_whole_number() -> None:
    grey = grey_frame(np.zeros((1080, 1920, 3), np.uint8))
    assert grey.pixels.shape == (360, 640)
    assert grey.scale_xy.tolist() == pytest.approx([1 / 3, 1 / 3])
    assert grey_frame(np.zeros((1, 1, 3), np.uint8)).pixels.shape == (1, 1)
