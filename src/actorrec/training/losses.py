"""Losses over a batch: of the cosine head, and the two metric ones of the Siamese way."""

from typing import Any

CONTRASTIVE_MARGIN = 1.0
"""Euclidean distance of unit vectors beyond which strangers cost nothing: 60 degrees."""
TRIPLET_MARGIN = 0.2
"""In squared distance, as in FaceNet (Schroff et al., 2015)."""


def margin_loss(keras: Any, people: int, *, scale: float, margin: float) -> Any:
    """CosFace (Wang et al., 2018): cross-entropy over ``scale · (cos − margin · [own class])``.

    y_true (B,) or (B, 1) integers, y_pred (B, n) cosines.
    """

    def loss(y_true: Any, y_pred: Any) -> Any:
        own = keras.ops.one_hot(keras.ops.cast(keras.ops.reshape(y_true, (-1,)), "int32"), people)
        logits = scale * (y_pred - margin * own)
        return keras.losses.categorical_crossentropy(own, logits, from_logits=True)

    return loss


def contrastive_loss(keras: Any) -> Any:
    """All pairs of a batch: d² for one person, max(0, margin − d)² for two (Hadsell et al., 2006), weighted alike.

    y_true (B,) or (B, 1) integers, y_pred (B, D) unit rows.
    """
    ops = keras.ops

    def loss(y_true: Any, y_pred: Any) -> Any:
        same, other = _pairs(ops, y_true)
        squared = _squared_distances(ops, y_pred)
        apart = ops.square(ops.relu(CONTRASTIVE_MARGIN - ops.sqrt(squared + 1e-12)))
        return _mean_where(ops, squared, same) + _mean_where(ops, apart, other)

    return loss


def triplet_loss(keras: Any) -> Any:
    """Semi-hard triplets of a batch (Schroff et al., 2015): y_true (B,) or (B, 1) integers, y_pred (B, D) unit rows.

    For each pair of one person the negative is the nearest stranger that is farther than the positive, or the
    farthest stranger where none is.
    """
    ops = keras.ops

    def loss(y_true: Any, y_pred: Any) -> Any:
        same, other = _pairs(ops, y_true)
        squared = _squared_distances(ops, y_pred)
        positive = squared[:, :, None]  # (anchor, positive, 1) beside (anchor, 1, negative)
        farther = ops.cast(squared[:, None, :] > positive, "float32") * other[:, None, :]
        far = 8.0  # more than any squared distance of unit vectors, which is at most 4
        semi_hard = ops.min(squared[:, None, :] * farther + far * (1 - farther), axis=2)
        farthest = ops.max(squared * other, axis=1, keepdims=True)
        negative = ops.where(semi_hard < far, semi_hard, farthest)
        return _mean_where(ops, ops.relu(squared - negative + TRIPLET_MARGIN), same)

    return loss


def _pairs(ops: Any, y_true: Any) -> tuple[Any, Any]:
    labels = ops.reshape(y_true, (-1, 1))
    equal = ops.cast(ops.equal(labels, ops.transpose(labels)), "float32")
    return equal - ops.eye(ops.shape(labels)[0]), 1.0 - equal


def _squared_distances(ops: Any, units: Any) -> Any:
    return ops.relu(2.0 - 2.0 * ops.matmul(units, ops.transpose(units)))


def _mean_where(ops: Any, values: Any, weights: Any) -> Any:
    return ops.sum(values * weights) / ops.maximum(ops.sum(weights), 1.0)
