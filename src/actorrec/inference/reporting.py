"""When what a camera sees is worth a message."""

from typing import Final, Literal

from actorrec.inference.tracking.sighting import Sighting
from actorrec.sections.device import EventsSection

_SETTLE_S: Final = 0.3  # a face that is lost and found again within this is no news
_BURST: Final = 3.0

_Seen = tuple[frozenset[str], int]


class Reporter:
    """Says when an event is due: who is in view has changed, or nothing was said for ``heartbeat_s``.

    What counts is the set of decided people and the number of decided faces of nobody known. A change must stand for
    0.3 s; one that undid itself before it could be said is not said. While the rate is used up a change waits, and what
    is said then is the newest state. A clock that stands or jumps back delays by no more than these times.

    Args:
        settings: Heartbeat and rate.
    """

    def __init__(self, settings: EventsSection) -> None:
        self._settings = settings
        self._said: _Seen = (frozenset(), 0)
        self._seen: _Seen | None = None
        self._seen_since_s = 0.0
        self._said_s: float | None = None
        self._tokens = _BURST
        self._before_s: float | None = None

    def due(self, sighting: Sighting, now_s: float) -> Literal["change", "heartbeat"] | None:
        """Whether an event is to be sent now; the caller sends it if so.

        Args:
            sighting: The newest look.
            now_s: Time, of a clock that should only grow.

        Returns:
            Why an event is due, or None.
        """
        self._turn_clock(now_s)
        seen = _who(sighting)
        if seen != self._seen:
            self._seen, self._seen_since_s = seen, now_s
        if self._tokens < 1:
            return None
        if seen != self._said and now_s - self._seen_since_s >= _SETTLE_S:
            return self._say("change", seen, now_s)
        if self._said_s is None:
            self._said_s = now_s
        if now_s - self._said_s >= self._settings.heartbeat_s:
            return self._say("heartbeat", seen, now_s)
        return None

    def _say(self, why: Literal["change", "heartbeat"], seen: _Seen, now_s: float) -> Literal["change", "heartbeat"]:
        self._tokens -= 1
        self._said, self._said_s = seen, now_s
        return why

    def _turn_clock(self, now_s: float) -> None:
        """Earn tokens; where the clock jumped back, times that lie ahead become now."""
        before_s = now_s if self._before_s is None else self._before_s
        self._before_s = now_s
        self._tokens = min(_BURST, self._tokens + max(0.0, now_s - before_s) * self._settings.max_per_s)
        self._seen_since_s = min(self._seen_since_s, now_s)
        if self._said_s is not None:
            self._said_s = min(self._said_s, now_s)


def _who(sighting: Sighting) -> _Seen:
    decided = [each.prediction.person_id for each in sighting.tracks if each.decided and each.prediction is not None]
    return frozenset(person for person in decided if person is not None), decided.count(None)
