"""A single-shot detector (Liu et al., 2016) run by OpenCV's DNN module, with the user's model files."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ConfigError, ModelContractError
from actorrec.faces.mtcnn_refine import Found, Refiner
from actorrec.faces.opencv import file_bytes, import_cv2
from actorrec.faces.picture import add_border, shrink
from actorrec.manifests.nets import DetectorSpec
from actorrec.types import Face, UInt8Image
from actorrec.vision.boxes import Boxes, keep_best

CAFFE_FILES: Final = ("ssd.prototxt", "ssd.caffemodel")
ONNX_FILE: Final = "ssd.onnx"
# Input of OpenCV's res10_300x300_ssd: 300 × 300 BGR less this mean, as its deploy.prototxt and sample say.
_SIDE_PX: Final = 300
_MEAN_BGR: Final = (104.0, 177.0, 123.0)
_MAX_IOU: Final = 0.45  # NMS of the SSD paper; models that end in a DetectionOutput layer have done it already.
_AGAIN_MARGIN: Final = 0.25


class SsdDetector:
    """An SSD whose output is (1, 1, N, 7): image, class, score and a box relative to the picture.

    Written for OpenCV's ``res10_300x300_ssd_iter_140000.caffemodel``; any model with that input and output will do.
    An SSD gives no landmarks: the R- and O-Net of MTCNN find them inside its boxes, while box and score stay the SSD's.

    Not thread-safe: make one per thread.

    Args:
        spec: Smallest face (smaller ones are dropped), score threshold; the net's own input side is fixed.
        files: ``ssd.prototxt`` and ``ssd.caffemodel``, or ``ssd.onnx``, as bytes or paths; and ``rnet.tflite`` and
            ``onet.tflite``, without which the shipped ones serve.
        num_threads: CPU threads of the landmark nets; OpenCV's thread count is the process's.

    Raises:
        ConfigError: If a file is missing.
        ModelContractError: If the files are not such a model.
        MissingExtraError: If OpenCV or LiteRT is not installed.
    """

    def __init__(self, spec: DetectorSpec, files: Mapping[str, bytes | Path], *, num_threads: int = 1) -> None:
        self._spec = spec
        self._net = _read_net(files)
        own_nets = {name: content for name, content in files.items() if name.endswith(".tflite")}
        self._refiner = Refiner(own_nets or None, num_threads=num_threads)
        self._run(np.zeros((8, 8, 3), np.uint8))

    @property
    def detector_id(self) -> str:
        """Name and version of the weights."""
        return self._spec.detector_id

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Find every face, once more inside a border where there is none; see ``FaceDetector.detect``."""
        small, scale = shrink(pixels, self._spec.max_side_px)
        boxes, scores = self._run(small)
        if not scores.size:
            margin = round(_AGAIN_MARGIN * min(small.shape[:2]))
            boxes, scores = self._run(add_border(small, margin))
            boxes = boxes - np.float32(margin)
        large = np.min(boxes[:, 2:] - boxes[:, :2], axis=1, initial=np.inf) >= self._spec.min_face_px * scale
        points, _ = self._refiner.points_for(small, boxes[large])
        return Found(boxes[large], points, scores[large]).moved(1 / scale).faces()

    def _run(self, pixels: UInt8Image) -> tuple[Boxes, NDArray[np.float32]]:
        cv2 = import_cv2()
        # Plain squeezing to a square, as in OpenCV's sample: that is what the model was trained on.
        side = (_SIDE_PX, _SIDE_PX)
        blob = cv2.dnn.blobFromImage(pixels, 1.0, side, _MEAN_BGR, swapRB=True, crop=False)
        try:
            self._net.setInput(blob)
            output = np.asarray(self._net.forward(), np.float32)
        except cv2.error as error:
            raise ModelContractError(f"the ssd model cannot run on a {_SIDE_PX} px picture: {_first(error)}") from error
        return decode(output, (pixels.shape[0], pixels.shape[1]), self._spec.score_threshold)


def decode(
    output: NDArray[np.float32], shape_hw: tuple[int, int], threshold: float
) -> tuple[Boxes, NDArray[np.float32]]:
    """Boxes and scores of an SSD's output.

    Args:
        output: Shape (1, 1, N, 7): image, class, score, x1, y1, x2, y2 relative to the picture.
        shape_hw: Height and width of the picture, px.
        threshold: Lowest score kept.

    Returns:
        Boxes in px, shape (K, 4), and scores in [0, 1], shape (K,), best first; rows that are not finite or hold no
        area are dropped.

    Raises:
        ModelContractError: If the shape is another.
    """
    if output.ndim != 4 or output.shape[:2] != (1, 1) or output.shape[3] != 7:
        raise ModelContractError(f"an SSD gives (1, 1, N, 7), this model gives {output.shape}")
    rows = output[0, 0]
    rows = rows[np.isfinite(rows).all(axis=1)]
    height, width = shape_hw
    boxes = (rows[:, 3:7] * np.array([width, height, width, height], np.float32)).astype(np.float32)
    scores = np.clip(rows[:, 2], 0, 1)
    good = (rows[:, 2] >= threshold) & (boxes[:, 2] > boxes[:, 0]) & (boxes[:, 3] > boxes[:, 1])
    boxes, scores = boxes[good], scores[good]
    best = keep_best(boxes, scores, _MAX_IOU)
    return boxes[best], scores[best]


def _read_net(files: Mapping[str, bytes | Path]) -> Any:
    cv2 = import_cv2()
    if ONNX_FILE not in files and not any(name in files for name in CAFFE_FILES):
        raise ConfigError(
            "the ssd detector needs the user's model files",
            hint="give a folder or file: a .caffemodel with its .prototxt beside it, or an .onnx",
        )
    try:
        if ONNX_FILE in files:
            return cv2.dnn.readNetFromONNX(np.frombuffer(file_bytes("ssd", files, ONNX_FILE), np.uint8))
        prototxt, weights = (np.frombuffer(file_bytes("ssd", files, name), np.uint8) for name in CAFFE_FILES)
        return cv2.dnn.readNetFromCaffe(prototxt, weights)
    except cv2.error as error:
        raise ModelContractError(f"the ssd files are not a model that OpenCV can read: {_first(error)}") from error


def _first(error: Exception) -> str:
    return next(iter(str(error).strip().splitlines()), "no reason given")
