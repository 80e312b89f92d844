"""A second machine without Greengrass names a picture and reads the answer: over a broker, and through a nucleus."""

import json
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from actorrec.errors import RemoteError
from actorrec.inference.sending.courier import Message
from actorrec.inference.sending.mqtt import MqttCourier
from actorrec.inference.sending.requests import Requests
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import DetectionEvent, RunningModel
from actorrec.sections import MqttSection
from mosquitto import Broker, broker, broker_program, password_file
from nucleus_server import NucleusServer
from patience import PATIENCE_S, eventually
from running_loop import RunningLoop, blank
from small_bundles import write_small_bundle

TOPIC = "home/faces"
WAIT = f"{PATIENCE_S:.0f}"  # of programs that wait for a message, in seconds


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Pictures that others may name."""
    (tmp_path / "pictures" / "door").mkdir(parents=True)
    (tmp_path / "pictures" / "door" / "1.jpg").write_bytes(b"picture")
    return tmp_path / "pictures"


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Broker]:
    pytest.importorskip("paho.mqtt")
    with broker(tmp_path / "broker") as made:
        yield made


def ask(server: Broker, *payloads: str) -> None:
    """As a person types it on the other machine."""
    command = [broker_program("mosquitto_pub"), "-p", str(server.port), "-q", "1", "-t", f"{TOPIC}/request", "-m"]
    for payload in payloads:
        subprocess.run([*command, payload], check=True, timeout=PATIENCE_S)


def answer(request: str, name: str, error: str) -> DetectionEvent:
    model = RunningModel(model_id="m", bundle="a" * 64)
    return DetectionEvent(
        id=f"id of {request}", device="pi-1", at=datetime.now(UTC), model=model, reason="request", request=request,
        source=name, error=error or None,
    )  # fmt: skip


def test_a_client_of_the_local_broker_asks_and_is_answered(server: Broker, folder: Path) -> None:
    said: list[str] = []
    troubles = Troubles(said.append)
    requests = Requests(folder, troubles)
    command = [broker_program("mosquitto_sub"), "-p", str(server.port), "-t", TOPIC, "-q", "1", "-C", "2", "-W", WAIT]
    settings = MqttSection(url=server.url, timeout_s=PATIENCE_S)
    with (
        subprocess.Popen(command, stdout=subprocess.PIPE) as reader,
        MqttCourier(settings, client_id="pi-1", troubles=troubles) as courier,
    ):
        courier.subscribe(f"{TOPIC}/request", requests.take)
        courier.stay()
        eventually(lambda: server.log.count("Sending SUBACK") == 2)
        ask(server, "nonsense", '{"picture": "../1.jpg"}', '{"picture": "door/1.jpg", "request": "7"}')
        ask(server, '{"picture": "gone.jpg", "request": "8"}')
        asked: list[Any] = []
        eventually(lambda: asked.extend(requests.due()) or len(asked) == 2)
        assert asked[0].picture.path == folder / "door" / "1.jpg"
        events = [answer(each.request, each.picture.name, each.picture.error) for each in asked]
        left = [Message(number, TOPIC, event.model_dump_json().encode()) for number, event in enumerate(events)]
        while left:
            left = left[courier.deliver(left) :]
        payload, _ = reader.communicate(timeout=PATIENCE_S)
    answers = [json.loads(line) for line in payload.splitlines()]
    assert [(each["request"], each["source"], each["error"]) for each in answers] == [
        ("7", "door/1.jpg", None),
        ("8", "gone.jpg", "cannot be read: No such file or directory"),
    ]
    assert requests.refused == 2
    assert said == ["requests on home/faces/request: 1 were none, 0 gave way to newer ones"]


def test_a_flood_over_the_broker_leaves_the_newest(server: Broker, folder: Path) -> None:
    troubles = Troubles(lambda _: None)
    requests = Requests(folder, troubles, max_waiting=5)
    with MqttCourier(MqttSection(url=server.url, timeout_s=PATIENCE_S), client_id="pi-1", troubles=troubles) as courier:
        courier.subscribe(f"{TOPIC}/request", requests.take)
        courier.stay()
        eventually(lambda: "Sending SUBACK" in server.log)
        command = [broker_program("mosquitto_pub"), "-p", str(server.port), "-q", "1", "-t", f"{TOPIC}/request", "-l"]
        flood = "".join(f'{{"picture": "door/1.jpg", "request": "{number}"}}\n' for number in range(500))
        subprocess.run(command, input=flood.encode(), check=True, timeout=PATIENCE_S)
        eventually(lambda: requests.dropped >= 495)
    assert [asked.request for asked in requests.due(99)] == ["495", "496", "497", "498", "499"]


def test_what_a_bridge_relays_from_client_devices_is_taken_through_the_nucleus(
    folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("awsiot")
    from actorrec.inference.greengrass_ipc import GreengrassIpc

    requests = Requests(folder, Troubles(lambda _: None))
    with NucleusServer(tmp_path / "ipc.socket", {}) as nucleus:
        for name, value in nucleus.environment.items():
            monkeypatch.setenv(name, value)
        with GreengrassIpc(timeout_s=PATIENCE_S) as ipc:
            ipc.subscribe_to_topic(f"{TOPIC}/request", requests.take)
            nucleus.send(f"{TOPIC}/request", b'{"picture": "door/1.jpg", "request": "7"}')
            nucleus.send(f"{TOPIC}/request", b"\xff" * 5000)
            eventually(lambda: requests.refused)
        (asked,) = requests.due()
    assert (asked.request, asked.picture.path) == ("7", folder / "door" / "1.jpg")


ACCESS_LIST = """
user pi-kitchen
topic write home/faces/#
topic read home/faces/request
topic write homeassistant/device/+/config

