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
    destructor that drops it, and the command would go on as if nobody had asked (2 of 12 in a trial). Of one that is
    dropped nothing is printed: it comes again. A library in C may also make an error of its own of what its callback
    raises: that is told as the Ctrl-C that it comes of.

    Inside another of its kind it only tells such errors as what they are.

    Args:
        again_s: Between two of them.

    Raises:
        KeyboardInterrupt: After Ctrl-C, once what it made clean up is done.
    """
    outer = signal.getsignal(signal.SIGINT)
    if isinstance(outer, _Insistence):
        with outer.told_as_interrupt():
            yield
        return
    ours = outer is signal.default_int_handler  # not under nohup, nor inside a host program
    if not ours or not hasattr(signal, "setitimer") or threading.current_thread() is not threading.main_thread():
        yield
        return

    interrupt = _Insistence(again_s)
    before = {number: signal.signal(number, interrupt) for number in (signal.SIGINT, signal.SIGALRM)}
    try:
        with _dropped_without_a_word(), interrupt.told_as_interrupt():
            yield
    finally:
        interrupt.over = True
        signal.setitimer(signal.ITIMER_REAL, 0)
        for number, handler in before.items():
            signal.signal(number, handler)


class _Insistence:
    """Handles SIGINT, and the alarm that stands for a SIGINT that was dropped.

    Args:
        again_s: Between two of them.
    """

    def __init__(self, again_s: float) -> None:
        self._again_s, self._asked = again_s, False
        self.over = False

    def __call__(self, number: int, _frame: FrameType | None) -> None:
        if number == signal.SIGALRM:
            if self.over or _of_an_interrupt(sys.exception()):
                return
        elif not self.over:
            self._asked = True
            # At an interval: one that comes just before a call that waits is seen only after it, the next one ends it.
            signal.setitimer(signal.ITIMER_REAL, self._again_s, self._again_s)
        raise KeyboardInterrupt

    @contextmanager
    def told_as_interrupt(self) -> Iterator[None]:
        """An error that a C library made of a KeyboardInterrupt in its callback becomes one again.

        One of a clean-up after a Ctrl-C is what it says: Python itself notes what it comes of.
        """
        try:
            yield
        except Exception as error:
            if self._asked and not _of_an_interrupt(error):
                raise KeyboardInterrupt from error
            raise


@contextmanager
def _dropped_without_a_word() -> Iterator[None]:
    told = sys.unraisablehook
    sys.unraisablehook = lambda dropped: None if isinstance(dropped.exc_value, KeyboardInterrupt) else told(dropped)
    try:
        yield
    finally:
        sys.unraisablehook = told


def _of_an_interrupt(error: BaseException | None) -> bool:
    """Whether it is a KeyboardInterrupt or came up while one was handled or cleaned up after."""
    while error is not None and not isinstance(error, KeyboardInterrupt):
        error = error.__context__
    return error is not None
