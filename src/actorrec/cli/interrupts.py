"""Ctrl-C that gets through."""

import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN_S: Final = 2.0


@contextmanager
def insistent_interrupts(again_s: float = _AGAIN_S) -> Iterator[None]:
    """Repeat a Ctrl-C until the work stops; what the first one made clean up is not cut short, however long it takes.

    Python raises KeyboardInterrupt wherever it happens to be. Inside TensorFlow's converter that may be a callback or a
    destructor that drops it, and the command would go on as if nobody had asked (2 of 12 in a trial). What signs
    requests to AWS calls back, too, and then waits for ever. Of one that is dropped nothing is printed: it comes again.

    Args:
        again_s: Between two of them.
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not under nohup, nor inside a host program
    if not ours or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    over = False

    def interrupt(number: int, _frame: FrameType | None) -> None:
        if over and number == signal.SIGALRM:  # one that was on its way: set again, it would end the program later
            return
        signal.setitimer(signal.ITIMER_REAL, 0 if over else again_s)
        if number != signal.SIGALRM or not _is_heard():
            raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGALRM)}
    try:
        with _dropped_without_a_word():
            yield
    finally:
        over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _dropped_without_a_word() -> Iterator[None]:
    told = sys.unraisablehook
    sys.unraisablehook = lambda dropped: None if isinstance(dropped.exc_value, KeyboardInterrupt) else told(dropped)
    try:
        yield
    finally:
        sys.unraisablehook = told


def _is_heard() -> bool:
    """Whether a clause that handles a KeyboardInterrupt, or cleans up after one, is at work."""
    error = sys.exception()
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
