"""The seam between the loop and what it looks with: pictures, or a camera."""

import threading
from typing import Protocol

from actorrec.inference.plan import LoopPlan
from actorrec.manifests.events import CameraHealth


class Eye(Protocol):
    """Looks, and says what it saw by the station that it was made with; for the loop's thread alone."""

    @property
    def over(self) -> bool:
        """Whether nothing is left to look at, ever."""
        ...

    def step(self, stop: threading.Event, wait_s: float) -> None:
        """Look at one picture, or wait for one.

        Args:
            stop: Ends the waiting when it is set.
            wait_s: The longest that it may wait.
        """
        ...

    def use(self) -> None:
        """The station has another bundle."""
        ...

    def set(self, plan: LoopPlan) -> bool:
        """Go on with another plan; False where this eye cannot, and another one must be made."""
        ...

    @property
    def connected(self) -> bool:
        """Whether the camera is there; True where there is none."""
        ...

    def health(self) -> CameraHealth | None:
        """How the camera is doing; None where there is none."""
        ...

    def close(self) -> None:
        """Let go of what is held."""
        ...
