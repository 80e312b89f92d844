"""The thread that reads a source, opens it again where it is lost, and keeps to a rate."""

import threading
from collections.abc import Callable
from functools import partial
from typing import Final, TypeVar

from actorrec.errors import ActorRecError
from actorrec.inference.failures import step_failures
from actorrec.inference.frames.pace import Backoff, Pace
from actorrec.inference.frames.slot import Slot
from actorrec.inference.frames.source import FrameSource
from actorrec.inference.troubles import Troubles
from actorrec.sections import CameraSection

ABOUT: Final = "the camera"
# A camera of two frames a second ends its read by itself in this time. A thread that is still inside OpenCV when Python
# shuts down aborts the process if it comes back just then (before Python 3.14).
_JOIN_S: Final = 0.7
_STEADY_S: Final = 10.0  # a camera that was there for so long is tried again soon


_Given = TypeVar("_Given")


class Grabber(threading.Thread):
    """Reads a source into a slot until it is another's turn.

    Args:
        source: Its own from now on.
        slot: Where frames go.
        camera: Rate and patience.
        troubles: Told when the source is lost and when it is back.
        backoff: Pauses between two tries.
    """

    def __init__(
        self,
        source: FrameSource,
        slot: Slot,
        camera: CameraSection,
        troubles: Troubles,
        backoff: Backoff,
    ) -> None:
        super().__init__(name="camera", daemon=True)
        self._source = source
        self._slot = slot
        self._camera = camera
        self._troubles = troubles
        self._backoff = backoff
        self._waits_since_s: float | None = None
        slot.give_turn(self)

    def run(self) -> None:
        """Until a film ends, or it is another's turn."""
        try:
            while self._slot.has_turn(self) and not self._once():
                pass
        finally:
            self._source.close()

    def waits_s(self) -> float:
        """How long it has waited for the source, in the one call that it is in."""
        since_s = self._waits_since_s
        return 0.0 if since_s is None else self._slot.clock() - since_s

    def abandon(self) -> None:
        """Nobody waits for it any more."""
        self._slot.give_turn(None)
        self._source.close()

    def stop(self) -> None:
        """Nobody waits for it any more; the slot is shut."""
        self._source.close()
        self.join(_JOIN_S)

    def _once(self) -> bool:
        """Open it, read it until it is lost, and pause; whether it is over."""
        try:
            self._waited(self._source.open)
            if self._slot.opened(self):
                return self._read_on()
        except step_failures() as error:
            if self._slot.has_turn(self):
                self._lost(error)
        return False

    def _read_on(self) -> bool:
        """Until it ends (True), is lost (an error) or it is another's turn (False)."""
        pace = Pace(self._camera.fps)
        opened_s = self._slot.clock()
        while self._slot.has_turn(self):
            if not self._source.live and not self._slot.wait_empty(self):
                return False
            wanted = not self._source.live or pace.wants_next(self._slot.clock())
            frame = self._waited(partial(self._source.read, skip=not wanted))
            if frame is None:
                self._slot.end(self)
                return True
            if not self._slot.has_turn(self):
                return False
            self._troubles.end(ABOUT)
            if self._slot.clock() - opened_s >= _STEADY_S:
                self._backoff.reset()
            pace.came(self._slot.clock(), wanted=wanted)
            self._slot.came(self, frame if wanted else None)
        return False

    def _lost(self, error: Exception) -> None:
        self._slot.lost(self)
        self._source.close()
        pause_s = self._backoff.next_s()
        said = error.in_full if isinstance(error, ActorRecError) else f"{self._source.name}: {type(error).__name__}"
        self._troubles.begin(ABOUT, f"{said}; it is tried again in {pause_s:.0f} s")
        self._slot.pause(self, self._backoff.spread(pause_s))

    def _waited(self, call: Callable[[], _Given]) -> _Given:
        self._waits_since_s = self._slot.clock()
        try:
            return call()
        finally:
            self._waits_since_s = None
