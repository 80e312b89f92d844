"""Arithmetic on many boxes at once: rows (x1, y1, x2, y2) in px, x2 and y2 exclusive."""

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Boxes = NDArray[np.float32]
"""Shape (N, 4), float32."""


def areas(boxes: Boxes) -> NDArray[np.float32]:
    """Area of each box, px²; 0 for a box turned inside out. Shape (N,), float32."""
    sides = np.maximum(boxes[:, 2:] - boxes[:, :2], 0)
    product: NDArray[np.float32] = sides[:, 0] * sides[:, 1]
    return product


def overlaps(left: Boxes, right: Boxes, *, over: Literal["union", "smaller"] = "union") -> NDArray[np.float32]:
    """How much every left box overlaps every right box.

    Args:
        left: Shape (N, 4), float32, px; N may be 0.
        right: Shape (M, 4), float32, px; M may be 0.
        over: Divide the common area by that of the union (IoU), or by that of the smaller box.

    Returns:
        Shape (N, M), float32, in [0, 1]; 0 where both boxes are empty.
    """
    width = np.minimum(left[:, None, 2], right[None, :, 2]) - np.maximum(left[:, None, 0], right[None, :, 0])
    height = np.minimum(left[:, None, 3], right[None, :, 3]) - np.maximum(left[:, None, 1], right[None, :, 1])
    common = np.maximum(width, 0) * np.maximum(height, 0)
    left_area, right_area = areas(left)[:, None], areas(right)[None, :]
    whole = left_area + right_area - common if over == "union" else np.minimum(left_area, right_area)
    share: NDArray[np.float32] = common / np.maximum(whole, np.float32(1e-9))
    return share


def keep_best(
    boxes: Boxes, scores: NDArray[np.float32], threshold: float, *, over: Literal["union", "smaller"] = "union"
) -> NDArray[np.intp]:
    """Greedy non-maximum suppression.

    Args:
        boxes: Shape (N, 4), float32, px; N may be 0.
        scores: Shape (N,), float32; higher is better. Ties go to the earlier row.
        threshold: A box that overlaps a better kept one by more than this is dropped.
        over: As in ``overlaps``.

    Returns:
        Rows kept, best score first; shape (K,).
    """
    order = np.argsort(-scores, kind="stable")
    ranked = boxes[order]
    clash = overlaps(ranked, ranked, over=over) > threshold
    alive = np.ones(order.size, bool)
    for row in range(order.size):
        if alive[row]:
            alive[row + 1 :] &= ~clash[row, row + 1 :]
    return order[alive]


def square(boxes: Boxes) -> Boxes:
    """The smallest square around each box with the same centre. Shape (N, 4), float32."""
    half = np.max(boxes[:, 2:] - boxes[:, :2], axis=1, keepdims=True) / 2
    centre = (boxes[:, :2] + boxes[:, 2:]) / 2
    return np.hstack([centre - half, centre + half]).astype(np.float32)
