"""What workers hand each other, by TensorFlow's own collectives: over the network, or NCCL between GPUs."""

import logging
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TrainingError
from actorrec.faces.keras_runtime import import_tensorflow
from actorrec.training.workers import Cluster, Workers

_log = logging.getLogger(__name__)
_GROUP_KEY: Final = 7000
_PIECE_BYTES: Final = 16 << 20  # larger messages come close to what one message may hold
_SENT_AS: Final = {"f": np.float32, "i": np.int64, "u": np.int64, "b": np.int64}


def join(cluster: Cluster) -> Workers:
    """Start this worker's part of the network and wait for the others.

    Raises:
        TrainingError: If they do not come.
    """
    tf = import_tensorflow()
    gpus = tf.config.list_physical_devices("GPU")
    tf.config.set_visible_devices(gpus[:1], "GPU")  # a worker is one device
    addresses = tf.train.ClusterSpec({"worker": list(cluster.addresses)})
    resolver = tf.distribute.cluster_resolver.SimpleClusterResolver(
        addresses, task_type="worker", task_id=cluster.index, rpc_layer="grpc"
    )
    with lost_workers():
        # Only for its network: variables made in its scope do not work with Keras 3.
        strategy = tf.distribute.MultiWorkerMirroredStrategy(cluster_resolver=resolver)
    return CollectiveWorkers(cluster, strategy, "GPU:0" if gpus else "CPU:0")


@contextmanager
def lost_workers() -> Iterator[None]:
    """Turn the network's errors into one that says that a worker is gone."""
    errors = import_tensorflow().errors
    try:
        yield
    except (errors.UnavailableError, errors.DeadlineExceededError, errors.AbortedError, errors.CancelledError) as error:
        _log.debug("TensorFlow said: %s", error)
        raise TrainingError(
            "another worker of this training is gone",
            hint="its own log says why; run the training again, and it goes on from the last checkpoint",
        ) from None


class CollectiveWorkers:
    """See ``Workers``.

    Args:
        cluster: Who takes part.
        strategy: Held, for the network ends with it.
        device: What sends and receives, as TensorFlow names it.
    """

    def __init__(self, cluster: Cluster, strategy: Any, device: str) -> None:
        self.index, self.count = cluster.index, len(cluster.addresses)
        self._strategy, self._device = strategy, device
        self._instance = 0

    @property
    def is_chief(self) -> bool:
        return self.index == 0

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        """See ``Workers.gather``."""
        with lost_workers():
            counts = np.asarray(self.gather_tensor(np.array([len(rows)], np.int64)))
            padded = np.zeros((int(counts.max(initial=0)), *rows.shape[1:]), _SENT_AS[rows.dtype.kind])
            padded[: len(rows)] = rows
            step = max(1, _PIECE_BYTES // max(1, padded[:1].nbytes * self.count))
            parts = [
                np.asarray(self.gather_tensor(padded[first : first + step])).reshape(self.count, -1, *rows.shape[1:])
                for first in range(0, len(padded), step)
            ]
        if not parts:
            return rows
        together = np.concatenate(parts, axis=1).astype(rows.dtype)
        return np.concatenate([of_worker[:count] for of_worker, count in zip(together, counts, strict=True)])

    def sum(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """See ``Workers.sum``."""
        with lost_workers():
            sums = (np.asarray(self.sum_tensor(array.astype(_SENT_AS[array.dtype.kind]))) for array in arrays)
            return [found.astype(array.dtype) for found, array in zip(sums, arrays, strict=True)]

    def barrier(self) -> None:
        """See ``Workers.barrier``."""
        self.sum([np.zeros(1, np.int64)])

    def leave(self) -> None:
        """See ``Workers.leave``."""
        with suppress(TrainingError, import_tensorflow().errors.OpError):
            self.barrier()

    def watched(self) -> AbstractContextManager[None]:
        """See ``Workers.watched``."""
        return lost_workers()

    def gather_tensor(self, rows: Any) -> Any:
        """See ``Workers.gather_tensor``."""
        return self._collective("CollectiveGatherV2", rows)

    def sum_tensor(self, values: Any) -> Any:
        """See ``Workers.sum_tensor``."""
        return self._collective("CollectiveReduceV2", values, merge_op="Add", final_op="Id")

    def _collective(self, name: str, values: Any, **options: str) -> Any:
        tf = import_tensorflow()
        # One number for each call of the program, equal on all: a number is of one shape for ever.
        self._instance += 1
        with tf.device(self._device):
            return getattr(tf.raw_ops, name)(
                input=values,
                group_size=self.count,
                group_key=_GROUP_KEY,
                instance_key=self._instance,
                ordering_token=[],
                **options,
            )
