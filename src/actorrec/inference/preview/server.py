"""A small HTTP server for a few watchers: GET alone, one request a connection, everything bounded."""

import contextlib
import socket
import socketserver
import sys
import threading
import time
from dataclasses import dataclass
from typing import Any, Final

from actorrec.inference.preview.answers import Shown
from actorrec.inference.preview.door import Door
from actorrec.inference.preview.handler import PreviewHandler

MOST_STREAMS: Final = 4
MOST_CONNECTIONS: Final = 16
_BUSY: Final = b"HTTP/1.0 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"


@dataclass(frozen=True, slots=True)
class Patience:
    """How long it bears with one who watches.

    Attributes:
        head_s: From the connection to the end of the request.
        send_s: For each piece of an answer to be taken.
    """

    head_s: float = 3.0
    send_s: float = 10.0


USUAL: Final = Patience()


class PreviewServer(socketserver.ThreadingMixIn, socketserver.TCPServer):
    """Serves one page on 127.0.0.1.

    Args:
        port: 0 for a free one.
        door: Who may look.
        shown: What there is to see.
        patience: With who watches.

    Raises:
        OSError: If the port cannot be had.
    """

    allow_reuse_address = True
    daemon_threads = True
    block_on_close = False
    request_queue_size = MOST_CONNECTIONS

    def __init__(self, port: int, door: Door, shown: Shown, patience: Patience) -> None:
        self.door, self.shown, self.patience = door, shown, patience
        self.streams = threading.BoundedSemaphore(MOST_STREAMS)
        self._lock = threading.Lock()
        self._connected: dict[socket.socket, float | None] = {}  # to when its request must be there
        super().__init__(("127.0.0.1", port), PreviewHandler)

    def process_request(self, request: Any, client_address: Any) -> None:
        """Begin a thread for a connection, or turn it away where there are too many."""
        with self._lock:
            full = len(self._connected) >= MOST_CONNECTIONS
            if not full:
                self._connected[request] = time.monotonic() + self.patience.head_s
        if not full:
            super().process_request(request, client_address)
            return
        request.setblocking(False)
        with contextlib.suppress(OSError):
            request.send(_BUSY)
        self.shutdown_request(request)

    def shutdown_request(self, request: Any) -> None:
        """A connection ends."""
        with self._lock:
            self._connected.pop(request, None)
        super().shutdown_request(request)

    def head_is_read(self, request: socket.socket) -> None:
        """From here on, only sending can take too long."""
        with self._lock:
            self._connected[request] = None

    def service_actions(self) -> None:
        """Cut off who is too slow to ask; called again and again while the server runs."""
        now_s = time.monotonic()
        with self._lock:
            late = [request for request, until_s in self._connected.items() if until_s is not None and until_s < now_s]
        for request in late:
            _cut_off(request)

    def cut_off_all(self) -> None:
        """End every connection."""
        with self._lock:
            connected = list(self._connected)
        for request in connected:
            _cut_off(request)

    def handle_error(self, request: Any, client_address: Any) -> None:
        """Who goes away in the middle is no error; anything else is one of ours, and ends that connection alone."""
        if not isinstance(sys.exc_info()[1], OSError):
            super().handle_error(request, client_address)


def _cut_off(request: socket.socket) -> None:
    with contextlib.suppress(OSError):
        request.shutdown(socket.SHUT_RDWR)
