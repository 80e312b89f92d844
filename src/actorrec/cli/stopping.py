"""An end that is asked for: Ctrl-C or SIGTERM to a command that would go on for ever."""

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

GRACE_S: Final = 1.2
"""For what is being done when the end is asked for; with it, the end comes within two seconds."""
_SIGNALS: Final = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def asked_to_stop(grace_s: float = GRACE_S) -> Iterator[threading.Event]:
    """Inside, Ctrl-C and SIGTERM set the event; who does not end by it in time is ended, with exit code 0.

    A net or a picture's decoder may keep the interpreter from looking at signals for seconds. So a thread learns of
    them from a socket that the operating system's handler writes to, and ends the program when the time is over: every
    file is written whole or not at all, and every line is flushed.
    """
    stop, ended = threading.Event(), threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stop
        return
    told, tell = socket.socketpair()
    tell.setblocking(False)
    before = {number: signal.signal(number, lambda *_: stop.set()) for number in _SIGNALS}
    wakeup_before = signal.set_wakeup_fd(tell.fileno(), warn_on_full_buffer=False)
    threading.Thread(target=_cut_off, args=(told, stop, ended, grace_s), name="stopping", daemon=True).start()
    try:
        yield stop
    finally:
        ended.set()
        signal.set_wakeup_fd(wakeup_before)
        for number, handler in before.items():
            signal.signal(number, handler)
        tell.close()


def _cut_off(told: socket.socket, stop: threading.Event, ended: threading.Event, grace_s: float) -> None:
    with told:
        while number := told.recv(1):
            if number[0] in _SIGNALS:
                stop.set()
                if not ended.wait(grace_s):
                    with contextlib.suppress(OSError, ValueError):
                        sys.stdout.flush()
                    os._exit(0)
