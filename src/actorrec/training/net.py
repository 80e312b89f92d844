"""A compiled Keras net that learns from batches, without ``fit``: what its epochs do is up to the caller."""

from collections.abc import Sequence
from typing import Any

from actorrec.faces.keras_runtime import import_keras, import_tensorflow


class Net:
    """Steps of a net. They are for TensorFlow's compiled functions: tensors in, tensors out.

    Args:
        model: Compiled with an optimiser and a loss; its output has a column for each class.
    """

    def __init__(self, model: Any) -> None:
        self.model, self._tf = model, import_tensorflow()
        self._loss = import_keras().losses.get(model.loss)
        model.optimizer.build(model.trainable_variables)

    @property
    def variables(self) -> Sequence[Any]:
        """Of the net (dropout's seeds among them) and of its optimiser."""
        return [*self.model.variables, *self.model.optimizer.variables]

    def learn(self, inputs: Any, classes: Any) -> Any:
        """Learn from one batch; returns (2,) float32: sum of the losses, how many of the batch were right."""
        tf, weights = self._tf, self.model.trainable_variables
        with tf.GradientTape() as tape:
            outputs = self.model(inputs, training=True)
            loss = tf.reduce_mean(self._loss(classes, outputs))
        self.model.optimizer.apply(tape.gradient(loss, weights), weights)
        return self._sums(classes, outputs, loss)

    def test(self, inputs: Any, classes: Any) -> Any:
        """As ``learn``, without learning."""
        outputs = self.model(inputs, training=False)
        return self._sums(classes, outputs, self._tf.reduce_mean(self._loss(classes, outputs)))

    def _sums(self, classes: Any, outputs: Any, loss: Any) -> Any:
        tf = self._tf
        right = tf.equal(tf.argmax(outputs, axis=1, output_type=tf.int32), classes)
        count = tf.cast(tf.shape(classes)[0], tf.float32)
        return tf.stack([tf.cast(loss, tf.float32) * count, tf.reduce_sum(tf.cast(right, tf.float32))])


def measures_of(learned: Any, learned_from: int, tested: Any = None, tested_on: int = 0) -> dict[str, float]:
    """Measures of an epoch, from sums that ``learn`` and ``test`` gave and the numbers they are of."""
    loss, right = (float(value) / learned_from for value in learned)
    measures = {"loss": loss, "accuracy": right}
    if tested_on:
        val_loss, val_right = (float(value) / tested_on for value in tested)
        measures |= {"val_loss": val_loss, "val_accuracy": val_right}
    return measures
