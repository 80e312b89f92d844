"""A trained model as the plain image classifier that AWS's public TensorFlow Lite component runs.

That component (2.1) shrinks a whole picture to 224 × 224 px, hands over its bytes as BGR without any scaling, divides
the bytes of the first output by 255 and looks the best up in a list. So the net gets bytes and gives bytes, and what
our own program does before a net (size, order of colours, scaling) is made part of it.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.catalog import load_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.edge.answers import keras_answers
from actorrec.edge.faces import TrialFaces, net_inputs, representative_crops, trial_faces
from actorrec.edge.variants import exported
from actorrec.edge.verified import verified_file
from actorrec.errors import ModelContractError, ParityError
from actorrec.faces.keras_embedder import load_keras
from actorrec.faces.keras_runtime import fresh_session, import_keras, import_tensorflow, stderr_closed
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.manifests.nets import EmbedderSpec
from actorrec.types import UInt8Image

SIDE_PX: Final = 224
"""Of the picture that the component hands over."""


def classifier(model: ModelManifest, config: Config, *, store: ArtifactStore) -> bytes:
    """Convert a model, and prove on faces that it still names them.

    Args:
        model: Committed in ``store``, as is the data set it was trained on.
        config: ``edge.max_accuracy_loss`` bounds what may be lost.
        store: Where both are.

    Returns:
        A ``.tflite`` from (1, 224, 224, 3) uint8 BGR to (1, n) uint8, in the order of ``model.classes``.

    Raises:
        ModelContractError: If the model is not one net from a face to probabilities.
        ParityError: If the conversion names fewer faces rightly than may be lost; nothing is written.
        ArtifactError: If the data set is not in the store.
    """
    if model.embedder_file is not None:
        raise ModelContractError(
            f"{model.ref} was trained on a brought net, which stays a file of its own: it is not one image classifier",
            hint="train with an embedder of `actorrec models ls`, or publish with --flavor own",
        )
    dataset = load_manifest(store, DatasetManifest, next(ref for ref in model.inputs if ref.startswith("dataset/")))
    faces = trial_faces(store, dataset, model.embedder, model.classes)
    fresh_session(0)  # layer names end up in the file: they must not count what was built before
    whole = load_keras(verified_file(store, model, model.model_file), model.ref)
    with exported(_with_preprocessing(whole, model.embedder)) as saved:
        converted = _quantised(saved, as_handed_over(representative_crops(store, dataset, model.embedder)))
    _refuse_worse(whole, converted, model, faces, config.edge.max_accuracy_loss)
    return converted


def as_handed_over(crops: UInt8Image) -> UInt8Image:
    """Crops, shape (N, S, S, 3) uint8 RGB, as the component hands pictures over: (N, 224, 224, 3) uint8 BGR."""
    import cv2

    if crops.shape[1:3] != (SIDE_PX, SIDE_PX):
        crops = np.stack([cv2.resize(crop, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_LINEAR) for crop in crops])
    return np.ascontiguousarray(crops[..., ::-1])


def _with_preprocessing(whole: Any, spec: EmbedderSpec) -> Any:
    """From values in [0, 255] to the probabilities alone: the component takes the first output, whatever it is."""
    keras = import_keras()
    side = spec.template.size_px
    picture = keras.Input((SIDE_PX, SIDE_PX, 3), name="picture")
    values = picture if side == SIDE_PX else keras.layers.Resizing(side, side, interpolation="bilinear")(picture)
    if spec.colour_order == "rgb":
        values = values[..., ::-1]
    scale = [1.0 / each for each in spec.std]
    offset = [-mean / std for mean, std in zip(spec.mean, spec.std, strict=True)]
    values = keras.layers.Rescaling(scale, offset)(values)
    if spec.layout == "nchw":
        values = keras.ops.transpose(values, (0, 3, 1, 2))
    return keras.Model(picture, whole(values, training=False)["probabilities"], name="classifier")


def _quantised(saved: Any, pictures: UInt8Image) -> bytes:
    """Bytes in, bytes out. Black and white among the pictures make a byte of the input mean itself."""
    tf = import_tensorflow()
    bounds = np.stack([np.zeros_like(pictures[0]), np.full_like(pictures[0], 255)])
    shown = np.concatenate([bounds, pictures]).astype(np.float32)
    converter = tf.lite.TFLiteConverter.from_saved_model(str(saved), signature_keys=["serving_default"])
    converter.optimizations = [tf.lite.Optimize.DEFAULT]
    converter.representative_dataset = lambda: ([picture[None]] for picture in shown)
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]
    converter.inference_input_type = converter.inference_output_type = tf.uint8
    with stderr_closed():  # the converter reports on file descriptor 2
        converted: bytes = converter.convert()
    return converted


def _refuse_worse(whole: Any, converted: bytes, model: ModelManifest, faces: TrialFaces, may_lose: float) -> None:
    net = LiteRtNet(converted, name=f"the classifier of {model.ref}")
    check_classifier(net, len(model.classes))
    found = np.concatenate([next(iter(net.run(picture[None]).values())) for picture in as_handed_over(faces.crops)])
    source = keras_answers(whole, net_inputs(faces.crops, model.embedder)).probabilities
    assert source is not None
    lost = _right(source, model, faces) - _right(found, model, faces)
    if not lost <= may_lose:
        raise ParityError(
            f"as an image classifier of bytes {model.ref} names {lost:.1%} of the faces wrongly that it knew, "
            f"{may_lose:.1%} may be lost (edge.max_accuracy_loss)",
            hint="publish with --flavor own, which keeps what the model says; or raise edge.max_accuracy_loss",
        )


def check_classifier(net: LiteRtNet, classes: int) -> None:
    """Whether AWS's public component could run a net.

    Raises:
        ModelContractError: If it takes or gives something else; the message says what.
    """
    scale, zero_point = net.input_scale()
    byte, shape = np.dtype(np.uint8), net.input_shape()
    if shape[1:] != (SIDE_PX, SIDE_PX, 3) or net.input_dtype() != byte or zero_point or not abs(scale - 1) < 0.01:
        raise ModelContractError(f"{net.name} takes {net.input_dtype()}{list(shape)} at {scale:g}, no picture's bytes")
    scores = next(iter(net.run(np.zeros((1, *shape[1:]), byte)).values()))
    if len(net.output_names) != 1 or scores.shape != (1, classes) or scores.dtype != byte:
        raise ModelContractError(
            f"{net.name} gives {scores.dtype}{list(scores.shape)}, not one byte for each of {classes} people"
        )


def _right(scores: NDArray[Any], model: ModelManifest, faces: TrialFaces) -> float:
    """Share of faces whose best class is their own person's."""
    best = scores.argmax(axis=1)
    return float(np.mean([model.classes[row] == who for row, who in zip(best, faces.person_ids, strict=True)]))
