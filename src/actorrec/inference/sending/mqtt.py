"""Plain MQTT: messages to a broker, and what comes back from it."""

import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Final, Self

from actorrec.errors import RemoteError
from actorrec.inference.sending import mqtt_failures
from actorrec.inference.sending.closed_topics import ClosedTopics
from actorrec.inference.sending.courier import Message, MessageRefusedError
from actorrec.inference.sending.mqtt_address import broker_address, password, tls_context
from actorrec.inference.sending.mqtt_client import require_paho
from actorrec.inference.sending.mqtt_session import (
    IN_FLIGHT,
    MQTT_3_1_1,
    MQTT_5,
    TAKEN,
    ConnectPlan,
    MqttSession,
)
from actorrec.inference.sending.mqtt_standing import MqttStanding
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import MqttSection

_PROTOCOLS: Final = {"auto": (MQTT_5, MQTT_3_1_1), "5": (MQTT_5,), "3.1.1": (MQTT_3_1_1,)}
_HANG_UPS: Final = 3
_UNSTEADY_S: Final = 120.0
_MAX_TOPIC_BYTES: Final = 65_535
_HEADER_BYTES: Final = 16  # of a packet around topic and payload, at most


class MqttCourier:
    """Takes messages to a broker with quality of service 1, and hands on what comes from there.

    The thread that delivers connects, too; one connection is made anew when it is lost. Passwords and certificates are
    read at each connection, so that they can be replaced while the program runs.

    A broker that speaks MQTT 3.1.1 alone has no word for a message that it does not allow: Mosquitto acknowledges it
    and lets it go. With MQTT 5 it says so, and the message waits until the access list is put right; what other topics
    have goes past it, and after ten minutes of that it is refused.

    Args:
        settings: Where the broker is, and what it is shown.
        client_id: What this client calls itself where the settings do not say; a broker lets in one of a name.
        troubles: Told when a password travels unencrypted, and when a subscription is not allowed.
        will: Topic and payload that is published, retained, when this client is gone, for whatever reason.
        on_connect: Called in the delivering thread after each connection.
        clock: Seconds that only ever grow.

    Attributes:
        standing: What each connection is brought up to; to be changed while this runs.

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
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        require_paho()
        self._settings, self._address = settings, broker_address(settings)
        self.name = f"broker {self._address}"
        self._client_id = settings.client_id or client_id
        self._troubles, self._on_connect = troubles, on_connect
        self.standing = MqttStanding(will)
        self._session: MqttSession | None = None
        self._lost_at_s: deque[float] = deque(maxlen=3)
        self._older = False  # this broker does not know MQTT 5
        self._in_flight = IN_FLIGHT
        self._one_by_one = False
        self._closed = ClosedTopics(gives_up_alone=False, clock=clock)
        self._hung_up: tuple[int, int] = (0, 0)  # on which message, how often
        self._warn()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.standing.let_go()
        session, self._session = self._session, None
        if session is not None:
            session.close(session.will)

    def subscribe(self, topic: str, take: Callable[[str, bytes], None]) -> None:
        """Ask for messages that others publish, now and at each connection.

        Args:
            topic: May hold the wildcards of MQTT.
            take: Called with topic and payload (at most ``max_message_bytes``) in a thread of the connection's own. It
                must be quick and must not raise.
        """
        self.standing.subscribe(topic, take)

    def announce(self, topic: str, payload: bytes, retain: bool = True) -> None:
        """Publish what holds as long as this program runs: now, and again at each connection; the last of a topic.

        Raises:
            ValueError: If the topic is none, or there are too many.
        """
        self.standing.announce(topic, payload, retain=retain)

    def stay(self) -> None:
        """Connect, where there is no connection.

        Raises:
            RemoteError: If that fails.
        """
        self._connected()

    def deliver(self, messages: Sequence[Message]) -> int:
        """Send messages and wait until the broker has them; see ``Courier``."""
        if taken := self._closed.passed(messages):
            return taken
        session = self._connected()
        sent = self._fitting(self._closed.open_ones(messages), session)
        if self._one_by_one:
            sent = sent[:1]
        answers = session.send(sent)
        for message, answer in zip(sent, answers, strict=True):
            if answer == TAKEN:
                self._closed.took(message)
        taken = self._closed.passed(messages)
        # What follows a message that breaks the connection would come again with each try.
        self._one_by_one = answers[0] is None
        failure = None if taken else self._failure(messages, session, answers)
        if None in answers:
            self._drop()
        if failure is not None:
            raise failure
        return taken

    def _failure(
        self, messages: Sequence[Message], session: MqttSession, answers: Sequence[tuple[int, str] | None]
    ) -> RemoteError | MessageRefusedError:
        """Why the first message was not taken."""
        first, answer, alone = messages[0], answers[0], len(answers) == 1
        if answer is not None:
            code, text = answer
            if code in mqtt_failures.NEVER_TAKEN:
                return MessageRefusedError(mqtt_failures.NEVER_TAKEN[code])
            if code == mqtt_failures.NOT_ALLOWED and not self._closed.worth_waiting(first.topic):
                return MessageRefusedError(mqtt_failures.not_taken(code, text, first.topic).in_full)
            return mqtt_failures.not_taken(code, text, first.topic)
        if session.alive:
            return mqtt_failures.silent(self._settings.timeout_s)
        if session.shown_out is not None:
            code, text = session.shown_out
            if alone and code == mqtt_failures.PACKET_TOO_LARGE:
                return MessageRefusedError(mqtt_failures.NEVER_TAKEN[code])
            return mqtt_failures.refused(code, text)
        return self._judged(messages) if alone else mqtt_failures.lost(first.topic)

    def _judged(self, messages: Sequence[Message]) -> RemoteError | MessageRefusedError:
        """Whose fault it is that the connection breaks when a message is sent: that message's, or the broker's.

        A broker without a word for it hangs up on what it does not like. Once that has happened some times with one
        message, another one is tried: only where that is taken, the first one will never be.
        """
        first, others = messages[0], messages[1:]
        number, count = self._hung_up
        count = count + 1 if number == first.number else 1
        self._hung_up = (first.number, count)
        if count >= _HANG_UPS and others:
            self._drop()
            session = self._connected()
            good = [other for other in others if self._fault(other, session) is None]
            if good and session.send([min(good, key=lambda message: len(message.payload))]) == [TAKEN]:
                return MessageRefusedError(f"the broker ends the connection when it comes ({len(first.payload)} bytes)")
            self._drop()
        return mqtt_failures.lost(first.topic)

    def _fitting(self, messages: Sequence[Message], session: MqttSession) -> Sequence[Message]:
        """The first messages, as many as can be sent."""
        for index, message in enumerate(messages):
            if (fault := self._fault(message, session)) is not None:
                if index:
                    return messages[:index]
                raise MessageRefusedError(fault)
        return messages

    def _fault(self, message: Message, session: MqttSession) -> str | None:
        topic_bytes, payload_bytes = len(message.topic.encode()), len(message.payload)
        if not message.topic or topic_bytes > _MAX_TOPIC_BYTES or any(sign in message.topic for sign in "+#\0"):
            return f"no topic to publish to: {message.topic[:100]!r}"
        if payload_bytes > self._settings.max_message_bytes:
            return f"{payload_bytes} bytes are more than mqtt.max_message_bytes ({self._settings.max_message_bytes})"
        broker_bytes = session.max_packet_bytes
        if broker_bytes is not None and _HEADER_BYTES + topic_bytes + payload_bytes > broker_bytes:
            return f"{payload_bytes} bytes are more than the broker takes ({broker_bytes} with topic and header)"
        return None

    def _connected(self) -> MqttSession:
        stale = self.standing.begin()
        if self._session is not None:
            alive = self._session.alive
            if not alive:
                self._lost_at_s.append(time.monotonic())
            self._steady()
            if alive and not stale:
                return self._session
            self._drop()
        session = self._session = self._first_that_works()
        self.standing.take_up(session)
        if self._on_connect is not None:
            self._on_connect()
        return session

    def _steady(self) -> None:
        """Tell of a connection that is lost again and again: of two with one name, each ends the other's."""
        about, now_s = f"{self.name}, connection", time.monotonic()
        recent = sum(now_s - at_s < _UNSTEADY_S for at_s in self._lost_at_s)
        if recent == self._lost_at_s.maxlen:
            line = f"{self.name}: the connection is lost again and again; does another program use the client id?"
            self._troubles.begin(about, f"{line} (mqtt.client_id {self._client_id})")
        elif not recent:
            self._troubles.end(about)

    def _first_that_works(self) -> MqttSession:
        protocols = _PROTOCOLS[self._settings.protocol]
        if self._older:
            protocols = protocols[-1:]
        self._older = False  # a broker may have learned MQTT 5 meanwhile
        plan = self._plan()
        for protocol in protocols:
            session = MqttSession(plan, protocol, self.standing.came, self._denied)
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
            will=self.standing.will,
            keepalive_s=settings.keepalive_s,
            timeout_s=settings.timeout_s,
            max_message_bytes=settings.max_message_bytes,
            in_flight=self._in_flight,
        )

    def _drop(self) -> None:
        self.standing.let_go()
        session, self._session = self._session, None
        if session is not None:
            session.close()

    def _denied(self, what: str) -> None:
        line = f"{self.name}: {what} is not allowed (its access list must let this user do that)"
        self._troubles.begin(f"{self.name}, {what}", line)

    def _warn(self) -> None:
        secret = self._settings.password.get_secret_value() or self._settings.password_file
        if secret and not self._address.encrypted and not self._address.on_this_machine:
            line = f"{self.name}: the password travels unencrypted (mqtts:// and TLS on the broker would hide it)"
            self._troubles.begin(f"{self.name}, password", line)
