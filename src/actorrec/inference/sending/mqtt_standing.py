"""What holds for every connection to a broker: a will, what is announced, and what is asked for."""

import threading
from collections import deque
from collections.abc import Callable, Mapping
from typing import Final

from actorrec.inference.sending.mqtt_session import MqttSession, topic_matches

_MAX_KEPT: Final = 256
Take = Callable[[str, bytes], None]


class MqttStanding:
    """Brings each new connection up to what holds. Any thread may change that, also while there is none.

    Args:
        will: Topic and payload that is published, retained, when this client is gone; None for none.

    Attributes:
        will: Likewise.
    """

    def __init__(self, will: tuple[str, bytes] | None) -> None:
        self.will = will
        self._lock = threading.Lock()  # of all that follows
        self._announced: dict[str, tuple[bytes, bool]] = {}
        self._subscribed: dict[str, Take] = {}
        self._taken_back: deque[str] = deque(maxlen=_MAX_KEPT)
        self._session: MqttSession | None = None
        self._stale = False

    def subscribe(self, topic: str, take: Take) -> None:
        """Ask for messages, now and with each connection."""
        with self._lock:
            self._subscribed[topic] = take
            if self._session is not None and self._session.alive:
                self._session.subscribe(topic)

    def announce(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish now and with each connection; the last of a topic.

        Raises:
            ValueError: If the topic is none, or there are too many.
        """
        with self._lock:
            if topic not in self._announced and len(self._announced) >= _MAX_KEPT:
                raise ValueError("too many topics to announce")
            self._announced[topic] = (payload, retain)
            if self._session is not None and self._session.alive:
                self._session.announce(topic, payload, retain=retain)

    def renew(
        self, will: tuple[str, bytes] | None, announced: Mapping[str, bytes], subscribed: Mapping[str, Take]
    ) -> None:
        """Let this hold in the place of all that held; it takes a new connection, since that alone brings a will."""
        kept = {topic: (payload, True) for topic, payload in announced.items()}
        with self._lock:
            if (will, kept, dict(subscribed)) == (self.will, self._announced, self._subscribed):
                return
            gone = {topic for topic, (_, retain) in self._announced.items() if retain}
            gone |= set() if self.will is None else {self.will[0]}
            self._taken_back.extend(sorted(gone))
            self.will, self._announced, self._subscribed = will, kept, dict(subscribed)
            self._stale = True

    def begin(self) -> bool:
        """A connection is to be used or made. Whether something holds that the present one does not know."""
        with self._lock:
            stale, self._stale = self._stale, False
            return stale

    def take_up(self, session: MqttSession) -> None:
        """There is a new connection; what was announced before and is no more is taken back."""
        with self._lock:
            self._session = session
            for topic in self._subscribed:
                session.subscribe(topic)
            for topic in set(self._taken_back) - set(self._announced):
                session.announce(topic, b"", retain=True)
            self._taken_back.clear()
            for topic, (payload, retain) in self._announced.items():
                session.announce(topic, payload, retain=retain)

    def let_go(self) -> None:
        """There is no connection any more."""
        with self._lock:
            self._session = None

    def came(self, topic: str, payload: bytes) -> None:
        """Hand on what the broker brought."""
        with self._lock:
            takers = [take for pattern, take in self._subscribed.items() if topic_matches(pattern, topic)]
        for take in takers:
            take(topic, payload)
