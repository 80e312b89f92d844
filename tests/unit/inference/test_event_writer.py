"""Events say who speaks, of what, and never more than fits."""

import json
import socket
from typing import Any

import pytest

from actorrec.inference.event_writer import MAX_MESSAGE_BYTES, EventWriter, device_name
from actorrec.inference.health import Health
from actorrec.manifests.events import DetectionEvent, HealthEvent, RunningModel, ShadowCount
from actorrec.manifests.results import FaceResult, PictureResult, Timings

MODEL = RunningModel(model_id="m-1", bundle="ab" * 32)


def result(faces: int = 0, named: int = 0, **changes: Any) -> PictureResult:
    found = [
        FaceResult(
            box=(1.25, 2.5, 300.75, 400.0),
            score=round(1 - index / 1000, 4),
            landmarks=((1.0, 2.0),) * 5,
            person_id=f"Q{index}" if index >= faces - named else None,
            name=f"Näme {index}" if index >= faces - named else None,
            similarity=0.1234,
            confidence=0.5,
            runner_up="Q9",
        )
        for index in range(faces)
    ]
    whole = PictureResult(
        source="a.jpg", width=640, height=360, model_id="m-1", error=None, faces=found, timings_ms=Timings()
    )
    return whole.model_copy(update=changes)


def test_a_picture_without_faces() -> None:
    event = EventWriter("pi-1", MODEL).detection(result())
    written = json.loads(event.model_dump_json())
    assert (written["event"], written["schema_version"], written["faces"], written["left_out"]) == (
        "detection",
        1,
        [],
        0,
    )
    assert (written["device"], written["model"]) == ("pi-1", {"model_id": "m-1", "bundle": "ab" * 32})
    assert written["at"].endswith("Z")
    assert DetectionEvent.model_validate_json(event.model_dump_json()) == event


def test_ids_are_never_the_same() -> None:
    writer = EventWriter("pi-1", MODEL)
    assert len({writer.detection(result()).id for _ in range(100)}) == 100


def test_nothing_of_a_face_travels_but_box_name_and_numbers() -> None:
    (face,) = json.loads(EventWriter("pi-1", MODEL).detection(result(1, 1)).model_dump_json())["faces"]
    assert set(face) == {"box", "score", "person_id", "name", "confidence", "similarity", "decided"}
    assert face["name"] == "Näme 0"


def test_a_crowd_fits_the_message_and_those_with_names_stay() -> None:
    event = EventWriter("pi-1", MODEL, max_bytes=MAX_MESSAGE_BYTES).detection(result(200, 5))
    assert len(event.model_dump_json().encode()) <= MAX_MESSAGE_BYTES
    assert event.left_out == 200 - len(event.faces)
    assert event.left_out > 100
    named = [face for face in event.faces if face.person_id is not None]
    others = [face.score for face in event.faces if face.person_id is None]
    assert len(named) == 5
    assert min(others) > 1 - len(others) / 1000, "the most certain of the others stay"


def test_without_a_bound_nobody_is_left_out() -> None:
    assert len(EventWriter("pi-1", MODEL).detection(result(200)).faces) == 200


def test_long_names_of_files_and_long_errors_are_cut() -> None:
    event = EventWriter("pi-1", MODEL).detection(result(source="/x" * 2000 + "/end.jpg", error="e" * 5000))
    assert len(event.source) == 1024
    assert event.source.endswith("/end.jpg")
    assert len(event.error or "") == 1000


def test_health_says_what_was_counted() -> None:
    health = Health()
    assert (health.percentile_ms(50), health.percentile_ms(95)) == (None, None)
    for ms in range(1, 21):
        health.looked(Timings(decode=ms / 2, detect=ms / 2))
    health.could_not_read()
    health.failures += 2
    shadow = ShadowCount(bundle="cd" * 32, frames=20, faces=7, disagreements=1)
    event = EventWriter("pi-1", MODEL).health(health, lost=3, shadow=shadow, trouble=["the disk is full"])
    assert (event.frames, event.unreadable, event.failures) == (21, 1, 5)
    assert (event.ms_p50, event.ms_p95) == (10.0, 19.0)  # nearest rank of 1 … 20
    assert event.memory_bytes is None or event.memory_bytes > 1 << 20
    assert (event.shadow, event.trouble) == (shadow, ["the disk is full"])
    assert event.started_at <= event.at
    assert HealthEvent.model_validate_json(event.model_dump_json()) == event


def test_only_the_last_pictures_count_for_the_times() -> None:
    health = Health()
    for _ in range(10_000):
        health.looked(Timings(decode=9.0))
    for _ in range(600):
        health.looked(Timings(decode=1.0))
    assert (health.frames, health.percentile_ms(95), len(health.last_ms)) == (10_600, 1.0, 512)


def test_a_device_is_the_thing_or_else_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_IOT_THING_NAME", "pi-7")
    assert device_name() == "pi-7"
    monkeypatch.delenv("AWS_IOT_THING_NAME")
    assert device_name() == socket.gethostname()[:128]
