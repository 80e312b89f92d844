"""Progress of long steps, said through a protocol so that no stage knows about terminals."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Protocol


class Step(Protocol):
    """One long step in progress."""

    def advance(self, amount: int = 1) -> None:
        """Say that ``amount`` more units are done."""
        ...


class Progress(Protocol):
    """Where a stage reports its long steps."""

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        """Open a step of ``total`` units (None when unknown); closes itself."""
        ...


class _SilentStep:
    def advance(self, amount: int = 1) -> None:
        del amount


class SilentProgress:
    """Says nothing: libraries, tests, ``--quiet`` and output that is not a terminal."""

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        del title, total, unit
        yield _SilentStep()
