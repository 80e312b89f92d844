"""Messages to a real broker, and what is said of brokers that refuse, lie, stall or are none."""

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import RemoteError
from actorrec.inference.sending.courier import Message, MessageRefusedError
from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.sending.spool import Spool
from actorrec.inference.sending.store_and_forward import StoreAndForward
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import MqttSection, SpoolSection
from mosquitto import Broker, Certificates, broker, free_port, password_file
from odd_brokers import (
    CONNACK_3,
    Conversation,
    forgetful,
    hanging_up,
    hating_messages,
    listening,
    old_front,
    saying,
    silent,
)
from patience import PATIENCE_S
from patience import eventually as until

pytest.importorskip("paho")

SECRET = "a-word-that-nobody-may-read"
OVER_3 = {"protocol": "3.1.1"}


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def courier(said: list[str]) -> Iterator[Callable[..., MqttCourier]]:
    """Makes couriers; they are let go, and none of them may have told the password."""
    made: list[MqttCourier] = []

    def make(
        url: str, *, client_id: str = "actorrec-test", will: tuple[str, bytes] | None = None, **options: Any
    ) -> Any:
        ours: dict[str, Any] = {"will": will, "clock": options.pop("clock", time.monotonic)}
        section = MqttSection(url=url, **{"timeout_s": PATIENCE_S, **options})
        made.append(MqttCourier(section, client_id=client_id, troubles=Troubles(said.append), **ours))
        return made[-1]

    yield make
    for each in made:
        each.__exit__()
    assert SECRET not in repr([*said, *(vars(each) for each in made)])


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return Certificates(tmp_path_factory.mktemp("certificates"))


def messages(*payloads: bytes, topic: str = "a/b") -> list[Message]:
    return [Message(number, topic, payload) for number, payload in enumerate(payloads, 1)]


def refusal(courier: MqttCourier) -> str:
    """What is said of a broker that does not take a message."""
    with pytest.raises(RemoteError) as refused:
        courier.deliver(messages(b"{}"))
    assert SECRET not in refused.value.in_full
    return refused.value.in_full


@pytest.mark.parametrize("protocol", ["auto", "5", "3.1.1"])
def test_messages_go_in_their_order_and_come_in(
    protocol: str, tmp_path: Path, courier: Callable[..., MqttCourier]
) -> None:
    came: list[tuple[str, bytes]] = []
    with broker(tmp_path) as mosquitto:
        one = courier(mosquitto.url, protocol=protocol)
        one.subscribe("a/+", lambda topic, payload: came.append((topic, payload)))
        sent = messages(*(b"%d" % number for number in range(150)))
        assert one.deliver(sent) == 150
        one.subscribe("late", lambda topic, payload: came.append((topic, payload)))
        one.deliver(messages(b"elsewhere", topic="z") + messages(b"late", topic="late"))
        until(lambda: len(came) == 151)
        assert f"(p{'2' if protocol == '3.1.1' else '5'}, c1" in mosquitto.log
    assert came == [("a/b", each.payload) for each in sent] + [("late", b"late")]


def test_what_is_announced_and_asked_for_outlives_the_connection_and_the_will_is_said_at_the_end(
    tmp_path: Path, courier: Callable[..., MqttCourier]
) -> None:
    came: list[tuple[str, bytes]] = []
    with broker(tmp_path, ["persistence false"]) as mosquitto:
        one = courier(mosquitto.url, will=("state", b"offline"))
        one.announce("state", b"online")
        one.announce("config", b"1")
        one.subscribe("ask", lambda topic, payload: came.append((topic, payload)))
        one.stay()
        mosquitto.kill()
        until(lambda: "nothing takes connections" in refusal(one))
        before = len(mosquitto.log)
        mosquitto.start()
        one.announce("config", b"2")  # while there is no connection
        one.stay()
        until(lambda: "ask (QoS 1)" in mosquitto.log[before:])
        other = courier(mosquitto.url, client_id="other")
        other.subscribe("state", lambda topic, payload: came.append((topic, payload)))
        other.subscribe("config", lambda topic, payload: came.append((topic, payload)))
        other.deliver(messages(b"x", topic="ask"))
        until(lambda: len(came) == 3)
        assert sorted(came) == [("ask", b"x"), ("config", b"2"), ("state", b"online")]
        one.__exit__()
        until(lambda: came[3:] == [("state", b"offline")])


