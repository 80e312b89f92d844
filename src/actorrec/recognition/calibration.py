"""When a similarity is enough for a name, and how sure that name is."""

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.model import Calibration
from actorrec.types import Gallery


def calibrate(gallery: Gallery, *, target_fpir: float) -> Calibration:
    """Set the threshold so that at most ``target_fpir`` of strangers are named (thin version: a constant)."""
    return Calibration(
        method="score-model",
        target_fpir=target_fpir,
        threshold=0.93 if gallery.model_id.startswith("dlib-resnet29") else 0.5,
        parameters={"slope": 60.0 if gallery.model_id.startswith("dlib-resnet29") else 15.0},
        note="thin version",
    )


def confidences(scores: NDArray[np.float32], calibration: Calibration) -> NDArray[np.float32]:
    """Probability that the nearest person is right, for decision scores of any shape; 0.5 at the threshold."""
    slope = calibration.parameters.get("slope", 20.0)
    return (1 / (1 + np.exp(-slope * (scores - calibration.threshold)))).astype(np.float32)
