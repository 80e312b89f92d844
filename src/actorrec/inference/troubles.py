"""What goes wrong beside the pictures without ending the loop: told once when it begins and once when it ends."""

import threading
import time
from collections.abc import Callable
from typing import Final

_MAX_LINES: Final = 10
_MAX_LINE_BYTES: Final = 300  # ten such lines fit a message
_MOST_TOLD: Final = 30  # of one thing, one after the other: a camera may come and go for months
_AGAIN_S: Final = 300.0
_MOST_THINGS: Final = 256
_SELDOM: Final = f"(it comes and goes; told every {_AGAIN_S / 60:.0f} min at most from now on)"


class Troubles:
    """The troubles of the moment. Any thread may tell of one.

    Args:
        say: Told each time one begins, changes or ends; seldom of one that does so all the time.
        clock: Seconds that only grow.
    """

    def __init__(self, say: Callable[[str], None], *, clock: Callable[[], float] = time.monotonic) -> None:
        self._say, self._clock = say, clock
        self._lock = threading.Lock()
        self._standing: dict[str, str] = {}
        self._left: dict[str, tuple[float, float]] = {}  # about → lines that may still be said, and when that was so

    def begin(self, about: str, line: str) -> None:
        """Something is wrong; a trouble about the same thing is replaced."""
        line = line.encode("utf-8", "replace")[:_MAX_LINE_BYTES].decode("utf-8", "ignore")
        with self._lock:
            new = self._standing.get(about) != line
            self._standing[about] = line
            said = self._bounded(about, line) if new else ""
        if said:
            self._say(said)

    def end(self, about: str) -> None:
        """It is well again; nothing happens where nothing was wrong."""
        with self._lock:
            stood = self._standing.pop(about, None) is not None
            said = self._bounded(about, f"{about}: in order again") if stood else ""
        if said:
            self._say(said)

    def drop(self, about: str) -> None:
        """It is of no matter any more, well or not: nothing is said."""
        with self._lock:
            self._standing.pop(about, None)

    @property
    def lines(self) -> list[str]:
        """What is wrong now, one line each."""
        with self._lock:
            return list(self._standing.values())[:_MAX_LINES]

    def _bounded(self, about: str, line: str) -> str:
        """The line; empty where too many were said of the same thing."""
        now_s = self._clock()
        left, since_s = self._left.pop(about, (_MOST_TOLD, now_s))
        left = min(_MOST_TOLD, left + (now_s - since_s) / _AGAIN_S)
        if len(self._left) >= _MOST_THINGS:
            self._left.clear()
        self._left[about] = (left - 1 if left >= 1 else left, now_s)
        if left < 1:
            return ""
        return line if left >= 2 else f"{line} {_SELDOM}"
