"""One connection to a broker, from its beginning to its end."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actorrec.errors import RemoteError
from actorrec.inference.sending import mqtt_failures
from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.mqtt_address import BrokerAddress
from actorrec.inference.sending.mqtt_client import new_client, require_paho

MQTT_5: Final = 5
MQTT_3_1_1: Final = 4
IN_FLIGHT: Final = 20
"""Messages that wait for their acknowledgement at once."""
TAKEN: Final = (0, "")
"""The answer to a message that the broker has."""
_MAX_QUEUED: Final = 512  # a batch, and what is announced
_LET_GO_S: Final = 0.3
_KEEP_ALIVE_EXTRA_BYTES: Final = 1024  # of a packet beside the message in it


@dataclass(frozen=True, slots=True)
class ConnectPlan:
    """How to connect.

    Attributes:
        address: Where to.
        client_id: What this client calls itself.
        username, password: What it shows; None for nothing.
        tls: None without encryption.
        will: Topic and payload that the broker publishes, retained, when the connection breaks.
        keepalive_s: A connection on which nothing comes for so long is tried, and given up.
        timeout_s: For connecting, and for the next answer to a message.
        max_message_bytes: Of messages that come in.
        in_flight: Messages that wait for their acknowledgement at once.
    """

    address: BrokerAddress
    client_id: str
    username: str | None
    password: str | None
    tls: ssl.SSLContext | None
    will: tuple[str, bytes] | None
    keepalive_s: int
    timeout_s: float
    max_message_bytes: int
    in_flight: int = IN_FLIGHT

    def __repr__(self) -> str:
        return f"ConnectPlan({self.address})"


class MqttSession:
    """A connection that was made once and is never made again. Any thread may publish.

    Args:
        plan: How.
        protocol: ``MQTT_5`` or ``MQTT_3_1_1``.
        on_message: Called in a thread of the connection's own with topic and payload of what comes in.
        on_denied: Called with what is not allowed: ``reading TOPIC``, or ``publishing to TOPIC`` of what is announced.

    Attributes:
        max_packet_bytes: The broker takes no longer ones; None where it does not say.
        shown_out: Code and name of the broker's reason for ending it; None while it stands, and where it gave none.
        window: Messages that the broker takes before it has acknowledged the first.
    """

    def __init__(
        self,
        plan: ConnectPlan,
        protocol: int,
        on_message: Callable[[str, bytes], None],
        on_denied: Callable[[str], None],
    ) -> None:
        self._plan, self._protocol = plan, protocol
        self._changed = threading.Condition()
        self._ended = threading.Event()
        self._let_in: Any = None
        self._lost = False
        self._answers: dict[int, tuple[int, str]] = {}
        self._asked: dict[int, str] = {}
        self._announced: dict[int, str] = {}
        self._on_message, self._on_denied = on_message, on_denied
        self.max_packet_bytes: int | None = None
        self.shown_out: tuple[int, str] | None = None
        self.window = IN_FLIGHT
        self._client = new_client(plan.client_id, protocol, self._longest_bytes, self._ended)
        self._set_up()

    @property
    def will(self) -> tuple[str, bytes] | None:
        """What the broker publishes, retained, when it breaks."""
        return self._plan.will

    @property
    def alive(self) -> bool:
        """Whether it stands, as far as is known."""
        return not self._lost and not self._ended.is_set() and bool(self._client.is_connected())

    def connect(self) -> None:
        """Connect, and be let in.

        Raises:
            RemoteError: If that fails.
        """
        plan = self._plan
        try:
            self._client.connect(plan.address.host, plan.address.port, plan.keepalive_s, **self._connect_options())
        except OSError as error:
            raise mqtt_failures.unreachable(error, plan.timeout_s, encrypted=plan.address.encrypted) from None
        except ValueError:  # a name that no rule of names allows
            raise RemoteError("the broker's name is none", hint="look at mqtt.url") from None
        self._client.loop_start()
        with self._changed:
            self._changed.wait_for(self._answered, plan.timeout_s)
        if self._let_in is None:
            ended = self._over()
            self.close()
            raise mqtt_failures.hung_up(plan.address.encrypted) if ended else mqtt_failures.silent(plan.timeout_s)
        if self._let_in.is_failure:
            self.close()
            raise mqtt_failures.refused(self._let_in.value, str(self._let_in))

    @property
    def version_refused(self) -> bool:
        """Whether the broker let this client not in for its version of MQTT, or without a word."""
        if self._let_in is not None:
            return bool(self._let_in.value == mqtt_failures.UNSUPPORTED_VERSION)
        return self._ended.is_set()

    def send(self, messages: Sequence[Message]) -> list[tuple[int, str] | None]:
        """Send messages, and wait for the answers as long as they come.

        Returns:
            For each the reason code and its name; None for no answer.
        """
        with self._changed:
            self._answers.clear()
        numbers = [self.publish(message.topic, message.payload, retain=False) for message in messages]
        with self._changed:
            while not self._over() and any(number not in self._answers for number in numbers):
                before = len(self._answers)
                moved = self._changed.wait_for(
                    lambda before=before: len(self._answers) > before or self._over(),  # type: ignore[misc]
                    self._plan.timeout_s,
                )
                if not moved:
                    break
            return [self._answers.get(number) for number in numbers]

    def publish(self, topic: str, payload: bytes, *, retain: bool) -> int:
        """Send one message without waiting; its number."""
        return int(self._client.publish(topic, payload, qos=1, retain=retain).mid)

    def announce(self, topic: str, payload: bytes, *, retain: bool) -> None:
        """Publish without waiting; what is not allowed is told."""
        number = self.publish(topic, payload, retain=retain)
        with self._changed:
            answer = self._answers.get(number)  # it may be quicker than this thread
            if answer is None:
                self._announced[number] = topic
        if answer is not None and answer[0] == mqtt_failures.NOT_ALLOWED:
            self._on_denied(f"publishing to {topic}")

    def subscribe(self, topic: str) -> None:
        """Ask for messages."""
        with self._changed:  # the answer may be quicker than this thread
            _, number = self._client.subscribe(topic, qos=1)
            self._asked[number] = topic

    def close(self, farewell: tuple[str, bytes] | None = None) -> None:
        """End it; returns soon, whatever the broker does. Nothing may be sent after it.

        Args:
            farewell: Topic and payload of a last retained message.
        """
        if farewell is not None and self.alive:
            number = self.publish(*farewell, retain=True)
            with self._changed:
                self._changed.wait_for(lambda: number in self._answers or self._over(), _LET_GO_S)
        with contextlib.suppress(OSError):
            self._client.disconnect()
        if not self._ended.wait(_LET_GO_S) and (sock := self._client.socket()) is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR)
        self._ended.wait(_LET_GO_S)
        self._client.let_go()

    @property
    def _longest_bytes(self) -> int:
        return self._plan.max_message_bytes + _KEEP_ALIVE_EXTRA_BYTES

    def _answered(self) -> bool:
        return self._let_in is not None or self._over()

    def _over(self) -> bool:
        return self._lost or self._ended.is_set()

    def _connect_options(self) -> dict[str, Any]:
        if self._protocol != MQTT_5:
            return {}
        from paho.mqtt.packettypes import PacketTypes
        from paho.mqtt.properties import Properties

        properties = Properties(PacketTypes.CONNECT)
        properties.MaximumPacketSize = self._longest_bytes
        return {"clean_start": True, "properties": properties}

    def _set_up(self) -> None:
        client, plan = self._client, self._plan
        client.connect_timeout = plan.timeout_s
        client.max_inflight_messages_set(plan.in_flight)
        client.max_queued_messages_set(_MAX_QUEUED)
        if plan.username is not None:
            client.username_pw_set(plan.username, plan.password)
        if plan.tls is not None:
            client.tls_set_context(plan.tls)
        if plan.will is not None:
            client.will_set(*plan.will, qos=1, retain=True)
        client.on_connect, client.on_disconnect = self._connected, self._disconnected
        client.on_publish, client.on_subscribe, client.on_message = self._published, self._subscribed, self._came

    def _connected(self, _client: object, _data: object, _flags: object, code: Any, properties: Any) -> None:
        with self._changed:
            self.window = getattr(properties, "ReceiveMaximum", IN_FLIGHT)
            self.max_packet_bytes = getattr(properties, "MaximumPacketSize", None)
            self._let_in = code
            self._changed.notify_all()

    def _disconnected(self, _client: object, _data: object, flags: Any, code: Any, _properties: object) -> None:
        with self._changed:
            self._lost = True
            if flags.is_disconnect_packet_from_server and code.is_failure:
                self.shown_out = (code.value, str(code))
            self._changed.notify_all()

    def _published(self, _client: object, _data: object, number: int, code: Any, _properties: object) -> None:
        with self._changed:
            self._answers[number] = (code.value, str(code)) if code.is_failure else TAKEN
            self._changed.notify_all()
            announced = self._announced.pop(number, None)
        if announced is not None and code.value == mqtt_failures.NOT_ALLOWED:
            self._on_denied(f"publishing to {announced}")

    def _subscribed(self, _client: object, _data: object, number: int, codes: Any, _properties: object) -> None:
        with self._changed:
            topic = self._asked.pop(number, "")
        if any(code.is_failure for code in codes):
            self._on_denied(f"reading {topic}")

    def _came(self, _client: object, _data: object, message: Any) -> None:
        if len(message.payload) <= self._plan.max_message_bytes:
            self._on_message(message.topic, bytes(message.payload))


def topic_matches(pattern: str, topic: str) -> bool:
    """Whether a topic is among those that a subscription asks for."""
    return bool(require_paho().topic_matches_sub(pattern, topic))
