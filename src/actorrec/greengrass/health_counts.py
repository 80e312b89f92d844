"""What devices counted since something was tried on them; a program counts from its own start."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Self

from actorrec.manifests.events import HealthEvent


@dataclass(frozen=True, slots=True)
class Heard:
    """A health message, as it came in.

    Attributes:
        at: When AWS received it: clocks of devices may be wrong.
    """

    at: datetime
    event: HealthEvent


@dataclass(frozen=True, slots=True)
class Counts:
    """Sums over starts of a program, or over devices.

    Attributes:
        starts: Of programs.
        frames: Pictures that came up, unreadable ones included.
        faces: That two models decided about.
        disagreements: Of these, those about which they differ.
    """

    starts: int = 0
    frames: int = 0
    unreadable: int = 0
    failures: int = 0
    faces: int = 0
    disagreements: int = 0

    def __add__(self, other: Self) -> "Counts":
        """Both together."""
        return Counts(
            self.starts + other.starts,
            self.frames + other.frames,
            self.unreadable + other.unreadable,
            self.failures + other.failures,
            self.faces + other.faces,
            self.disagreements + other.disagreements,
        )

    @property
    def told(self) -> str:
        """In words."""
        return (
            f"{self.frames} pictures, {self.unreadable} unreadable; "
            f"the models differ on {self.disagreements} of {self.faces} faces"
        )


def counts_of(heard: Iterable[Heard]) -> Counts:
    """What one device counted: of every start of its program, the message that knows most of it.

    Args:
        heard: The device's messages in any order: they may overtake each other.
    """
    of_start: dict[datetime, HealthEvent] = {}
    for event in (message.event for message in heard):
        known = of_start.get(event.started_at)
        if known is None or known.frames <= event.frames:
            of_start[event.started_at] = event
    return sum((_counts(event) for event in of_start.values()), Counts())


def _counts(event: HealthEvent) -> Counts:
    shadow = event.shadow
    if shadow is not None and shadow.bundle == event.model.bundle:
        shadow = None  # a model always agrees with itself
    return Counts(
        starts=1,
        frames=event.frames,
        unreadable=event.unreadable,
        failures=event.failures,
        faces=0 if shadow is None else shadow.faces,
        disagreements=0 if shadow is None else shadow.disagreements,
    )
