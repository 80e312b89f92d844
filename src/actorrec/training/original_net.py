"""The original design's net, layer by layer, and its training on features that its frozen part gives only once."""

import os
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TemporaryFileError
from actorrec.faces.keras_backbones.applications import INPUT_PX, load_application
from actorrec.faces.keras_runtime import fresh_session, import_keras, import_tensorflow
from actorrec.manifests.dataset import FaceRecord
from actorrec.manifests.nets import EmbedderSpec
from actorrec.progress import Progress
from actorrec.sections import TrainingSection
from actorrec.training.ahead import ahead
from actorrec.training.assemble import EMBEDDING, PROBABILITIES
from actorrec.training.backbone import predict_full, scaled
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.crops import CropSource, ViewPlan, cut_ahead
from actorrec.training.epochs import learn_epochs, shuffled
from actorrec.training.history import History
from actorrec.training.net import Net, measures_of

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
                starts = range(0, len(faces), _FEATURE_BATCH)
                parts = [faces[start : start + _FEATURE_BATCH] for start in starts]
                with cut_ahead(parts, plan, source) as cut:
                    for start, crops in zip(starts, cut, strict=True):
                        rows[start : start + len(crops)] = predict_full(features, scaled(crops, spec), _FEATURE_BATCH)
                        step.advance(len(crops))

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


def fit(
    table: FeatureTable,
    held_out: NDArray[np.bool_],
    settings: TrainingSection,
    *,
    dropout: float,
    progress: Progress,
    checkpoints: Checkpoints | None = None,
) -> tuple[Any, History]:
    """Train the learning part on the faces that are not held out; accuracy on the others after each epoch."""
    fresh_session(settings.seed)
    people = int(table.classes.max()) + 1
    model = learning_part(table.rows.shape[1], people, settings, dropout)
    learner = _OriginalLearner(Net(model), table, held_out, settings)
    with progress.step("training the original net", settings.epochs, "epochs") as step:
        history = learn_epochs(learner, settings.epochs, checkpoints, step)
    return model, history


class _OriginalLearner:
    def __init__(self, net: Net, table: FeatureTable, held_out: NDArray[np.bool_], settings: TrainingSection) -> None:
        self._net, self._table, self._settings = net, table, settings
        self._kept, self._held_out = np.flatnonzero(~held_out), np.flatnonzero(held_out)
        tf = import_tensorflow()
        # The last batch may be smaller; one compiled function takes any.
        like = [tf.TensorSpec((None, table.rows.shape[1]), tf.float32), tf.TensorSpec((None,), tf.int32)]
        self._learn = tf.function(net.learn, input_signature=like)
        self._test = tf.function(net.test, input_signature=like)

    @property
    def variables(self) -> Sequence[Any]:
        return self._net.variables

    def learn(self, epoch: int) -> dict[str, float]:
        order = shuffled(self._kept, self._settings.seed, epoch)
        learned = self._over(order, self._learn)
        return measures_of(learned, len(order), self._over(self._held_out, self._test), len(self._held_out))

    def _over(self, order: NDArray[np.int64], work: Callable[[Any, Any], Any]) -> NDArray[np.float64]:
        size, table, sums = self._settings.batch_size, self._table, np.zeros(2)
        parts = (order[start : start + size] for start in range(0, len(order), size))
        with ahead(lambda part: (table.rows[part], table.classes[part]), parts, threads=1, depth=2) as batches:
            for rows, classes in batches:
                sums += np.asarray(work(rows, classes))
        return sums
