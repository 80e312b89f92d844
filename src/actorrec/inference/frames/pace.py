"""When a camera is looked at: which of its frames are wanted, and when it is tried again."""

import random
from collections.abc import Callable
from typing import Final

_SHARE: Final = 0.1  # of the newest gap in what is expected of the next


class Pace:
    """Picks frames so that no more than ``fps`` come a second, evenly.

    Args:
        fps: Most frames a second.
    """

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self._gap_s: float | None = None  # between two frames of the camera, on average
        self._last_s: float | None = None
        self._due_s = 0.0

    def wants_next(self, now_s: float) -> bool:
        """Whether the frame that comes next is wanted: the one that is nearest to the time when one is due."""
        if self._last_s is None or self._gap_s is None:
            return True
        expected_s = max(now_s, self._last_s + self._gap_s)
        return expected_s + self._gap_s / 2 >= self._due_s

    def came(self, at_s: float, *, wanted: bool) -> None:
        """A frame came."""
        if self._last_s is not None:
            gap_s = min(at_s - self._last_s, 2 * self._interval_s)
            self._gap_s = gap_s if self._gap_s is None else self._gap_s + _SHARE * (gap_s - self._gap_s)
        self._last_s = at_s
        if wanted:
            # Not from when it came: a frame that is a little late would make all others late.
            self._due_s = max(self._due_s, at_s - self._interval_s) + self._interval_s


class Backoff:
    """Pauses between two tries, each twice as long as the one before.

    Args:
        max_s: The longest.
        first_s: The shortest.
        jitter: A number in [0, 1): cameras that were lost together come back one after the other.
    """

    def __init__(self, max_s: float, *, first_s: float = 1.0, jitter: Callable[[], float] = random.random) -> None:
        self._max_s = max_s
        self._first_s = first_s
        self._jitter = jitter
        self._pause_s = first_s

    def next_s(self) -> float:
        """The pause before the next try."""
        pause_s = min(self._pause_s, self._max_s)
        self._pause_s = 2 * pause_s
        return pause_s

    def spread(self, pause_s: float) -> float:
        """That pause or up to a quarter less."""
        return pause_s * (0.75 + self._jitter() / 4)

    def reset(self) -> None:
        """The next pause is the shortest."""
        self._pause_s = self._first_s
