"""What goes wrong beside the pictures without ending the loop: told once when it begins and once when it ends."""

import threading
from collections.abc import Callable
from typing import Final

_MAX_LINES: Final = 10
_MAX_LINE_BYTES: Final = 300  # ten such lines fit a message


class Troubles:
    """The troubles of the moment. Any thread may tell of one.

    Args:
        say: Told each time one begins, changes or ends.
    """

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._lock = threading.Lock()
        self._standing: dict[str, str] = {}

    def begin(self, about: str, line: str) -> None:
        """Something is wrong; a trouble about the same thing is replaced."""
        line = line.encode("utf-8", "replace")[:_MAX_LINE_BYTES].decode("utf-8", "ignore")
        with self._lock:
            new = self._standing.get(about) != line
            self._standing[about] = line
        if new:
            self._say(line)

    def end(self, about: str) -> None:
        """It is well again; nothing happens where nothing was wrong."""
        with self._lock:
            stood = self._standing.pop(about, None) is not None
        if stood:
            self._say(f"{about}: in order again")

    def drop(self, about: str) -> None:
        """It is of no matter any more, well or not: nothing is said."""
        with self._lock:
            self._standing.pop(about, None)

    @property
    def lines(self) -> list[str]:
        """What is wrong now, one line each."""
        with self._lock:
            return list(self._standing.values())[:_MAX_LINES]
