"""YuNet (Wu et al., 2023) through OpenCV's ``FaceDetectorYN``; the model file is the user's or a fetched one."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.mtcnn_refine import Found
from actorrec.faces.opencv import file_bytes, import_cv2
from actorrec.faces.picture import add_border, shrink
from actorrec.manifests.nets import DetectorSpec
from actorrec.types import Face, UInt8Image

FILE_NAME: Final = "yunet.onnx"
_MAX_IOU: Final = 0.3  # FaceDetectorYN's own default.
_TOP_K: Final = 5000  # Likewise.
_SIDE_MULTIPLE_PX: Final = 32  # The net's coarsest stride.
_SMALLEST_SIDE_PX: Final = 64  # At 32 px OpenCV 4.14 now and then answers from memory it never wrote.
# YuNet was trained on faces up to about 300 px, seen whole. Where nothing is found the picture is looked at once more,
# small and inside a border, which finds faces that fill it.
_AGAIN_SIDE_PX: Final = 320
_AGAIN_MARGIN: Final = 0.25


class YunetDetector:
    """YuNet: boxes, five landmarks and scores.

    Not thread-safe: make one per thread. OpenCV has one thread count for the whole process (``cv2.setNumThreads``),
    so this class does not set it.

    Args:
        spec: Score threshold, longest side, and smallest face (smaller ones are dropped).
        files: ``yunet.onnx`` as bytes or a path.

    Raises:
        ConfigError: If the file does not exist.
        ModelContractError: If it is not a YuNet model.
        MissingExtraError: If OpenCV is not installed.
    """

    def __init__(self, spec: DetectorSpec, files: Mapping[str, bytes | Path]) -> None:
        cv2 = import_cv2()
        self._spec = spec
        content = np.frombuffer(file_bytes("yunet", files, FILE_NAME), np.uint8)
        try:
            self._net = cv2.FaceDetectorYN.create(
                "onnx", content, np.empty(0, np.uint8), (320, 320), spec.score_threshold, _MAX_IOU, _TOP_K
            )
            self._run(np.zeros((1, 1, 3), np.uint8))
        except cv2.error as error:
            reason = str(error).strip().splitlines()[0]
            raise ModelContractError(f"{FILE_NAME} is not a YuNet model that OpenCV can run: {reason}") from error

    @property
    def detector_id(self) -> str:
        """Name and version of the weights."""
        return self._spec.detector_id

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Find every face; see ``FaceDetector.detect``."""
        small, scale = shrink(pixels, self._spec.max_side_px)
        found = self._run(small)
        if not found.scores.size:
            smaller, again = shrink(small, _AGAIN_SIDE_PX)
            margin = round(_AGAIN_MARGIN * min(smaller.shape[:2]))
            found = self._run(add_border(smaller, margin)).moved(1, -margin).moved(1 / again)
        found = found.moved(1 / scale)
        large = np.min(found.boxes[:, 2:] - found.boxes[:, :2], axis=1, initial=np.inf) >= self._spec.min_face_px
        return Found(found.boxes[large], found.points[large], found.scores[large]).faces()

    def _run(self, pixels: UInt8Image) -> Found:
        height, width = (
            max(_SMALLEST_SIDE_PX, -(-side // _SIDE_MULTIPLE_PX) * _SIDE_MULTIPLE_PX) for side in pixels.shape[:2]
        )
        canvas = np.zeros((height, width, 3), np.uint8)
        canvas[: pixels.shape[0], : pixels.shape[1]] = pixels[:, :, ::-1]  # OpenCV's nets take BGR.
        self._net.setInputSize((width, height))
        return decode(self._net.detect(canvas)[1])


def decode(rows: NDArray[np.float32] | None) -> Found:
    """What ``FaceDetectorYN.detect`` gives as arrays, best first.

    Args:
        rows: Shape (N, 15), float32: x, y, width, height, five points in our order (OpenCV names them by the person's
            own left and right), score; None for no face. Rows that are not finite are dropped.
    """
    table = np.empty((0, 15), np.float32) if rows is None else rows[np.isfinite(rows).all(axis=1)]
    table = table[np.argsort(-table[:, 14], kind="stable")]
    boxes = np.hstack([table[:, :2], table[:, :2] + table[:, 2:4]])
    return Found(boxes, table[:, 4:14].reshape(-1, 5, 2), np.clip(table[:, 14], 0, 1))
