"""Cameras that send JPEG pictures over HTTP (MJPEG), read without ffmpeg.

A picture that is not wanted is not decoded at all, each picture has its own size, and whoever waits is freed at once
when the camera is let go of; ffmpeg does none of that.
"""

import io
import struct
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.address import Address
from actorrec.inference.frames.capture import MAX_DAMAGED, NO_PIXELS, all_damaged, too_large
from actorrec.inference.frames.opencv import NetworkCamera
from actorrec.inference.frames.picture_stream import PictureStream
from actorrec.inference.frames.source import FrameSource
from actorrec.sections import CameraSection
from actorrec.types import Frame, UInt8Image
from actorrec.vision.decode import quietly

# ITU-T T.81, table B.1: markers that begin a frame, with its size.
_FRAME_MARKERS: Final = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_WITHOUT_LENGTH: Final = frozenset(range(0xD0, 0xDA))
_END: Final = b"\xff\xd9"  # some cameras leave it out
# What Pillow raises on bytes that are no picture, and on notes of a camera that are none.
_BROKEN: Final = (OSError, SyntaxError, ValueError, LookupError, TypeError, ArithmeticError, struct.error)


class HttpCamera:
    """Frames of an address; ``time_s`` is the monotonic clock's when a frame came.

    What is neither MJPEG nor a JPEG picture (which is asked for again and again) is left to OpenCV's ffmpeg.

    Args:
        address: Of http or https.
        settings: Patience, and the rate at which a single picture is asked for.
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
        self._pictures: PictureStream | None = None
        self._video: FrameSource | None = None
        self._index = 0

    @property
    def name(self) -> str:
        return self._address.shown

    def open(self) -> None:
        """See ``FrameSource``."""
        self.close()
        self._index = 0
        pictures = PictureStream(self._address, self._settings.timeout_s, 1 / self._settings.fps, clock=self._clock)
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
        size_wh = jpeg_size_wh(data)
        if size_wh is None:
            return None
        if size_wh[0] * size_wh[1] > self._max_pixels:
            raise too_large(self.name, *size_wh, self._max_pixels)
        return jpeg_pixels(data, size_wh)


def jpeg_size_wh(data: bytes) -> tuple[int, int] | None:
    """Width and height in a JPEG's header, px, without decoding it; None for what is no JPEG.

    Stricter than decoders are: what they would skip between two markers is no header here.
    """
    at = 2
    while data.startswith(b"\xff\xd8") and at + 9 <= len(data) and data[at] == 0xFF:
        marker = data[at + 1]
        if marker in _FRAME_MARKERS:
            return int.from_bytes(data[at + 7 : at + 9], "big"), int.from_bytes(data[at + 5 : at + 7], "big")
        if marker < 0xC0 or marker in _WITHOUT_LENGTH:  # a decoder would go on right behind it, to another size
            return None
        at += 1 if marker == 0xFF else 2 + int.from_bytes(data[at + 2 : at + 4], "big")
    return None


def jpeg_pixels(data: bytes, size_wh: tuple[int, int]) -> UInt8Image | None:
    """A JPEG as RGB, upright; None where it cannot be decoded. One that is cut off is grey from there on.

    Pillow decodes it: OpenCV would print a line for each picture that is damaged, ten a second.

    Args:
        data: A whole picture.
        size_wh: What its header says; nothing else is decoded.
    """
    from PIL import Image, ImageOps
    from PIL.JpegImagePlugin import JpegImageFile

    try:
        with quietly():
            image: Image.Image = JpegImageFile(io.BytesIO(data + _END))
            if image.size != size_wh:
                return None
            if "exif" in image.info:
                image = ImageOps.exif_transpose(image)
        return np.array(image.convert("RGB"))
    except _BROKEN:
        return None
