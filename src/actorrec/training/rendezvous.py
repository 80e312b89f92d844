"""Waiting for every worker before TensorFlow starts its network, which would wait for an hour and say nothing."""

import select
import socket
import time
from contextlib import ExitStack
from typing import TYPE_CHECKING, Final, Self

from actorrec.errors import TrainingError

if TYPE_CHECKING:
    from actorrec.training.workers import Cluster

_GREETING: Final = b"actorrec worker %d\n"
_LONGEST: Final = 64
_CONNECT_S: Final = 1.0
_ROUND_S: Final = 0.1


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
    with _Ear(port, len(others)) as ear:
        while missing := others - (reached & ear.heard):
            if time.monotonic() > until:
                raise _missed([cluster.addresses[index] for index in sorted(missing)], wait_s)
            reached |= {index for index in others - reached if _greets(cluster.addresses[index], cluster.index)}
            ear.listen()


def _greets(address: str, index: int) -> bool:
    host, _, port = address.rpartition(":")
    try:
        with socket.create_connection((host, int(port)), timeout=_CONNECT_S) as connection:
            connection.sendall(_GREETING % index)
    except OSError:  # not there yet, or its name is not known yet
        return False
    return True


class _Ear:
    """Listens on a port while it is entered; who has come is waited for, however long they take to say a word.

    A worker greets once: one that stands still between coming and speaking must be heard when it goes on.

    Args:
        port: Of this worker.
        others: How many will come.

    Attributes:
        heard: Indices of those who greeted.

    Raises:
        TrainingError: If the port is taken.
    """

    def __init__(self, port: int, others: int) -> None:
        try:
            self._listener = socket.create_server(("", port), backlog=others + 1)
        except OSError as error:
            raise TrainingError(f"cannot listen on port {port}: {error.strerror or error}") from None
        self._listener.setblocking(False)
        self._held = ExitStack()
        self._silent: list[socket.socket] = []
        self.heard: set[int] = set()

    def __enter__(self) -> Self:
        self._held.enter_context(self._listener)
        return self

    def __exit__(self, *_: object) -> None:
        self._held.close()

    def listen(self) -> None:
        """Take in what is said, for a moment."""
        ready, _, _ = select.select([self._listener, *self._silent], [], [], _ROUND_S)
        for connection in ready:
            if connection is self._listener:
                self._accept()
            else:
                self._silent.remove(connection)
                self.heard |= _said(connection)

    def _accept(self) -> None:
        try:
            connection, _ = self._listener.accept()
        except OSError:  # it went away before
            return
        connection.setblocking(False)
        self._silent.append(self._held.enter_context(connection))


def _said(connection: socket.socket) -> set[int]:
    with connection:
        try:
            prefix, _, number = connection.recv(_LONGEST).rpartition(b" ")
            return {int(number)} if prefix == _GREETING.rpartition(b" ")[0] else set()
        except (OSError, ValueError):
            return set()


def _missed(missing: list[str], wait_s: float) -> TrainingError:
    return TrainingError(
        f"of the workers of this training, {', '.join(missing)} did not come within {wait_s:g} s",
        hint="its own log says why; all must be able to reach each other on these ports",
    )
