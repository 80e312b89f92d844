"""Viola and Jones' detector (2001) with the frontal-face cascade that OpenCV 4 carries; points from the O-Net."""

from collections.abc import Mapping
from pathlib import Path
from typing import Final

import numpy as np

from actorrec.errors import ConfigError, ModelContractError
from actorrec.faces.mtcnn_refine import Found, Refiner
from actorrec.faces.opencv import import_cv2
from actorrec.faces.picture import add_border, shrink
from actorrec.manifests.nets import DetectorSpec
from actorrec.types import Face, UInt8Image

_CASCADE: Final = "haarcascade_frontalface_default.xml"
_SCALE_STEP: Final = 1.1  # OpenCV's default ratio of neighbouring scales.
_MIN_NEIGHBOURS: Final = 4
_MARGIN: Final = 0.15  # The cascade sees nothing at the very edge, so every picture gets a border.


class HaarDetector:
    """A cascade of Haar features finds boxes; the O-Net of MTCNN gives the five landmarks and the score.

    The cascade itself has neither: its score would be a count of overlapping hits, and its boxes are squares around
    eyes and mouth. A box that the O-Net gives less than the threshold is dropped. Frontal, upright faces only.

    Not thread-safe: make one per thread.

    Args:
        spec: Smallest face, score threshold and longest side.
        files: ``rnet.tflite`` and ``onet.tflite`` as bytes or paths; None for the shipped ones.
        num_threads: CPU threads of the nets.

    Raises:
        ConfigError: If this OpenCV has no cascades (5.0 dropped them).
        ModelContractError: If the cascade or a net cannot be read.
    """

    def __init__(
        self, spec: DetectorSpec, files: Mapping[str, bytes | Path] | None = None, *, num_threads: int = 1
    ) -> None:
        cv2 = import_cv2()
        if not hasattr(cv2, "CascadeClassifier"):
            raise ConfigError(
                f"the haar detector needs OpenCV 4, this is {cv2.__version__}",
                hint="pip install 'opencv-python-headless<5', or use the mtcnn detector",
            )
        self._spec = spec
        self._cascade = cv2.CascadeClassifier(str(Path(cv2.data.haarcascades) / _CASCADE))
        if self._cascade.empty():
            raise ModelContractError(f"OpenCV's cascade {_CASCADE} cannot be read")
        self._refiner = Refiner(files, num_threads=num_threads)

    @property
    def detector_id(self) -> str:
        """Name and version of the weights."""
        return self._spec.detector_id

    def detect(self, pixels: UInt8Image) -> list[Face]:
        """Find every face; see ``FaceDetector.detect``."""
        cv2 = import_cv2()
        small, scale = shrink(pixels, self._spec.max_side_px)
        margin = round(_MARGIN * min(small.shape[:2]))
        grey = cv2.equalizeHist(cv2.cvtColor(add_border(small, margin), cv2.COLOR_RGB2GRAY))
        smallest = (self._spec.min_face_px, self._spec.min_face_px)
        found = self._cascade.detectMultiScale(grey, _SCALE_STEP, _MIN_NEIGHBOURS, minSize=smallest)
        rows = np.asarray(found, np.float32).reshape(-1, 4)
        boxes = np.hstack([rows[:, :2], rows[:, :2] + rows[:, 2:]]) - np.float32(margin)
        points, scores = self._refiner.points_for(small, boxes)
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] >= self._spec.score_threshold]
        return Found(boxes[order], points[order], scores[order]).moved(1 / scale).faces()
