"""The end-to-end model: one Keras file with two named outputs."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.keras_runtime import import_keras
from actorrec.training.backbone import Backbone

EMBEDDING, PROBABILITIES = "embedding", "probabilities"


def assemble(backbone: Backbone, head: NDArray[np.float32], scale: float) -> Any:
    """Put backbone and head together.

    The input is ``faces``, float32, aligned crops scaled as the spec says by ``vision.preprocess.to_net_input``
    ((x − mean) / std, the spec's colour order and layout), shape (N, S, S, 3). For a net that stays its own it is
    the unit embedding, shape (N, D). Only layers that Keras ships are used, so the file opens anywhere.

    Args:
        backbone: What embeds.
        head: Shape (D, n), float32, unit columns.
        scale: What cosines are multiplied by before the softmax.

    Returns:
        A functional model; outputs ``embedding`` (N, D), unit rows, and ``probabilities`` (N, n), rows that sum to 1.
    """
    keras = import_keras()
    dim, people = head.shape
    if backbone.keras_model is None:
        inputs = keras.Input((dim,), name="unit_embedding")
        raw = inputs
    else:
        inputs = keras.Input(backbone.keras_model.inputs[0].shape[1:], name="faces")
        raw = backbone.keras_model(inputs)
        raw = keras.layers.Reshape((dim,), name="flat")(raw) if len(raw.shape) != 2 else raw
    embedding = keras.layers.UnitNormalization(name=EMBEDDING)(raw)
    softmax = keras.layers.Dense(people, use_bias=False, activation="softmax", name=PROBABILITIES)
    model = keras.Model(inputs, {EMBEDDING: embedding, PROBABILITIES: softmax(embedding)}, name="actorrec")
    softmax.set_weights([head * np.float32(scale)])
    return model
