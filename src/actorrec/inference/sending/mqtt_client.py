"""The library's client, with bounds that it does not have."""

import contextlib
import socket
import ssl
import struct
import threading
from typing import Any, Final

from actorrec.errors import MissingExtraError

_HOSTILE: Final = (ArithmeticError, AttributeError, LookupError, OSError, RuntimeError, TypeError, ValueError)
"""What reading a broken packet may end in."""


def require_paho() -> Any:
    """The module of the library's client.

    Raises:
        MissingExtraError: If it is not installed.
    """
    try:
        import paho.mqtt.client as paho
    except ModuleNotFoundError:
        raise MissingExtraError("mqtt", "paho-mqtt") from None
    return paho


def new_client(client_id: str, protocol: int, max_packet_bytes: int, ended: threading.Event) -> Any:
    """A client that connects once.

    Args:
        client_id: What it calls itself.
        protocol: 5 for MQTT 5, 4 for MQTT 3.1.1.
        max_packet_bytes: A longer packet that comes in ends the connection.
        ended: Set when its thread ends, whyever.
    """
    paho = require_paho()
    from paho.mqtt import MQTTException

    letting_go, nobody_sends = threading.Lock(), threading.Event()

    class BoundedClient(paho.Client):  # type: ignore[misc, name-defined]
        def _sock_recv(self, bufsize: int) -> bytes:
            if bufsize > max_packet_bytes:
                raise ConnectionAbortedError(f"a packet of {bufsize} bytes")
            return bytes(super()._sock_recv(bufsize))

        def _create_socket(self) -> Any:
            """As the library does it, but what fails is closed."""
            sock = socket.create_connection((self._host, self._port), timeout=self._connect_timeout)
            # Messages are small: the next one would wait for the acknowledgement of the last.
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            if self._ssl_context is None:
                return sock
            wrapped = None
            try:
                context: ssl.SSLContext = self._ssl_context
                wrapped = context.wrap_socket(sock, server_hostname=self._host, do_handshake_on_connect=False)
                wrapped.settimeout(self._connect_timeout)
                wrapped.do_handshake()
            except BaseException:
                (wrapped or sock).close()
                raise
            return wrapped

        def _thread_main(self) -> None:
            try:
                with contextlib.suppress(struct.error, MQTTException, *_HOSTILE):
                    super()._thread_main()
            finally:
                ended.set()
                self._sock_close()
                self._let_go_if_over()

        def let_go(self) -> None:
            """Close what wakes its thread, which the library leaves to the collector of garbage, once that ends."""
            nobody_sends.set()
            self._let_go_if_over()

        def _let_go_if_over(self) -> None:
            with letting_go:
                if ended.is_set() and nobody_sends.is_set():
                    self._reset_sockets(sockpair_only=True)

    version = {"clean_session": True} if protocol == paho.MQTTv311 else {}
    return BoundedClient(
        paho.CallbackAPIVersion.VERSION2,
        client_id=client_id,
        protocol=protocol,
        reconnect_on_failure=False,
        **version,
    )
