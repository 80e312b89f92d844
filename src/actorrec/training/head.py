"""The cosine head: one unit vector a person, trained on embeddings that are already there."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.keras_runtime import fresh_session, import_tensorflow
from actorrec.recognition.gallery import person_means
from actorrec.sections import TrainingSection
from actorrec.training.epochs import learn_epochs, shuffled
from actorrec.training.history import History
from actorrec.training.losses import margin_loss
from actorrec.training.net import Net, measures_of
from actorrec.training.outcome import Workplace


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


def train_head(learn: Samples, validate: Samples, people: int, settings: TrainingSection, place: Workplace) -> Head:
    """Train the head; with a validation part, find the best number of epochs first, then learn from everything.

    It starts from each person's mean ("imprinted weights", Qi et al., 2018), so that few photos a person are enough.

    Args:
        learn: What to learn from.
        validate: Kept apart to stop early; may be empty, then all epochs are run.
        people: n; each has at least one sample in ``learn``.
        settings: Epochs, batch, learning rate, margin, scale, dropout, patience, seed.
        place: Holds the checkpoints, and is told of every epoch.
    """
    if not len(validate.vectors):
        weights, history = _fit(learn, None, people, settings, place)
        return Head(weights, history, settings.epochs)
    _, history = _fit(learn, validate, people, settings, place)
    best = history.best_epoch
    everything = Samples(
        np.concatenate([learn.vectors, validate.vectors]), np.concatenate([learn.classes, validate.classes])
    )
    weights, _ = _fit(everything, None, people, settings.model_copy(update={"epochs": best}), place)
    return Head(weights, history, best)


def _fit(
    learn: Samples, validate: Samples | None, people: int, settings: TrainingSection, place: Workplace
) -> tuple[NDArray[np.float32], History]:
    keras = fresh_session(settings.seed)
    model = _build(keras, person_means(learn.vectors, learn.classes, people).T, settings)
    learner = _HeadLearner(Net(model), learn, validate, settings)
    checkpoints = place.checkpoints("head" if validate is None else "head-trial")
    with place.progress.step("training the head", settings.epochs, "epochs") as step:
        history = learn_epochs(learner, settings.epochs, checkpoints, step, patience=settings.patience)
    return np.asarray(model.get_layer("cosine").get_weights()[0], np.float32), history


class _HeadLearner:
    """An epoch is one compiled function: the net is so small that a call for each batch would cost as much as it."""

    def __init__(self, net: Net, learn: Samples, validate: Samples | None, settings: TrainingSection) -> None:
        self._net, self._settings, self._validate = net, settings, validate
        tf = import_tensorflow()
        with tf.device("CPU:0"):  # they may be more than a GPU holds
            vectors, classes = tf.constant(learn.vectors), tf.constant(learn.classes)
        self._count, batch_size = len(learn.vectors), settings.batch_size

        def learn_all(order: Any) -> Any:
            sums = tf.zeros(2)
            for start in tf.range(0, tf.shape(order)[0], batch_size):
                with tf.device("CPU:0"):
                    chosen = order[start : start + batch_size]
                    batch, truth = tf.gather(vectors, chosen), tf.gather(classes, chosen)
                sums += net.learn(batch, truth)
            return sums

        self._learn_all, self._test = tf.function(learn_all), tf.function(net.test)

    @property
    def variables(self) -> Sequence[Any]:
        return self._net.variables

    def learn(self, epoch: int) -> dict[str, float]:
        order = shuffled(np.arange(self._count), self._settings.seed, epoch).astype(np.int32)
        learned = self._learn_all(order)
        if self._validate is None:
            return measures_of(learned, self._count)
        tested = self._test(self._validate.vectors, self._validate.classes)
        return measures_of(learned, self._count, tested, len(self._validate.classes))


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
    )
    return model
