"""What may be raised on one picture, one frame or one read, and ends no loop: the next may fare better."""

from typing import Final

from actorrec.errors import ActorRecError

_FAILURES: Final = (
    ActorRecError,
    ArithmeticError,
    LookupError,
    MemoryError,
    OSError,
    RuntimeError,
    TypeError,
    ValueError,
)


def step_failures() -> tuple[type[Exception], ...]:
    """What nets, array functions, sources and the libraries below them raise, OpenCV's own error among it."""
    import cv2

    return (*_FAILURES, cv2.error)
