"""What devices counted since something was tried on them; a program counts from its own start."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Self

from actorrec.manifests.events import HealthEvent

_MOST: Final = 10**12


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


def counts_of(heard: Iterable[Heard], compared: str | None = None) -> Counts:
    """What one device counted: of every start of its program, the message that knows most of it.

    Args:
        heard: The device's messages in any order: they may overtake each other.
        compared: SHA-256 of the bundle that must have run beside; None for any other than the live one.
    """
    of_start: dict[datetime, HealthEvent] = {}
    for event in (message.event for message in heard):
        known = of_start.get(event.started_at)
        if known is None or known.frames <= event.frames:
            of_start[event.started_at] = event
    return sum((_counts(event, compared) for event in of_start.values()), Counts())


def _counts(event: HealthEvent, compared: str | None) -> Counts:
    shadow = event.shadow
    if shadow is not None and (shadow.bundle == event.model.bundle or compared not in (None, shadow.bundle)):
        shadow = None  # a model always agrees with itself, and a third one is nobody's business
    return Counts(
        starts=1,
        frames=_sane(event.frames),
        unreadable=_sane(event.unreadable),
        failures=_sane(event.failures),
        faces=0 if shadow is None else _sane(shadow.faces),
        disagreements=0 if shadow is None else _sane(shadow.disagreements),
    )


def _sane(number: int) -> int:
    """What a device says may have thousands of digits, which cannot even be shown."""
    return min(number, _MOST)
