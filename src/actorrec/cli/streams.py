"""stdin, stdout and stderr as somebody may have left them: closed, or at the end of a broken pipe."""

import os
import sys


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