def test_the_will_is_said_for_a_program_that_was_killed(tmp_path: Path, courier: Callable[..., MqttCourier]) -> None:
    code = (
        "import os, sys\nfrom actorrec.inference.sending.mqtt import MqttCourier\n"
        "from actorrec.inference.troubles import Troubles\nfrom actorrec.sections.device import MqttSection\n"
        "one = MqttCourier(MqttSection(url=sys.argv[1]), client_id='dying', troubles=Troubles(print), "
        "will=('state', b'offline'))\none.stay()\nos.kill(os.getpid(), 9)\n"
    )
    came: list[bytes] = []
    with broker(tmp_path) as mosquitto:
        other = courier(mosquitto.url)
        other.subscribe("state", lambda _topic, payload: came.append(payload))
        other.stay()
        subprocess.run([sys.executable, "-c", code, mosquitto.url], check=False, timeout=PATIENCE_S)
        until(lambda: came == [b"offline"])


def test_tls_with_a_certificate_for_each_side(
    tmp_path: Path, certificates: Certificates, courier: Callable[..., MqttCourier]
) -> None:
    cert, key = certificates.issue("actorrec-device")
    with broker(tmp_path, tls=[*certificates.lines(), "require_certificate true"]) as mosquitto:
        good = courier(mosquitto.url, ca_file=certificates.ca, cert_file=cert, key_file=key)
        assert good.deliver(messages(b"1", b"2")) == 2
        bare = courier(mosquitto.url, ca_file=certificates.ca)
        assert "mqtt.cert_file" in refusal(bare)
        assert good.deliver(messages(b"3")) == 1


def test_a_broker_that_is_not_believed(
    tmp_path: Path, certificates: Certificates, courier: Callable[..., MqttCourier]
) -> None:
    with broker(tmp_path / "1", tls=certificates.lines()) as mosquitto:
        assert "mqtt.ca_file" in refusal(courier(mosquitto.url, ca_file=certificates.stranger))
        assert "authority that is not known" in refusal(courier(mosquitto.url))
        by_number = mosquitto.url.replace("localhost", "127.0.0.1")
        assert "for another name" in refusal(courier(by_number, ca_file=certificates.ca))
        empty = tmp_path / "empty.pem"
        empty.touch()
        assert "mqtt.ca_file" in refusal(courier(mosquitto.url, ca_file=empty))
        assert "mqtt.ca_file" in refusal(courier(mosquitto.url, ca_file=tmp_path / "none.pem"))
        no_key = courier(mosquitto.url, ca_file=certificates.ca, cert_file=certificates.ca)
        assert "mqtt.cert_file" in refusal(no_key)
        plain = mosquitto.url.replace("mqtts://localhost", "mqtt://127.0.0.1")
        assert "before the broker said a word" in refusal(courier(plain))
    past = certificates.lines("localhost", not_after=datetime.now(UTC) - timedelta(days=1))
    with broker(tmp_path / "2", tls=past) as mosquitto:
        assert "has expired" in refusal(courier(mosquitto.url, ca_file=certificates.ca))
    with broker(tmp_path / "3") as mosquitto:
        encrypted = mosquitto.url.replace("mqtt://127.0.0.1", "mqtts://localhost")
        assert "is the port one with TLS" in refusal(courier(encrypted))


def test_a_password_may_be_wrong_and_be_put_right_while_the_program_runs(
    tmp_path: Path, courier: Callable[..., MqttCourier]
) -> None:
    users = password_file(tmp_path, pi=SECRET)
    word = tmp_path / "word"
    with broker(tmp_path / "b", ["allow_anonymous false", f"password_file {users}"]) as mosquitto:
        for protocol in ("auto", "3.1.1"):
            wrong = courier(mosquitto.url, username="pi", password=SECRET + "!", protocol=protocol)
            assert "mqtt.password" in refusal(wrong)
            assert "mqtt.username" in refusal(courier(mosquitto.url, protocol=protocol))
        one = courier(mosquitto.url, username="pi", password_file=word)
        assert "mqtt.password_file" in refusal(one)
        word.write_text("")
        assert "is empty" in refusal(one)
        word.write_text(SECRET + "\n")
        assert one.deliver(messages(b"{}")) == 1
        assert courier(mosquitto.url, username="pi", password=SECRET).deliver(messages(b"{}")) == 1


