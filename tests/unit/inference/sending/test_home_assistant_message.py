"""What Home Assistant reads of our events, rendered with the engine that it renders templates with."""

import json
import re
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from actorrec.inference.sending.homeassistant import (
    Announced,
    availability_topic,
    discovery_message,
)
from actorrec.manifests.events import CameraHealth, DetectionEvent, EventFace, HealthEvent, RunningModel
from actorrec.sections import MqttSection

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
MODEL = RunningModel(model_id="m-1", bundle="a" * 64)
WHAT = Announced(topic="home/faces", device="pi-1", model_id="m-1", heartbeat_s=60.0, health_s=45.5)
HOSTILE = [
    "pi 1", 'x" or true or "', "{{ states }}", "{% raw %}", "}}{{ 7*7 }}", "a\\", "ä\u2028\U0001f600", "\x00\n'\"",
    "#}",
]  # fmt: skip


def announced(what: Announced = WHAT) -> dict[str, Any]:
    found: dict[str, Any] = json.loads(discovery_message(MqttSection(), what)[1])
    return found


def rendered(key: str, event: object, *, what: Announced = WHAT, state: str = "as before") -> str:
    """What an entity makes of a message."""
    sandbox = pytest.importorskip("jinja2.sandbox")
    jinja2 = pytest.importorskip("jinja2")
    environment = sandbox.ImmutableSandboxedEnvironment(undefined=jinja2.StrictUndefined)
    template = announced(what)["components"][key]["value_template"]
    payload = event.model_dump_json() if hasattr(event, "model_dump_json") else event
    variables: dict[str, Any] = {"value": payload, "this": {"state": state}}
    with suppress(ValueError):  # as Home Assistant does
        variables["value_json"] = json.loads(payload)
    return str(environment.from_string(template).render(**variables))


def face(name: str | None, *, decided: bool = True) -> EventFace:
    return EventFace(
        box=(0, 0, 9, 9), score=1, person_id=None if name is None else f"id of {name}", name=name, confidence=0.5,
        similarity=0.5, decided=decided,
    )  # fmt: skip


def detection(*faces: EventFace, **changes: Any) -> DetectionEvent:
    values: dict[str, Any] = {"id": "1", "device": "pi-1", "at": NOW, "model": MODEL, "source": "camera 0"}
    return DetectionEvent(**(values | {"reason": "change", "faces": list(faces)} | changes))


def health(**changes: Any) -> HealthEvent:
    values: dict[str, Any] = {"id": "1", "device": "pi-1", "at": NOW, "model": MODEL, "version": "1", "started_at": NOW}
    return HealthEvent(**(values | {"frames": 3, "unreadable": 1, "failures": 0} | changes))


def test_nobody_in_view() -> None:
    assert [rendered(key, detection()) for key in ("who", "faces", "stranger")] == ["nobody", "0", "OFF"]


def test_who_is_in_view() -> None:
    event = detection(face("Ada"), face("Grace"), face("Ada"), face(None, decided=False), left_out=2)
    assert [rendered(key, event) for key in ("who", "faces", "stranger")] == ["Ada, Grace", "6", "OFF"]
    event = detection(face(None), face("Ada"))
    assert [rendered(key, event) for key in ("who", "faces", "stranger")] == ["Ada", "2", "ON"]
    event = detection(face(None, decided=False))
    assert [rendered(key, event) for key in ("who", "faces", "stranger")] == ["somebody", "1", "OFF"]


