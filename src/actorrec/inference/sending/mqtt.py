"""Plain MQTT: messages to a broker, and what comes back from it."""

import threading
from collections.abc import Callable, Sequence
from typing import Final, Self

from actorrec.errors import RemoteError
from actorrec.inference.sending import mqtt_failures
from actorrec.inference.sending.courier import Message, MessageRefusedError
from actorrec.inference.sending.mqtt_address import broker_address, password, tls_context
from actorrec.inference.sending.mqtt_client import require_paho
from actorrec.inference.sending.mqtt_session import (
    IN_FLIGHT,
    MQTT_3_1_1,
    MQTT_5,
    ConnectPlan,
    MqttSession,
    topic_matches,
)
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import MqttSection

_PROTOCOLS: Final = {"auto": (MQTT_5, MQTT_3_1_1), "5": (MQTT_5,), "3.1.1": (MQTT_3_1_1,)}
_HANG_UPS: Final = 3
_MAX_KEPT: Final = 256
_HEADER_BYTES: Final = 16  # of a packet around topic and payload, at most


class MqttCourier:
    """Takes messages to a broker with quality of service 1, and hands on what comes from there.

    The thread that delivers connects, too; one connection is made anew when it is lost. Passwords and certificates are
    read at each connection, so that they can be replaced while the program runs.

    A broker that speaks MQTT 3.1.1 alone has no word for a message that it does not allow: Mosquitto acknowledges it
    and lets it go. With MQTT 5 it says so, and the message waits until the access list is put right.

    Args:
        settings: Where the broker is, and what it is shown.
        client_id: What this client calls itself where the settings do not say; a broker lets in one of a name.
        troubles: Told when a password travels unencrypted, and when a subscription is not allowed.
        will: Topic and payload that is published, retained, when this client is gone, for whatever reason.
        on_connect: Called in the delivering thread after each connection.

    Raises:
        ConfigError: If the settings do not go together.
        MissingExtraError: If the library is not installed.
    """

    def __init__(
        self,
        settings: MqttSection,
        *,
        client_id: str,
        troubles: Troubles,
        will: tuple[str, bytes] | None = None,
        on_connect: Callable[[], None] | None = None,
    ) -> None:
        require_paho()
        self._settings, self._address = settings, broker_address(settings)
        self.name = f"broker {self._address}"
        self._client_id = settings.client_id or client_id
        self._troubles, self._will, self._on_connect = troubles, will, on_connect
        self._lock = threading.Lock()
        self._announced: dict[str, tuple[bytes, bool]] = {}
        self._subscribed: dict[str, Callable[[str, bytes], None]] = {}
        self._session: MqttSession | None = None
        self._older = False  # this broker does not know MQTT 5
        self._in_flight = IN_FLIGHT
        self._one_by_one = False
        self._hung_up: tuple[int, int] = (0, 0)  # on which message, how often
        self._warn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        session, self._session = self._session, None
        if session is not None:
            session.close(self._will)

    def subscribe(self, topic: str, take: Callable[[str, bytes], None]) -> None:
        """Ask for messages that others publish, now and at each connection.

        Args:
            topic: May hold the wildcards of MQTT.
            take: Called with topic and payload (at most ``max_message_bytes``) in a thread of the connection's own. It
                must be quick and must not raise.
        """
        with self._lock:
            self._subscribed[topic] = take
            if self._session is not None and self._session.alive:
                self._session.subscribe(topic)

    def announce(self, topic: str, payload: bytes, retain: bool = True) -> None:
        """Publish what holds as long as this program runs: now, and again at each connection; the last of a topic.

        Raises:
            ValueError: If the topic is none, or there are too many.
        """
        with self._lock:
            if topic not in self._announced and len(self._announced) >= _MAX_KEPT:
                raise ValueError("too many topics to announce")
            self._announced[topic] = (payload, retain)
            if self._session is not None and self._session.alive:
                self._session.publish(topic, payload, retain=retain)

    def stay(self) -> None:
        """Connect, where there is no connection.

        Raises:
            RemoteError: If that fails.
        """
        self._connected()

    def deliver(self, messages: Sequence[Message]) -> int:
        """Send messages and wait until the broker has them; see ``Courier``."""
        session = self._connected()
        sent = self._fitting(messages, session)
        if self._one_by_one:
            sent = sent[:1]
        try:
            answers = session.send(sent)
        except ValueError:
            if len(sent) == 1:
                raise MessageRefusedError(f"no topic of MQTT: {sent[0].topic[:100]}") from None
            answers = [None] * len(sent)
            self._drop()
        taken = next((index for index, answer in enumerate(answers) if answer is None or answer[0]), len(answers))
        if None in answers:
            self._drop()
        # What follows a message that is not taken would come again with each try.
        self._one_by_one = taken == 0
        if taken:
            return taken
        raise self._failure(messages, session, answers[0])

    def _failure(
        self, messages: Sequence[Message], session: MqttSession, answer: tuple[int, str] | None
    ) -> RemoteError | MessageRefusedError:
        """Why the first message was not taken."""
        if answer is not None:
            code, text = answer
            if code in mqtt_failures.NEVER_TAKEN:
                return MessageRefusedError(mqtt_failures.NEVER_TAKEN[code])
            return mqtt_failures.not_taken(code, text, messages[0].topic)
        return RemoteError("the broker did not acknowledge a message")

    def _fitting(self, messages: Sequence[Message], session: MqttSession) -> Sequence[Message]:
        """The first messages, as many as are not too long."""
        for index, message in enumerate(messages):
            packet_bytes = _HEADER_BYTES + len(message.topic.encode()) + len(message.payload)
            if len(message.payload) > self._settings.max_message_bytes:
                limit, whose = self._settings.max_message_bytes, "mqtt.max_message_bytes"
            elif session.max_packet_bytes is not None and packet_bytes > session.max_packet_bytes:
                limit, whose = session.max_packet_bytes, "the broker's own limit"
            else:
                continue
            if index:
                return messages[:index]
            raise MessageRefusedError(f"{len(message.payload)} bytes are too long: {limit} is {whose}")
        return messages

    def _connected(self) -> MqttSession:
        if self._session is not None:
            if self._session.alive:
                return self._session
            self._drop()
        session = self._first_that_works()
        with self._lock:
            self._session = session
            for topic in self._subscribed:
                session.subscribe(topic)
            for topic, (payload, retain) in self._announced.items():
                session.publish(topic, payload, retain=retain)
        if self._on_connect is not None:
            self._on_connect()
        return session

    def _first_that_works(self) -> MqttSession:
        protocols = _PROTOCOLS[self._settings.protocol]
        if self._older:
            protocols = protocols[-1:]
        self._older = False  # a broker may have learned MQTT 5 meanwhile
        plan = self._plan()
        for protocol in protocols:
            session = MqttSession(plan, protocol, self._came, self._denied)
            try:
                session.connect()
            except RemoteError:
                if not session.version_refused or protocol == protocols[-1]:
                    raise
            else:
                self._older = protocol == MQTT_3_1_1
                if session.window >= plan.in_flight:
                    return session
                self._in_flight = session.window  # the library can change its own only before it connects
                session.close()
                return self._first_that_works()
        raise AssertionError

    def _plan(self) -> ConnectPlan:
        settings = self._settings
        return ConnectPlan(
            address=self._address,
            client_id=self._client_id,
            username=settings.username or None,
            password=password(settings),
            tls=tls_context(settings) if self._address.encrypted else None,
            will=self._will,
            keepalive_s=settings.keepalive_s,
            timeout_s=settings.timeout_s,
            max_message_bytes=settings.max_message_bytes,
            in_flight=self._in_flight,
        )

    def _drop(self) -> None:
        with self._lock:
            session, self._session = self._session, None
        if session is not None:
            session.close()

    def _came(self, topic: str, payload: bytes) -> None:
        with self._lock:
            takers = [take for pattern, take in self._subscribed.items() if topic_matches(pattern, topic)]
        for take in takers:
            take(topic, payload)

    def _denied(self, topic: str) -> None:
        line = f"{self.name}: reading {topic} is not allowed (its access list must let this user read it)"
        self._troubles.begin(f"{self.name}, subscriptions", line)

    def _warn(self) -> None:
        secret = self._settings.password.get_secret_value() or self._settings.password_file
        if secret and not self._address.encrypted and not self._address.on_this_machine:
            line = f"{self.name}: the password travels unencrypted (mqtts:// and TLS on the broker would hide it)"
            self._troubles.begin(f"{self.name}, password", line)
