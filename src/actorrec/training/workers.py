"""Several machines that train one model: who they are, and what they hand each other."""

import json
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, Final, Protocol

from numpy.typing import NDArray

from actorrec.errors import ConfigError
from actorrec.training.rendezvous import meet

ENVIRONMENT: Final = "TF_CONFIG"
"""Variable that says who takes part, as TensorFlow and SageMaker's training toolkit write it."""
MEETING_S: Final = 900.0
"""Machines of one job start within minutes of each other."""
_TRAINING_TASKS: Final = ("chief", "master", "worker")


class Workers(Protocol):
    """The machines of one training run, as one of them sees it. Every call is made by all, in the same order."""

    @property
    def index(self) -> int:
        """Which of them this one is; from 0."""
        ...

    @property
    def count(self) -> int:
        """How many there are."""
        ...

    @property
    def is_chief(self) -> bool:
        """Whether this one writes what all of them made."""
        ...

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        """Rows of all workers, in their order.

        Args:
            rows: Shape (any, ...), of equal dtype and equal shape but for the first axis, which may be 0.

        Raises:
            TrainingError: If another worker is gone.
        """
        ...

    def sum(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        """Sum of each array over all workers; raises as ``gather``."""
        ...

    def barrier(self) -> None:
        """Wait until every worker is here; raises as ``gather``."""
        ...

    def leave(self) -> None:
        """The last of all calls: wait until no other worker needs this one any more.

        Who has what it needs of a call may still hold what others need of it. One that is gone already is no matter:
        nobody goes before all have come to this call, and so had everything before it.
        """
        ...

    def gather_tensor(self, rows: Any) -> Any:
        """``gather`` for compiled functions of TensorFlow; every worker's rows have the same shape."""
        ...

    def sum_tensor(self, values: Any) -> Any:
        """``sum`` of one tensor for compiled functions of TensorFlow."""
        ...

    def watched(self) -> AbstractContextManager[None]:
        """Where compiled functions are called that hand each other something: raises as ``gather``."""
        ...


class _Alone:
    index, count, is_chief = 0, 1, True

    def gather(self, rows: NDArray[Any]) -> NDArray[Any]:
        return rows

    def sum(self, arrays: Sequence[NDArray[Any]]) -> list[NDArray[Any]]:
        return list(arrays)

    def barrier(self) -> None:
        """Nobody to wait for."""

    def leave(self) -> None:
        """Nobody to wait for."""

    def gather_tensor(self, rows: Any) -> Any:
        return rows

    def sum_tensor(self, values: Any) -> Any:
        return values

    def watched(self) -> AbstractContextManager[None]:
        return nullcontext()


ALONE: Final[Workers] = _Alone()
"""One machine: nothing is sent anywhere."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What ``TF_CONFIG`` says.

    Attributes:
        addresses: ``host:port`` of each worker, the chief first.
        index: Which of them this process is.
    """

    addresses: tuple[str, ...]
    index: int


def read_cluster(environ: Mapping[str, str]) -> Cluster | None:
    """Who takes part, or None without ``TF_CONFIG``.

    Raises:
        ConfigError: If it is malformed, or this process is none of the workers.
    """
    text = environ.get(ENVIRONMENT, "").strip()
    if not text:
        return None
    try:
        said = json.loads(text)
        members = [(kind, index) for kind in _TRAINING_TASKS for index in range(len(said["cluster"].get(kind, ())))]
        addresses = tuple(str(said["cluster"][kind][index]) for kind, index in members)
        task = said["task"]
        own = (str(task["type"]), int(task["index"]))
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        raise _malformed("it is not {cluster: {worker: [host:port]}, task: {type, index}}") from None
    for address in addresses:
        host, _, port = address.rpartition(":")
        if not host or not port.isdecimal() or not 0 < int(port) < 2**16:
            raise _malformed(f"'{address}' is not host:port")
    if len(set(addresses)) != len(addresses):
        raise _malformed("an address is there twice")
    if own not in members:
        raise _malformed(f"it has no {own[0]} {own[1]}, which this process is said to be")
    return Cluster(addresses, members.index(own))


def _malformed(why: str) -> ConfigError:
    return ConfigError(
        f"cannot read {ENVIRONMENT}: {why}",
        hint=f"SageMaker's toolkit writes it; on a machine of your own, unset {ENVIRONMENT}",
    )


def join_workers(environ: Mapping[str, str], *, wait_s: float = MEETING_S) -> Workers:
    """Meet the others that ``TF_CONFIG`` names; ``ALONE`` without it, or where it names one worker.

    Called before anything else of TensorFlow is used: that is when its network starts.

    Args:
        environ: The environment.
        wait_s: For how long to wait for the others.

    Raises:
        ConfigError: If ``TF_CONFIG`` is malformed.
        TrainingError: If the others do not come.
        MissingExtraError: If TensorFlow is not installed.
    """
    cluster = read_cluster(environ)
    if cluster is None or len(cluster.addresses) == 1:
        return ALONE
    from actorrec.training.collective import join

    meet(cluster, wait_s)
    return join(cluster)
