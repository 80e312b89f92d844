"""Progress bars on a terminal."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

_SHOWN_ANYWAY: Final = ("epoch", "faces_per_s")


class _RateColumn(ProgressColumn):
    def render(self, task: Task) -> Text:
        speed = task.finished_speed or task.speed
        return Text("" if speed is None else f"{speed:.1f} {task.fields['unit']}/s", style="dim")


class TerminalProgress:
    """Bars with counts, rate and time left, on stderr."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator["_BarStep"]:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), _RateColumn())
        ends = (TimeRemainingColumn(), TextColumn("{task.fields[measures]}", style="dim"))
        with Progress(*columns, *ends, console=self._console) as bars:
            yield _BarStep(bars, bars.add_task(title, total=total, unit=unit, measures=""))


class _BarStep:
    def __init__(self, bars: Progress, task: TaskID) -> None:
        self._bars, self._task = bars, task

    def advance(self, amount: int = 1) -> None:
        self._bars.advance(self._task, amount)

    def measure(self, **values: float) -> None:
        shown = (f"{name} {value:.4g}" for name, value in values.items() if name not in _SHOWN_ANYWAY)
        self._bars.update(self._task, measures=", ".join(shown))
