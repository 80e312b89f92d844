"""Things that listen where a broker should, on loopback: silent, rude, old, not a broker at all."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Final

Conversation = Callable[[socket.socket], None]
_PUBLISH: Final = 0x30
CONNACK_3: Final = b"\x20\x02\x00\x00"
CONNACK_3_VERSION: Final = b"\x20\x02\x00\x01"


@contextmanager
def listening(converse: Conversation) -> Iterator[int]:
    """Something that treats each connection, in a thread of its own, as it is told; its port."""
    threads: list[threading.Thread] = []
    open_now: list[socket.socket] = []

    def serve(connection: socket.socket) -> None:
        with connection, suppress(OSError):
            converse(connection)

    def accept(listener: socket.socket) -> None:
        with suppress(OSError):
            while True:
                connection, _ = listener.accept()
                open_now.append(connection)
                threads.append(threading.Thread(target=serve, args=(connection,), daemon=True))
                threads[-1].start()

    with socket.create_server(("127.0.0.1", 0)) as listener:
        threads.append(threading.Thread(target=accept, args=(listener,), daemon=True))
        threads[0].start()
        try:
            yield int(listener.getsockname()[1])
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            for connection in open_now:
                with suppress(OSError):
                    connection.shutdown(socket.SHUT_RDWR)
            for thread in threads:
                thread.join(10)


def packet(connection: socket.socket) -> tuple[int, bytes]:
    """The next packet of MQTT: its first byte, and what follows its length."""
    first, length, shift = _exactly(connection, 1)[0], 0, 0
    while True:
        byte = _exactly(connection, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return first, _exactly(connection, length)


def silent(connection: socket.socket) -> None:
    """Takes the connection and says nothing."""
    while connection.recv(4096):
        pass


def saying(answer: bytes) -> Conversation:
    """Answers the first packet with these bytes and listens on."""

    def converse(connection: socket.socket) -> None:
        packet(connection)
        connection.sendall(answer)
        silent(connection)

    return converse


def hanging_up(connection: socket.socket) -> None:
    """Ends each connection at once."""
    packet(connection)


def hating_messages(connection: socket.socket) -> None:
    """Lets everybody in and ends the connection when a message comes."""
    packet(connection)
    connection.sendall(CONNACK_3)
    while packet(connection)[0] & 0xF0 != _PUBLISH:
        pass


def forgetful(connection: socket.socket) -> None:
    """Lets everybody in and acknowledges nothing."""
    packet(connection)
    connection.sendall(CONNACK_3)
    silent(connection)


def old_front(port: int, seen: list[int]) -> Conversation:
    """A broker that knows MQTT 3.1.1 alone: it refuses others and hands the rest to the real one on ``port``."""

    def converse(connection: socket.socket) -> None:
        first, body = packet(connection)
        version = body[6]
        seen.append(version)
        if version > 4:
            connection.sendall(CONNACK_3_VERSION)
            return
        with socket.create_connection(("127.0.0.1", port)) as real:
            assert len(body) < 128
            real.sendall(bytes([first, len(body)]) + body)
            back = threading.Thread(target=_pump, args=(real, connection), daemon=True)
            back.start()
            _pump(connection, real)
            back.join(10)

    return converse


def _pump(source: socket.socket, sink: socket.socket) -> None:
    with suppress(OSError):
        while data := source.recv(65536):
            sink.sendall(data)
    with suppress(OSError):
        sink.shutdown(socket.SHUT_RDWR)


def _exactly(connection: socket.socket, count: int) -> bytes:
    data = b""
    while len(data) < count:
        more = connection.recv(count - len(data))
        if not more:
            raise ConnectionResetError
        data += more
    return data
