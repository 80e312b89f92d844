"""Progress of long steps, said through a protocol so that no stage knows about terminals."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final, Protocol

from actorrec.manifests.jobs import METRIC_LINE


class Step(Protocol):
    """One long step in progress."""

    def advance(self, amount: int = 1) -> None:
        """Say that ``amount`` more units are done."""
        ...

    def measure(self, **values: float) -> None:
        """Give the newest measures of what is running: ``epoch`` (from 1), ``loss``, ``accuracy``, ``val_loss``, ….

        Names that mean something elsewhere are ``manifests.jobs.METRIC_NAMES``.
        """
        ...


class Progress(Protocol):
    """Where a stage reports its long steps."""

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        """Open a step of ``total`` units (None when unknown); closes itself."""
        ...


class SilentStep:
    """A step that nobody watches."""

    def advance(self, amount: int = 1) -> None:
        del amount

    def measure(self, **values: float) -> None:
        del values


class SilentProgress:
    """Says nothing: libraries, tests, ``--quiet`` and output that is not a terminal."""

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        del title, total, unit
        yield SilentStep()


class LogProgress:
    """Lines for places without a terminal: one as a step begins, some on the way, one as it ends.

    Args:
        write: Takes a line without its end: ``print``, or a logger's ``info``.
        every_s: A step says no more than one line in so many seconds. Measures of a new epoch are always said.
    """

    def __init__(self, write: Callable[[str], object], *, every_s: float = 10.0) -> None:
        self._write, self._every_s = write, every_s

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        watched = _LoggedStep(self._write, title, total, unit, self._every_s)
        yield watched
        watched.end()


class _LoggedStep:
    def __init__(
        self, write: Callable[[str], object], title: str, total: int | None, unit: str, every_s: float
    ) -> None:
        self._write, self._title, self._total, self._unit, self._every_s = write, title, total, unit, every_s
        self._done, self._epoch = 0, -1.0
        self._started = self._said_at = self._measured_at = time.monotonic()
        self._done_then = 0
        write(f"{title}: {self._count()}")

    def advance(self, amount: int = 1) -> None:
        self._done += amount
        now = time.monotonic()
        passed_s = now - self._said_at
        if passed_s < max(self._every_s, 1e-9) or self._done == self._total:
            return
        # The rate since the last line: what a resumed step finds done already took no time.
        rate = (self._done - self._done_then) / passed_s
        left = "" if self._total is None or not rate else f", {_duration((self._total - self._done) / rate)} left"
        self._write(f"{self._title}: {self._count()}, {rate:.1f} {self._unit}/s{left}")
        self._said_at, self._done_then = now, self._done

    def measure(self, **values: float) -> None:
        """A line of an epoch once; of what knows no epochs, as seldom as the other lines."""
        now, epoch = time.monotonic(), values.get("epoch")
        due = now - self._measured_at >= self._every_s if epoch is None else epoch != self._epoch
        if not due:
            return
        self._measured_at, self._epoch = now, self._epoch if epoch is None else epoch
        self._write(metric_line(values))

    def end(self) -> None:
        passed_s = time.monotonic() - self._started
        rate = f", {self._done / passed_s:.1f} {self._unit}/s" if passed_s > 0 else ""
        self._write(f"{self._title}: {self._count()} in {_duration(passed_s)}{rate}")

    def _count(self) -> str:
        total = "" if self._total is None else f"/{self._total}"
        return f"{self._done}{total} {self._unit}".rstrip()


def metric_line(values: dict[str, float]) -> str:
    """Measures as ``metrics: epoch=3 loss=0.41``, which regular expressions look for in a job's log."""
    return " ".join([METRIC_LINE, *(f"{name}={value:.6g}" for name, value in values.items())])


_MINUTE_S: Final = 60
_HOUR_S: Final = 3600


def _duration(seconds: float) -> str:
    whole = round(seconds)
    if whole < _MINUTE_S:
        return f"{seconds:.1f} s"
    hours, rest = divmod(whole, _HOUR_S)
    minutes, left = divmod(rest, _MINUTE_S)
    return f"{hours} h {minutes} min" if hours else f"{minutes} min {left} s"
