"""The three MTCNN nets (Zhang et al., 2016) as LiteRT runs them, and the crops that the last two look at."""

from collections.abc import Mapping, Sequence
from importlib import resources
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.faces.mtcnn_pyramid import SHEET_HEIGHT_PX, STRIDE_PX, WINDOW_PX, SheetPlan, draw_sheets
from actorrec.types import UInt8Image
from actorrec.vision.boxes import Boxes

PNET, RNET, ONET = NET_FILES = ("pnet.tflite", "rnet.tflite", "onet.tflite")
_CROP_SHAPES: Final = {RNET: (24, 5), ONET: (48, 15)}  # Side of the crops, px, and width of the answers.
_OUTSIDE: Final = (127, 127, 127)  # What lies outside the picture: grey, the nets' zero (as in the package).
_CELL_PX: Final = WINDOW_PX - 1  # Side that box regressions are relative to, in the first pixel to last convention.


def shipped_nets() -> dict[str, bytes]:
    """The nets that come with actorrec, by file name."""
    folder = resources.files("actorrec.faces") / "weights" / "mtcnn"
    return {name: (folder / name).read_bytes() for name in NET_FILES}


def probability(logits: NDArray[np.float32]) -> NDArray[np.float32]:
    """Logistic function: the probability of "face" from the nets' first channel."""
    return (1 / (1 + np.exp(-np.clip(logits, -60, 60)))).astype(np.float32)


def logit(score: float) -> float:
    """Inverse of ``probability`` for a threshold; infinite at 0 and 1."""
    return float(np.log(score) - np.log1p(-score)) if 0 < score < 1 else float(np.inf if score else -np.inf)


class ProposalNet:
    """The P-Net over the sheets of a picture."""

    def __init__(self, model: bytes | Path, *, num_threads: int) -> None:
        self._model, self._num_threads = model, num_threads
        # One interpreter for each sheet height: a change of shape would make LiteRT allocate anew.
        self._nets = {SHEET_HEIGHT_PX: self._load()}

    def _load(self) -> LiteRtNet:
        net = LiteRtNet(self._model, name=PNET, num_threads=self._num_threads)
        _must_be(net, (-1, -1, 3), 5)
        return net

    def _net_for(self, height: int) -> LiteRtNet:
        if height not in self._nets:
            self._nets[height] = self._load()
        return self._nets[height]

    def propose(self, pixels: UInt8Image, plan: SheetPlan, threshold: float) -> tuple[Boxes, NDArray[np.float32]]:
        """Windows that may hold a face: those above a threshold that no neighbour of the same scale beats.

        Args:
            pixels: Shape (H, W, 3), uint8, RGB.
            plan: Made for that size.
            threshold: Lowest probability.

        Returns:
            Boxes in px of ``pixels``, regressed, shape (N, 4); their logits, shape (N,).
        """
        import cv2

        boxes, logits = [np.empty((0, 4), np.float32)], [np.empty(0, np.float32)]
        peak_size = np.ones((3, 3), np.uint8)
        for sheet, owners in zip(draw_sheets(pixels, plan), plan.owners, strict=True):
            net = self._net_for(sheet.shape[1])
            answer = net.run(sheet)[net.output_names[0]][0]
            score = np.where(owners >= 0, answer[:, :, 0], np.float32(-1e9))
            # Windows two or more steps apart overlap by half at most, which is what the paper's NMS allows.
            rows, columns = np.nonzero((score >= cv2.dilate(score, peak_size)) & (score > logit(threshold)))
            found, tile = answer[rows, columns], owners[rows, columns]
            corner = np.stack([columns, rows], axis=1) * np.float32(STRIDE_PX) + 1 + plan.shift_xy[tile]
            ends = np.hstack([corner, corner + _CELL_PX]) + found[:, 1:5] * _CELL_PX
            boxes.append((ends * np.tile(plan.scale_xy[tile], 2)).astype(np.float32))
            logits.append(found[:, 0])
        return np.concatenate(boxes), np.concatenate(logits)


