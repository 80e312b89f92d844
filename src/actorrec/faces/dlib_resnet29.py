"""The default embedder: dlib's ResNet-29, ported from weights that their author put in the public domain."""

from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.nets import EmbedderSpec, TemplateRecord
from actorrec.vision.align import DLIB_150

SPEC: Final = EmbedderSpec(
    model_id="dlib-resnet29-v1",
    template=TemplateRecord.model_validate(
        {"name": DLIB_150.name, "size_px": DLIB_150.size_px, "points_px": DLIB_150.points_px}
    ),
    # dlib's input_rgb_image_sized<150>: its three means, and a division by 256.
    mean=(122.782, 117.001, 104.298),
    std=(256.0, 256.0, 256.0),
    dim=128,
    licence="public domain (CC0-1.0)",
)

_WEIGHTS_DIR: Final = Path(__file__).parent / "weights" / "dlib_resnet29"


def shipped_tflite() -> Path:
    """The shipped net for ``enroll`` and ``infer``: int8 weights, float32 in and out, one face a run."""
    return _WEIGHTS_DIR / "dynamic.tflite"


def shipped_weights() -> dict[str, NDArray[Any]]:
    """The shipped weights for ``train``: kernels float16, biases float32, named as ``dlib_net.weight_shapes``."""
    with np.load(_WEIGHTS_DIR / "float16.npz", allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}
