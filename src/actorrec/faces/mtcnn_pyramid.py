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
from typing import Final, NamedTuple

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.picture import add_border
from actorrec.types import UInt8Image

WINDOW_PX: Final = 12  # Side of what one P-Net answer sees, and the step between answers (Zhang et al., 2016).
STRIDE_PX: Final = 2
# Widths of faces that still fill a window well enough. A window of 12 px was trained on whole faces, yet the P-Net also
# proposes, and the R-Net then fits, faces a third smaller: on development photos made small, a first scale for 36 px
# faces found 97 % of those 24 to 32 px wide (one for 24 px: 99 %), at half the cost.
_REACH: Final = 1.5
# The coarsest scales get a border, so that windows can reach past the picture: for faces that fill it or are cut by its
# edge. In even px, as tiles want; those scales are so small that it costs next to nothing.
_COARSE_PX: Final = 48
_MARGIN_PX: Final = 6
_SMALLEST_PX: Final = 8
_FACTOR: Final = 0.5**0.5  # Ratio of neighbouring scales (0.709 in the paper): two steps halve the picture.
_OVERLAP_PX: Final = WINDOW_PX - STRIDE_PX  # With this much in common, every window lies inside one tile.
# By measurement on photos and film frames: small sheets stay in a core's cache and leave less room unused, and two
# heights mean two interpreters. The first scale of 640×360 for 24 px faces, 213×120, fits one.
SHEET_WIDTH_PX: Final = 224
SHEET_HEIGHT_PX: Final = 128
_HEIGHT_STEP_PX: Final = 64
_SKYLINE_PX: Final = 16  # Granularity of packing across a sheet.


class Level(NamedTuple):
    """One scale: its height and width, px, how many px of the picture one of its px is across and down, its border."""

    height: int
    width: int
    zoom_xy: tuple[float, float]
    margin: int = 0


