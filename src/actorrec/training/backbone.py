"""What training builds on: a Keras backbone that becomes part of the model, or a brought net that stays its own."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.embedders import make_embedder
from actorrec.faces.keras_backbones import BACKBONES, build_backbone
from actorrec.faces.keras_embedder import load_keras
from actorrec.faces.keras_runtime import import_keras
from actorrec.faces.protocols import Embedder
from actorrec.manifests.nets import EmbedderSpec
from actorrec.recognition.configured import configured_embedder
from actorrec.sections import EmbedderSection, ModelsSection
from actorrec.types import UInt8Image
from actorrec.vision.preprocess import to_net_input

EMBED_BATCH = 32
"""Faces a Keras run takes: measured fastest on two cores, and under 1 GB of activations for ResNet50."""


@dataclass(frozen=True, slots=True, eq=False)
class Backbone:
    """An embedder as training sees it.

    Attributes:
        spec: What it expects and gives.
        keras_model: Scaled faces, in the spec's layout, to raw embeddings; None for a net that stays its own.
        file: The net that stays its own (``.tflite``, ``.onnx``), else None.
    """

    spec: EmbedderSpec
    keras_model: Any | None = None
    file: Path | None = None

    def embedder(self) -> Embedder:
        """Ready to embed crops. Keras runs its batches as one compiled function."""
        if self.keras_model is None:
            return make_embedder(self.spec, self.file, num_threads=2)
        return _CompiledEmbedder(self.keras_model, self.spec)


class _CompiledEmbedder:
    """Keras on whole batches: 1.8 ms a face on two cores where calling the model eagerly costs twice that."""

    def __init__(self, model: Any, spec: EmbedderSpec) -> None:
        self._model, self._spec = model, spec

    @property
    def spec(self) -> EmbedderSpec:
        return self._spec

    def embed(self, crops: UInt8Image) -> NDArray[np.float32]:
        """See ``Embedder.embed``."""
        spec, parts = self._spec, []
        for start in range(0, len(crops), EMBED_BATCH):
            part = scaled(crops[start : start + EMBED_BATCH], spec)
            parts.append(predict_full(self._model, part, EMBED_BATCH))
        return np.concatenate(parts) if parts else np.zeros((0, spec.dim), np.float32)


def predict_full(model: Any, inputs: NDArray[np.float32], batch: int) -> NDArray[np.float32]:
    """Run a model on at most ``batch`` inputs. One shape compiles once: a short batch is filled up, and cut again."""
    missing = np.repeat(inputs[-1:], batch - len(inputs), axis=0)
    return np.asarray(model.predict_on_batch(np.concatenate([inputs, missing])), np.float32)[: len(inputs)]


def scaled(crops: UInt8Image, spec: EmbedderSpec) -> NDArray[np.float32]:
    """Crops, shape (N, S, S, 3) uint8 RGB, as the net of the spec takes them: scaled float32 in its own layout."""
    values = to_net_input(crops, spec.mean, spec.std, spec.colour_order)
    return values if spec.layout == "nhwc" else np.ascontiguousarray(values.transpose(0, 3, 1, 2))


def embedder_identity(section: EmbedderSection) -> dict[str, Any]:
    """What of the settings decides which embedder it is, as a JSON value; a brought file counts by its content."""
    identity = section.model_dump(mode="json", exclude={"path"})
    files = {"path": section.path, "weights": Path(section.weights)}
    for key, path in files.items():
        if path is not None and path.is_file():
            identity[f"{key}_sha256"] = hashlib.sha256(path.read_bytes()).hexdigest()
    return identity


def open_backbone(section: EmbedderSection, models: ModelsSection) -> Backbone:
    """The embedder that the settings name.

    Raises:
        ConfigError: If there is none of that name, or its file cannot be read.
        ModelContractError: If the file is no embedder.
        TrainingError: If weights cannot be had.
        MissingExtraError: If Keras is not installed.
    """
    import_keras()
    if section.path is None and section.name in BACKBONES:
        model, spec = build_backbone(section.name, section.weights)
        return Backbone(spec, model)
    spec, path = configured_embedder(section, models)
    if path.suffix.lower() != ".keras":
        return Backbone(spec, None, path)
    return Backbone(spec, _single_output(load_keras(path, path.name)))


def _single_output(model: Any) -> Any:
    """The part of a brought model that leads to its embedding."""
    names = list(model.output_names)
    if len(names) == 1:
        return model
    import keras

    return keras.Model(model.inputs, model.outputs[names.index("embedding")])
