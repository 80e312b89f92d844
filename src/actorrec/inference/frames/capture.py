"""What OpenCV opened, as RGB frames: bounded, and safe to let go of while a read waits."""

from typing import Any, Final

import numpy as np

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.held import Held
from actorrec.types import UInt8Image

NO_PIXELS: Final[UInt8Image] = np.empty((0, 0, 3), np.uint8)
"""Of a frame that is not wanted."""

MAX_DAMAGED: Final = 20
"""Frames one after the other that cannot be decoded; a bad cable spoils one now and then."""


class Capture:
    """A ``cv2.VideoCapture`` that is open.

    Args:
        capture: It.
        name: As shown.
        max_pixels: Most pixels of a frame.
    """

    def __init__(self, capture: Any, name: str, max_pixels: int) -> None:
        self._capture = capture
        self._name = name
        self._max_pixels = max_pixels
        self._held = Held(capture.release)

    def grab(self) -> bool:
        """Wait for the next frame; False where none comes."""
        with self._held.reading():
            return not self._held.over and bool(self._capture.grab())

    def pixels(self) -> UInt8Image | None:
        """The frame that was grabbed, RGB, in memory of its own; None where it is damaged, or was let go of.

        Raises:
            FrameSourceError: If the frame is too large.
        """
        with self._held.reading():
            came, pixels = (False, None) if self._held.over else self._capture.retrieve()
        if not came or pixels is None:
            return None
        height, width = pixels.shape[:2]
        if height * width > self._max_pixels:
            raise too_large(self._name, width, height, self._max_pixels)
        return as_rgb(pixels)

    @property
    def released(self) -> bool:
        """Whether it was let go of."""
        return self._held.over

    def asked(self, prop: int) -> float:
        """A property; 0.0 where it is not known."""
        with self._held.reading():
            return 0.0 if self._held.over else float(self._capture.get(prop))

    def release(self) -> None:
        """Let go, from any thread; OpenCV frees what a read uses, so that is waited for."""
        self._held.let_go()


def as_rgb(pixels: Any) -> UInt8Image:
    """What OpenCV decoded (grey, BGR or BGRA, 8 or 16 bits a sample) as RGB, uint8, contiguous."""
    import cv2

    if pixels.dtype == np.uint16:
        pixels = (pixels >> 8).astype(np.uint8)
    channels = 1 if pixels.ndim == 2 else pixels.shape[2]
    turn = {1: cv2.COLOR_GRAY2RGB, 3: cv2.COLOR_BGR2RGB, 4: cv2.COLOR_BGRA2RGB}.get(channels)
    if turn is None or pixels.dtype != np.uint8:
        raise FrameSourceError(f"frames of {channels} channels of {pixels.dtype} are not read")
    return np.ascontiguousarray(cv2.cvtColor(pixels, turn))


def all_damaged(name: str) -> FrameSourceError:
    """The error of a source that sends nothing that can be decoded."""
    return FrameSourceError(f"{name}: {MAX_DAMAGED} frames one after the other cannot be decoded")


def too_large(name: str, width_px: int, height_px: int, max_pixels: int) -> FrameSourceError:
    """The error of a frame that would take too much memory."""
    return FrameSourceError(
        f"{name}: a frame of {width_px} × {height_px} pixels is more than {max_pixels:,}",
        hint="camera.width_px and camera.height_px ask a camera for smaller ones",
    )
