"""Ctrl-C as Python itself takes it, for a while."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def pythons_own_interrupts() -> Iterator[None]:
    """Inside, Ctrl-C raises KeyboardInterrupt once, whatever handler the program has; one that is ignored stays so."""
    before = signal.getsignal(signal.SIGINT)
    if threading.current_thread() is not threading.main_thread() or not callable(before):  # ignored, as under nohup
        yield
        return
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
