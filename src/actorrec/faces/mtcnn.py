"""The default detector: MTCNN (Zhang et al., 2016) in numpy and LiteRT, without TensorFlow."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.faces.mtcnn_nets import PNET, ProposalNet, checked_nets
from actorrec.faces.mtcnn_pyramid import plan_sheets
from actorrec.faces.mtcnn_refine import Found, Refiner
from actorrec.faces.picture import add_border, halvings, shrink
from actorrec.manifests.nets import DetectorSpec
from actorrec.types import Face, UInt8Image
from actorrec.vision.boxes import keep_best, square

# The mtcnn package 1.0.0 has 0.6; on the 3,000 development photos 0.7 loses none and spares the R-Net a fifth.
_PROPOSAL: Final = 0.7
# Between proposals of different scales, as in the package. Less is faster, but then a part of a face that the P-Net
# likes can take the place of the whole face that the R-Net would have liked.
_MAX_IOU: Final = 0.7
_MARGIN: Final = 0.25  # Border of the second look, as a part of the picture's shorter side.
_LARGE: Final = 0.2  # The second look is for faces of at least this part of the shorter side.


@dataclass(frozen=True, slots=True)
class Limits:
    """Lowest probability kept after each net, and how many proposals go on at most."""

    proposal: float
    refined: float
    output: float
    max_proposals: int = 300


class MtcnnDetector:
    """P-Net over a picture pyramid, then R-Net and O-Net over crops.

    Where nothing is found, it looks once more for a large face, with a border around the picture and lower
    thresholds: that finds faces that fill the picture or are cut by its edge, and costs little on pictures without.

    Not thread-safe: make one per thread.

    Args:
        spec: Smallest face, score threshold and longest side.
        files: ``pnet.tflite``, ``rnet.tflite`` and ``onet.tflite`` as bytes or paths; None for the shipped ones.
        num_threads: CPU threads of each net.

    Raises:
        ModelContractError: If a net is missing or is not one.
        MissingExtraError: If LiteRT is not installed.
    """

    def __init__(
        self, spec: DetectorSpec, files: Mapping[str, bytes | Path] | None = None, *, num_threads: int = 1
    ) -> None:
        self._spec = spec
        self._proposals = ProposalNet(checked_nets(files, (PNET,))[PNET], num_threads=num_threads)
        self._refiner = Refiner(files, num_threads=num_threads)
        self._first_look = Limits(_PROPOSAL, 0.7, spec.score_threshold)  # 0.7 for the R-Net is the package's.
        self._second_look = Limits(0.5, 0.5, min(spec.score_threshold, 0.6))

    @property
    def detector_id(self) -> str:
        """Name and version of the weights."""
        return self._spec.detector_id

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Find every face; see ``FaceDetector.detect``."""
        small, scale = shrink(pixels, self._spec.max_side_px)
        found = self._cascade(small, self._spec.min_face_px, self._first_look)
        if not found.scores.size:
            found = self._look_again(small)
        return found.moved(1 / scale).faces()

    def _look_again(self, pixels: UInt8Image) -> Found:
        shorter_px = min(pixels.shape[:2])
        margin = round(_MARGIN * shorter_px)
        smallest = max(self._spec.min_face_px, _LARGE * shorter_px)
        found = self._cascade(add_border(pixels, margin), smallest, self._second_look)
        return found.moved(1, -margin)

    def _cascade(self, pixels: UInt8Image, min_face_px: float, limits: Limits) -> Found:
        plan = plan_sheets(*pixels.shape[:2], min_face_px)
        boxes, logits = self._proposals.propose(pixels, plan, limits.proposal)
        best = keep_best(boxes, logits, _MAX_IOU)[: limits.max_proposals]
        scales = halvings(pixels)
        boxes = self._refiner.reject(scales, square(boxes[best]), limits.refined)
        return self._refiner.locate(scales, boxes, limits.output)
