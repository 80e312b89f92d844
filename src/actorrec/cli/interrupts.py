"""Ctrl-C that gets through."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

_AGAIN_S: Final = 2.0
"""Longer than any clean-up of ours takes, which a second interrupt would cut short."""


@contextmanager
def insistent_interrupts() -> Iterator[None]:
    """Repeat a Ctrl-C until the work stops.

    Python raises KeyboardInterrupt wherever it happens to be. Inside TensorFlow's converter that may be a callback or a
    destructor that drops it, and the command would go on as if nobody had asked (2 of 12 in a trial).
    """
    ours = signal.getsignal(signal.SIGINT) is signal.default_int_handler  # not under nohup, nor inside a host program
    if not ours or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        signal.setitimer(signal.ITIMER_REAL, _AGAIN_S)
        raise KeyboardInterrupt

    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)
