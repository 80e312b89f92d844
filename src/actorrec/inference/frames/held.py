"""Letting go of what another thread may be reading."""

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager


class Held:
    """Something that one thread reads and any thread lets go of: freed once, and never during a read.

    Args:
        free: Frees it.
    """

    def __init__(self, free: Callable[[], None]) -> None:
        self._free = free
        self._reading = threading.Lock()
        self._over = threading.Event()
        self._freed = False

    @property
    def over(self) -> bool:
        """Whether it was let go of: a read that still runs is of no use."""
        return self._over.is_set()

    @contextmanager
    def reading(self) -> Iterator[None]:
        """During a read; ``over`` says whether it may begin. After the read it is freed where that was asked for."""
        try:
            with self._reading:
                yield
        finally:
            if self.over:
                self.let_go()

    def let_go(self) -> None:
        """Free it: now, or when the read that runs is over."""
        self._over.set()  # before the lock is tried: the end of a read looks here after it gave the lock back
        if self._reading.acquire(blocking=False):
            try:
                if not self._freed:
                    self._freed = True
                    self._free()
            finally:
                self._reading.release()