@pytest.mark.parametrize("name", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_a_name_is_text_whatever_it_holds(name: str) -> None:
    assert rendered("who", detection(face(name), face("ada"), face("Ada"))) == f"{name}, ada, Ada"


def test_a_state_is_no_longer_than_home_assistant_keeps() -> None:
    assert len(rendered("who", detection(*(face("x" * 99 + str(number)) for number in range(9))))) == 250
    assert len(rendered("trouble", health(trouble=["x" * 300]))) == 250


@pytest.mark.parametrize(
    "event",
    [
        detection(face("Ada"), reason="request", request="7"), detection(error="is no picture"),
        detection(face("Ada"), device="pi-2"), "online", "[]", "7", "null", '{"faces": 7}',
    ],
    ids=["request", "error", "another device", "text", "list", "number", "null", "no event"],
)  # fmt: skip
def test_what_says_nothing_of_who_is_in_view_changes_nothing(event: object) -> None:
    assert rendered("who", event) == "as before"
    assert rendered("faces", event) == rendered("stranger", event) == ""
    if not isinstance(event, DetectionEvent):
        assert [rendered(key, event) for key in ("problem", "fps", "frame_ms", "temperature")] == [""] * 4


def test_health() -> None:
    keys = ("problem", "trouble", "fps", "frame_ms", "temperature")
    assert [rendered(key, health()) for key in keys] == ["OFF", "none", "None", "None", "None"]
    camera = CameraHealth(source="0", connected=True, fps=9.5)
    event = health(trouble=["no broker", "no room"], camera=camera, ms_p50=41.5, temperature_c=51.0)
    assert [rendered(key, event) for key in keys] == ["ON", "no broker", "9.5", "41.5", "51.0"]


@pytest.mark.parametrize("device", HOSTILE, ids=[str(number) for number in range(len(HOSTILE))])
def test_the_devices_name_is_text_whatever_it_holds(device: str) -> None:
    what = Announced(topic="t", device=device, model_id="m", heartbeat_s=60, health_s=60)
    assert rendered("who", detection(face("Ada"), device=device), what=what) == "Ada"
    assert rendered("who", detection(face("Ada"), device="x"), what=what) == "as before"
    topic, payload = discovery_message(MqttSection(), what)
    assert json.loads(payload)["device"]["name"] == device
    assert re.fullmatch(r"homeassistant/device/[a-zA-Z0-9_-]+/config", topic)
    ids = {entity["unique_id"] for entity in json.loads(payload)["components"].values()}
    assert all(re.fullmatch(r"[a-zA-Z0-9_-]+", each) for each in ids)
    assert len(ids) == len(json.loads(payload)["components"])


def test_devices_with_names_that_look_alike_are_apart() -> None:
    names = ("a b", "a-b", "a.b", "a  b", "x" * 64, "x" * 65)
    topics = {discovery_message(MqttSection(), replace(WHAT, device=device))[0] for device in names}
    assert len(topics) == 6
    assert len({availability_topic("t", device) for device in ("a b", "a-b", "a.b")}) == 3


def test_the_announcement() -> None:
    message = announced()
    assert message["availability_topic"] == "home/faces/availability/actorrec-pi-1"
    assert (message["payload_available"], message["payload_not_available"]) == ("online", "offline")
    assert message["device"]["identifiers"] == ["actorrec-pi-1"]
    assert message["origin"]["name"] == "actorrec"
    entities = message["components"]
    assert {entity["platform"] for entity in entities.values()} == {"sensor", "binary_sensor"}
    assert {entities[key]["state_topic"] for key in ("who", "faces", "stranger")} == {"home/faces"}
    assert {entities[key]["state_topic"] for key in ("problem", "fps", "temperature")} == {"home/faces/health"}
    assert entities["who"]["expire_after"] == 150
    assert entities["fps"]["expire_after"] == 121
    assert len(discovery_message(MqttSection(), WHAT)[1]) < 6000


def test_pictures_promise_no_heartbeat_so_what_they_showed_stays() -> None:
    what = Announced(topic="t", device="pi", model_id="m", heartbeat_s=None, health_s=60)
    assert "expire_after" not in announced(what)["components"]["who"]
    assert "expire_after" in announced(what)["components"]["problem"]


def test_a_prefix_of_ones_own() -> None:
    settings = MqttSection(discovery_prefix="ha/own")
    assert discovery_message(settings, WHAT)[0] == "ha/own/device/actorrec-pi-1/config"
