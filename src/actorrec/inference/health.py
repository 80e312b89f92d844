"""Counts and times of a running loop. Their memory is bounded."""

from collections import deque
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final

from actorrec.manifests.events import StepTime
from actorrec.manifests.results import Timings

_LAST_PICTURES: Final = 512
_IN_ORDER: Final = ("decode", "change", "follow", "detect", "align", "embed", "match")
_MOST_STEPS: Final = 12  # more than there are: a name that is made up anew each time cannot fill the memory


def _last() -> deque[float]:
    return deque(maxlen=_LAST_PICTURES)


@dataclass(slots=True)
class Health:
    """What has happened since the live bundle began to run. For one thread.

    Attributes:
        frames: Pictures that came up.
        unreadable: Those of them that could not be looked at.
        failures: Steps that failed for another reason than the picture.
        unchanged: Frames of a camera in which nothing had changed.
        detections: Frames of a camera in which faces were searched for.
        swaps: Bundles that were taken while the program ran.
        swaps_refused: Bundles that were not.
        last_ms: Milliseconds of the last pictures; frames in which there was nothing to do are left out, since they
            would hide what a look costs.
    """

    frames: int = 0
    unreadable: int = 0
    failures: int = 0
    unchanged: int = 0
    detections: int = 0
    swaps: int = 0
    swaps_refused: int = 0
    last_ms: deque[float] = field(default_factory=_last)
    _steps_ms: dict[str, deque[float]] = field(default_factory=dict)

    def looked(self, timings: Timings) -> None:
        """A picture was looked at."""
        self.looked_frame(timings.model_dump())

    def looked_frame(self, steps_ms: Mapping[str, float], *, changed: bool = True, detected: bool = True) -> None:
        """A picture or a frame was looked at.

        Args:
            steps_ms: Milliseconds by step; a step that took none was not taken.
            changed: Whether anything in it had changed.
            detected: Whether faces were searched for in it.
        """
        self.frames += 1
        self.unchanged += not changed
        self.detections += detected
        if changed or detected:
            self.last_ms.append(sum(steps_ms.values()))
        for name, ms in steps_ms.items():
            if ms > 0 and (name in self._steps_ms or len(self._steps_ms) < _MOST_STEPS):
                self._steps_ms.setdefault(name, _last()).append(ms)

    def could_not_read(self) -> None:
        """A picture could not be looked at."""
        self.frames += 1
        self.unreadable += 1

    def percentile_ms(self, percent: int) -> float | None:
        """Of the last pictures: the smallest time that so many percent of them did not exceed; None before the first.

        Args:
            percent: 1 to 100.
        """
        return _percentile(self.last_ms, percent) if self.last_ms else None

    @property
    def steps(self) -> dict[str, StepTime]:
        """Of each step that was taken, over its last times, in the order in which a look takes them."""
        known = [name for name in _IN_ORDER if name in self._steps_ms]
        names = [*known, *(name for name in self._steps_ms if name not in known)]
        times = ((name, self._steps_ms[name]) for name in names)
        return {name: StepTime(p50=_percentile(last, 50), p95=_percentile(last, 95)) for name, last in times}


def _percentile(values: Iterable[float], percent: int) -> float:
    """Nearest rank, rounded up; there is at least one value."""
    ordered = sorted(values)
    rank = -(-len(ordered) * percent // 100)
    return round(ordered[rank - 1], 3)
