"""Events of programs that know more than this one."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from pydantic import ValidationError

from actorrec.manifests.events import (
    Considered,
    DetectionEvent,
    EventFace,
    HealthEvent,
    ModelEvent,
    RunningModel,
    read_event,
)

NOW = datetime(2026, 11, 23, 8, tzinfo=UTC)
COMMON: dict[str, Any] = {"id": "1", "device": "pi-1", "at": NOW, "model": RunningModel(model_id="m", bundle="a" * 64)}
FACES = [
    EventFace(box=(0, 0, 1, 1), score=1, person_id="a", name="Ada", confidence=1, similarity=1),
    EventFace(
        box=(0, 0, 1, 1), score=1, person_id=None, name=None, confidence=0.5, similarity=0.5, decided=False, track=3,
        considered=[Considered(person_id="a", name="Ada", confidence=0.5)],
    ),
]  # fmt: skip
DETECTION = DetectionEvent(**COMMON, source="camera 0", faces=FACES)
HEALTH = HealthEvent(**COMMON, version="1", started_at=NOW, frames=1, unreadable=0, failures=0)
MODEL = ModelEvent(**COMMON, change="refused", bundle=None, reason="no room")


@pytest.mark.parametrize("event", [DETECTION, HEALTH, MODEL], ids=lambda event: event.event)
def test_what_a_later_program_adds_is_left_alone(event: DetectionEvent | HealthEvent | ModelEvent) -> None:
    assert read_event(event.model_dump_json().encode()) == event
    body = event.model_dump(mode="json") | {"mood": {"a": [1, {}]}, "0": 1}
    body["model"] |= {"size": 4}
    for face in body.get("faces", []):
        face |= {"smile": True}
        for each in face.get("considered", []):
            each |= {"rank": 1}
    assert read_event(json.dumps(body).encode()) == event


BAD = [
    {"schema_version": 2, "mood": 1}, {"event": "weather"}, {"event": None}, {"faces": [{"mood": 1}]}, {"id": ""},
    {"faces": [FACES[0].model_dump(mode="json") | {"decided": False, "mood": 1}]},
]  # fmt: skip
BAD_BYTES = [b"", b"online", b"[]", b"{", b"null", b"\xff", b"[" * 9000, b'{"a":' * 9000]


@pytest.mark.parametrize("number", range(len(BAD)))
def test_what_is_no_event_is_refused(number: int) -> None:
    with pytest.raises(ValidationError):
        read_event(json.dumps(DETECTION.model_dump(mode="json") | BAD[number]).encode())


@pytest.mark.parametrize("number", range(len(BAD_BYTES)))
def test_bytes_that_are_no_event_are_refused(number: int) -> None:
    with pytest.raises(ValidationError):
        read_event(BAD_BYTES[number])
