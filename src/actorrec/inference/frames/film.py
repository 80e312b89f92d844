"""A film that stands in for a camera."""

import math
import stat
import threading
import time
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path
from typing import Final

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.capture import NO_PIXELS, Capture, too_large
from actorrec.inference.frames.ffmpeg import open_ffmpeg
from actorrec.inference.sources import shown
from actorrec.sections import CameraSection
from actorrec.types import Frame

_USUAL_FPS: Final = Fraction(25)
_MAX_FPS: Final = 1000
_MAX_LATE_S: Final = 1.0


class Film:
    """Frames of a film; ``time_s`` is the film's own.

    Args:
        path: The file.
        settings: How long a read may take.
        max_pixels: Most pixels of a frame.
        every_frame: Whether all are given, as fast as they are taken. Else they come at the film's own pace, and
            what is late is left out, as a camera would.
        clock: The pace, monotonic.
    """

    def __init__(
        self,
        path: Path,
        settings: CameraSection,
        max_pixels: int,
        *,
        every_frame: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._path = path
        self._settings = settings
        self._max_pixels = max_pixels
        self._every_frame = every_frame
        self._clock = clock
        self._closed = threading.Event()
        self._capture: Capture | None = None
        self._rate_fps = _USUAL_FPS
        self._index = -1
        self._time_s = 0.0
        self._began_s: float | None = None  # when the film's second 0 was, or would have been

    @property
    def name(self) -> str:
        return shown(str(self._path))

    @property
    def live(self) -> bool:
        return not self._every_frame

    @property
    def rate_fps(self) -> Fraction:
        """Frames a second, as the film says and exact: 29.97 is 30000/1001. Known while it is open."""
        return self._rate_fps

    def open(self) -> None:
        """See ``FrameSource``. It begins at its first frame."""
        self.close()
        self._closed = threading.Event()
        self._index, self._time_s, self._began_s = -1, 0.0, None
        self._capture = self._opened()

    def read(self, *, skip: bool = False) -> Frame | None:
        """See ``FrameSource``. A film that is cut off ends where it does."""
        capture = self._capture
        if capture is None:
            raise FrameSourceError(f"{self.name}: it is not open")
        while capture.grab():
            self._index += 1
            self._time_s = self._next_time_s(capture)
            if self._every_frame or self._in_time():
                pixels = NO_PIXELS if skip else capture.pixels()
                if pixels is not None:
                    return Frame(pixels, self.name, self._index, self._time_s)
        return None

    def close(self) -> None:
        """See ``FrameSource``."""
        self._closed.set()
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _opened(self) -> Capture:
        import cv2

        self._check_file()
        # An absolute path: ffmpeg takes what stands before a colon for a protocol.
        opened = open_ffmpeg(str(self._path.absolute()), self.name, "file", self._settings.timeout_s)
        if not opened.isOpened():
            raise FrameSourceError(f"{self.name}: it is no film that can be read, or its beginning or end is missing")
        capture = Capture(opened, self.name, self._max_pixels)
        width, height = (int(opened.get(each)) for each in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > self._max_pixels:
            capture.release()
            raise too_large(self.name, width, height, self._max_pixels)
        self._rate_fps = exact_rate(opened.get(cv2.CAP_PROP_FPS))
        return capture

    def _check_file(self) -> None:
        """ffmpeg would say no more than that it is no film, and wait for ever for what a pipe never sends."""
        try:
            regular = stat.S_ISREG(self._path.stat().st_mode)
            if regular:
                self._path.open("rb").close()
        except OSError as error:
            raise FrameSourceError(f"{self.name}: cannot be read: {error.strerror}") from None
        if not regular:
            raise FrameSourceError(f"{self.name}: it is no regular file")

    def _next_time_s(self, capture: Capture) -> float:
        """The film's own time where it has one that grows; films of varying rate do."""
        import cv2

        told_s = capture.asked(cv2.CAP_PROP_POS_MSEC) / 1000
        if self._index == 0:
            return told_s if math.isfinite(told_s) and told_s >= 0 else 0.0
        if math.isfinite(told_s) and told_s > self._time_s:
            return told_s
        return self._time_s + float(1 / self._rate_fps)

    def _in_time(self) -> bool:
        """Wait until the frame is due; whether it is not late."""
        now_s = self._clock()
        if self._began_s is None:
            self._began_s = now_s - self._time_s
        late_s = now_s - self._began_s - self._time_s
        if late_s > _MAX_LATE_S:  # the machine is too slow for the film, or slept: it goes on from here
            self._began_s += late_s
            return True
        if late_s > float(1 / self._rate_fps):
            return False
        if late_s < 0:
            self._closed.wait(-late_s)
        return True


def exact_rate(told_fps: float) -> Fraction:
    """The rate that a film means: 29.97002997 is 30000/1001.

    Args:
        told_fps: As ffmpeg rounds it; 25 is assumed for what is no rate.
    """
    if not (math.isfinite(told_fps) and 0 < told_fps <= _MAX_FPS):
        return _USUAL_FPS
    ntsc = Fraction(round(told_fps * 1.001) * 1000, 1001)
    if abs(float(ntsc) - told_fps) < 1e-4 and ntsc.numerator:
        return ntsc
    return Fraction(told_fps).limit_denominator(1000)
