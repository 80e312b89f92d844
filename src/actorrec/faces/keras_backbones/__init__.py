"""Backbones that training can build on: Keras models from scaled crops to a raw embedding."""

import hashlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from actorrec.errors import ConfigError
from actorrec.faces import dlib_resnet29
from actorrec.faces.embedders import template_record
from actorrec.faces.keras_backbones import dlib_net
from actorrec.faces.keras_backbones.applications import APPLICATIONS, INPUT_PX, load_application
from actorrec.manifests.nets import EmbedderSpec

if TYPE_CHECKING:
    import keras

BACKBONES = ("dlib-resnet29", *APPLICATIONS)


def build_backbone(name: str, weights: str = "imagenet") -> tuple["keras.Model", EmbedderSpec]:
    """Build a backbone with its weights.

    Args:
        name: One of ``BACKBONES``.
        weights: ``imagenet``, ``none`` or a file; dlib-resnet29 has its own, and takes only the default.

    Returns:
        A model from (N, S, S, 3) float32, scaled as the spec says, to (N, D) float32, not normalised; and its
        spec. The ImageNet ones end in global average pooling.

    Raises:
        ConfigError: If there is no such backbone, or it takes no such weights.
        TrainingError: If the ImageNet weights cannot be downloaded.
        ModelContractError: If the file does not hold this backbone's weights.
        MissingExtraError: If Keras is not installed.
    """
    if name == "dlib-resnet29":
        if weights != "imagenet":
            raise ConfigError(f"dlib-resnet29 has weights of its own and takes none from '{weights}'")
        return dlib_net.build(dlib_resnet29.shipped_weights()), dlib_resnet29.SPEC
    features = load_application(name, weights)
    import keras

    pooled = keras.layers.GlobalAveragePooling2D(name="average")(features.output)
    model = keras.Model(features.input, pooled, name=name)
    return model, _application_spec(name, weights, model)


def _application_spec(name: str, weights: str, model: "keras.Model") -> EmbedderSpec:
    scaling = APPLICATIONS[name].scaling
    # Without weights of others the net is what its user's own training makes of it.
    known = {"imagenet": "see the publisher of the ImageNet weights", "none": "user-supplied"}
    return EmbedderSpec(
        model_id=f"{name}-{_weights_id(weights, model)}",
        # A net that learned from whole pictures gets the whole crop, not the tight one of face nets.
        template=template_record("canonical-272", INPUT_PX),
        mean=scaling.mean,
        std=scaling.std,
        colour_order=scaling.colour_order,
        dim=model.output.shape[-1],
        licence=known.get(weights, "unknown"),
    )


def _weights_id(weights: str, model: "keras.Model") -> str:
    """``imagenet``, or 12 hex digits that differ for other weights, so that embeddings are never mixed up."""
    if weights == "imagenet":
        return weights
    if weights != "none":
        return hashlib.sha256(Path(weights).read_bytes()).hexdigest()[:12]
    digest = hashlib.sha256()
    for array in model.get_weights():
        digest.update(np.ascontiguousarray(array).data)
    return f"random-{digest.hexdigest()[:12]}"