user desk
topic read home/faces/#
topic write home/faces/request
"""


def test_an_access_list_lets_each_do_its_part_and_no_more(tmp_path: Path, folder: Path) -> None:
    """The one that docs/edge.md shows."""
    pytest.importorskip("paho.mqtt")
    words = {"pi-kitchen": "one", "desk": "two"}
    (tmp_path / "acl").write_text(ACCESS_LIST)
    lines = ["allow_anonymous false", f"password_file {password_file(tmp_path, **words)}", f"acl_file {tmp_path}/acl"]
    requests, said = Requests(folder, Troubles(lambda _: None)), list[str]()
    with broker(tmp_path / "broker", lines) as server:
        as_desk = ["-p", str(server.port), "-u", "desk", "-P", "two", "-q", "1"]
        reader = [broker_program("mosquitto_sub"), *as_desk, "-t", TOPIC, "-t", f"{TOPIC}/#", "-C", "1", "-W", WAIT]
        settings = MqttSection(url=server.url, timeout_s=PATIENCE_S, username="pi-kitchen", password=SecretStr("one"))
        with (
            subprocess.Popen([*reader, "-F", "%t"], stdout=subprocess.PIPE) as results,
            MqttCourier(settings, client_id="pi", troubles=Troubles(said.append)) as courier,
        ):
            courier.subscribe(f"{TOPIC}/request", requests.take)
            courier.announce("homeassistant/device/pi/config", b"{}")
            courier.stay()
            eventually(lambda: server.log.count("Sending SUBACK") == 2)
            assert courier.deliver([Message(1, TOPIC, b"{}")]) == 1
            assert results.communicate(timeout=PATIENCE_S)[0] == f"{TOPIC}\n".encode()
            with pytest.raises(RemoteError, match="does not allow publishing"):
                courier.deliver([Message(2, "others", b"{}")])
            asking = [broker_program("mosquitto_pub"), *as_desk, "-V", "5", "-m", '{"picture": "door/1.jpg"}', "-t"]
            for topic in (TOPIC, f"{TOPIC}/health", f"{TOPIC}/request"):
                subprocess.run([*asking, topic], check=False, capture_output=True, timeout=PATIENCE_S)
            eventually(lambda: requests.due())
        denied = [line for line in server.log.splitlines() if "Denied PUBLISH" in line]
    assert len(denied) == 3
    assert said == []


def test_a_component_answers_client_devices_and_takes_a_new_configuration_at_once(tmp_path: Path, folder: Path) -> None:
    """Though its next health event, at which it would ask by itself, is an hour away."""
    pytest.importorskip("awsiot")
    bundle = write_small_bundle(tmp_path / "bundle.zip")
    blank(folder / "door.jpg")
    blank(folder / "other.jpg", (80, 48))
    configuration = {"ImageDirectory": str(folder), "ImageName": "door.jpg", "PublishResultsOnTopic": TOPIC}
    configuration |= {"InferenceInterval": "0.1", "HealthInterval": "3600"}
    with (
        NucleusServer(tmp_path / "ipc.socket", configuration) as nucleus,
        RunningLoop(
            "--greengrass", "--bundle", bundle, cwd=tmp_path, environ=nucleus.environment | allowing(folder)
        ) as loop,
    ):
        nucleus.waited_for("", f"{TOPIC}/request")
        assert loop.detection()["width"] == 64
        nucleus.configure(ImageName="other.jpg")
        assert loop.detection(lambda event: event["width"] != 64)["width"] == 80
        nucleus.send(f"{TOPIC}/request", b'{"picture": "door.jpg", "request": "7"}')
        answered = loop.detection(lambda event: event["reason"] == "request")
        assert (answered["request"], answered["source"], answered["width"]) == ("7", "door.jpg", 64)
        eventually(lambda: answered in nucleus.events(TOPIC))
        eventually(lambda: answered in [json.loads(payload) for topic, payload in nucleus.local if topic == TOPIC])
        assert loop.stop()[0] == 0


def allowing(folder: Path) -> dict[str, str]:
    """Settings that let others name pictures of a folder."""
    return {"ACTORREC_MQTT__REQUESTS": "true", "ACTORREC_MQTT__REQUEST_DIRECTORY": str(folder)}
