"""A publisher that keeps each message until its place has it."""

import random
import struct
import threading
import time
from collections.abc import Callable
from functools import partial
from typing import Final, Self

from actorrec.errors import RemoteError
from actorrec.inference.sending.courier import Courier, Message, MessageRefusedError, StandingCourier
from actorrec.inference.sending.spool import Spool
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import QueueHealth

_BATCH: Final = 100
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 60.0
_STAY_S: Final = 5.0
_END_S: Final = 1.0
_CALM_S: Final = 600.0  # without a message that is refused, until that is in order again
_LET_GO_S: Final = 0.3  # for a courier that is through to say goodbye
_LOOK_S: Final = 0.05
_FAILED: Final = (RemoteError, OSError, MemoryError, LookupError, RuntimeError, TypeError, ValueError, struct.error)
"""What a place and the library that speaks to it may raise: none of it ends the thread."""


class StoreAndForward:
    """Puts messages into a spool at once, and takes them from there to their place in a thread of its own.

    Messages arrive in their order and at least once: after a failure some may come again. One that the place refuses is
    skipped and counted.

    Args:
        spool: Opened and closed with this publisher.
        courier: Opened, used and closed in that thread alone.
        troubles: Told when the place cannot be reached, and when it can again.
        clock: Seconds that only ever grow.
        pause: Waits so many seconds after a failure; by default not longer than until the end.
    """

    def __init__(
        self,
        spool: Spool,
        courier: Courier,
        troubles: Troubles,
        *,
        clock: Callable[[], float] = time.monotonic,
        pause: Callable[[float], object] | None = None,
    ) -> None:
        self.name = courier.name
        self._spool, self._courier, self._troubles, self._clock = spool, courier, troubles, clock
        self._wake = threading.Event()
        self._ending = threading.Event()
        self._pause = pause or self._ending.wait
        self._end_at_s = 0.0
        self._wait_s = 0.0
        self._refused_at_s: float | None = None
        self._thread = threading.Thread(target=self._run, name=f"sending to {self.name}", daemon=True)

    def __enter__(self) -> Self:
        self._spool.__enter__()
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Take along what goes within a second; the rest is there at the next start."""
        self._end_at_s = self._clock() + _END_S
        self._ending.set()
        self._wake.set()
        while self._thread.is_alive() and self._clock() < self._end_at_s + _LET_GO_S:
            self._thread.join(_LOOK_S)
        self._spool.__exit__()

    def publish(self, topic: str, payload: bytes) -> None:
        """Keep a message, and have it taken to its place; never waits for the network."""
        self._spool.add(topic, payload)
        self._wake.set()

    def health(self) -> QueueHealth:
        """How many wait, and what became of others."""
        return self._spool.health(self.name)

    def _run(self) -> None:
        with self._courier:
            while not self._over():
                self._wake.clear()
                batch = self._spool.head(_BATCH)
                if batch:
                    failed = not self._try(partial(self._deliver, batch))
                    if failed and self._ending.is_set():
                        return
                elif self._ending.is_set():
                    return
                else:
                    self._idle()

    def _over(self) -> bool:
        return self._ending.is_set() and self._clock() >= self._end_at_s

    def _idle(self) -> None:
        if not isinstance(self._courier, StandingCourier):
            self._wake.wait()
            return
        if self._try(self._courier.stay):
            self._wake.wait(_STAY_S)

    def _deliver(self, batch: list[Message]) -> None:
        try:
            count = self._courier.deliver(batch)
        except MessageRefusedError as error:
            self._spool.refuse(batch[0].number)
            if self._refused_at_s is None:  # of a place that refuses many, each for its own length, one line is enough
                self._troubles.begin(f"{self.name}, refused", f"{self.name}: a message was refused: {error.reason}")
            self._refused_at_s = self._clock()
        else:
            self._spool.done(batch[count - 1].number)
            if self._refused_at_s is not None and self._clock() - self._refused_at_s >= _CALM_S:
                self._refused_at_s = None
                self._troubles.end(f"{self.name}, refused")

    def _try(self, act: Callable[[], None]) -> bool:
        """Do something with the place; where it fails, wait, longer each time. Whether it worked."""
        try:
            act()
        except _FAILED as error:
            self._troubles.begin(self.name, f"{self.name}: {_said(error)}; messages wait")
            self._wait_s = min(_LONGEST_WAIT_S, self._wait_s * 2 or _FIRST_WAIT_S)
            # Many devices that lost one broker do not come back in step.
            self._pause(self._wait_s * random.uniform(0.5, 1.0))  # noqa: S311
            return False
        self._wait_s = 0.0
        self._troubles.end(self.name)
        return True


def _said(error: Exception) -> str:
    return error.in_full if isinstance(error, RemoteError) else f"{type(error).__name__}: {error}"
