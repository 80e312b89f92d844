"""The newest frame of a source, whatever becomes of it."""

import random
import time
from collections.abc import Callable
from typing import Final, Self

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.grabber import ABOUT, Grabber
from actorrec.inference.frames.slot import Slot
from actorrec.inference.frames.source import FrameSource
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import CameraHealth
from actorrec.sections import CameraSection
from actorrec.types import Frame

_MAX_ABANDONED: Final = 3
_LOOK_S: Final = 0.25  # how often a waiting loop looks after the thread that reads
_GRACE_S: Final = 2.0  # for a source that ends its reads after the same time by itself


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
        jitter: A number in [0, 1): cameras that were lost together come back one after the other.
    """

    def __init__(
        self,
        make: Callable[[], FrameSource],
        camera: CameraSection,
        troubles: Troubles,
        *,
        clock: Callable[[], float] = time.monotonic,
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._make = make
        self._camera = camera
        self._troubles = troubles
        self._clock = clock
        self._jitter = jitter
        self._slot = Slot(clock)
        self._name = make().name
        self._abandoned: list[Grabber] = []
        self._grabber: Grabber | None = None

    def __enter__(self) -> Self:
        self._grabber = self._started()
        return self

    def __exit__(self, *_: object) -> None:
        self._slot.shut()
        for grabber in [*self._abandoned, self._grabber]:
            if grabber is not None:
                grabber.stop()

    def next(self, timeout_s: float) -> Frame | None:
        """Wait for a frame that was not taken yet; None where none comes in time, and at the end of a film.

        Raises:
            FrameSourceError: If reads hung again and again: only a new process frees what they hold.
        """
        deadline_s = self._clock() + timeout_s
        while True:
            frame = self._slot.take(min(_LOOK_S, max(0.0, deadline_s - self._clock())))
            if frame is not None or self.over:
                return frame
            self._look_after()
            if self._clock() >= deadline_s:
                return None

    @property
    def over(self) -> bool:
        """Whether a film has ended and its last frame was taken."""
        return self._slot.over

    @property
    def health(self) -> CameraHealth:
        """How the source is doing."""
        return self._slot.health(self._name)

    def _started(self) -> Grabber:
        grabber = Grabber(self._make(), self._slot, self._camera, self._troubles, self._jitter)
        grabber.start()
        return grabber

    def _look_after(self) -> None:
        grabber = self._grabber
        if grabber is None or grabber.waits_s() <= self._camera.timeout_s + _GRACE_S:
            return
        grabber.abandon()
        self._abandoned = [each for each in [*self._abandoned, grabber] if each.is_alive()]
        if len(self._abandoned) > _MAX_ABANDONED:
            raise FrameSourceError(
                f"{self._name}: {len(self._abandoned)} reads never came back", hint="the program must be started anew"
            )
        self._troubles.begin(ABOUT, f"{self._name}: a read hangs; it is opened anew")
        self._grabber = self._started()
