"""ImageNet backbones of keras.applications, for the original design and for comparison."""

import contextlib
import logging
import sys
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, Literal

import numpy as np

from actorrec.errors import ConfigError, ModelContractError, TrainingError
from actorrec.faces.keras_runtime import import_keras
from actorrec.manifests.nets import Triple

if TYPE_CHECKING:
    import keras

_log = logging.getLogger(__name__)

INPUT_PX: Final = 224
_LEAST_SIGNAL: Final = 1e-6  # the largest answer of a random net that still is one


@dataclass(frozen=True, slots=True)
class Scaling:
    """What ``keras.applications`` calls preprocess_input, as (x − mean) / std in a colour order."""

    mean: Triple
    std: Triple
    colour_order: Literal["rgb", "bgr"]


# keras.applications.imagenet_utils: mode "caffe" takes the ImageNet means off B, G, R; mode "tf" maps to [-1, 1].
_CAFFE: Final = Scaling((103.939, 116.779, 123.68), (1.0, 1.0, 1.0), "bgr")
_TF: Final = Scaling((127.5, 127.5, 127.5), (127.5, 127.5, 127.5), "rgb")


@dataclass(frozen=True, slots=True)
class Application:
    """A backbone of keras.applications: its constructor there, and its scaling."""

    constructor: str
    scaling: Scaling


APPLICATIONS: Final = {
    "resnet50": Application("ResNet50", _CAFFE),
    "vgg16": Application("VGG16", _CAFFE),
    "mobilenet": Application("MobileNet", _TF),
    "mobilenet_v2": Application("MobileNetV2", _TF),
}


def load_application(name: str, weights: str) -> "keras.Model":
    """Build a backbone without its top: (N, 224, 224, 3) float32, scaled → the last feature map.

    Args:
        name: A key of ``APPLICATIONS``.
        weights: ``imagenet`` (downloaded by Keras once), ``none`` (random, with a warning) or a weights file.

    Raises:
        ConfigError: If there is no such backbone.
        TrainingError: If the ImageNet weights cannot be downloaded.
        ModelContractError: If the file does not hold this backbone's weights.
        MissingExtraError: If Keras is not installed.
    """
    if name not in APPLICATIONS:
        raise ConfigError(f"there is no backbone '{name}'", hint=f"one of dlib-resnet29, {', '.join(APPLICATIONS)}")
    keras = import_keras()
    constructor = getattr(keras.applications, APPLICATIONS[name].constructor)
    if weights == "imagenet":
        return _with_imagenet(constructor, name)
    model: Any = constructor(include_top=False, weights=None, input_shape=(INPUT_PX, INPUT_PX, 3))
    if weights == "none":
        _log.warning("%s starts from random weights: frozen, it cannot tell people apart", name)
        _keep_signal(model)
        return model
    _load_file(model, name, Path(weights))
    return model


def _keep_signal(model: "keras.Model") -> None:
    """Give a random net the statistics of noise where it would otherwise pass on nothing.

    The depthwise layers of a fresh MobileNet shrink their input to 1e-18 of it at the end: no direction is left.
    """
    noise = np.random.default_rng(0).uniform(-1, 1, (8, INPUT_PX, INPUT_PX, 3)).astype(np.float32)
    if float(np.abs(np.asarray(model(noise, training=False))).max()) > _LEAST_SIGNAL:
        return
    normalisations = [layer for layer in model.layers if hasattr(layer, "moving_variance")]
    momenta = [layer.momentum for layer in normalisations]
    for layer in normalisations:
        layer.momentum = 0.0  # one pass is all there is
    model(noise, training=True)
    for layer, momentum in zip(normalisations, momenta, strict=True):
        layer.momentum = momentum


def _with_imagenet(constructor: Any, name: str) -> "keras.Model":
    try:
        with contextlib.redirect_stdout(sys.stderr):  # Keras reports its download on stdout, which is for results
            model: keras.Model = constructor(include_top=False, weights="imagenet", input_shape=(INPUT_PX, INPUT_PX, 3))
    except Exception as error:
        # Keras wraps a failed download in a bare Exception; what it wraps, or a plain OSError, tells it apart.
        cause = error if isinstance(error, OSError) else error.__context__
        if not isinstance(cause, OSError):
            raise
        raise TrainingError(
            f"the ImageNet weights of {name} cannot be downloaded: {getattr(cause, 'reason', cause)}",
            hint="give a file with --weights FILE, or --weights none to start from random ones",
        ) from None
    return model


def _load_file(model: "keras.Model", name: str, path: Path) -> None:
    try:
        with warnings.catch_warnings():
            # Keras only warns when it finds nothing for a layer, and leaves it random.
            warnings.filterwarnings("error", message="Skipping")
            model.load_weights(path)
    except (ValueError, TypeError, KeyError, OSError, UserWarning) as error:
        reason = " ".join(str(error).split())[:300]
        raise ModelContractError(
            f"{path}: expected weights of {name} without its top, Keras cannot load them: {reason}",
            hint="a .weights.h5 or .h5 file that keras.applications publishes as 'notop'",
        ) from None
