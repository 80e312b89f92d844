"""Waiting for every worker before TensorFlow starts its network, which would wait for an hour and say nothing."""

import contextlib
import socket
import time
from typing import TYPE_CHECKING, Final

from actorrec.errors import TrainingError

if TYPE_CHECKING:
    from actorrec.training.workers import Cluster

_GREETING: Final = b"actorrec worker %d\n"
_LONGEST: Final = 64
_PATIENCE_S: Final = 1.0


def meet(cluster: "Cluster", wait_s: float) -> None:
    """Return once this worker has reached every other, and every other this one.

    Each listens on its own port until then, so that the port is free again for TensorFlow.

    Args:
        cluster: Who is to come.
        wait_s: For how long to wait for them.

    Raises:
        TrainingError: If some do not come in time, or the port is taken.
    """
    until = time.monotonic() + wait_s
    port = int(cluster.addresses[cluster.index].rpartition(":")[2])
    others = set(range(len(cluster.addresses))) - {cluster.index}
    reached: set[int] = set()
    heard: set[int] = set()
    try:
        listener = socket.create_server(("", port), backlog=len(cluster.addresses))
    except OSError as error:
        raise TrainingError(f"cannot listen on port {port}: {error.strerror or error}") from None
    with listener:
        listener.settimeout(0.1)
        while missing := others - (reached & heard):
            if time.monotonic() > until:
                raise _missed([cluster.addresses[index] for index in sorted(missing)], wait_s)
            reached |= {index for index in others - reached if _greets(cluster.addresses[index], cluster.index)}
            heard |= _hear(listener) & others


def _greets(address: str, index: int) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_PATIENCE_S) as connection:
            connection.sendall(_GREETING % index)
    except OSError:  # not there yet, or its name is not known yet
        return False
    return True


def _hear(listener: socket.socket) -> set[int]:
    try:
        connection, _ = listener.accept()
    except TimeoutError:
        return set()
    with connection, contextlib.suppress(OSError, ValueError):
        connection.settimeout(_PATIENCE_S)
        said = connection.recv(_LONGEST)
        prefix, _, number = said.rpartition(b" ")
        if prefix == _GREETING.rpartition(b" ")[0]:
            return {int(number)}
    return set()


def _missed(missing: list[str], wait_s: float) -> TrainingError:
    return TrainingError(
        f"of the workers of this training, {', '.join(missing)} did not come within {wait_s:g} s",
        hint="its own log says why; all must be able to reach each other on these ports",
    )
