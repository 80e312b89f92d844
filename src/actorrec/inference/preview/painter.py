"""Pictures with boxes and names, drawn only while somebody watches and never more often than they are shown."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final

import numpy as np

from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.types import BoundingBox, UInt8Image
from actorrec.vision.draw import NAMED, UNKNOWN, BoxLabel, Colour, draw_boxes

UNDECIDED: Final[Colour] = (87, 96, 106)
"""A dark grey, told apart from both other colours by every kind of colour vision."""
_MOST_PX: Final = 960
_JPEG_QUALITY: Final = 80


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What the loop saw last.

    Attributes:
        pixels: Shape (H, W, 3), uint8, RGB; nobody writes into it.
        tracks: Faces in view.
        shown_name: The name to show for a person id.
        at_s: When, on the clock that only grows.
    """

    pixels: UInt8Image
    tracks: Sequence[TrackedFace]
    shown_name: Callable[[str], str]
    at_s: float = field(default_factory=time.monotonic)


class Painter:
    """Draws the newest look for all watchers, in a thread of its own.

    Args:
        fps: Pictures a second at most.
    """

    def __init__(self, fps: float) -> None:
        self._pause_s = 1 / fps
        self._changed = threading.Condition()
        self._watchers = 0
        self._closed = False
        self._jpeg, self._number = b"", 0
        self._drawn: Look | None = None
        self.newest: Look | None = None
        self.offered = 0
        self.failed = ""
        self._thread = threading.Thread(target=self._paint, name="preview painter", daemon=True)

    def start(self) -> None:
        """Begin to wait for watchers."""
        self._thread.start()

    def offer(self, look: Look) -> None:
        """A newer look; while nobody watches it is only remembered."""
        self.newest, self.offered = look, self.offered + 1
        if self._watchers:
            with self._changed:
                self._changed.notify_all()

    def forget(self) -> None:
        """What was seen is over: it is neither drawn nor kept."""
        if self.newest is not None:
            with self._changed:
                self.newest, self._drawn, self._jpeg = None, None, b""

    def watch(self) -> "Watching":
        """A watcher; drawing goes on until it is left."""
        return Watching(self)

    def close(self) -> None:
        """End the thread, and let every watcher know."""
        with self._changed:
            self._closed, self.newest = True, None
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout=1.0)

    @property
    def closed(self) -> bool:
        return self._closed

    def come(self, by: int) -> None:
        """A watcher came, or left with ``by`` below 0."""
        with self._changed:
            if self._watchers == 0:  # what was drawn for those who left is old
                self._jpeg, self._drawn = b"", None
            self._watchers += by
            self._changed.notify_all()

    def next(self, after: int, timeout_s: float) -> tuple[int, bytes] | None:
        """Wait for a picture with another number; None where none came in time or no more will.

        Args:
            after: Number of the last one; 0 for none.
        """
        with self._changed:
            self._changed.wait_for(lambda: self._closed or self._is_newer(after), timeout_s)
            return None if self._closed or not self._is_newer(after) else (self._number, self._jpeg)

    def _is_newer(self, after: int) -> bool:
        return self._jpeg != b"" and self._number != after

    def _paint(self) -> None:
        while (look := self._wait()) is not None:
            began_s = time.monotonic()
            jpeg = self._jpeg_of(look)
            with self._changed:
                self._drawn = look
                if jpeg and self.newest is not None:
                    self._jpeg, self._number = jpeg, self._number + 1
                self._changed.notify_all()
                left_s = began_s + self._pause_s - time.monotonic()
                self._changed.wait_for(lambda: self._closed, max(0.0, left_s))

    def _wait(self) -> Look | None:
        """The next look to draw; None where the thread should end."""
        with self._changed:
            self._changed.wait_for(
                lambda: self._closed or (self._watchers > 0 and self.newest not in (None, self._drawn))
            )
            return None if self._closed else self.newest

    def _jpeg_of(self, look: Look) -> bytes:
        import cv2

        try:
            jpeg = paint(look)
        except (cv2.error, OSError, ArithmeticError, LookupError, RuntimeError, ValueError, MemoryError) as error:
            self.failed = f"cannot draw: {type(error).__name__}"
            return b""
        self.failed = ""
        return jpeg


class Watching:
    """Counts as a watcher while it is entered."""

    def __init__(self, painter: Painter) -> None:
        self._painter, self._seen = painter, 0

    def __enter__(self) -> "Watching":
        self._painter.come(1)
        return self

    def __exit__(self, *_: object) -> None:
        self._painter.come(-1)

    def next(self, timeout_s: float) -> bytes | None:
        """The next picture, JPEG; None where none came in time or no more will."""
        found = self._painter.next(self._seen, timeout_s)
        if found is None:
            return None
        self._seen, jpeg = found
        return jpeg


def paint(look: Look) -> bytes:
    """A look as JPEG, at most 960 px wide or high.

    Returns:
        The file.
    """
    import cv2

    pixels, scale = look.pixels, _MOST_PX / max(look.pixels.shape[:2])
    if scale < 1:
        size_wh = (max(1, round(pixels.shape[1] * scale)), max(1, round(pixels.shape[0] * scale)))
        pixels = np.asarray(cv2.resize(pixels, size_wh, interpolation=cv2.INTER_AREA), np.uint8)
    labels = [_label(track, look.shown_name, min(scale, 1.0)) for track in look.tracks]
    drawn = draw_boxes(pixels, labels) if labels else pixels
    _, data = cv2.imencode(".jpg", cv2.cvtColor(drawn, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, _JPEG_QUALITY])
    return data.tobytes()


def said_of(track: TrackedFace, shown_name: Callable[[str], str]) -> tuple[str, str]:
    """What is decided of a face (``named``, ``unknown`` or ``undecided``), and its label."""
    if not track.decided:
        return "undecided", "…"
    if track.prediction is None or track.prediction.person_id is None:
        return "unknown", "unknown"
    confidence = min(track.prediction.confidence, 0.99)  # nothing is ever 100 % sure
    return "named", f"{shown_name(track.prediction.person_id)} {confidence:.0%}"


def _label(track: TrackedFace, shown_name: Callable[[str], str], scale: float) -> BoxLabel:
    kind, text = said_of(track, shown_name)
    box = track.face.box
    scaled = BoundingBox(box.x1 * scale, box.y1 * scale, box.x2 * scale, box.y2 * scale)
    return BoxLabel(scaled, text, {"named": NAMED, "unknown": UNKNOWN}.get(kind, UNDECIDED))
