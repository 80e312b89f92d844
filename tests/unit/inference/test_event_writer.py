"""Events say who speaks, of what, and never more than fits."""

import json
import socket
from pathlib import Path
from typing import Any

import pytest

from actorrec.inference.event_writer import MAX_MESSAGE_BYTES, EventWriter, device_name
from actorrec.inference.health import Health
from actorrec.inference.machine import Machine
from actorrec.inference.swap.arrival import Arrival
from actorrec.manifests.events import (
    CameraHealth,
    DetectionEvent,
    HealthEvent,
    ModelEvent,
    QueueHealth,
    RunningModel,
    ShadowCount,
)
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


def test_numbers_that_a_net_should_not_give_are_no_end() -> None:
    odd = (
        result(1)
        .faces[0]
        .model_copy(
            update={
                "box": (float("nan"), 1.0, float("inf"), 2.0),
                "score": 1.5,
                "confidence": float("nan"),
                "similarity": float("-inf"),
            }
        )
    )
    (face,) = (
        EventWriter("pi-1", MODEL).detection(result(faces=0, source="a.jpg").model_copy(update={"faces": [odd]})).faces
    )
    assert (face.box, face.score, face.confidence, face.similarity) == ((0.0, 1.0, 0.0, 2.0), 1.0, 0.0, 0.0)


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


def test_a_device_is_the_thing_or_else_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_IOT_THING_NAME", "pi-7")
    assert device_name() == "pi-7"
    monkeypatch.delenv("AWS_IOT_THING_NAME")
    assert device_name() == socket.gethostname()[:128]


def test_an_answer_names_the_request() -> None:
    writer = EventWriter("pi-1", MODEL)
    look, answer, unnamed = (writer.detection(result(), request=name) for name in (None, "r-7", ""))
    assert (look.reason, look.request) == ("look", None)
    assert (answer.reason, answer.request) == ("request", "r-7")
    assert (unnamed.reason, unnamed.request) == ("request", "")
    assert writer.detection(result(), request="r" * 500).request == "r" * 64


def test_after_a_swap_events_are_of_the_new_model() -> None:
    writer = EventWriter("pi-1", MODEL)
    newer = RunningModel(model_id="m-2", bundle="cd" * 32)
    writer.use(newer)
    assert writer.detection(result()).model == newer
    assert writer.health(Health(), lost=0, shadow=None, trouble=[]).model == newer


def test_a_bundle_that_is_refused() -> None:
    event = EventWriter("pi-1", MODEL).model_change(Arrival(None, "cd" * 32, "it is torn"))
    assert (event.change, event.bundle, event.reason, event.model) == ("refused", "cd" * 32, "it is torn", MODEL)
    assert ModelEvent.model_validate_json(event.model_dump_json()) == event


def test_a_bundle_that_nobody_could_read_for_a_long_reason() -> None:
    writer = EventWriter("pi-1", MODEL, max_bytes=MAX_MESSAGE_BYTES)
    event = writer.model_change(Arrival(None, None, "\x01" * 5000))
    assert event.bundle is None
    assert len(event.model_dump_json().encode()) <= MAX_MESSAGE_BYTES


def test_health_says_what_is_beside_the_counts(tmp_path: Path) -> None:
    zone = tmp_path / "class" / "thermal" / "thermal_zone0"
    zone.mkdir(parents=True)
    (zone / "type").write_text("cpu-thermal\n")
    (zone / "temp").write_text("61300\n")
    health = Health(swaps=2, swaps_refused=1)
    health.looked_frame({"change": 1.0, "detect": 30.0})
    camera = CameraHealth(source="rpicam", connected=True, fps=9.899999, captured=100, dropped=3)
    queue = QueueHealth(name="broker", waiting=7)
    writer = EventWriter("pi-1", MODEL, machine=Machine(tmp_path))
    event = writer.health(health, lost=0, shadow=None, trouble=[], camera=camera, queues=[queue])
    assert event.camera == camera.model_copy(update={"fps": 9.9})
    assert (event.queues, event.temperature_c) == ([queue], 61.3)
    assert (event.swaps, event.swaps_refused, event.steps["detect"].p95) == (2, 1, 30.0)
    assert HealthEvent.model_validate_json(event.model_dump_json()) == event


@pytest.mark.parametrize("letter", ["x", "ä", "\x01", '"', "😀"])
def test_the_worst_health_fits_a_message(letter: str) -> None:
    health = Health(frames=10**12, unreadable=10**12, failures=10**12, swaps=10**9, swaps_refused=10**9)
    for number in range(12):
        health.looked_frame({f"{letter}-{number:02}": 123456.789})
    many = 10**12
    camera = CameraHealth(
        source=letter * 1024, connected=True, fps=1.5, captured=many, dropped=many, unchanged=many, detections=many
    )
    queues = [QueueHealth(name=letter * 300, waiting=many, dropped=many, refused=many)] * 20
    trouble = [letter * (300 // len(letter.encode()))] * 10
    shadow = ShadowCount(bundle="cd" * 32, frames=many, faces=many, disagreements=many)
    writer = EventWriter(letter * 128, MODEL, max_bytes=MAX_MESSAGE_BYTES)
    event = writer.health(health, lost=0, shadow=shadow, trouble=trouble, camera=camera, queues=queues)
    assert len(event.model_dump_json().encode()) <= MAX_MESSAGE_BYTES
    assert event.camera is not None and event.shadow == shadow and len(event.trouble) >= 5
    assert HealthEvent.model_validate_json(event.model_dump_json()) == event


def test_an_ordinary_health_is_not_cut() -> None:
    camera = CameraHealth(source="rtsp://door/stream1", connected=False)
    queues = [QueueHealth(name="mqtts://broker.lan", waiting=3), QueueHealth(name="AWS IoT Core", waiting=0)]
    trouble = [f"{number}: " + "w" * 150 for number in range(10)]
    event = EventWriter("pi-1", MODEL, max_bytes=MAX_MESSAGE_BYTES).health(
        Health(), lost=0, shadow=None, trouble=trouble, camera=camera, queues=queues
    )
    assert (event.trouble, event.queues, event.camera) == (trouble, queues, camera)
