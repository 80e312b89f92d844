"""What holds at a broker follows a topic that is changed while the program runs: will, announcements, requests."""

import gc
import json
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from actorrec.cli.loop_options import LoopOptions
from actorrec.cli.loop_places import plan_by_hand
from actorrec.cli.loop_senders import LoopSenders
from actorrec.config import Config
from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.troubles import Troubles
from actorrec.sections import MqttSection
from mosquitto import Broker, broker
from patience import PATIENCE_S
from patience import eventually as until

pytest.importorskip("paho.mqtt")
OFF, ON = b"offline", b"online"


class Onlooker:
    """Hears all that is said at a broker; ``last`` of each topic."""

    def __init__(self, server: Broker) -> None:
        self.last: dict[str, bytes] = {}
        self.courier = MqttCourier(
            MqttSection(url=server.url, timeout_s=PATIENCE_S), client_id="eye", troubles=Troubles(print)
        )
        self.courier.subscribe("#", lambda topic, payload: self.last.update({topic: payload}))
        self.courier.stay()
        until(lambda: "Sending SUBACK to eye" in server.log)


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Broker]:
    with broker(tmp_path / "broker") as made:
        yield made


@pytest.fixture
def eye(server: Broker) -> Iterator[Onlooker]:
    onlooker = Onlooker(server)
    with onlooker.courier:
        yield onlooker


def test_another_will_takes_a_new_connection_and_what_was_announced_is_taken_back(
    server: Broker, eye: Onlooker
) -> None:
    came: list[bytes] = []
    with MqttCourier(
        MqttSection(url=server.url, timeout_s=PATIENCE_S), client_id="pi", troubles=Troubles(print)
    ) as courier:
        asked = {"a/ask": lambda _topic, payload: came.append(payload)}
        courier.standing.renew(("a/here", OFF), {"a/here": ON, "config": b"1"}, asked)
        courier.stay()
        until(lambda: eye.last == {"a/here": ON, "config": b"1"})
        courier.standing.renew(("a/here", OFF), {"a/here": ON, "config": b"1"}, asked)  # the same
        courier.stay()
        courier.standing.renew(("b/here", OFF), {"b/here": ON, "config": b"2"}, {"b/ask": asked["a/ask"]})
        courier.stay()
        until(lambda: eye.last == {"a/here": b"", "b/here": ON, "config": b"2"})
        assert server.log.count("as pi (") == 2
        assert "\tb/here" in server.log  # the topic of the will
        until(lambda: "b/ask (QoS 1)" in server.log)
        courier.deliver([Message(1, "a/ask", b"nobody"), Message(2, "b/ask", b"one")])
        until(lambda: came)
    until(lambda: eye.last["b/here"] == OFF)
    assert came == [b"one"]


def test_a_changed_topic_is_followed_by_all_that_was_said_to_the_broker(
    server: Broker, eye: Onlooker, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.setenv("AWS_IOT_THING_NAME", "pi")
    settings = MqttSection(url=server.url, home_assistant=True, requests=True, request_directory=tmp_path)
    options, config = LoopOptions(sources=("a.jpg",)), Config(mqtt=settings)
    senders = LoopSenders(options, config, Troubles(print))
    plan = replace(plan_by_hand(options, config), topic="old")
    announced = "homeassistant/device/actorrec-pi/config"
    with senders.publishers(plan, "a-model") as out:
        until(lambda: eye.last.get("old/availability/actorrec-pi") == ON and announced in eye.last)
        senders.follow(replace(plan, topic="new"))
        out.publish("new", b"{}")
        until(lambda: eye.last.get("new/availability/actorrec-pi") == ON)
        until(lambda: eye.last["old/availability/actorrec-pi"] == b"")
        until(lambda: json.loads(eye.last[announced])["components"]["who"]["state_topic"] == "new")
        assert json.loads(eye.last[announced])["availability_topic"] == "new/availability/actorrec-pi"
        until(lambda: "new/request (QoS 1)" in server.log)
    until(lambda: eye.last["new/availability/actorrec-pi"] == OFF)
    assert eye.last["old/availability/actorrec-pi"] == b""


@pytest.fixture
def no_collector() -> Iterator[None]:
    """It would close what was forgotten, some time."""
    gc.collect()
    gc.disable()
    yield
    gc.enable()


def open_files() -> int:
    if not (shown := Path("/proc/self/fd")).is_dir():
        pytest.skip("counts open files as Linux shows them")
    return sum(1 for _ in shown.iterdir())


@pytest.mark.usefixtures("no_collector")
def test_connections_that_have_ended_leave_nothing_open(server: Broker) -> None:
    settings = MqttSection(url=server.url, timeout_s=PATIENCE_S)
    before = open_files()
    for _ in range(3):
        with MqttCourier(settings, client_id="pi", troubles=Troubles(print)) as courier:
            courier.stay()
    until(lambda: open_files() <= before)


@pytest.mark.usefixtures("no_collector")
def test_nor_does_one_whose_end_was_not_waited_for(server: Broker, eye: Onlooker) -> None:
    before, busy, go_on = open_files(), threading.Event(), threading.Event()

    def take(_topic: str, _payload: bytes) -> None:
        busy.set()
        go_on.wait(PATIENCE_S)

    settings = MqttSection(url=server.url, timeout_s=PATIENCE_S)
    with MqttCourier(settings, client_id="pi", troubles=Troubles(print)) as courier:
        courier.subscribe("ask", take)
        courier.stay()
        until(lambda: "ask (QoS 1)" in server.log)
        eye.courier.deliver([Message(1, "ask", b"x")])
        assert busy.wait(PATIENCE_S)
    assert open_files() > before, "its thread is busy"
    go_on.set()
    until(lambda: open_files() <= before)