class CropNet:
    """The R- or O-Net: square crops of one size in batches of one size.

    Args:
        model: Bytes or path of the .tflite.
        name: ``rnet.tflite`` or ``onet.tflite``, for messages.
        batch: Crops per run; the last batch is filled up with grey.
        num_threads: CPU threads.

    Raises:
        ModelContractError: If the file is not such a net.
    """

    def __init__(self, model: bytes | Path, *, name: str, batch: int, num_threads: int) -> None:
        self._net = LiteRtNet(model, name=name, num_threads=num_threads)
        self._batch, (self._side_px, self._width) = batch, _CROP_SHAPES[name]
        _must_be(self._net, (self._side_px, self._side_px, 3), self._width)

    def run(self, scales: Sequence[UInt8Image], boxes: Boxes) -> NDArray[np.float32]:
        """Look at boxes of a picture.

        Args:
            scales: The picture and its halvings, as for ``cut_crops``.
            boxes: Shape (N, 4), float32, px of the picture; may reach past it; N may be 0.

        Returns:
            Shape (N, width), float32: logit of "face", four box offsets and, from the O-Net, ten landmark numbers.
        """
        crops = cut_crops(scales, boxes, self._side_px)
        answers = [np.empty((0, self._width), np.float32)]
        for start in range(0, len(crops), self._batch):
            part = crops[start : start + self._batch]
            batch = np.full((self._batch, *crops.shape[1:]), _OUTSIDE[0], np.float32)
            batch[: len(part)] = part
            answers.append(self._net.run(batch)[self._net.output_names[0]][: len(part)])
        return np.concatenate(answers)


def _must_be(net: LiteRtNet, takes: tuple[int, int, int], gives: int) -> None:
    """Refuse a file that is some other net: the shapes must be (N, *takes) in and (N, …, gives) out."""
    has_in, has_out = net.input_shape(), net.output_shape()
    if has_in[1:] != takes or len(has_out) != (4 if takes[0] < 0 else 2) or has_out[-1] != gives:
        raise ModelContractError(
            f"{net.name} is not that net of the mtcnn detector: it takes {list(has_in)} and gives {list(has_out)}",
            hint="use the nets that come with actorrec, or those that tools/make_mtcnn_tflite.py makes",
        )


def cut_crops(scales: Sequence[UInt8Image], boxes: Boxes, side_px: int) -> UInt8Image:
    """Sample square boxes bilinearly, from corner to corner as the ``mtcnn`` package does.

    A box much larger than the crop is sampled from a halving of the picture, so that samples are never two px apart:
    without that (as in the package) large faces alias, and the nets' answers on them are noisy.

    Args:
        scales: The picture, shape (H, W, 3), uint8, sides below 32,768 px, then its halvings (``picture.halvings``).
        boxes: Shape (N, 4), float32, px of the picture, N may be 0.
        side_px: Side of a crop.

    Returns:
        Shape (N, side_px, side_px, 3), uint8; grey outside the picture.
    """
    steps = np.maximum(boxes[:, 2] - boxes[:, 0], 1) / side_px
    depths = np.clip(np.floor(np.log2(steps)), 0, len(scales) - 1).astype(int)
    crops = np.empty((len(boxes), side_px, side_px, 3), np.uint8)
    for depth in np.unique(depths):
        chosen = depths == depth
        # Pixel centres: x + 0.5 of the picture is (x + 0.5) / 2 of its half.
        inside = ((boxes[chosen] + 0.5) / 2.0**depth - 0.5).astype(np.float32)
        crops[chosen] = _gather(scales[depth], inside, side_px)
    return crops


def _gather(pixels: UInt8Image, boxes: Boxes, side_px: int) -> UInt8Image:
    """All crops from one picture in one call: a row of the result is a crop."""
    import cv2

    steps = np.linspace(0, 1, side_px, dtype=np.float32)
    x = boxes[:, 0:1] + (boxes[:, 2:3] - boxes[:, 0:1]) * steps
    y = boxes[:, 1:2] + (boxes[:, 3:4] - boxes[:, 1:2]) * steps
    map_x, map_y = np.tile(x, side_px), np.repeat(y, side_px, axis=1)
    crops = cv2.remap(pixels, map_x, map_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT, borderValue=_OUTSIDE)
    return np.asarray(crops, np.uint8).reshape(-1, side_px, side_px, 3)


def checked_nets(files: Mapping[str, bytes | Path] | None, needed: tuple[str, ...]) -> Mapping[str, bytes | Path]:
    """The nets by name: those given, or the shipped ones where none are.

    Raises:
        ModelContractError: If one that is needed is missing.
    """
    nets = shipped_nets() if files is None else files
    missing = [name for name in needed if name not in nets]
    if missing:
        raise ModelContractError(f"the mtcnn detector lacks {', '.join(missing)}")
    return nets
