"""The place where one frame lies until it is taken, and what passed through it."""

import threading
from collections import deque
from collections.abc import Callable
from typing import Final

from actorrec.manifests.events import CameraHealth
from actorrec.types import Frame

_FPS_OVER: Final = 30
_FPS_WITHIN_S: Final = 30.0


class Slot:
    """Holds one frame. One thread puts, another takes; of the threads that put, only the one that holds the turn may.

    Args:
        clock: Monotonic.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self.clock = clock
        self._changed = threading.Condition()
        self._frame: Frame | None = None
        self._turn: object = None
        self._ended = self._shut = self._connected = False
        self._captured = self._dropped = self._opened = 0
        self._taken_s: deque[float] = deque(maxlen=_FPS_OVER)

    def give_turn(self, putter: object) -> None:
        """From now on this one puts, and what others put is not taken."""
        with self._changed:
            self._turn = putter
            self._connected = False
            self._changed.notify_all()

    def has_turn(self, putter: object) -> bool:
        return self._turn is putter and not self._shut

    def opened(self, putter: object) -> bool:
        """The source is open; False where it is not this one's turn."""
        with self._changed:
            if not self.has_turn(putter):
                return False
            self._connected = True
            self._opened += 1
            return True

    def lost(self, putter: object) -> None:
        with self._changed:
            if self.has_turn(putter):
                self._connected = False

    def came(self, putter: object, frame: Frame | None) -> None:
        """A frame came; None for one that is not wanted."""
        with self._changed:
            if not self.has_turn(putter):
                return
            self._captured += 1
            if frame is not None:
                self._dropped += self._frame is not None
                self._frame = frame
                self._changed.notify_all()

    def end(self, putter: object) -> None:
        """No more will come."""
        with self._changed:
            if self.has_turn(putter):
                self._ended, self._connected = True, False
                self._changed.notify_all()

    def shut(self) -> None:
        """Nobody takes any more; whoever waits goes on."""
        with self._changed:
            self._shut = True
            self._connected = False
            self._frame = None
            self._changed.notify_all()

    @property
    def is_shut(self) -> bool:
        """Whether nobody takes any more."""
        return self._shut

    def wait_empty(self, putter: object) -> bool:
        """Wait until the frame was taken; False where it is not this one's turn any more."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is None or not self.has_turn(putter))
            return self.has_turn(putter)

    def pause(self, putter: object, pause_s: float) -> bool:
        """Wait; False where it is not this one's turn any more."""
        with self._changed:
            self._changed.wait_for(lambda: not self.has_turn(putter), pause_s)
            return self.has_turn(putter)

    def take(self, timeout_s: float) -> Frame | None:
        """The frame, once there is one; None where none comes in time or ever."""
        with self._changed:
            self._changed.wait_for(lambda: self._frame is not None or self._ended or self._shut, timeout_s)
            frame, self._frame = self._frame, None
            if frame is not None:
                self._taken_s.append(self.clock())
                self._changed.notify_all()
            return frame

    @property
    def ended(self) -> bool:
        """Whether no more will come; the last frame may still be there."""
        return self._ended

    @property
    def over(self) -> bool:
        with self._changed:
            return self._ended and self._frame is None

    @property
    def connected(self) -> bool:
        """Whether the source is there."""
        return self._connected

    def health(self, name: str) -> CameraHealth:
        with self._changed:
            return CameraHealth(
                source=name,
                connected=self._connected,
                fps=self._fps(),
                captured=self._captured,
                dropped=self._dropped,
                reconnects=max(0, self._opened - 1),
            )

    def _fps(self) -> float | None:
        """Over the last frames taken; frames of long ago say nothing of now."""
        now_s = self.clock()
        recent = [each for each in self._taken_s if now_s - each <= _FPS_WITHIN_S]
        if len(recent) < 2:
            return None
        return (len(recent) - 1) / max(1e-6, recent[-1] - recent[0])
