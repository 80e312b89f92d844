"""What each address of the page answers."""

import json
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

from actorrec.inference.preview.painter import Painter, said_of
from actorrec.manifests.events import HealthEvent

_STATIC: Final = {
    "": ("preview.html", "text/html; charset=utf-8"),
    "preview.css": ("preview.css", "text/css; charset=utf-8"),
    "preview.js": ("preview.js", "text/javascript; charset=utf-8"),
    "icon.svg": ("icon.svg", "image/svg+xml"),
}
_DRAWN_IN_S: Final = 2.0


@dataclass(frozen=True, slots=True)
class Answer:
    """What goes back."""

    status: int
    kind: str
    body: bytes


class Shown:
    """What there is to see at present; written by the loop, read by the threads of the page.

    Args:
        painter: Draws the pictures.
        troubles: What is wrong now, one line each.
    """

    def __init__(self, painter: Painter, troubles: Callable[[], Sequence[str]]) -> None:
        self.painter, self._troubles = painter, troubles
        self._told_s = 0.0
        self.health: HealthEvent | None = None
        self.signal_lost = False

    def tell(self, health: HealthEvent) -> None:
        """A newer health event."""
        self.health, self._told_s = health, time.monotonic()

    def answer(self, name: str) -> Answer | None:
        """The answer to an address below the page's path; None where there is nothing."""
        if name in _STATIC:
            return Answer(200, _STATIC[name][1], _file(_STATIC[name][0]))
        if name == "health":
            return _json(b"null" if self.health is None else self.health.model_dump_json().encode())
        if name == "state":
            return _json(self._state())
        return self._frame() if name == "frame.jpg" else None

    def _frame(self) -> Answer:
        jpeg = None
        if self.painter.newest is not None:
            with self.painter.watch() as watching:
                jpeg = watching.next(_DRAWN_IN_S)
        if jpeg is None:
            return Answer(503, "text/plain; charset=utf-8", b"no picture yet\n")
        return Answer(200, "image/jpeg", jpeg)

    def _state(self) -> bytes:
        """What changes from second to second, and the last health event."""
        look = self.painter.newest
        faces = [] if look is None else [said_of(track, look.shown_name) for track in look.tracks]
        trouble = [*self._troubles(), *filter(None, [self.painter.failed])]
        now = {
            "signal": look is not None,
            "lost": self.signal_lost,
            "clock_s": round(time.monotonic(), 3),
            "frames": self.painter.offered,
            "picture_age_s": None if look is None else round(time.monotonic() - look.at_s, 1),
            "size_wh": None if look is None else [look.pixels.shape[1], look.pixels.shape[0]],
            "faces": [{"kind": kind, "label": label} for kind, label in faces],
            "trouble": trouble,
            "health_age_s": round(time.monotonic() - self._told_s, 1),
            "health": None if self.health is None else self.health.model_dump(mode="json"),
        }
        return json.dumps(now).encode()


@cache
def _file(name: str) -> bytes:
    """A file of the page: its name never comes from a request."""
    return (files("actorrec.inference.preview") / "static" / name).read_bytes()


def _json(body: bytes) -> Answer:
    return Answer(200, "application/json", body)
