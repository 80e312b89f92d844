"""Learning epoch by epoch: the same however often it was interrupted."""

from collections.abc import Sequence
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from actorrec.progress import Step
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.history import History


class Learner(Protocol):
    """A net, what it learns from, and what it is tried on."""

    @property
    def variables(self) -> Sequence[Any]:
        """All that an epoch changes: of the net and of its optimiser."""
        ...

    def learn(self, epoch: int) -> dict[str, float]:
        """Learn for an epoch (from 0), which depends on its number alone, and not on those before it.

        Returns:
            Its measures: loss, accuracy, and val_loss, val_accuracy where something was kept apart.
        """
        ...


def shuffled(indices: NDArray[np.int64], seed: int, epoch: int) -> NDArray[np.int64]:
    """The order of an epoch, shape (N,): the same for the same seed and epoch, whatever ran before."""
    return np.random.default_rng([seed, epoch]).permutation(indices)


def learn_epochs(
    learner: Learner, epochs: int, checkpoints: Checkpoints | None, step: Step, *, patience: int | None = None
) -> History:
    """Learn, from where a killed run stopped.

    Args:
        learner: Changed in place.
        epochs: How many at most.
        checkpoints: Where the last run's are, and this one's go; None to keep none.
        step: Told of every epoch.
        patience: Epochs without a lower validation loss after which it ends; None to do all.
    """
    measures = checkpoints.restore(learner.variables, epochs) if checkpoints else []
    step.advance(len(measures))
    for epoch in range(len(measures), epochs):
        if patience is not None and _came_to_rest(measures, patience):
            break
        measures.append(learner.learn(epoch))
        step.advance()
        step.measure(epoch=epoch + 1, **measures[-1])
        if checkpoints is not None:
            checkpoints.save(learner.variables, measures)
    return History.of_epochs(measures)


def _came_to_rest(measures: Sequence[dict[str, float]], patience: int) -> bool:
    losses = [each["val_loss"] for each in measures if "val_loss" in each]
    return bool(losses) and len(losses) - 1 - int(np.argmin(losses)) >= patience
