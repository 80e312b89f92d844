"""The seam between cameras and the loop."""

from typing import Protocol

from actorrec.types import Frame


class FrameSource(Protocol):
    """Gives frames one after the other; for one thread. One contract suite runs over every implementation."""

    @property
    def name(self) -> str:
        """As it is shown and published: without user names, passwords and queries."""
        ...

    @property
    def live(self) -> bool:
        """Whether frames that nobody takes are gone; those of a film that is read as fast as it goes are not."""
        ...

    def open(self) -> None:
        """Begin. After ``close`` it can be opened anew.

        Raises:
            FrameSourceError: If it cannot be; the message says why, the hint what to do.
        """
        ...

    def read(self, *, skip: bool = False) -> Frame | None:
        """Wait for the next frame.

        Args:
            skip: Whether the frame is not wanted: its pixels are not made where that saves work, and what is given has
                no meaning but that a frame came.

        Returns:
            The frame: pixels RGB, ``time_s`` of a clock that only grows; None at the end of a film.

        Raises:
            FrameSourceError: If it is lost; it must be closed, and may be opened again.
        """
        ...

    def close(self) -> None:
        """Let go of it; may be called at any time from any thread, and more than once. A read that waits ends by it
        where the system lets it."""
        ...
