"""JPEG pictures of an address, one after the other: a stream of them, or one that is asked for again and again."""

import base64
import http.client
import socket
import ssl
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from typing import Final

from actorrec.errors import ConfigError, FrameSourceError
from actorrec.inference.frames.address import Address, parse_address
from actorrec.inference.frames.held import Held
from actorrec.inference.frames.multipart import MAX_PART_BYTES, MultipartError, Parts
from actorrec.inference.frames.why_not import refused, unreachable

_BROKEN: Final = (OSError, http.client.HTTPException, MultipartError, ValueError)


class PictureStream:
    """One connection, and the pictures that come by it.

    Args:
        address: Of http or https.
        timeout_s: For each answer.
        interval_s: Between two questions, where the camera answers each with one picture.
        clock: Monotonic.
    """

    def __init__(
        self, address: Address, timeout_s: float, interval_s: float, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._interval_s = interval_s
        self._clock = clock
        self._connection = _connection(address, timeout_s)
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._parts: Parts | None = None
        self._due_s = 0.0
        self._stopped = threading.Event()
        self._held = Held(self._free)

    def begin(self) -> bool:
        """Ask for pictures; False where what comes is something else.

        Raises:
            FrameSourceError: If the camera refuses, or cannot be reached.
        """
        with self._held.reading():
            try:
                response = self._asked()
            except _BROKEN as error:
                raise unreachable(self._address, error) from None
            if response.status == 401 and self._address.user and _asks_digest(response.headers):
                return False  # ffmpeg can answer that
            self._check(response)
            kind = response.headers.get_content_type()
            if kind == "multipart/x-mixed-replace":
                self._parts = Parts(response, str(response.headers.get_param("boundary", "")))
            return kind in ("multipart/x-mixed-replace", "image/jpeg")

    def next(self) -> bytes:
        """The next picture's bytes.

        Raises:
            FrameSourceError: If it is lost.
        """
        with self._held.reading():
            try:
                data = self._single() if self._parts is None else self._parts.next()
            except _BROKEN as error:
                reason = "nothing came any more" if isinstance(error, TimeoutError) else "the stream is broken"
                raise FrameSourceError(f"{self._address.shown}: {reason}") from None
        if not data or self._held.over:
            raise FrameSourceError(f"{self._address.shown}: the camera has ended the stream")
        return data

    def close(self) -> None:
        """From any thread; a read that waits ends."""
        self._stopped.set()
        waits_for = self._socket
        if waits_for is not None:
            with suppress(OSError):
                waits_for.shutdown(socket.SHUT_RDWR)
        self._held.let_go()

    def _asked(self) -> http.client.HTTPResponse:
        if self._connection.sock is None:
            self._connect()
        self._connection.request("GET", self._address.target, headers=self._headers())
        self._response = self._connection.getresponse()
        self._due_s = max(self._due_s, self._clock() - self._interval_s) + self._interval_s
        return self._response

    def _connect(self) -> None:
        if not self._held.over:
            self._connection.connect()
            self._socket = self._connection.sock
        if self._stopped.is_set():  # before, or while it connected and there was nothing to shut
            raise ConnectionAbortedError

    def _single(self) -> bytes:
        """The picture that is there, or the answer to another question."""
        response, self._response = self._response, None
        if response is None:
            if self._stopped.wait(max(0.0, self._due_s - self._clock())):
                return b""
            response = self._asked()
            self._check(response)
        with response:
            data = response.read(MAX_PART_BYTES + 1)
            self._response = None
        if len(data) > MAX_PART_BYTES:
            raise MultipartError("a picture is too long")
        return data

    def _check(self, response: http.client.HTTPResponse) -> None:
        if 300 <= response.status < 400:
            raise _moved(self._address, response.headers.get("Location", ""))
        if response.status != 200:
            raise refused(self._address, response.status)

    def _free(self) -> None:
        if self._response is not None:
            self._response.close()
        if self._socket is not None:
            self._socket.close()
        self._connection.close()

    def _headers(self) -> dict[str, str]:
        if not self._address.user:
            return {}
        pair = f"{self._address.user}:{self._address.password}".encode()
        return {"Authorization": "Basic " + base64.b64encode(pair).decode()}


def _connection(address: Address, timeout_s: float) -> http.client.HTTPConnection:
    if address.scheme == "http":
        return http.client.HTTPConnection(address.host, address.port, timeout=timeout_s)
    context = ssl.create_default_context()
    return http.client.HTTPSConnection(address.host, address.port, timeout=timeout_s, context=context)


def _asks_digest(headers: Message) -> bool:
    return any(each.strip().lower().startswith("digest") for each in headers.get_all("WWW-Authenticate", []))


def _moved(address: Address, location: str) -> FrameSourceError:
    """Not followed: the password is for this host alone."""
    with suppress(ConfigError):
        location = parse_address(location).shown
        return FrameSourceError(f"{address.shown}: the camera is at {location}", hint="name that address")
    return FrameSourceError(f"{address.shown}: the camera points to another address", hint="is the path right?")
