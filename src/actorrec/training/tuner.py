"""The step of fine-tuning: rows shared over workers, the loss of the whole batch, one update for all."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from actorrec.errors import TrainingError
from actorrec.faces.keras_runtime import fresh_session, import_tensorflow
from actorrec.progress import Step
from actorrec.sections import TrainingSection
from actorrec.training.backbone import Backbone
from actorrec.training.losses import contrastive_loss, margin_loss, triplet_loss
from actorrec.training.precision import MIXED, in_mixed_precision, precision_of
from actorrec.training.tuning_data import Batch
from actorrec.training.workers import Workers


class Tuner:
    """A backbone that learns.

    Args:
        backbone: Of Keras; changed in place, in mixed precision by ``finish``.
        people: How many there are to tell apart.
        settings: Loss, learning rate, precision, seed.
        workers: Who learns with it.
    """

    def __init__(self, backbone: Backbone, people: int, settings: TrainingSection, workers: Workers) -> None:
        keras = fresh_session(settings.seed)
        net = backbone.keras_model
        assert net is not None
        net.trainable = True
        self._target, self._dim, self._workers = net, backbone.spec.dim, workers
        self._unit = keras.layers.UnitNormalization(dtype="float32")
        self._head, self._loss = _head_and_loss(keras, people, settings)
        self._head.build((None, self._dim))
        # After the head: the copy draws random numbers too, and both precisions begin alike.
        mixed = precision_of(settings) == MIXED
        self._net = in_mixed_precision(net) if mixed else net
        adam = keras.optimizers.Adam(settings.fine_tune_learning_rate)
        self._optimizer = keras.optimizers.LossScaleOptimizer(adam) if mixed else adam
        self._optimizer.build(self._trainable)
        self._compiled = import_tensorflow().function(self._step)

    @property
    def variables(self) -> Sequence[Any]:
        """All that a step changes."""
        return [*self._net.variables, *self._head.variables, *self._optimizer.variables]

    @property
    def _trainable(self) -> list[Any]:
        return [*self._net.trainable_variables, *self._head.trainable_variables]

    def learn(self, batches: Iterable[Batch], step: Step) -> float:
        """Learn from batches, the same ones on every worker; returns the mean loss.

        Raises:
            TrainingError: If the loss stops being a number, or another worker is gone.
        """
        losses: list[Any] = []
        with self._workers.watched():
            for batch in batches:
                losses.append(self.learn_batch(batch))
                # Asked of the step before: a GPU goes on with this one meanwhile.
                _check(losses[-2:-1])
                step.advance()
            _check(losses[-1:])
            return float(np.mean([float(loss) for loss in losses]))

    def learn_batch(self, batch: Batch) -> Any:
        """One step; returns its loss, a scalar tensor."""
        return self._compiled(batch.inputs, batch.classes)

    def finish(self) -> None:
        """Put what was learned into the backbone, which stays in float32."""
        if self._net is not self._target:
            self._target.set_weights(self._net.get_weights())

    def _step(self, inputs: Any, classes: Any) -> Any:
        """Inputs: this worker's R rows; classes: of all B rows."""
        tf, workers = import_tensorflow(), self._workers
        with tf.GradientTape() as of_net:
            raw = tf.reshape(self._net(inputs, training=False), (-1, self._dim))
            own = self._unit(raw)  # (R, D)
        units = workers.gather_tensor(own)[: tf.shape(classes)[0]]  # (B, D): what fills up the last share goes
        with tf.GradientTape() as of_batch:
            of_batch.watch(units)
            loss = tf.reduce_mean(self._loss(classes, self._head(units)))
            scaled_loss = self._optimizer.scale_loss(loss)
        head = self._head.trainable_variables
        d_units, d_head = of_batch.gradient(scaled_loss, (units, head))
        rows, first = tf.shape(own)[0], workers.index * tf.shape(own)[0]
        d_all = tf.pad(d_units, [[0, rows * workers.count - tf.shape(units)[0]], [0, 0]])
        weights = self._net.trainable_variables
        zero = tf.UnconnectedGradients.ZERO
        d_net = of_net.gradient(own, weights, d_all[first : first + rows], unconnected_gradients=zero)
        self._optimizer.apply([*_summed(tf, d_net, workers), *d_head], [*weights, *head])
        return loss


def _head_and_loss(keras: Any, people: int, settings: TrainingSection) -> tuple[Any, Any]:
    if settings.fine_tune_loss == "cosine":
        head = keras.layers.Dense(
            people, use_bias=False, kernel_constraint=keras.constraints.UnitNorm(0), dtype="float32"
        )
        return head, margin_loss(keras, people, scale=settings.scale, margin=settings.margin)
    loss = contrastive_loss if settings.fine_tune_loss == "contrastive" else triplet_loss
    return keras.layers.Identity(dtype="float32"), loss(keras)


def _summed(tf: Any, gradients: Sequence[Any], workers: Workers) -> list[Any]:
    """Each gradient's sum over the workers, sent as one message."""
    if workers.count == 1:
        return list(gradients)
    together = workers.sum_tensor(tf.concat([tf.reshape(gradient, (-1,)) for gradient in gradients], 0))
    parts = tf.split(together, [int(np.prod(gradient.shape)) for gradient in gradients])
    return [tf.reshape(part, gradient.shape) for part, gradient in zip(parts, gradients, strict=True)]


def _check(losses: Sequence[Any]) -> None:
    for loss in losses:
        if not np.isfinite(float(loss)):
            raise TrainingError(
                "fine-tuning diverged",
                hint="use a smaller training.fine_tune_learning_rate, or training.precision: float32",
            )
