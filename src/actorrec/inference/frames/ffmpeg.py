"""Opening what OpenCV's own ffmpeg reads: without a word on stderr, and with the protocols it needs alone."""

import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

from actorrec.errors import FrameSourceError, MissingExtraError

_LOG_LEVEL: Final = "OPENCV_FFMPEG_LOGLEVEL"
_OPTIONS: Final = "OPENCV_FFMPEG_CAPTURE_OPTIONS"
_QUIET: Final = "-8"  # AV_LOG_QUIET of libavutil/log.h
# OpenCV's own default where that variable is not set (modules/videoio/src/cap_ffmpeg_impl.hpp).
_DEFAULT_OPTIONS: Final = "rtsp_flags;prefer_tcp"
# The settings are the process's, so one thread at a time may open; OpenCV lets no two open at once anyway.
_OPENING: Final = threading.Lock()


def open_ffmpeg(location: str, name: str, protocols: str, timeout_s: float) -> Any:
    """``cv2.VideoCapture`` of a film or an address, open or not.

    Args:
        name: As shown.
        protocols: What ffmpeg may use for it, and for what it names in its turn (a play list may name anything).
        timeout_s: For opening, and for each read, where the system lets it.

    Raises:
        FrameSourceError: If an earlier try to open something still hangs.
        MissingExtraError: If OpenCV is not installed.
    """
    try:
        import cv2
    except ImportError:
        raise MissingExtraError("edge", "cv2") from None
    timeout_ms = int(timeout_s * 1000)
    asked = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
    # More threads would hold back a frame each, and take more of the processor for pictures of a camera's size.
    asked += [cv2.CAP_PROP_N_THREADS, 1]
    with _one_at_a_time(name, timeout_s), quietly(cv2), _options(protocols):
        return cv2.VideoCapture(location, cv2.CAP_FFMPEG, asked)


@contextmanager
def _one_at_a_time(name: str, timeout_s: float) -> Iterator[None]:
    if not _OPENING.acquire(timeout=timeout_s):
        raise FrameSourceError(f"{name}: an earlier try to open it still hangs")
    try:
        yield
    finally:
        _OPENING.release()


@contextmanager
def quietly(cv2: Any) -> Iterator[None]:
    """Without the words of OpenCV and ffmpeg: both would print the address, with its password.

    Some versions of OpenCV look at the variable each time they open something, others the first time alone.
    """
    log = cv2.utils.logging
    before = log.setLogLevel(log.LOG_LEVEL_SILENT)
    try:
        with _variable(_LOG_LEVEL, _QUIET):
            yield
    finally:
        log.setLogLevel(before)


@contextmanager
def _options(protocols: str) -> Iterator[None]:
    with _variable(_OPTIONS, f"{os.environ.get(_OPTIONS, _DEFAULT_OPTIONS)}|protocol_whitelist;{protocols}"):
        yield


@contextmanager
def _variable(name: str, value: str) -> Iterator[None]:
    before = os.environ.get(name)
    os.environ[name] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ[name]
        else:
            os.environ[name] = before
