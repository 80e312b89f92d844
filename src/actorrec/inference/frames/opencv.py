"""Cameras that OpenCV opens: devices of V4L2, and cameras in a network."""

import time
from collections.abc import Callable
from typing import Any, Final

from actorrec.errors import FrameSourceError, MissingExtraError
from actorrec.inference.frames.address import Address
from actorrec.inference.frames.capture import MAX_DAMAGED, NO_PIXELS, Capture, all_damaged, too_large
from actorrec.inference.frames.ffmpeg import open_ffmpeg, quietly
from actorrec.inference.frames.why_not import why_no_device, why_no_stream
from actorrec.sections import CameraSection
from actorrec.types import Frame

# What ffmpeg may use for an address; no files, whatever a play list names.
_PROTOCOLS: Final = {
    "rtsp": "rtsp,rtp,udp,tcp",
    "rtsps": "rtsps,rtsp,rtp,srtp,tls,udp,tcp",
    "http": "http,https,tls,tcp,hls,crypto",
    "https": "https,tls,tcp,hls,crypto",
}


class OpenCvCamera:
    """What cameras that OpenCV opens have in common. ``time_s`` is the monotonic clock's when a frame came.

    Args:
        name: As shown.
        settings: Size, rate and patience.
        max_pixels: Most pixels of a frame.
    """

    live: Final = True

    def __init__(
        self, name: str, settings: CameraSection, max_pixels: int, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._name = name
        self._settings = settings
        self._max_pixels = max_pixels
        self._clock = clock
        self._capture: Capture | None = None
        self._index = 0

    @property
    def name(self) -> str:
        return self._name

    def open(self) -> None:
        """See ``FrameSource``."""
        self.close()
        opened = self._start()
        if not opened.isOpened():
            opened.release()
            raise self._why_not()
        capture = Capture(opened, self._name, self._max_pixels)
        width, height = self._size(opened)
        if width * height > self._max_pixels:
            capture.release()
            raise too_large(self._name, width, height, self._max_pixels)
        self._capture = capture
        self._index = 0

    def read(self, *, skip: bool = False) -> Frame | None:
        """See ``FrameSource``."""
        capture = self._capture
        if capture is None:
            raise FrameSourceError(f"{self._name}: it is not open")
        for _ in range(MAX_DAMAGED):
            if not capture.grab():
                raise FrameSourceError(f"{self._name}: no frame came any more")
            at_s = self._clock()
            pixels = NO_PIXELS if skip else capture.pixels()
            if pixels is not None:
                self._index += 1
                return Frame(pixels, self._name, self._index - 1, at_s)
        raise all_damaged(self._name)

    def close(self) -> None:
        """See ``FrameSource``."""
        capture, self._capture = self._capture, None
        if capture is not None:
            capture.release()

    def _start(self) -> Any:
        raise NotImplementedError

    def _why_not(self) -> FrameSourceError:
        raise NotImplementedError

    @staticmethod
    def _size(opened: Any) -> tuple[int, int]:
        import cv2

        return int(opened.get(cv2.CAP_PROP_FRAME_WIDTH)), int(opened.get(cv2.CAP_PROP_FRAME_HEIGHT))


class VideoDevice(OpenCvCamera):
    """A camera of V4L2, ``/dev/videoN``; most USB cameras are one."""

    def __init__(self, number: int, settings: CameraSection, max_pixels: int) -> None:
        super().__init__(f"camera {number}", settings, max_pixels)
        self._number = number

    def _start(self) -> Any:
        try:
            import cv2
        except ImportError:
            raise MissingExtraError("edge", "cv2") from None
        with quietly(cv2):
            opened = cv2.VideoCapture(self._number, cv2.CAP_V4L2)
        # Uncompressed, USB 2 carries a few frames a second of a camera's larger sizes.
        opened.set(cv2.CAP_PROP_FOURCC, cv2.VideoWriter.fourcc(*"MJPG"))
        opened.set(cv2.CAP_PROP_FRAME_WIDTH, self._settings.width_px)
        opened.set(cv2.CAP_PROP_FRAME_HEIGHT, self._settings.height_px)
        opened.set(cv2.CAP_PROP_FPS, self._settings.fps)
        opened.set(cv2.CAP_PROP_BUFFERSIZE, 1)
        return opened

    def _why_not(self) -> FrameSourceError:
        return why_no_device(self._name, self._number)


class NetworkCamera(OpenCvCamera):
    """A camera at an address: RTSP, or video over HTTP."""

    def __init__(self, address: Address, settings: CameraSection, max_pixels: int) -> None:
        super().__init__(address.shown, settings, max_pixels)
        self._address = address

    def _start(self) -> Any:
        protocols = _PROTOCOLS[self._address.scheme]
        return open_ffmpeg(self._address.url, self._name, protocols, self._settings.timeout_s)

    def _why_not(self) -> FrameSourceError:
        return why_no_stream(self._address, min(self._settings.timeout_s, 3.0))
