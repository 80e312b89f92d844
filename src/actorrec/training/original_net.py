"""The original design's net, layer by layer, and its training on features that its frozen part gives only once."""

import os
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TemporaryFileError
from actorrec.faces.keras_backbones.applications import INPUT_PX, load_application
from actorrec.faces.keras_runtime import fresh_session, import_keras
from actorrec.manifests.dataset import FaceRecord
from actorrec.manifests.nets import EmbedderSpec
from actorrec.progress import Progress
from actorrec.sections import TrainingSection
from actorrec.training.assemble import EMBEDDING, PROBABILITIES
from actorrec.training.backbone import predict_full, scaled
from actorrec.training.embeddings import CropSource, ViewPlan
from actorrec.training.history import History
from actorrec.types import UInt8Image

LEARNING_RATE: Final = 0.001
"""Keras's default for adam, which the original left as it is."""
_FEATURE_BATCH: Final = 16


def frozen_features(name: str, weights: str, crop_px: int) -> Any:
    """The part that does not learn: scaled crops (N, S, S, 3) → Resizing(224) → backbone → Flatten."""
    keras = import_keras()
    backbone = load_application(name, weights)
    backbone.trainable = False
    inputs = keras.Input((crop_px, crop_px, 3), name="faces")
    x = keras.layers.Resizing(INPUT_PX, INPUT_PX, name="resizing")(inputs)
    x = keras.layers.Flatten(name="flatten")(backbone(x, training=False))
    return keras.Model(inputs, x, name="features")


def learning_part(width: int, people: int, settings: TrainingSection, dropout: float) -> Any:
    """The part that learns: Dense(1024, relu) → optional dropout → Dense(n, softmax), compiled as the original."""
    keras = import_keras()
    inputs = keras.Input((width,), name="flat")
    x = keras.layers.Dense(settings.hidden_units, activation="relu", name="dense")(inputs)
    if dropout:
        x = keras.layers.Dropout(dropout, name="dropout")(x)
    model = keras.Model(inputs, keras.layers.Dense(people, activation="softmax", name=PROBABILITIES)(x))
    model.compile(keras.optimizers.Adam(LEARNING_RATE), "sparse_categorical_crossentropy", metrics=["accuracy"])
    return model


def end_to_end(features: Any, head: Any) -> Any:
    """Both parts as one model; its embedding is the unit-length activation of Dense(1024)."""
    keras = import_keras()
    inputs = keras.Input(features.inputs[0].shape[1:], name="faces")
    hidden = head.get_layer("dense")(features(inputs))
    outputs = {
        EMBEDDING: keras.layers.UnitNormalization(name=EMBEDDING)(hidden),
        PROBABILITIES: head.get_layer(PROBABILITIES)(hidden),
    }
    return keras.Model(inputs, outputs, name="original")


@dataclass(frozen=True, slots=True, eq=False)
class FeatureTable:
    """Features of every face, kept on disk: 401 KB a face is too much for memory.

    Attributes:
        rows: Shape (F, 100352 for ResNet50), float32.
        classes: Shape (F,), int32.
    """

    rows: NDArray[np.float32]
    classes: NDArray[np.int32]


@contextmanager
def feature_table(
    features: Any, faces: Sequence[FaceRecord], classes: NDArray[np.int32], source: CropSource, spec: EmbedderSpec
) -> Iterator[tuple[FeatureTable, Any]]:
    """A table to fill, and the function that fills the rows of some faces; gone at the end.

    The backbone is frozen and its input never changes, so that features computed once train the very same net as
    features computed in every epoch.
    """
    with TemporaryDirectory() as folder:
        shape = (len(faces), features.output.shape[-1])
        rows = _on_disk(Path(folder) / "features.npy", shape)

        def fill(plan: ViewPlan, progress: Progress) -> None:
            with progress.step("computing features", len(faces), "faces") as step:
                for start in range(0, len(faces), _FEATURE_BATCH):
                    part = faces[start : start + _FEATURE_BATCH]
                    crops = _plain_crops(part, source, plan)
                    rows[start : start + len(part)] = predict_full(features, scaled(crops, spec), _FEATURE_BATCH)
                    step.advance(len(part))

        yield FeatureTable(rows, classes), fill


def _on_disk(path: Path, shape: tuple[int, int]) -> NDArray[np.float32]:
    try:
        rows = np.lib.format.open_memmap(path, "w+", np.float32, shape)
        # The file has holes until it is written to, and a full disk met then kills the process (SIGBUS).
        if hasattr(os, "posix_fallocate"):  # not on macOS
            with path.open("rb+") as file:
                os.posix_fallocate(file.fileno(), 0, path.stat().st_size)
    except OSError as error:
        raise TemporaryFileError(path.parent, error.strerror or error) from None
    return rows


def _plain_crops(faces: Sequence[FaceRecord], source: CropSource, plan: ViewPlan) -> UInt8Image:
    return np.concatenate([plan.cut(source.store, source.dataset, face) for face in faces])


def fit(
    table: FeatureTable,
    held_out: NDArray[np.bool_],
    settings: TrainingSection,
    *,
    dropout: float,
    progress: Progress,
) -> tuple[Any, History]:
    """Train the learning part on the faces that are not held out; accuracy on the others after each epoch."""
    keras = fresh_session(settings.seed)
    people = int(table.classes.max()) + 1
    model = learning_part(table.rows.shape[1], people, settings, dropout)
    learn, validate = np.flatnonzero(~held_out), np.flatnonzero(held_out)
    with progress.step("training the original net", settings.epochs, "epochs") as step:
        fitted = model.fit(
            _batches(keras, table, learn, settings, shuffle=True),
            epochs=settings.epochs,
            validation_data=_batches(keras, table, validate, settings, shuffle=False) if len(validate) else None,
            callbacks=[keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: step.advance())],
            verbose=0,
        )
    return model, History.of_keras(fitted.history)


def _batches(
    keras: Any, table: FeatureTable, indices: NDArray[np.int64], settings: TrainingSection, *, shuffle: bool
) -> Any:
    class Batches(keras.utils.PyDataset):  # type: ignore[misc]  # Keras is imported late and has no stubs
        def __init__(self) -> None:
            super().__init__()
            self._rng = np.random.default_rng(settings.seed)
            self._order = self._rng.permutation(indices) if shuffle else indices

        def __len__(self) -> int:
            return -(-len(indices) // settings.batch_size)

        def __getitem__(self, batch: int) -> tuple[NDArray[np.float32], NDArray[np.int32]]:
            chosen = self._order[batch * settings.batch_size : (batch + 1) * settings.batch_size]
            return table.rows[chosen], table.classes[chosen]

        def on_epoch_end(self) -> None:
            if shuffle:
                self._order = self._rng.permutation(indices)

    return Batches()
