"""What Home Assistant would find at a real broker: the announcement, whether the device is there, and its end."""

import json
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.homeassistant import (
    OFFLINE,
    ONLINE,
    Announced,
    availability_topic,
    discovery_message,
)
from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import DetectionEvent, EventFace, RunningModel
from actorrec.sections import MqttSection
from mosquitto import Broker, broker, broker_program
from patience import PATIENCE_S, eventually

WHAT = Announced(topic="home/faces", device="pi 1", model_id="m-1", heartbeat_s=60.0, health_s=60.0)
HERE = availability_topic(WHAT.topic, WHAT.device)
DEVICE = """
import sys, time
from actorrec.inference.sending.homeassistant import *
from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.troubles import Troubles
from actorrec.sections import MqttSection

settings = MqttSection(url=sys.argv[1])
what = Announced(topic="home/faces", device="pi 1", model_id="m-1", heartbeat_s=60.0, health_s=60.0)
here = availability_topic(what.topic, what.device)
with MqttCourier(settings, client_id="pi-1", troubles=Troubles(print), will=(here, OFFLINE)) as courier:
    courier.announce(here, ONLINE)
    courier.announce(*discovery_message(settings, what))
    courier.stay()
    sys.stdin.read()
"""


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Broker]:
    pytest.importorskip("paho.mqtt")
    with broker(tmp_path / "broker") as made:
        yield made


def kept(server: Broker, topic: str, *, wait_s: float = PATIENCE_S) -> bytes | None:
    """The retained message of a topic, or the next one; None where none comes in time."""
    command = [broker_program("mosquitto_sub"), "-p", str(server.port), "-t", topic, "-N", "-C", "1"]
    done = subprocess.run([*command, "-W", f"{wait_s:.0f}"], stdout=subprocess.PIPE, check=False)
    return done.stdout if done.returncode == 0 else None


def has(server: Broker, topic: str, payload: bytes) -> None:
    """Wait until a topic holds a message."""
    eventually(lambda: kept(server, topic) == payload)


@pytest.fixture
def device(server: Broker) -> Iterator["subprocess.Popen[bytes]"]:
    process = subprocess.Popen([sys.executable, "-c", DEVICE, server.url], stdin=subprocess.PIPE)
    yield process
    process.kill()
    process.communicate(timeout=PATIENCE_S)


def test_a_device_is_announced_and_a_kill_says_that_it_is_gone(
    server: Broker, device: "subprocess.Popen[bytes]"
) -> None:
    has(server, HERE, ONLINE)
    topic, payload = discovery_message(MqttSection(), WHAT)
    has(server, topic, payload)
    device.kill()
    has(server, HERE, OFFLINE)
    assert kept(server, topic) == payload


def test_a_device_that_ends_says_so_and_can_be_taken_back(server: Broker, device: "subprocess.Popen[bytes]") -> None:
    has(server, HERE, ONLINE)
    device.communicate(timeout=PATIENCE_S)
    assert device.returncode == 0
    has(server, HERE, OFFLINE)
    topic, _ = discovery_message(MqttSection(), WHAT)
    assert kept(server, topic)
    with MqttCourier(MqttSection(url=server.url), client_id="pi-1", troubles=Troubles(print)) as courier:
        courier.announce(topic, b"")
        courier.stay()
        eventually(lambda: kept(server, topic, wait_s=1) is None)


def test_the_entities_read_what_comes_over_the_broker(server: Broker) -> None:
    sandbox = pytest.importorskip("jinja2.sandbox")
    entities: dict[str, Any] = json.loads(discovery_message(MqttSection(), WHAT)[1])["components"]
    name = '{{ 7 * 7 }} "Ada", {% raw %}'
    face = EventFace(box=(0, 0, 9, 9), score=1, person_id="p", name=name, confidence=0.97, similarity=0.5)
    model = RunningModel(model_id="m", bundle="a" * 64)
    event = DetectionEvent(id="1", device="pi 1", at=datetime.now(UTC), model=model, source="camera 0", faces=[face])
    command = [
        broker_program("mosquitto_sub"),
        "-p",
        str(server.port),
        "-t",
        WHAT.topic,
        "-C",
        "1",
        "-W",
        f"{PATIENCE_S:.0f}",
        "-N",
    ]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as reader:
        eventually(lambda: "Sending SUBACK" in server.log)
        with MqttCourier(MqttSection(url=server.url), client_id="pi-1", troubles=Troubles(print)) as courier:
            assert courier.deliver([Message(1, WHAT.topic, event.model_dump_json().encode())]) == 1
        payload, _ = reader.communicate(timeout=PATIENCE_S)
    template = sandbox.ImmutableSandboxedEnvironment().from_string(entities["who"]["value_template"])
    assert template.render(value_json=json.loads(payload), this={"state": "before"}) == name
