"""When what a camera sees is worth a message."""

import math
from collections import Counter
from typing import Final, Literal

from actorrec.inference.tracking.sighting import Sighting
from actorrec.sections.device import EventsSection

SETTLE_S: Final = 0.3
"""A face or name that comes and goes, or goes and comes, within this is no news."""
BURST: Final = 3
"""Events that may follow each other at once after a quiet time, whatever ``max_per_s``."""

_Seen = Counter[str | None]  # how many faces each decided person has; None counts the decided strangers


class Reporter:
    """Says when an event is due: who is in view has changed, or nothing was said for ``heartbeat_s``.

    What counts is the set of decided people and the number of faces decided to be nobody known; where they are, and
    faces that are not decided, do not. Each person, and the number of strangers, must stand for 0.3 s before it counts,
    so that one face that flickers delays nobody else's. While the rate is used up a change waits, and what is said then
    is the newest state; a change that undid itself by then is not said. Where the clock jumps back, waits begin anew.

    Args:
        settings: Heartbeat and rate.
    """

    def __init__(self, settings: EventsSection) -> None:
        self._settings = settings
        self._said, self._settled, self._seen = _Seen(), _Seen(), _Seen()
        self._since_s: dict[str | None, float] = {}  # of those whose number is not the settled one
        self._tokens = float(BURST)
        self._before_s: float | None = None
        self._quiet_since_s = 0.0

    def due(self, sighting: Sighting, now_s: float) -> Literal["change", "heartbeat"] | None:
        """Whether an event is due; the caller sends what the sighting shows if so.

        Args:
            sighting: The newest look.
            now_s: Seconds on a clock that should only grow.

        Returns:
            Why, or None.
        """
        if not math.isfinite(now_s):  # a camera's time may be no number: it says that no time passed
            now_s = self._before_s or 0.0
        self._turn_clock(now_s)
        self._settle(_who(sighting), now_s)
        if self._tokens < 1:
            return None
        if self._settled != self._said:
            return self._say("change", now_s)
        if now_s - self._quiet_since_s >= self._settings.heartbeat_s:
            return self._say("heartbeat", now_s)
        return None

    def _settle(self, seen: _Seen, now_s: float) -> None:
        for key in seen.keys() | self._seen.keys() | self._settled.keys():
            if seen[key] == self._settled[key]:
                self._since_s.pop(key, None)
            elif key not in self._since_s or seen[key] != self._seen[key]:
                self._since_s[key] = now_s
            elif now_s - self._since_s[key] >= SETTLE_S:
                self._settled[key] = seen[key]
                del self._since_s[key]
        self._seen = seen
        self._settled = +self._settled  # without those who left

    def _say(self, why: Literal["change", "heartbeat"], now_s: float) -> Literal["change", "heartbeat"]:
        self._tokens -= 1
        self._said, self._quiet_since_s = self._settled.copy(), now_s
        return why

    def _turn_clock(self, now_s: float) -> None:
        before_s = now_s if self._before_s is None else self._before_s
        if self._before_s is None or now_s < before_s:
            self._quiet_since_s = now_s
            self._since_s = dict.fromkeys(self._since_s, now_s)
        self._tokens = min(float(BURST), self._tokens + max(0.0, now_s - before_s) * self._settings.max_per_s)
        self._before_s = now_s


def _who(sighting: Sighting) -> _Seen:
    people = [each.prediction.person_id for each in sighting.tracks if each.decided and each.prediction is not None]
    return _Seen({person: 1 if person is not None else people.count(None) for person in people})
