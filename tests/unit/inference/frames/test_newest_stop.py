"""Whoever waits for a frame is let go when the program is to end."""

import threading

from actorrec.inference.frames.newest import NewestFrame
from actorrec.inference.troubles import Troubles
from actorrec.sections import CameraSection
from actorrec.types import Frame


class Silent:
    """A camera that sends nothing until it is closed."""

    name = "silent"
    live = True

    def __init__(self) -> None:
        self._closed = threading.Event()

    def open(self) -> None:
        pass

    def read(self, *, skip: bool = False) -> Frame | None:
        self._closed.wait(60)
        return None

    def close(self) -> None:
        self._closed.set()


def test_waiting_for_a_frame_ends_when_the_program_is_to_end() -> None:
    stop, said = threading.Event(), list[str]()
    with NewestFrame(Silent, CameraSection(timeout_s=300), Troubles(said.append)) as newest:
        threading.Timer(0.1, stop.set).start()
        assert newest.next(3600.0, stop) is None
        assert newest.next(3600.0, stop) is None
        assert not newest.over
    assert said == []
