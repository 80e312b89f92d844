"""When what a camera sees is worth a message."""

import math
from collections import Counter
from collections.abc import Sequence
from typing import Final, Literal

from actorrec.inference.tracking.sighting import Sighting, TrackedFace
from actorrec.inference.tracking.tracks import upon_one_another
from actorrec.sections.device import EventsSection

SETTLE_S: Final = 0.3
"""A face or name that comes and goes, or goes and comes, within this is no news."""
FIRST_S: Final = 2.0
"""So long the first event waits for faces that are not decided."""
BURST: Final = 3
"""Events that may follow each other at once after a quiet time, whatever ``max_per_s``."""

_MOST_PLACES: Final = 200

_Seen = Counter[str | None]  # how many faces each decided person has; None counts the decided strangers


class Reporter:
    """Says when an event is due: who is in view has changed, or nothing was said for ``heartbeat_s``.

    What counts is the set of decided people and the number of faces decided to be nobody known; where they are, and
    faces that are not decided, do not. Each person, and the number of strangers, must stand for 0.3 s before it counts,
    so that one face that flickers delays nobody else's; a face that is lost for a moment is still there, and one in
    whose place another stands has gone at once. While the rate is used up a change waits, and what is said then is the
    newest state; a change that undid itself by then is not said. What an event happened to catch amid a flicker is put
    right by the next. Where the clock jumps back, waits begin anew. At first it is said, too, that nobody is there, or
    nobody decided: whoever listens may know another state, of the program that ran before.

    Args:
        settings: Heartbeat and rate.
    """

    def __init__(self, settings: EventsSection) -> None:
        self._settings = settings
        self._said, self._settled, self._seen = _Seen(), _Seen(), _Seen()
        self._since_s: dict[str | None, float] = {}  # of those whose number is not the settled one
        self._places: dict[int, TrackedFace] = {}  # decided faces as they were seen last, by number
        self._tokens = float(BURST)
        self._before_s: float | None = None
        self._quiet_since_s = 0.0
        self._begun = False

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
        shown = _who(sighting.tracks)
        self._settle(_who((*sighting.tracks, *sighting.lost)), self._replaced(sighting), now_s)
        if self._tokens < 1:
            return None
        keys = self._settled.keys() | self._said.keys()
        if any(self._settled[key] != self._said[key] != shown[key] for key in keys):
            return self._say("change", shown, now_s)
        quiet_s = now_s - self._quiet_since_s
        if quiet_s >= self._settings.heartbeat_s or self._is_first(sighting, quiet_s):
            return self._say("heartbeat", shown, now_s)
        return None

    def _is_first(self, sighting: Sighting, quiet_s: float) -> bool:
        """Whether nothing was said yet, and there is nobody to wait for any longer."""
        waits_s = FIRST_S if sighting.tracks else SETTLE_S
        return not (self._begun or self._since_s) and quiet_s >= waits_s

    def _replaced(self, sighting: Sighting) -> set[str | None]:
        """Who is no more because a look at another face, by its number, shows that one in their place."""
        there = {each.track_id: each for each in (*sighting.tracks, *sighting.lost)}
        looked = [each for each in sighting.tracks if each.looks]
        self._places = {number: each for number, each in self._places.items() if self._settled[_person(each)]}
        gone = {
            _person(last)
            for number, last in self._places.items()
            if number not in there and upon_one_another([last.face], [each.face for each in looked]).any()
        }
        self._places |= {number: each for number, each in there.items() if each.decided}
        while len(self._places) > _MOST_PLACES:
            del self._places[next(iter(self._places))]
        return gone

    def _settle(self, seen: _Seen, replaced: set[str | None], now_s: float) -> None:
        for key in seen.keys() | self._seen.keys() | self._settled.keys():
            if seen[key] == self._settled[key]:
                self._since_s.pop(key, None)
            elif key in replaced and seen[key] < self._settled[key]:
                self._settled[key] = seen[key]
                self._since_s.pop(key, None)
            elif key not in self._since_s or seen[key] != self._seen[key]:
                self._since_s[key] = now_s
            elif now_s - self._since_s[key] >= SETTLE_S:
                self._settled[key] = seen[key]
                del self._since_s[key]
        self._seen = seen
        self._settled = +self._settled  # without those who left

    def _say(self, why: Literal["change", "heartbeat"], shown: _Seen, now_s: float) -> Literal["change", "heartbeat"]:
        self._tokens -= 1
        self._said, self._quiet_since_s, self._begun = shown, now_s, True
        return why

    def _turn_clock(self, now_s: float) -> None:
        before_s = now_s if self._before_s is None else self._before_s
        if self._before_s is None or now_s < before_s:
            self._quiet_since_s = now_s
            self._since_s = dict.fromkeys(self._since_s, now_s)
        self._tokens = min(float(BURST), self._tokens + max(0.0, now_s - before_s) * self._settings.max_per_s)
        self._before_s = now_s


def _who(tracks: Sequence[TrackedFace]) -> _Seen:
    people = [_person(each) for each in tracks if each.decided and each.prediction is not None]
    return _Seen({person: 1 if person is not None else people.count(None) for person in people})


def _person(track: TrackedFace) -> str | None:
    return None if track.prediction is None else track.prediction.person_id
