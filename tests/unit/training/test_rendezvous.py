"""Workers that meet on loopback: one of them is the test, which may take its time."""

import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from actorrec.errors import TrainingError
from actorrec.training.rendezvous import meet
from actorrec.training.workers import Cluster
from held_ports import held_port
from patience import PATIENCE_S


class Other:
    """The second of two workers.

    Attributes:
        cluster: As the first one knows it.
    """

    def __init__(self) -> None:
        self.port = held_port(self)
        self.cluster = Cluster((f"127.0.0.1:{held_port(self)}", f"127.0.0.1:{self.port}"), 0)

    def come(self) -> socket.socket:
        """Wait for the first one's greeting, and connect to it."""
        with socket.create_server(("127.0.0.1", self.port)) as listener:
            listener.settimeout(PATIENCE_S)
            greeted, _ = listener.accept()
            with greeted:
                greeted.settimeout(PATIENCE_S)
                assert greeted.recv(64) == b"actorrec worker 0\n"
        return self.connect()

    def connect(self) -> socket.socket:
        first = int(self.cluster.addresses[0].rpartition(":")[2])
        return socket.create_connection(("127.0.0.1", first), timeout=PATIENCE_S)


@contextmanager
def met(other: Other) -> Iterator[None]:
    """The first worker meets the other while the block runs, and has met it at its end."""
    done: list[str] = []

    def work() -> None:
        try:
            meet(other.cluster, PATIENCE_S)
            done.append("met")
        except TrainingError as error:
            done.append(error.message)

    thread = threading.Thread(target=work)
    thread.start()
    yield
    thread.join()
    assert done == ["met"]


def test_one_that_stands_still_between_coming_and_speaking_is_heard() -> None:
    other = Other()
    with met(other), other.come() as connection:
        time.sleep(1.2)  # longer than any word was waited for
        connection.sendall(b"actorrec worker 1\n")


def test_strangers_who_say_nothing_or_something_else_are_passed_over() -> None:
    other = Other()
    with met(other), other.come() as connection, other.connect() as stranger, other.connect():
        stranger.sendall(b"PRI * HTTP/2.0\r\n\r\n")
        connection.sendall(b"actorrec worker 1\n")


def test_a_port_that_is_taken_is_told() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(TrainingError, match=f"cannot listen on port {port}"):
            meet(Cluster((f"127.0.0.1:{port}", "127.0.0.1:1"), 0), 0.0)
