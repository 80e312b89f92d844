"""From rough boxes to faces: the R-Net and O-Net of MTCNN, also used to give other detectors their landmarks."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.mtcnn_nets import ONET, RNET, CropNet, checked_nets, logit, probability
from actorrec.faces.picture import halvings
from actorrec.types import BoundingBox, Face, Landmarks, UInt8Image
from actorrec.vision.boxes import Boxes, keep_best, square

# Crops per run, by measurement: larger batches are no faster on a CPU, and the last one is filled up.
_RNET_BATCH: Final = 8
_ONET_BATCH: Final = 2
# Overlaps allowed, as in the mtcnn package 1.0.0: IoU after the R-Net (the O-Net then sees a face a few times and has
# as many chances to like it), over the smaller box after the O-Net.
_MAX_IOU: Final = 0.7
_MAX_COVER: Final = 0.7


@dataclass(frozen=True, slots=True, eq=False)
class Found:
    """Faces of one picture as arrays, best first: boxes (N, 4), points (N, 5, 2), scores (N,); float32, px."""

    boxes: Boxes
    points: NDArray[np.float32]
    scores: NDArray[np.float32]

    def moved(self, scale: float, shift_px: float = 0.0) -> "Found":
        """The same after multiplying every coordinate by ``scale`` and adding ``shift_px``."""
        return Found(self.boxes * scale + shift_px, self.points * scale + shift_px, self.scores)

    def faces(self) -> list[Face]:
        """As domain objects."""
        return [
            Face(BoundingBox(*(float(side) for side in box)), Landmarks(points.astype(np.float32)), float(score))
            for box, points, score in zip(self.boxes, self.points, self.scores, strict=True)
        ]


class Refiner:
    """The last two nets of the cascade. Not thread-safe.

    Args:
        files: ``rnet.tflite`` and ``onet.tflite`` as bytes or paths, among others; None for the shipped ones.
        num_threads: CPU threads of each net.

    Raises:
        ModelContractError: If a net is missing or is not one.
    """

    def __init__(self, files: Mapping[str, bytes | Path] | None = None, *, num_threads: int = 1) -> None:
        nets = checked_nets(files, (RNET, ONET))
        self._rnet = CropNet(nets[RNET], name=RNET, batch=_RNET_BATCH, num_threads=num_threads)
        self._onet = CropNet(nets[ONET], name=ONET, batch=_ONET_BATCH, num_threads=num_threads)

    def reject(self, scales: Sequence[UInt8Image], boxes: Boxes, threshold: float) -> Boxes:
        """R-Net: drop boxes without a face and better the others.

        Args:
            scales: The picture and its halvings.
            boxes: Shape (N, 4), float32, px, square; N may be 0.
            threshold: Lowest probability kept.

        Returns:
            Shape (K, 4), float32, px, square, best first.
        """
        answer = self._rnet.run(scales, boxes)
        good = answer[:, 0] > logit(threshold)
        better = _regress(boxes[good], answer[good])
        return square(better[keep_best(better, answer[good, 0], _MAX_IOU)])

    def locate(self, scales: Sequence[UInt8Image], boxes: Boxes, threshold: float) -> Found:
        """O-Net: score square boxes, better them and find the landmarks; one answer a face, best first."""
        answer = self._onet.run(scales, boxes)
        good = answer[:, 0] > logit(threshold)
        boxes, answer = boxes[good], answer[good]
        better = _regress(boxes, answer)
        best = keep_best(better, answer[:, 0], _MAX_COVER, over="smaller")
        return Found(better[best], _landmarks(boxes, answer)[best], probability(answer[best, 0]))

    def points_for(self, pixels: UInt8Image, boxes: Boxes) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """O-Net: five points for boxes that another detector found.

        The R-Net first moves each box to where the O-Net expects it; nothing is dropped, whatever the nets think.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB.
            boxes: Shape (N, 4), float32, px; N may be 0.

        Returns:
            The points, shape (N, 5, 2), float32, px, and the O-Net's probability of "face", shape (N,), float32.
        """
        scales, boxes = halvings(pixels), square(boxes)
        boxes = square(_regress(boxes, self._rnet.run(scales, boxes)))
        answer = self._onet.run(scales, boxes)
        return _landmarks(boxes, answer), probability(answer[:, 0])


def _regress(boxes: Boxes, answer: NDArray[np.float32]) -> Boxes:
    """Boxes moved by the nets' offsets, which count in sides from the first pixel to the last."""
    sides = boxes[:, 2:] - boxes[:, :2] + 1
    return (boxes + answer[:, 1:5] * np.hstack([sides, sides])).astype(np.float32)


def _landmarks(boxes: Boxes, answer: NDArray[np.float32]) -> NDArray[np.float32]:
    """Landmarks in px of the picture from the O-Net's five x and five y, which count in sides of its crop."""
    sides = boxes[:, None, 2:] - boxes[:, None, :2] + 1
    unit = np.stack([answer[:, 5:10], answer[:, 10:15]], axis=2)
    return (boxes[:, None, :2] + unit * sides - 1).astype(np.float32)
