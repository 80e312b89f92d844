"""Pictures that others on the network ask to be looked at: a short queue of what may be looked at, and of why not."""

import os
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import ValidationError

from actorrec.inference.sources import PictureSource
from actorrec.inference.troubles import Troubles
from actorrec.manifests.requests import PictureRequest

MAX_REQUEST_BYTES: Final = 4096
_ABOUT: Final = "requests"
_TELL_S: Final = 60.0  # a flood is told of once in so long


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that is to be answered.

    Attributes:
        request: What it calls itself; empty where it does not.
        picture: What it names: by its name below the folder, with its real path or the reason why there is none.
    """

    request: str
    picture: PictureSource


class Requests:
    """Requests that wait for the loop. Any thread may bring one; the loop's thread fetches them.

    Args:
        folder: Whose pictures may be named.
        troubles: Told of requests that make no sense, and of more than can wait.
        max_waiting: Then the oldest gives way.
        clock: Seconds that only ever grow.

    Attributes:
        refused: Messages that were no requests.
        dropped: Requests that gave way to newer ones: they get no answer.
    """

    def __init__(
        self,
        folder: Path,
        troubles: Troubles,
        *,
        max_waiting: int = 32,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._folder, self._troubles, self._max_waiting, self._clock = folder, troubles, max_waiting, clock
        self._lock = threading.Lock()  # of all that follows
        self._waiting: deque[PictureRequest] = deque()
        self._told_at_s: float | None = None
        self._last_at_s = 0.0
        self.refused = 0
        self.dropped = 0

    def take(self, topic: str, payload: bytes) -> None:
        """Take one message, whatever it is; one that already waits is not taken twice, as brokers may bring it twice.

        Args:
            topic: Where it came from.
            payload: As it came in.
        """
        request = _read(payload)
        with self._lock:
            if request is None:
                self.refused += 1
            elif request not in self._waiting:
                self._waiting.append(request)
                if len(self._waiting) <= self._max_waiting:
                    return
                self._waiting.popleft()
                self.dropped += 1
            else:
                return
            line = self._line_if_due(topic)
        if line:
            self._troubles.begin(_ABOUT, line)

    def due(self, most: int = 1) -> list[Asked]:
        """The oldest that wait.

        Args:
            most: By default one at a time: many of them would keep a camera from its frames.
        """
        with self._lock:
            requests = [self._waiting.popleft() for _ in range(min(most, len(self._waiting)))]
            over = self._told_at_s is not None and self._clock() - self._last_at_s >= _TELL_S
            if over:
                self._told_at_s = None
        if over:
            self._troubles.end(_ABOUT)
        return [Asked(request.request, self._picture(request.picture)) for request in requests]

    def _line_if_due(self, topic: str) -> str:
        self._last_at_s = self._clock()
        if self._told_at_s is not None and self._last_at_s - self._told_at_s < _TELL_S:
            return ""
        self._told_at_s = self._last_at_s
        return f"{_ABOUT} on {topic}: {self.refused} were none, {self.dropped} gave way to newer ones"

    def _picture(self, name: str) -> PictureSource:
        """The file that is meant: inside the folder, whatever links lead where, and a plain file.

        Of what lies outside nothing is told, not even whether it is there.
        """
        try:
            folder = Path(os.path.realpath(self._folder, strict=True))
            path = Path(os.path.realpath(folder / name))
            if not path.is_relative_to(folder):
                return PictureSource(None, name, "leads out of the folder that pictures may be asked for in")
            if not stat.S_ISREG(path.stat().st_mode):
                return PictureSource(None, name, "is not a file")
        except OSError as error:
            return PictureSource(None, name, f"cannot be read: {error.strerror}")
        except ValueError:
            return PictureSource(None, name, "is not the name of a file")
        return PictureSource(path, name, beneath=folder)


def _read(payload: bytes) -> PictureRequest | None:
    if len(payload) > MAX_REQUEST_BYTES:
        return None
    try:
        return PictureRequest.model_validate_json(payload)
    except ValidationError:
        return None
