"""The P-Net's picture pyramid, packed onto sheets of few sizes.

The P-Net looks at a 12 px window every 2 px, and it must see the picture at many scales. Giving it each scale as a
picture of its own would reallocate its buffers at every call, and a large picture would need a lot of memory. So the
scales are cut into tiles that overlap by what a window needs, the tiles are packed onto sheets of one width and a few
heights, and windows that lie across two tiles are ignored: the answers are those of the whole scales, the buffers are
allocated once, and they stay small whatever the picture's size.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.types import UInt8Image

WINDOW_PX: Final = 12  # Side of what one P-Net answer sees, and the step between answers (Zhang et al., 2016).
STRIDE_PX: Final = 2
_FACTOR: Final = 0.709  # Ratio of neighbouring scales, about 1/√2 as in the paper: two steps halve the picture.
_OVERLAP_PX: Final = WINDOW_PX - STRIDE_PX  # With this much in common, every window lies inside one tile.
SHEET_WIDTH_PX: Final = 320  # 640×360 at half size, the first scale for 24 px faces, fits one sheet.
SHEET_HEIGHT_PX: Final = 192
_HEIGHT_STEP_PX: Final = 32
_SKYLINE_PX: Final = 4  # Granularity of packing across a sheet.


@dataclass(frozen=True, slots=True)
class Tile:
    """A part of one scale and its place on a sheet; all in px, (y, x) corners even."""

    level: int
    height: int
    width: int
    from_yx: tuple[int, int]
    sheet: int
    to_yx: tuple[int, int]


@dataclass(frozen=True, slots=True, eq=False)
class SheetPlan:
    """How a picture of one size is laid out.

    Attributes:
        level_hw: Height and width of each scale, px.
        tiles: Every tile.
        sheet_heights: Height of each sheet, px.
        owners: For each sheet, shape (H/2 − 5, W/2 − 5), int16: the tile each P-Net answer belongs to, −1 for none.
        scale_xy: Shape (tiles, 2), float32: picture px per sheet px.
        shift_xy: Shape (tiles, 2), float32: what to add to sheet px before that scaling.
    """

    level_hw: tuple[tuple[int, int], ...]
    tiles: tuple[Tile, ...]
    sheet_heights: tuple[int, ...]
    owners: tuple[NDArray[np.int16], ...]
    scale_xy: NDArray[np.float32]
    shift_xy: NDArray[np.float32]


def level_sizes(height: int, width: int, min_face_px: float) -> list[tuple[int, int]]:
    """Height and width of each scale, from the one where the smallest face fills a window; empty if none is."""
    scale, sizes = min(1.0, WINDOW_PX / min_face_px), []
    while round(min(height, width) * scale) >= WINDOW_PX:
        sizes.append((round(height * scale), round(width * scale)))
        scale *= _FACTOR
    return sizes


def _spans(length: int, limit: int) -> list[tuple[int, int]]:
    """Even cuts of a length into (start, length) of at most ``limit``, overlapping by what a window needs."""
    if length <= limit:
        return [(0, length)]
    count = math.ceil((length - _OVERLAP_PX) / (limit - _OVERLAP_PX))
    step = math.ceil((length - _OVERLAP_PX) / count)
    step += step % STRIDE_PX
    return [(start, min(step + _OVERLAP_PX, length - start)) for start in range(0, length - _OVERLAP_PX, step)]


def _place(skylines: list[list[int]], height: int, width: int) -> tuple[int, int, int]:
    """Lowest free spot for a tile on the first sheet that has one (bottom-left skyline packing): sheet, y, x."""
    columns = -(-width // _SKYLINE_PX)
    for sheet, skyline in enumerate(skylines):
        top, at = min((max(skyline[x : x + columns]), x) for x in range(len(skyline) - columns + 1))
        if top + height <= SHEET_HEIGHT_PX:
            skyline[at : at + columns] = [top + height] * columns
            return sheet, top, at * _SKYLINE_PX
    skylines.append([height] * columns + [0] * (SHEET_WIDTH_PX // _SKYLINE_PX - columns))
    return len(skylines) - 1, 0, 0


def _pack(levels: list[tuple[int, int]]) -> tuple[list[Tile], list[int]]:
    """Cut and place every scale, tallest tiles first; returns the tiles and the heights of the sheets."""
    pieces = [
        (height, width, level, y, x)
        for level, (level_height, level_width) in enumerate(levels)
        for y, height in _spans(level_height, SHEET_HEIGHT_PX)
        for x, width in _spans(level_width, SHEET_WIDTH_PX)
    ]
    skylines: list[list[int]] = []
    tiles = []
    for height, width, level, y, x in sorted(pieces, reverse=True):
        sheet, to_y, to_x = _place(skylines, height + height % STRIDE_PX, width)
        tiles.append(Tile(level, height, width, (y, x), sheet, (to_y, to_x)))
    heights = [-(-max(skyline) // _HEIGHT_STEP_PX) * _HEIGHT_STEP_PX for skyline in skylines]
    return tiles, heights


@lru_cache(maxsize=16)
def plan_sheets(height: int, width: int, min_face_px: float) -> SheetPlan:
    """Lay out the pyramid of a picture; the last few sizes are remembered (frames of a film share one)."""
    levels = level_sizes(height, width, min_face_px)
    tiles, sheet_heights = _pack(levels)
    owners = [np.full((rows // STRIDE_PX - 5, SHEET_WIDTH_PX // STRIDE_PX - 5), -1, np.int16) for rows in sheet_heights]
    scale = np.empty((len(tiles), 2), np.float32)
    shift = np.empty((len(tiles), 2), np.float32)
    for index, tile in enumerate(tiles):
        (to_y, to_x), (from_y, from_x) = tile.to_yx, tile.from_yx
        rows, columns = ((side - WINDOW_PX) // STRIDE_PX + 1 for side in (tile.height, tile.width))
        at_y, at_x = to_y // STRIDE_PX, to_x // STRIDE_PX
        owners[tile.sheet][at_y : at_y + rows, at_x : at_x + columns] = index
        level_height, level_width = levels[tile.level]
        scale[index] = width / level_width, height / level_height
        shift[index] = from_x - to_x, from_y - to_y
    return SheetPlan(tuple(levels), tuple(tiles), tuple(sheet_heights), tuple(owners), scale, shift)


def draw_sheets(pixels: UInt8Image, plan: SheetPlan) -> Iterator[NDArray[np.float32]]:
    """Scale a picture and lay it on the plan's sheets.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB; of the size the plan was made for.
        plan: From ``plan_sheets``.

    Yields:
        Each sheet, shape (1, height, SHEET_WIDTH_PX, 3), float32, 0 to 255; what no tile covers is black.
    """
    scaled = _scale_levels(pixels, plan.level_hw)
    for sheet, height in enumerate(plan.sheet_heights):
        canvas = np.zeros((1, height, SHEET_WIDTH_PX, 3), np.float32)
        for tile in plan.tiles:
            if tile.sheet == sheet:
                (to_y, to_x), (from_y, from_x) = tile.to_yx, tile.from_yx
                part = scaled[tile.level][from_y : from_y + tile.height, from_x : from_x + tile.width]
                canvas[0, to_y : to_y + tile.height, to_x : to_x + tile.width] = part
        yield canvas


def _scale_levels(pixels: UInt8Image, level_hw: tuple[tuple[int, int], ...]) -> list[UInt8Image]:
    """Every scale by area averaging; from the third on out of the scale two before, which is twice as large."""
    import cv2

    scaled: list[UInt8Image] = []
    for index, (height, width) in enumerate(level_hw):
        source = pixels if index < 2 else scaled[index - 2]
        if source.shape[:2] != (height, width):
            source = np.asarray(cv2.resize(source, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
        scaled.append(source)
    return scaled
