"""What changed in a picture, and where, apart from a sensor's noise and light that drifts."""

import math
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.grey import Grey

CELL_PX: Final = 4
"""Side of a cell, px of the grey picture: averaging over it takes three quarters of the noise away."""
_LEAST: Final = 4.0  # grey levels; what a codec alone may move a cell by
_SIGMAS: Final = 5.0
_START_SIGMA: Final = (2.0, 3.0)  # within these, as the first two frames differ: the second may be another scene
_LEAST_SIGMA, _MOST_SIGMA = 0.3, 6.0  # above, the cell does not rustle, it shows something
_SUPPORT: Final = 4  # of the nine cells around one: noise comes alone, in blocks of 8 px at most
_AROUND: Final = np.ones((3, 3), np.uint8)
_DRIFT: Final = 12.0  # grey levels that the whole picture may be lighter or darker without being another
_NOISE_RATE: Final = 0.05
_REFERENCE_RATE: Final = 0.03  # light that drifts is taken in within a few seconds; what moves is faster
_CUT_SHARE: Final = 0.25
_CUT_LIKENESS: Final = 0.5
_COARSE: Final = 4  # cells a side; a camera that moves leaves a picture this coarse much as it was

Cells = NDArray[np.float32]
"""Shape (h, w), float32: mean grey level of each cell."""


@dataclass(frozen=True, slots=True, eq=False)
class Change:
    """What one frame differs in.

    Attributes:
        cells: Shape (h, w), bool: which cells changed since they were last seen to change.
        cut: Whether this is another scene: the first frame, a cut, a light switched, a frame of another size.
    """

    cells: NDArray[np.bool_]
    cut: bool = False

    @property
    def any(self) -> bool:
        """Whether anything changed."""
        return bool(self.cells.any())


class ChangeDetector:
    """Compares each picture with what every cell showed when it last changed."""

    def __init__(self) -> None:
        self._reference: Cells | None = None
        self._before: Cells | None = None
        self._sigma: Cells | None = None

    def look(self, grey: Grey) -> Change:
        """Take in the next picture.

        Args:
            grey: Shape (H, W), uint8; any size from 1×1 up, and not always the same.
        """
        cells = _cells(grey)
        reference, before, sigma = self._reference, self._before, self._sigma
        self._before = cells
        if reference is None or before is None or reference.shape != cells.shape:
            self._reference, self._sigma = cells.copy(), None
            return Change(np.ones(cells.shape, np.bool_), cut=True)
        step = np.abs(cells - before)
        if sigma is None:
            sigma = self._sigma = np.full(cells.shape, _typical(step), np.float32)
        off = cells - reference
        off -= np.float32(min(max(_median(off), -_DRIFT), _DRIFT))
        changed = _supported(np.abs(off, out=off) > np.maximum(np.float32(_LEAST), np.float32(_SIGMAS) * sigma))
        self._learn(cells, step, changed)
        return Change(changed, _is_cut(before, cells, changed))

    def _learn(self, cells: Cells, step: Cells, changed: NDArray[np.bool_]) -> None:
        """Take the changed cells as they are now; of the others, the noise and the drift."""
        import cv2

        assert self._reference is not None
        assert self._sigma is not None
        # The mean of |a − b| of two draws is 2 σ / √π.
        usual = np.clip(step * np.float32(np.sqrt(np.pi) / 2), _LEAST_SIGMA, _MOST_SIGMA)
        far = None
        if changed.any():
            near = _dilated(changed)
            np.copyto(self._reference, cells, where=near)
            far = (~near).view(np.uint8)
        cv2.accumulateWeighted(usual, self._sigma, _NOISE_RATE, far)
        cv2.accumulateWeighted(cells, self._reference, _REFERENCE_RATE, far)


def _cells(grey: Grey) -> Cells:
    import cv2

    height, width = grey.shape
    rows, columns = max(1, height // CELL_PX), max(1, width // CELL_PX)
    whole = grey[: rows * CELL_PX, : columns * CELL_PX]
    return np.asarray(cv2.resize(whole, (columns, rows), interpolation=cv2.INTER_AREA), np.float32)


def _median(cells: Cells) -> float:
    """Of every fourth of them."""
    some = cells[::2, ::2].ravel()
    low, high = (some.size - 1) // 2, some.size // 2
    parted = np.partition(some, (low, high))
    return (float(parted[low]) + float(parted[high])) / 2


def _typical(step: Cells) -> float:
    """Noise of one cell, from the median of the steps between two frames, which what moves hardly touches."""
    return float(np.clip(_median(step) * 1.4826 / np.sqrt(2), *_START_SIGMA))


def _supported(hot: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    if not hot.any():
        return hot
    counts = cv2.boxFilter(hot.view(np.uint8), -1, (3, 3), normalize=False, borderType=cv2.BORDER_REPLICATE)
    return np.asarray(hot & (np.asarray(counts) >= _SUPPORT))


def _dilated(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    return np.asarray(cv2.dilate(cells.view(np.uint8), _AROUND)).view(np.bool_)


def _is_cut(before: Cells, cells: Cells, changed: NDArray[np.bool_]) -> bool:
    if np.count_nonzero(changed) < _CUT_SHARE * changed.size:
        return False
    return likeness(_coarse(before), _coarse(cells)) < _CUT_LIKENESS


def _coarse(cells: Cells) -> Cells:
    import cv2

    size_wh = (max(1, cells.shape[1] // _COARSE), max(1, cells.shape[0] // _COARSE))
    return np.asarray(cv2.resize(cells, size_wh, interpolation=cv2.INTER_AREA), np.float32)


def likeness(left: NDArray[np.float32], right: NDArray[np.float32]) -> float:
    """Correlation of two pictures of one shape, in [−1, 1]; 0 where either is of one grey."""
    left, right = (left - left.mean()).ravel(), (right - right.mean()).ravel()
    scale = math.sqrt(float(left @ left) * float(right @ right))
    return float(left @ right) / scale if scale > left.size else 0.0
