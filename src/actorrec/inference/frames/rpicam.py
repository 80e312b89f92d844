"""A Raspberry Pi's own camera, through the programs of libcamera: OpenCV cannot open it on current systems."""

import re
import shutil
import time
from collections.abc import Callable
from typing import Final

import numpy as np

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.capture import NO_PIXELS, too_large
from actorrec.inference.frames.rpicam_child import RpicamChild
from actorrec.sections import CameraSection
from actorrec.types import Frame, UInt8Image

PROGRAMS: Final = ("rpicam-vid", "libcamera-vid")  # the newer name first
# `--codec yuv420` hands on the camera's buffers as they lie in memory (NullEncoder of rpicam-apps): rows are padded to
# at most 64 bytes in the plane of brightness, and to half of that in the planes of colour. A width that is a multiple
# of 64 has no padding in any of them.
_ALIGN_PX: Final = 64
# What libcamera logs of the size that it really takes: `configuring streams: (0) 640x480-YUV420`.
_CONFIGURED: Final = re.compile(r"configuring streams: \(0\) (\d{1,5})x(\d{1,5})-YUV420")
_LUMA_16_235: Final = np.rint(16 + np.arange(256) * 219 / 255).astype(np.uint8)
_CHROMA_16_240: Final = np.rint(128 + (np.arange(256) - 128) * 224 / 255).astype(np.uint8)
_REASONS: Final = (
    ("no cameras available", "no camera is found", "is the cable seated? `rpicam-hello --list-cameras` shows them"),
    ("selected camera is not available", "there is no camera of this number", "`rpicam-hello --list-cameras`"),
    ("in use by another process", "another program uses the camera", "`fuser -v /dev/media*` names it"),
    ("failed to acquire camera", "another program uses the camera", "`fuser -v /dev/media*` names it"),
    ("legacy camera stack", "the system is set to the old camera stack", "raspi-config turns it off"),
    ("ermission denied", "this user may not use the camera", "sudo usermod -aG video USER, then log in anew"),
)


class RpicamCamera:
    """Frames of a Raspberry Pi's camera; ``time_s`` is the monotonic clock's when a frame came.

    The width that is asked for is the multiple of 64 next to the one that is set.

    Args:
        number: Of the camera, as ``rpicam-hello --list-cameras`` counts them.
        settings: Size, rate and patience.
        max_pixels: Most pixels of a frame.
        clock: Monotonic.
    """

    live: Final = True

    def __init__(
        self, number: int, settings: CameraSection, max_pixels: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._number = number
        self._settings = settings
        self._max_pixels = max_pixels
        self._clock = clock
        self._child: RpicamChild | None = None
        self._buffer: UInt8Image = np.empty((0, 0), np.uint8)
        self._index = 0

    @property
    def name(self) -> str:
        return "rpicam" if self._number == 0 else f"rpicam:{self._number}"

    def open(self) -> None:
        """See ``FrameSource``."""
        self.close()
        width = max(_ALIGN_PX, round(self._settings.width_px / _ALIGN_PX) * _ALIGN_PX)
        height = self._settings.height_px // 2 * 2
        child = RpicamChild(self._command(width, height), self._clock)
        self._child = child
        try:
            if not child.ready(self._settings.timeout_s):
                raise self._ended(child)
            width, height = _configured(child.said) or (width, height)
            self._take_size(width, height)
        except TimeoutError:
            self.close()
            raise FrameSourceError(f"{self.name}: the camera sends nothing") from None
        except FrameSourceError:
            self.close()
            raise
        self._index = 0

    def read(self, *, skip: bool = False) -> Frame | None:
        """See ``FrameSource``."""
        child = self._child
        if child is None:
            raise FrameSourceError(f"{self.name}: it is not open")
        try:
            if not child.read_into(self._buffer.data.cast("B"), self._settings.timeout_s):
                raise self._ended(child)
        except TimeoutError:
            raise FrameSourceError(f"{self.name}: no whole frame came in {self._settings.timeout_s:g} s") from None
        pixels = NO_PIXELS if skip else i420_to_rgb(self._buffer)
        frame = Frame(pixels, self.name, self._index, self._clock())
        self._index += 1
        return frame

    def close(self) -> None:
        """See ``FrameSource``. The program has ended when this returns, where the system lets it."""
        child, self._child = self._child, None
        if child is not None:
            child.stop()

    def _command(self, width_px: int, height_px: int) -> list[str]:
        program = next((found for found in map(shutil.which, PROGRAMS) if found), None)
        if program is None:
            raise FrameSourceError(f"{self.name}: rpicam-vid is not installed", hint="sudo apt install rpicam-apps")
        size = ["--width", str(width_px), "--height", str(height_px), "--framerate", f"{self._settings.fps:g}"]
        # Some versions greet on stdout, in the midst of the frames, where they are not told to be quiet.
        output = ["--codec", "yuv420", "--nopreview", "--verbose=0", "--flush", "--output", "-"]
        return [program, "--timeout", "0", "--camera", str(self._number), *size, *output]

    def _take_size(self, width_px: int, height_px: int) -> None:
        if width_px * height_px > self._max_pixels:
            raise too_large(self.name, width_px, height_px, self._max_pixels)
        if width_px % _ALIGN_PX or height_px % 2:
            raise FrameSourceError(
                f"{self.name}: the camera gives {width_px} × {height_px} px, which is not read",
                hint=f"set camera.width_px to a multiple of {_ALIGN_PX} that the camera has",
            )
        if self._buffer.shape != (height_px * 3 // 2, width_px):
            self._buffer = np.empty((height_px * 3 // 2, width_px), np.uint8)

    def _ended(self, child: RpicamChild) -> FrameSourceError:
        said = child.listen_to_the_end()
        for words, message, hint in _REASONS:
            if words in said:
                return FrameSourceError(f"{self.name}: {message}", hint=hint)
        lines = [line for line in said.splitlines() if "ERROR" in line] or said.splitlines()
        last = " ".join(lines[-1].split())[:200] if lines else "without a word"
        return FrameSourceError(f"{self.name}: the camera's program ended: {last}")


def _configured(said: str) -> tuple[int, int] | None:
    found = _CONFIGURED.findall(said)
    return (int(found[-1][0]), int(found[-1][1])) if found else None


def i420_to_rgb(planes: UInt8Image) -> UInt8Image:
    """YUV 4:2:0 in the colours of JPEG (BT.601, all of 0 to 255), which rpicam-vid asks for with ``--codec yuv420``.

    OpenCV converts this layout as if brightness took 16 to 235, and would burn out the light parts; squeezed into that
    first, every value is right within 2, in less time than a conversion by way of whole planes of colour takes.

    Args:
        planes: Shape (H * 3 / 2, W), uint8: brightness, then the two planes of colour; W even.

    Returns:
        Shape (H, W, 3), uint8, RGB.
    """
    import cv2

    height = planes.shape[0] * 2 // 3
    squeezed = np.empty_like(planes)
    cv2.LUT(planes[:height], _LUMA_16_235, dst=squeezed[:height])
    cv2.LUT(planes[height:], _CHROMA_16_240, dst=squeezed[height:])
    rgb: UInt8Image = np.asarray(cv2.cvtColor(squeezed, cv2.COLOR_YUV2RGB_I420), np.uint8)
    return rgb