def test_a_topic_that_is_not_allowed_is_told_of_and_its_message_waits(
    tmp_path: Path, courier: Callable[..., MqttCourier]
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic write allowed\n")
    with broker(tmp_path / "b", [f"acl_file {rights}"]) as mosquitto:
        one = courier(mosquitto.url)
        assert one.deliver(messages(b"1", topic="allowed")) == 1
        for _ in range(5):
            assert "does not allow publishing to a/b" in refusal(one)
        mixed = [*messages(b"1", topic="allowed"), Message(2, "a/b", b"2")]
        assert one.deliver(mixed) == 1
        rights.write_text("topic write allowed\ntopic write a/b\n")
        mosquitto.reload()
        until(lambda: _works(one))


def test_a_topic_that_is_not_allowed_holds_up_no_other_one(tmp_path: Path, courier: Callable[..., MqttCourier]) -> None:
    rights = tmp_path / "rights"
    rights.write_text("user pi\ntopic write allowed\nuser eye\ntopic read #\n")
    now_s, came = 0.0, list[bytes]()
    first, after = messages(b"1"), [Message(number, "allowed", b"%d" % number) for number in range(2, 40)]
    with broker(tmp_path / "b", [f"acl_file {rights}"]) as mosquitto:
        one = courier(mosquitto.url, username="pi", clock=lambda: now_s)
        eye = courier(mosquitto.url, username="eye", client_id="eye")
        eye.subscribe("#", lambda _, payload: came.append(payload))
        eye.stay()
        until(lambda: "Sending SUBACK to eye" in mosquitto.log)
        with pytest.raises(RemoteError, match="does not allow publishing to a/b"):
            one.deliver(first)
        now_s = 599.0
        for _ in range(3):
            with pytest.raises(RemoteError, match="does not allow publishing to a/b"):
                one.deliver(first + after)
        now_s = 600.0
        with pytest.raises(MessageRefusedError, match="its access list must let this user write"):
            one.deliver(first + after)
        assert one.deliver(after) == len(after)
        until(lambda: len(came) == len(after))
        nothing = courier(mosquitto.url, username="nobody", client_id="nobody", clock=lambda: now_s)
        for _ in range(3):  # where nothing is allowed, everything waits
            now_s += 601.0
            with pytest.raises(RemoteError, match="does not allow"):
                nothing.deliver(first + after)
    assert came == [each.payload for each in after]


def _works(one: MqttCourier) -> bool:
    try:
        return one.deliver(messages(b"{}")) == 1
    except RemoteError:
        return False


def test_a_message_over_the_brokers_limit_is_refused_and_the_next_one_goes(
    tmp_path: Path, courier: Callable[..., MqttCourier]
) -> None:
    long, short = b"x" * 3000, b"{}"
    with broker(tmp_path, ["max_packet_size 2000"]) as mosquitto:
        one = courier(mosquitto.url)
        assert one.deliver(messages(short, long, short)) == 1
        with pytest.raises(MessageRefusedError, match="more than the broker takes"):
            one.deliver(messages(long, short))
        older = courier(mosquitto.url, client_id="older", **OVER_3)  # nothing tells it of the limit
        tries = 0
        with pytest.raises(MessageRefusedError, match="ends the connection"):
            while tries < 10:
                tries += 1
                with pytest.raises(RemoteError, match="was lost"):
                    older.deliver(messages(long, short, short))
        assert tries == 4
        assert older.deliver(messages(short)) == 1
        with pytest.raises(MessageRefusedError, match=r"mqtt\.max_message_bytes"):
            courier(mosquitto.url, max_message_bytes=1024).deliver(messages(b"x" * 1025))


@pytest.mark.parametrize("topic", ["", "a/#", "+", "a\0b", "x" * 70_000], ids=["none", "all", "any", "nul", "long"])
def test_what_is_no_topic_is_refused(topic: str, tmp_path: Path, courier: Callable[..., MqttCourier]) -> None:
    with broker(tmp_path) as mosquitto:
        one = courier(mosquitto.url)
        with pytest.raises(MessageRefusedError, match="no topic"):
            one.deliver(messages(b"1", topic=topic))
        assert one.deliver([*messages(b"1"), Message(2, topic, b"2")]) == 1


def test_a_broker_that_hangs_up_on_every_message_loses_none(courier: Callable[..., MqttCourier]) -> None:
    with listening(hating_messages) as port:
        one = courier(f"mqtt://127.0.0.1:{port}", **OVER_3)
        for _ in range(6):
            with pytest.raises(RemoteError, match="was lost before"):
                one.deliver(messages(b"x" * 100, b"y"))


def test_a_broker_that_does_not_know_mqtt_5(tmp_path: Path, courier: Callable[..., MqttCourier]) -> None:
    seen: list[int] = []
    with broker(tmp_path) as mosquitto, listening(old_front(mosquitto.port, seen)) as port:
        one = courier(f"mqtt://127.0.0.1:{port}")
        assert one.deliver(messages(b"1", b"2")) == 2
        strict = courier(f"mqtt://127.0.0.1:{port}", client_id="strict", protocol="5")
        assert "mqtt.protocol" in refusal(strict)
        one.__exit__()
    assert seen == [5, 4, 5]


ODD: dict[str, tuple[Conversation, str]] = {
    "silent": (silent, "said nothing for 1 s"),
    "hangs up": (hanging_up, "before the broker said a word"),
    "forgetful": (forgetful, "said nothing for 1 s"),
    "web server": (saying(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n"), "the broker"),
    "endless packet": (saying(b"\x20\xff\xff\xff\x7f" + b"\0" * 100), "before the broker said a word"),
    "overlong length": (saying(b"\x20\xff\xff\xff\xff\xff\xff"), "before the broker said a word"),
    "unknown refusal": (saying(b"\x20\x02\x00\x77"), "the broker"),
    "broken properties": (saying(b"\x20\x05\x00\x00\x02\xff\xff"), "the broker"),
}


@pytest.mark.parametrize("kind", ODD)
def test_what_is_no_broker_is_called_so_and_does_no_harm(kind: str, courier: Callable[..., MqttCourier]) -> None:
    converse, words = ODD[kind]
    with listening(converse) as port:
        protocol = "3.1.1" if kind == "forgetful" else "5"
        timeout_s = 1 if kind in ("silent", "forgetful", "web server") else PATIENCE_S
        assert words in refusal(courier(f"mqtt://127.0.0.1:{port}", timeout_s=timeout_s, protocol=protocol))


def test_a_subscription_that_is_not_allowed_is_told_of(courier: Callable[..., MqttCourier], said: list[str]) -> None:
    with listening(saying(CONNACK_3 + b"\x90\x03\x00\x01\x80")) as port:
        one = courier(f"mqtt://127.0.0.1:{port}", **OVER_3)
        one.subscribe("secret", lambda *_: None)
        one.stay()
        until(lambda: said)
    assert "is not allowed" in said[0]


def test_what_is_announced_and_not_allowed_is_told_of(
    tmp_path: Path, courier: Callable[..., MqttCourier], said: list[str]
) -> None:
    rights = tmp_path / "rights"
    rights.write_text("topic write a/b\n")
    with broker(tmp_path / "b", [f"acl_file {rights}"]) as mosquitto:
        one = courier(mosquitto.url)
        one.announce("homeassistant/device/x/config", b"{}")
        assert one.deliver(messages(b"1")) == 1
        until(lambda: said)
    assert said[0].startswith(f"{one.name}: publishing to homeassistant/device/x/config is not allowed")


def test_a_message_that_comes_in_too_long_ends_the_connection_and_no_more(
    courier: Callable[..., MqttCourier],
) -> None:
    came: list[bytes] = []
    flood = b"\x20\x02\x00\x00" + b"\x30\xff\xff\xff\x7f\x00\x01a" + b"x" * 5000
    with listening(saying(flood)) as port:
        one = courier(f"mqtt://127.0.0.1:{port}", **OVER_3)
        one.subscribe("#", lambda _topic, payload: came.append(payload))
        one.stay()
        until(lambda: not one._session or not one._session.alive)
    assert came == []


def test_nothing_there(courier: Callable[..., MqttCourier]) -> None:
    assert "nothing takes connections" in refusal(courier(f"mqtt://127.0.0.1:{free_port()}"))
    assert "name is not known" in refusal(courier("mqtt://no-such-host.invalid"))


def test_a_broker_that_says_why_it_ends_the_connection(courier: Callable[..., MqttCourier]) -> None:
    with listening(saying(b"\x20\x03\x00\x00\x00" + b"\xe0\x01\x8e")) as port:
        assert "mqtt.client_id" in refusal(courier(f"mqtt://127.0.0.1:{port}", protocol="5"))


def test_two_programs_of_one_name_are_told_so(
    tmp_path: Path, courier: Callable[..., MqttCourier], said: list[str]
) -> None:
    with broker(tmp_path) as mosquitto:
        first, second = courier(mosquitto.url), courier(mosquitto.url)
        for _ in range(3):
            assert said == []
            first.stay()
            until(lambda: second._session is None or not second._session.alive)
            second.stay()
            until(lambda: not first._session.alive)
        first.stay()
    assert len(said) == 1
    assert "mqtt.client_id actorrec-test" in said[0]


def test_a_queue_waits_for_its_broker_and_the_loop_never_does(tmp_path: Path, said: list[str]) -> None:
    troubles = Troubles(said.append)
    mosquitto = Broker(tmp_path / "b")
    one = MqttCourier(MqttSection(url=mosquitto.url, timeout_s=PATIENCE_S), client_id="actorrec-pi", troubles=troubles)
    came: list[bytes] = []
    one.subscribe("a/b", lambda _topic, payload: came.append(payload))
    try:
        with StoreAndForward(Spool(tmp_path / "s", "mqtt", SpoolSection(), troubles), one, troubles) as publisher:
            for number in range(50):
                publisher.publish("a/b", b"%d" % number)
            until(lambda: troubles.lines)
            assert publisher.health().waiting == 50
            mosquitto.start()
            until(lambda: publisher.health().waiting == 0)
            until(lambda: len(came) >= 50)
        assert came == [b"%d" % number for number in range(50)]
        assert troubles.lines == []
    finally:
        mosquitto.kill()
