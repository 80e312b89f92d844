"""stdin, stdout and stderr as somebody may have left them: closed, at the end of a broken pipe, or unread."""

import io
import os
import select
import sys
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from typing_extensions import Buffer

_STDERR: Final = 2


def open_closed_streams() -> None:
    """Put the null device where one of the three is closed (``>&-``).

    Otherwise the next file that is opened takes its number, and what a library prints lands in that file.
    """
    for number in (0, 1, 2):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # takes the lowest free number: this one
    if sys.stdout is None:
        sys.stdout = os.fdopen(1, "w", encoding="utf-8", closefd=False)
    if sys.stderr is None:
        sys.stderr = os.fdopen(2, "w", encoding="utf-8", closefd=False)


def give_up_stdout() -> None:
    """Send what stdout still holds nowhere: nobody reads it any more, and Python would complain at the end."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


def never_wait_for_stderr() -> None:
    """From here on, what nobody reads from stderr is left out and counted: a full pipe does not stop the program.

    Only the stderr that the program began with is replaced.
    """
    first = sys.__stderr__
    if first is not None and sys.stderr is first and first.fileno() == _STDERR:
        raw = io.BufferedWriter(_NeverWaiting())
        sys.stderr = io.TextIOWrapper(raw, encoding="utf-8", errors="backslashreplace", line_buffering=True)


class _NeverWaiting(io.RawIOBase):
    """Writes to stderr what it takes at once."""

    def __init__(self) -> None:
        self._left_out = 0

    def write(self, data: "Buffer", /) -> int:
        whole = memoryview(data).cast("B")
        if self._left_out and self._takes(f"[{self._left_out} lines were left out: nobody read them]\n".encode()):
            self._left_out = 0
        taken = self._takes(whole[: select.PIPE_BUF])
        if not taken:
            self._left_out += 1
        return taken or len(whole)

    def _takes(self, part: "Buffer") -> int:
        """How many bytes of it were written; a pipe that is ready takes ``PIPE_BUF`` without a wait."""
        asked = select.poll()
        asked.register(_STDERR, select.POLLOUT)
        try:
            return os.write(_STDERR, part) if asked.poll(0) else 0
        except OSError:
            return 0

    def fileno(self) -> int:
        return _STDERR

    def isatty(self) -> bool:
        return os.isatty(_STDERR)

    def writable(self) -> bool:
        return True