class Tile(NamedTuple):
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
        levels: The scales.
        tiles: Every tile.
        sheet_heights: Height of each sheet, px.
        owners: For each sheet, shape (H/2 − 5, W/2 − 5), int16: the tile each P-Net answer belongs to, −1 for none.
        scale_xy: Shape (tiles, 2), float32: picture px per sheet px.
        shift_xy: Shape (tiles, 2), float32: what to add to sheet px before that scaling.
    """

    levels: tuple[Level, ...]
    tiles: tuple[Tile, ...]
    sheet_heights: tuple[int, ...]
    owners: tuple[NDArray[np.int16], ...]
    scale_xy: NDArray[np.float32]
    shift_xy: NDArray[np.float32]


def pyramid(height: int, width: int, min_face_px: float) -> list[Level]:
    """The scales, from the one where windows reach down to the smallest face to the last that holds one; maybe none.

    From the third on, each is half the one two before it; an odd row or column is left out.
    """
    scale = min(1.0, WINDOW_PX / (min_face_px * _REACH))
    levels = [_scaled(height, width, scale), _scaled(height, width, scale * _FACTOR)]
    while min(levels[-1][:2]) >= _SMALLEST_PX:
        levels.append(_divided(levels[-2], 2))
    kept = [level for level in levels if min(level[:2]) >= _SMALLEST_PX]
    return [level._replace(margin=_MARGIN_PX) if min(level[:2]) <= _COARSE_PX else level for level in kept]


def _scaled(height: int, width: int, scale: float) -> Level:
    whole = round(1 / scale)
    if math.isclose(whole * scale, 1):
        return _divided(Level(height, width, (1.0, 1.0)), whole)
    rows, columns = max(1, round(height * scale)), max(1, round(width * scale))
    return Level(rows, columns, (width / columns, height / rows))


def _divided(level: Level, by: int) -> Level:
    """A scale so many times smaller; rows and columns that do not fill a px are left out."""
    return Level(level.height // by, level.width // by, (level.zoom_xy[0] * by, level.zoom_xy[1] * by))


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


def _pack(levels: list[Level]) -> tuple[list[Tile], list[int]]:
    """Cut and place every scale, tallest tiles first; returns the tiles and the heights of the sheets."""
    pieces = [
        (height, width, index, y, x)
        for index, level in enumerate(levels)
        for y, height in _spans(level.height + 2 * level.margin, SHEET_HEIGHT_PX)
        for x, width in _spans(level.width + 2 * level.margin, SHEET_WIDTH_PX)
    ]
    skylines: list[list[int]] = []
    tiles = []
    for height, width, index, y, x in sorted(pieces, reverse=True):
        sheet, to_y, to_x = _place(skylines, height + height % STRIDE_PX, width)
        tiles.append(Tile(index, height, width, (y, x), sheet, (to_y, to_x)))
    heights = [-(-max(skyline) // _HEIGHT_STEP_PX) * _HEIGHT_STEP_PX for skyline in skylines]
    return tiles, heights


@lru_cache(maxsize=16)
def plan_sheets(height: int, width: int, min_face_px: float) -> SheetPlan:
    """Lay out the pyramid of a picture; the last few sizes are remembered (frames of a film share one)."""
    levels = pyramid(height, width, min_face_px)
    tiles, sheet_heights = _pack(levels)
    owners = [np.full((rows // STRIDE_PX - 5, SHEET_WIDTH_PX // STRIDE_PX - 5), -1, np.int16) for rows in sheet_heights]
    scale = np.empty((len(tiles), 2), np.float32)
    shift = np.empty((len(tiles), 2), np.float32)
    for index, tile in enumerate(tiles):
        (to_y, to_x), (from_y, from_x) = tile.to_yx, tile.from_yx
        rows, columns = ((side - WINDOW_PX) // STRIDE_PX + 1 for side in (tile.height, tile.width))
        at_y, at_x = to_y // STRIDE_PX, to_x // STRIDE_PX
        owners[tile.sheet][at_y : at_y + rows, at_x : at_x + columns] = index
        level = levels[tile.level]
        scale[index] = level.zoom_xy
        shift[index] = from_x - to_x - level.margin, from_y - to_y - level.margin
    return SheetPlan(tuple(levels), tuple(tiles), tuple(sheet_heights), tuple(owners), scale, shift)


def draw_sheets(pixels: UInt8Image, plan: SheetPlan) -> Iterator[NDArray[np.float32]]:
    """Scale a picture and lay it on the plan's sheets.

    Args:
        pixels: Shape (H, W, 3), uint8, RGB; of the size the plan was made for.
        plan: From ``plan_sheets``.

    Yields:
        Each sheet, shape (1, height, SHEET_WIDTH_PX, 3), float32, 0 to 255; what no tile covers is black.
    """
    scaled = _scale_levels(pixels, plan.levels)
    for sheet, height in enumerate(plan.sheet_heights):
        canvas = np.zeros((1, height, SHEET_WIDTH_PX, 3), np.float32)
        for tile in plan.tiles:
            if tile.sheet == sheet:
                (to_y, to_x), (from_y, from_x) = tile.to_yx, tile.from_yx
                part = scaled[tile.level][from_y : from_y + tile.height, from_x : from_x + tile.width]
                canvas[0, to_y : to_y + tile.height, to_x : to_x + tile.width] = part
        yield canvas


def _scale_levels(pixels: UInt8Image, levels: tuple[Level, ...]) -> list[UInt8Image]:
    """Every scale by area averaging: the second out of the first, the others by halving the one two before."""
    scaled: list[UInt8Image] = []
    for index, level in enumerate(levels):
        source = pixels if index == 0 else scaled[max(0, index - 2)]
        scaled.append(_average(source, (level.height, level.width)))
    return [add_border(part, level.margin) for part, level in zip(scaled, levels, strict=True)]


def _average(pixels: UInt8Image, size_hw: tuple[int, int]) -> UInt8Image:
    import cv2

    height, width = size_hw
    if pixels.shape[:2] == size_hw:
        return pixels
    times = pixels.shape[0] // height
    if (pixels.shape[0] // times, pixels.shape[1] // times) == size_hw:
        pixels = pixels[: times * height, : times * width]  # An exact ratio takes OpenCV's fast path.
    return np.asarray(cv2.resize(pixels, (width, height), interpolation=cv2.INTER_AREA), np.uint8)
