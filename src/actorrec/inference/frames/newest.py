"""The newest frame of a source, whatever becomes of it."""

import threading
import time
from collections.abc import Callable
from typing import Final, Self

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.grabber import ABOUT, Grabber
from actorrec.inference.frames.pace import Backoff
from actorrec.inference.frames.slot import Slot
from actorrec.inference.frames.source import FrameSource
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import CameraHealth
from actorrec.sections import CameraSection
from actorrec.types import Frame

_MAX_ABANDONED: Final = 3
_LOOK_S: Final = 0.25  # how often a waiting loop looks after the thread that reads
_PATIENCE: Final = 1.5  # of timeout_s: a source that ends its reads by itself does so before


class NewestFrame:
    """A thread takes a source's frames as they come, and the loop takes the newest.

    A frame that a newer one overtakes is gone: nothing is queued. Of a source that is not ``live`` every frame is
    handed over, in order, and the thread waits for the loop. A source that is lost is opened anew after pauses that
    grow; a read that never comes back is left behind with its thread, and a new source takes its place.

    Args:
        make: Makes a source, at the beginning and when one hangs.
        camera: Rate and patience.
        troubles: Told when the source is lost and when it is back.
        clock: Monotonic.
        backoff: Pauses between two tries to open it; from 1 s to ``camera.max_wait_s`` by default.
    """

    def __init__(
        self,
        make: Callable[[], FrameSource],
        camera: CameraSection,
        troubles: Troubles,
        *,
        clock: Callable[[], float] = time.monotonic,
        backoff: Backoff | None = None,
    ) -> None:
        self._make = make
        self._camera = camera
        self._troubles = troubles
        self._clock = clock
        self._backoff = backoff or Backoff(camera.max_wait_s)
        self._slot = Slot(clock)
        self._source: FrameSource | None = make()
        self._name = self._source.name
        self._abandoned: list[Grabber] = []
        self._grabber: Grabber | None = None

    def __enter__(self) -> Self:
        self._grabber = self._started()
        return self

    def __exit__(self, *_: object) -> None:
        self._slot.shut()
        if self._grabber is not None:
            self._grabber.stop()
        self._troubles.drop(ABOUT)  # what the loop looks at from now on is in order, as far as this one knows

    def next(self, timeout_s: float, stop: threading.Event | None = None) -> Frame | None:
        """Wait for a frame that was not taken yet; None where none comes in time, and at the end of a film.

        Args:
            timeout_s: The longest wait.
            stop: Ends the waiting soon after it is set.

        Raises:
            FrameSourceError: If reads hung again and again: only a new process frees what they hold. Also if the
                thread ended by an error that nobody foresaw.
        """
        deadline_s = self._clock() + timeout_s
        while True:
            frame = self._slot.take(min(_LOOK_S, max(0.0, deadline_s - self._clock())))
            if frame is not None or self.over or self._slot.is_shut:
                return frame
            self._look_after()
            if self._clock() >= deadline_s or (stop is not None and stop.is_set()):
                return None

    @property
    def over(self) -> bool:
        """Whether a film has ended and its last frame was taken."""
        return self._slot.over

    @property
    def stuck(self) -> bool:
        """Whether a read still runs that nobody waits for; a process that ends then had better use ``os._exit``."""
        threads = [*self._abandoned, *([self._grabber] if self._slot.is_shut and self._grabber else [])]
        return any(thread.is_alive() for thread in threads)

    @property
    def connected(self) -> bool:
        """Whether the source is there."""
        return self._slot.connected

    @property
    def health(self) -> CameraHealth:
        """How the source is doing."""
        return self._slot.health(self._name)

    def _started(self) -> Grabber:
        source, self._source = self._source or self._make(), None
        grabber = Grabber(source, self._slot, self._camera, self._troubles, self._backoff)
        grabber.start()
        return grabber

    def _look_after(self) -> None:
        grabber = self._grabber
        if grabber is not None and not grabber.is_alive():
            if self._slot.ended:  # it came to the end of its film just now
                return
            raise FrameSourceError(f"{self._name}: the thread that reads it has died")
        if grabber is None or grabber.waits_s() <= _PATIENCE * self._camera.timeout_s:
            return
        grabber.abandon()
        self._abandoned = [each for each in [*self._abandoned, grabber] if each.is_alive()]
        if len(self._abandoned) > _MAX_ABANDONED:
            raise FrameSourceError(
                f"{self._name}: {len(self._abandoned)} reads never came back", hint="the program must be started anew"
            )
        self._troubles.begin(ABOUT, f"{self._name}: a read hangs; it is opened anew")
        self._grabber = self._started()
