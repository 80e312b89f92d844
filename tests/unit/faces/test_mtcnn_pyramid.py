"""The sheets give the P-Net every window of every scale, once, and change none."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.faces.litert import LiteRtNet
from actorrec.faces.mtcnn_nets import shipped_nets
from actorrec.faces.mtcnn_pyramid import (
    SHEET_HEIGHT_PX,
    SHEET_WIDTH_PX,
    STRIDE_PX,
    WINDOW_PX,
    Level,
    draw_sheets,
    plan_sheets,
    pyramid,
)
from explored import examples


def test_tiny_pictures_have_no_scale() -> None:
    for height, width in ((1, 1), (3, 2000), (23, 23)):
        assert pyramid(height, width, 24) == []
        assert plan_sheets(height, width, 24).sheet_heights == ()


def test_scales_start_where_windows_reach_the_smallest_face_and_halve_every_second_time() -> None:
    levels = pyramid(361, 640, 24)  # Whose windows reach down to it: a third of the picture.
    assert (levels[0].height, levels[0].width, levels[0].zoom_xy) == (120, 213, (3, 3))
    assert (levels[2].height, levels[2].width, levels[2].zoom_xy) == (60, 106, (6, 6))
    assert [level.height for level in levels] == [120, 85, 60, 42, 30, 21, 15, 10]


def test_only_the_coarsest_scales_reach_past_the_picture() -> None:
    margins = [level.margin for level in pyramid(361, 640, 24)]
    assert margins == [0, 0, 0, 6, 6, 6, 6, 6]


def test_small_pictures_are_never_enlarged() -> None:
    assert pyramid(20, 30, 8)[0][:2] == (20, 30)


def windows(level: Level) -> tuple[int, int]:
    """How many windows a scale with its border holds down and across."""
    height, width = level.height + 2 * level.margin, level.width + 2 * level.margin
    return (height - WINDOW_PX) // STRIDE_PX + 1, (width - WINDOW_PX) // STRIDE_PX + 1


@settings(max_examples=examples(40), deadline=None)
@given(st.integers(24, 1000), st.integers(24, 1000), st.sampled_from([12.0, 24.0, 31.5, 80.0]))
def test_every_window_is_seen_once(height: int, width: int, min_face_px: float) -> None:
    plan = plan_sheets(height, width, min_face_px)
    seen: set[tuple[int, int, int]] = set()
    for sheet, owners in enumerate(plan.owners):
        assert owners.shape == (plan.sheet_heights[sheet] // STRIDE_PX - 5, SHEET_WIDTH_PX // STRIDE_PX - 5)
        assert plan.sheet_heights[sheet] <= SHEET_HEIGHT_PX
        for row, column in zip(*np.nonzero(owners >= 0), strict=True):
            tile = plan.tiles[owners[row, column]]
            y = STRIDE_PX * row - tile.to_yx[0] + tile.from_yx[0]
            x = STRIDE_PX * column - tile.to_yx[1] + tile.from_yx[1]
            assert tile.sheet == sheet
            rows, columns = windows(plan.levels[tile.level])
            assert 0 <= y < STRIDE_PX * rows and 0 <= x < STRIDE_PX * columns
            assert (tile.level, y, x) not in seen
            seen.add((tile.level, y, x))
    wanted = sum(rows * columns for rows, columns in map(windows, plan.levels))
    assert len(seen) == wanted


@pytest.mark.parametrize("shape", [(360, 640), (411, 333), (130, 900)])
def test_the_net_answers_on_sheets_as_on_whole_scales(shape: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*shape, 3), dtype=np.uint8)
    plan = plan_sheets(*shape, 16)  # A first scale of a half.
    net = LiteRtNet(shipped_nets()["pnet.tflite"], name="pnet.tflite")
    name = net.output_names[0]
    half = pixels[: shape[0] // 2 * 2, : shape[1] // 2 * 2].reshape(shape[0] // 2, 2, shape[1] // 2, 2, 3)
    # OpenCV's area average of four pixels rounds halves up.
    first = np.floor(half.astype(np.float32).mean(axis=(1, 3)) + 0.5)
    whole = net.run(first[None])[name][0]
    for sheet, owners in zip(draw_sheets(pixels, plan), plan.owners, strict=True):
        answer = net.run(sheet)[name][0]
        for row, column in list(zip(*np.nonzero(owners >= 0), strict=True))[::97]:
            tile = plan.tiles[owners[row, column]]
            if tile.level == 0:
                y = row - tile.to_yx[0] // 2 + tile.from_yx[0] // 2
                x = column - tile.to_yx[1] // 2 + tile.from_yx[1] // 2
                np.testing.assert_allclose(answer[row, column], whole[y, x], atol=2e-5)
