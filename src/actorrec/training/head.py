"""The cosine head: one unit vector a person, trained on embeddings that are already there."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.keras_runtime import fresh_session
from actorrec.progress import Progress, Step
from actorrec.recognition.gallery import person_means
from actorrec.sections import TrainingSection
from actorrec.training.history import History
from actorrec.training.losses import margin_loss


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Unit embeddings and who they are.

    Attributes:
        vectors: Shape (N, D), float32, unit rows.
        classes: Shape (N,), int32.
    """

    vectors: NDArray[np.float32]
    classes: NDArray[np.int32]


@dataclass(frozen=True, slots=True, eq=False)
class Head:
    """A trained head.

    Attributes:
        weights: Shape (D, n), float32, unit columns.
        history: Of the run that chose the number of epochs.
        epochs: How many the weights were trained for.
    """

    weights: NDArray[np.float32]
    history: History
    epochs: int


def train_head(
    learn: Samples, validate: Samples, people: int, settings: TrainingSection, *, progress: Progress
) -> Head:
    """Train the head; with a validation part, find the best number of epochs first, then learn from everything.

    It starts from each person's mean ("imprinted weights", Qi et al., 2018), so that few photos a person are enough.

    Args:
        learn: What to learn from.
        validate: Kept apart to stop early; may be empty, then all epochs are run.
        people: n; each has at least one sample in ``learn``.
        settings: Epochs, batch, learning rate, margin, scale, dropout, patience, seed.
        progress: Told of every epoch.
    """
    if not len(validate.vectors):
        weights, history = _fit(learn, None, people, settings, settings.epochs, progress)
        return Head(weights, history, settings.epochs)
    _, history = _fit(learn, validate, people, settings, settings.epochs, progress)
    best = history.best_epoch
    everything = Samples(
        np.concatenate([learn.vectors, validate.vectors]), np.concatenate([learn.classes, validate.classes])
    )
    weights, _ = _fit(everything, None, people, settings, best, progress)
    return Head(weights, history, best)


def _fit(
    learn: Samples,
    validate: Samples | None,
    people: int,
    settings: TrainingSection,
    epochs: int,
    progress: Progress,
) -> tuple[NDArray[np.float32], History]:
    keras = fresh_session(settings.seed)
    model = _build(keras, person_means(learn.vectors, learn.classes, people).T, settings)
    with progress.step("training the head", epochs, "epochs") as step:
        callbacks = [_tell_epochs(keras, step)]
        if validate is not None:
            callbacks.append(keras.callbacks.EarlyStopping("val_loss", patience=settings.patience))
        fitted = model.fit(
            learn.vectors,
            learn.classes,
            batch_size=settings.batch_size,
            epochs=epochs,
            validation_data=None if validate is None else (validate.vectors, validate.classes),
            callbacks=callbacks,
            verbose=0,
        )
    return np.asarray(model.get_layer("cosine").get_weights()[0], np.float32), History.of_keras(fitted.history)


def _build(keras: Any, start: NDArray[np.float32], settings: TrainingSection) -> Any:
    dim, people = start.shape
    vectors = keras.Input((dim,), name="embedding")
    x = vectors
    if settings.dropout:
        x = keras.layers.Dropout(settings.dropout, seed=settings.seed)(x)
        x = keras.layers.UnitNormalization(name="unit")(x)  # what is left must still be a direction
    cosine = keras.layers.Dense(people, use_bias=False, kernel_constraint=keras.constraints.UnitNorm(0), name="cosine")
    model = keras.Model(vectors, cosine(x))
    cosine.set_weights([start])
    model.compile(
        keras.optimizers.Adam(settings.learning_rate),
        loss=margin_loss(keras, people, scale=settings.scale, margin=settings.margin),
        metrics=["accuracy"],
    )
    return model


def _tell_epochs(keras: Any, step: Step) -> Any:
    return keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: step.advance())
