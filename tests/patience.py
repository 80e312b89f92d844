"""Waiting for what a test needs to see: no longer than it takes, and long where the machine is loaded."""

import time
from collections.abc import Callable
from typing import Final, TypeVar

Found = TypeVar("Found")

PATIENCE_S: Final = 180.0
"""Of tests that fail; a machine that many share stands still for seconds, and is ten times slower between."""


def eventually(ask: Callable[[], Found | None], *, every_s: float = 0.01) -> Found:
    """What an answer is, once it is something true."""
    until_s = time.monotonic() + PATIENCE_S
    while not (found := ask()):
        assert time.monotonic() < until_s, f"it did not come to be: {found!r}"
        time.sleep(every_s)
    return found
