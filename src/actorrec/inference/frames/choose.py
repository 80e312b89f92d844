"""From a text to a source of frames."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Final

from actorrec.errors import ConfigError
from actorrec.inference.frames.address import has_scheme, parse_address
from actorrec.inference.frames.film import Film
from actorrec.inference.frames.mjpeg import HttpCamera
from actorrec.inference.frames.opencv import NetworkCamera, VideoDevice
from actorrec.inference.frames.rpicam import RpicamCamera
from actorrec.inference.frames.source import FrameSource
from actorrec.sections import CameraSection

FILM_SUFFIXES: Final = frozenset(
    {".3gp", ".avi", ".flv", ".m4v", ".mjpeg", ".mjpg", ".mkv", ".mov", ".mp4", ".mpeg", ".mpg", ".ts", ".webm", ".wmv"}
)
_HINT: Final = "a number, rpicam, an rtsp, rtsps, http or https address, or a film"
_NUMBER: Final = re.compile(r"\d{1,3}", re.ASCII)
_NODE: Final = re.compile(r"/dev/video(\d{1,3})", re.ASCII)
_RPICAM: Final = re.compile(r"rpicam(?::(\d{1,2}))?", re.ASCII)


def is_camera(source: str) -> bool:
    """Whether a text names something that gives frames by itself; else it names a picture, a folder or a glob.

    Addresses that cannot be read are meant as cameras, too. A folder is none, whatever it is called.
    """
    return _maker(source) is not None or "://" in source or _is_film(source)


def frame_source(settings: CameraSection, source: str, *, every_frame: bool = False, max_pixels: int) -> FrameSource:
    """What a text names; nothing is opened.

    Args:
        settings: Size, rate and patience. Its own ``source`` is not looked at.
        every_frame: Whether all frames of a film are given, as fast as they are taken, and not at its own pace.
        max_pixels: Most pixels of a frame.

    Raises:
        ConfigError: If the text names none.
    """
    wrong = _malformed(source)
    if wrong is not None:
        raise ConfigError(f"the camera's source {wrong}", hint=_HINT)
    make = _maker(source)
    if make is not None:
        return make(settings, max_pixels)
    if has_scheme(source) and not os.path.exists(source):  # noqa: PTH110 — answers no where Path would raise
        address = parse_address(source)
        kind = HttpCamera if address.scheme in ("http", "https") else NetworkCamera
        return kind(address, settings, max_pixels)
    if not _is_film(source):
        raise ConfigError(f"'{source[:200]}' is no camera and no film", hint=_HINT)
    return Film(Path(source), settings, max_pixels, every_frame=every_frame)


def _malformed(source: str) -> str | None:
    if not source.strip():
        return "is empty"
    return None if source.isprintable() else "holds characters that cannot be printed"


def _maker(source: str) -> Callable[[CameraSection, int], FrameSource] | None:
    node = _NUMBER.fullmatch(source) or _NODE.fullmatch(source)
    if node is not None:
        number = int(node.group().removeprefix("/dev/video"))
        return lambda settings, max_pixels: VideoDevice(number, settings, max_pixels)
    board = _RPICAM.fullmatch(source)
    if board is not None:
        number = int(board.group(1) or 0)
        return lambda settings, max_pixels: RpicamCamera(number, settings, max_pixels)
    return None


def _is_film(source: str) -> bool:
    return Path(source).suffix.lower() in FILM_SUFFIXES and not os.path.isdir(source)  # noqa: PTH112 — as above
