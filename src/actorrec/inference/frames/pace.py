"""Which of a camera's frames are wanted, so that others need not be decoded."""

from typing import Final

_SHARE: Final = 0.2  # of the newest gap in what is expected of the next


class Pace:
    """Picks frames so that no more than ``fps`` come a second, evenly.

    Args:
        fps: Most frames a second.
    """

    def __init__(self, fps: float) -> None:
        self._interval_s = 1 / fps
        self._gap_s = 0.0
        self._last_s: float | None = None
        self._due_s = 0.0

    def wants_next(self, now_s: float) -> bool:
        """Whether the frame that comes next is wanted: the one that is nearest to the time when one is due."""
        if self._last_s is None:
            return True
        expected_s = max(now_s, self._last_s + self._gap_s)
        return expected_s + self._gap_s / 2 >= self._due_s

    def came(self, at_s: float, *, wanted: bool) -> None:
        """A frame came."""
        if self._last_s is not None:
            self._gap_s += _SHARE * (min(at_s - self._last_s, 2 * self._interval_s) - self._gap_s)
        self._last_s = at_s
        if wanted:
            # Not from when it came: a frame that is a little late would make all others late.
            self._due_s = max(self._due_s, at_s - self._interval_s) + self._interval_s
