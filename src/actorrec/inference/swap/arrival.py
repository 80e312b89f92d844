"""What comes of a new bundle."""

from dataclasses import dataclass
from typing import Protocol

from actorrec.inference.running_bundle import RunningBundle


@dataclass(frozen=True, slots=True, eq=False)
class Arrival:
    """A bundle that came while another one runs.

    Attributes:
        bundle: Ready to run, tried and warm; None where it is refused.
        sha256: Of the file; None where it could not be read.
        reason: Why it is refused, on one line; empty where it is not.
    """

    bundle: RunningBundle | None
    sha256: str | None
    reason: str = ""


class Arrivals(Protocol):
    """Brings new bundles; asked between frames."""

    def poll(self) -> Arrival | None:
        """What has come since the last call, if anything; never waits."""
        ...

    @property
    def in_order(self) -> bool:
        """Whether what lies there is known to be what runs."""
        ...

    def close(self) -> None:
        """End what is under way."""
        ...
