"""What a container does when it is told to end: a spot interruption, or somebody stops the job."""

import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Final

STOPPED: Final = 128 + signal.SIGTERM
"""Exit code of a stopped run, as shells give it."""
_GRACE_S: Final = 5.0
"""SageMaker kills after 120 seconds. Nothing here needs as long: every file is written whole or not at all."""


@contextmanager
def stopping() -> Iterator[None]:
    """End with ``STOPPED`` within seconds of a SIGTERM.

    Python's own handler runs only between two of its instructions, and TensorFlow may stay away from them for minutes
    (or drop the exception in a callback). So a thread ends the process if that has not happened by itself.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    ended = threading.Event()
    watcher = threading.Thread(target=_watch, args=(reading, ended), daemon=True)
    before = signal.signal(signal.SIGTERM, _stop)
    wakeup = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    watcher.start()
    try:
        yield
    finally:
        ended.set()
        signal.set_wakeup_fd(wakeup)
        signal.signal(signal.SIGTERM, before)
        os.close(writing)
        watcher.join()


def _stop(_number: int, _frame: FrameType | None) -> None:
    raise SystemExit(STOPPED)


def _watch(reading: int, ended: threading.Event) -> None:
    # Each byte is the number of a signal; the end of the pipe is the end of the work.
    with os.fdopen(reading, "rb", buffering=0) as signals:
        while number := signals.read(1):
            if number[0] != signal.SIGTERM:
                continue
            print("told to stop: what is done so far is kept, and the same job goes on from there", flush=True)
            if not ended.wait(_GRACE_S):
                os._exit(STOPPED)
