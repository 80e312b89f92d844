"""What workers hand each other, by TensorFlow's own collectives: over the network, or NCCL between GPUs."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TrainingError
from actorrec.faces.keras_runtime import import_tensorflow
from actorrec.training.workers import Cluster, Workers

_GROUP_KEY: Final = 7000
_PIECE_BYTES: Final = 16 << 20  # larger messages come close to what one message may hold


def join(cluster: Cluster) -> Workers:
    """Start this worker's part of the network and wait for the others.

    Raises:
        TrainingError: If they do not come.
    """
    tf = import_tensorflow()
    addresses = tf.train.ClusterSpec({"worker": list(cluster.addresses)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        addresses, task_type="worker", task_id=cluster.index, rpc_layer="grpc"
    )
    with lost_workers():
        # Only for its network: variables made in its scope do not work with Keras 3.
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    return CollectiveWorkers(cluster.index, len(cluster.addresses), strategy)


@contextmanager
def lost_workers() -> Iterator[None]:
    """Turn the network's errors into one that says that a worker is gone."""
    tf = import_tensorflow()
    errors = tf.errors
    try:
        yield
    except (errors.UnavailableError, errors.DeadlineExceededError, errors.AbortedError, errors.InternalError) as error:
        raise TrainingError(
            f"another worker is gone: {str(error).splitlines()[0][:200]}",
            hint="the log of the other worker says why; run the job again, and it goes on from the last checkpoint",
        ) from None


class CollectiveWorkers:
    """See ``Workers``.

    Args:
        index: Of this worker.
        count: How many there are.
        strategy: Held, for the network ends with it.
    """

    def __init__(self, index: int, count: int, strategy: Any) -> None:
        self.index, self.count, self._strategy = index, count, strategy
        self._instance = 0

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        """See ``Workers.gather``."""
        with lost_workers():
            counts = np.asarray(self.gather_tensor(np.array([len(rows)], np.int64)))
            padded = np.zeros((int(counts.max(initial=0)), *rows.shape[1:]), rows.dtype)
            padded[: len(rows)] = rows
            step = max(1, _PIECE_BYTES // max(1, padded[:1].nbytes * self.count))
            parts = [
                np.asarray(self.gather_tensor(padded[first : first + step])).reshape(self.count, -1, *rows.shape[1:])
                for first in range(0, len(padded), step)
            ]
        if not parts:
            return rows
        together = np.concatenate(parts, axis=1)
        return np.concatenate([of_worker[:count] for of_worker, count in zip(together, counts, strict=True)])

    def sum(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """See ``Workers.sum``."""
        with lost_workers():
            return [np.asarray(self.sum_tensor(array)) for array in arrays]

    def barrier(self) -> None:
        """See ``Workers.barrier``."""
        self.sum([np.zeros(1, np.int32)])

    def gather_tensor(self, rows: Any) -> Any:
        """Rows of all, inside a compiled function too; every worker's have the same shape."""
        return self._collective("CollectiveGatherV2", rows)

    def sum_tensor(self, values: Any) -> Any:
        """Sum over all, inside a compiled function too."""
        return self._collective("CollectiveReduceV2", values, merge_op="Add", final_op="Id")

    def _collective(self, name: str, values: Any, **options: str) -> Any:
        import tensorflow as tf

        # One number for each call of the program, equal on all: a number is of one shape for ever.
        self._instance += 1
        call = getattr(tf.raw_ops, name)
        return call(
            input=values,
            group_size=self.count,
            group_key=_GROUP_KEY,
            instance_key=self._instance,
            ordering_token=[],
            communication_hint="auto",
            timeout_seconds=0.0,
            **options,
        )
