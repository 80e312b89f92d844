"""Cameras that send JPEG pictures one after the other over HTTP (MJPEG), without ffmpeg.

A picture that is not wanted is not decoded at all, each picture has its own size, and whoever waits is freed at once
when the camera is let go of; ffmpeg does none of that.
"""

import base64
import http.client
import socket
import ssl
import time
from collections.abc import Callable
from contextlib import suppress
from email.message import Message
from typing import Final

from actorrec.errors import ConfigError, FrameSourceError, ItemError
from actorrec.inference.frames.address import Address, parse_address
from actorrec.inference.frames.capture import MAX_DAMAGED, NO_PIXELS, all_damaged
from actorrec.inference.frames.held import Held
from actorrec.inference.frames.multipart import MultipartError, Parts
from actorrec.inference.frames.opencv import NetworkCamera
from actorrec.inference.frames.source import FrameSource
from actorrec.inference.frames.why_not import refused, unreachable
from actorrec.sections import CameraSection
from actorrec.types import Frame, UInt8Image
from actorrec.vision.decode import decode_picture

_BROKEN: Final = (OSError, http.client.HTTPException, MultipartError, ValueError)


class HttpCamera:
    """Frames of an address; ``time_s`` is the monotonic clock's when a frame came.

    What is no MJPEG is left to OpenCV's ffmpeg.

    Args:
        address: Of http or https.
        settings: Patience; size and rate are the camera's.
        max_pixels: Most pixels of a frame.
        clock: Monotonic.
    """

    live: Final = True

    def __init__(
        self, address: Address, settings: CameraSection, max_pixels: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._address = address
        self._settings = settings
        self._max_pixels = max_pixels
        self._clock = clock
        self._pictures: _Pictures | None = None
        self._video: FrameSource | None = None
        self._index = 0

    @property
    def name(self) -> str:
        return self._address.shown

    def open(self) -> None:
        """See ``FrameSource``."""
        self.close()
        self._index = 0
        pictures = _Pictures(self._address, self._settings.timeout_s)
        self._pictures = pictures
        try:
            if pictures.begin():
                return
        except FrameSourceError:
            self.close()
            raise
        self.close()
        video = NetworkCamera(self._address, self._settings, self._max_pixels)
        self._video = video
        video.open()

    def read(self, *, skip: bool = False) -> Frame | None:
        """See ``FrameSource``. A picture that is damaged is left out."""
        if self._video is not None:
            return self._video.read(skip=skip)
        pictures = self._pictures
        if pictures is None:
            raise FrameSourceError(f"{self.name}: it is not open")
        for _ in range(MAX_DAMAGED):
            data = pictures.next()
            at_s = self._clock()
            pixels = NO_PIXELS if skip else self._decoded(data)
            if pixels is not None:
                self._index += 1
                return Frame(pixels, self.name, self._index - 1, at_s)
        raise all_damaged(self.name)

    def close(self) -> None:
        """See ``FrameSource``."""
        pictures, self._pictures = self._pictures, None
        video, self._video = self._video, None
        if pictures is not None:
            pictures.close()
        if video is not None:
            video.close()

    def _decoded(self, data: bytes) -> UInt8Image | None:
        try:
            return decode_picture(data, max_pixels=self._max_pixels).pixels
        except ItemError as error:
            if error.reason == "too-large":
                raise FrameSourceError(f"{self.name}: a frame is too large: {error.message}") from None
            return None


class _Pictures:
    """One connection and the pictures that come by it."""

    def __init__(self, address: Address, timeout_s: float) -> None:
        self._address = address
        self._connection = _connection(address, timeout_s)
        self._socket: socket.socket | None = None
        self._response: http.client.HTTPResponse | None = None
        self._parts: Parts | None = None
        self._held = Held(self._free)

    def begin(self) -> bool:
        """Ask for pictures; False where what comes is something else.

        Raises:
            FrameSourceError: If the camera refuses, or cannot be reached.
        """
        with self._held.reading():
            try:
                self._connection.connect()
                self._socket = self._connection.sock
                self._connection.request("GET", self._address.target, headers=self._headers())
                self._response = self._connection.getresponse()
            except _BROKEN as error:
                raise unreachable(self._address, error) from None
            return self._understood(self._response)

    def next(self) -> bytes:
        """The next picture's bytes.

        Raises:
            FrameSourceError: If it is lost.
        """
        with self._held.reading():
            try:
                data = b"" if self._held.over or self._parts is None else self._parts.next()
            except _BROKEN as error:
                reason = "nothing came any more" if isinstance(error, TimeoutError) else "the stream is broken"
                raise FrameSourceError(f"{self._address.shown}: {reason}") from None
        if not data:
            raise FrameSourceError(f"{self._address.shown}: the camera has ended the stream")
        return data

    def close(self) -> None:
        """From any thread; a read that waits ends."""
        if self._socket is not None:
            with suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)
        self._held.let_go()

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

    def _understood(self, response: http.client.HTTPResponse) -> bool:
        if response.status == 401 and self._address.user and _asks_digest(response.headers):
            return False  # ffmpeg can answer that
        if 300 <= response.status < 400:
            raise _moved(self._address, response.headers.get("Location", ""))
        if response.status != 200:
            raise refused(self._address, response.status)
        if response.headers.get_content_type() != "multipart/x-mixed-replace":
            return False
        self._parts = Parts(response, str(response.headers.get_param("boundary", "")))
        return True


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
