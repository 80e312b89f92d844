"""Events as they come from a broker."""

import sys
import threading
import uuid
from collections import deque
from collections.abc import Iterator
from typing import Final

from actorrec.errors import RemoteError
from actorrec.inference.sending.homeassistant import AVAILABILITY_SUBTOPIC
from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import REQUEST_SUBTOPIC
from actorrec.sections import MqttSection

_POLL_S: Final = 0.2
_FIRST_WAIT_S: Final = 1.0
_LONGEST_WAIT_S: Final = 30.0
_MAX_WAITING_BYTES: Final = 64 << 20


class Inbox:
    """Messages between the connection's thread and the one that reads them.

    Args:
        topic: Of the results; what is said below it, but is no event, is left out.

    Attributes:
        dropped: Messages that came while too much waited.
    """

    def __init__(self, topic: str) -> None:
        self._availability, self._request = f"{topic}/{AVAILABILITY_SUBTOPIC}/", f"{topic}/{REQUEST_SUBTOPIC}"
        self._changed = threading.Condition()
        self._waiting: deque[bytes] = deque()
        self._waiting_bytes = 0
        self.dropped = 0

    def take(self, topic: str, payload: bytes) -> None:
        """Put one message in; returns at once."""
        if topic == self._request or topic.startswith(self._availability):
            return
        with self._changed:
            if self._waiting_bytes + _room_bytes(payload) > _MAX_WAITING_BYTES:
                self.dropped += 1
                return
            self._waiting.append(payload)
            self._waiting_bytes += _room_bytes(payload)
            self._changed.notify()

    def next(self, timeout_s: float) -> bytes | None:
        """The oldest message; None where none came in time."""
        with self._changed:
            if not self._waiting:
                self._changed.wait(timeout_s)
            if not self._waiting:
                return None
            payload = self._waiting.popleft()
            self._waiting_bytes -= _room_bytes(payload)
            return payload


def _room_bytes(payload: bytes) -> int:
    """Of a message in memory, so that empty ones are bounded, too."""
    return sys.getsizeof(payload)


class BrokerTail:
    """Reads a topic and what is below it; a connection that is lost is made again.

    Args:
        settings: Where the broker is. The client id is not that of the settings, which is the device's own: a broker
            would show the device out.
        topic: Of the results.
        troubles: Told when the connection is lost, and when it is there again.
        client_id: Where the broker lets only that one in; empty for a new one.
    """

    def __init__(self, settings: MqttSection, topic: str, troubles: Troubles, *, client_id: str = "") -> None:
        settings = settings.model_copy(update={"client_id": client_id})
        own_id = f"actorrec-tail-{uuid.uuid4().hex[:12]}"
        self._inbox, self._troubles = Inbox(topic), troubles
        self._courier = MqttCourier(settings, client_id=own_id, troubles=troubles)
        for each in (topic, f"{topic}/#"):  # not every broker takes the second for the first as well
            self._courier.subscribe(each, self._inbox.take)

    @property
    def dropped(self) -> int:
        """Messages that came faster than they were read."""
        return self._inbox.dropped

    def read(self, stop: threading.Event) -> Iterator[bytes]:
        """Messages until ``stop``, which is looked at five times a second.

        Raises:
            RemoteError: If there is no connection to begin with.
        """
        with self._courier as courier:
            courier.stay()
            wait_s = _FIRST_WAIT_S
            while not stop.is_set():
                if (payload := self._inbox.next(_POLL_S)) is not None:
                    yield payload
                    continue
                try:
                    courier.stay()
                except RemoteError as error:
                    self._troubles.begin(courier.name, f"{courier.name}: {error.in_full}")
                    stop.wait(wait_s)
                    wait_s = min(_LONGEST_WAIT_S, 2 * wait_s)
                else:
                    wait_s = _FIRST_WAIT_S
                    self._troubles.end(courier.name)
