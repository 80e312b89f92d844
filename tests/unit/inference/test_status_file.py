"""What the status file holds, and that it can harm nobody."""

import json
import os
import stat
from pathlib import Path

import pytest

from actorrec.inference.status_file import StatusFile, status_folder
from actorrec.manifests.device_status import DeviceStatus
from device_events import detection_event, health_event

TOPIC = "ml/tflite/image-classification"


class Clock:
    def __init__(self) -> None:
        self.now_s = 50.0

    def __call__(self) -> float:
        return self.now_s


def read(path: Path) -> DeviceStatus:
    return DeviceStatus.model_validate_json(path.read_bytes())


def dumped(event: object) -> bytes:
    return event.model_dump_json().encode()  # type: ignore[attr-defined]


def test_it_says_from_the_first_moment_to_the_last_that_the_program_is_there(tmp_path: Path) -> None:
    clock = Clock()
    with StatusFile(tmp_path / "run", health_every_s=30, clock=clock) as file:
        first = read(file.path)
        clock.now_s = 80
        file.publish(f"{TOPIC}/health", dumped(health_event(frames=7)))
        later = read(file.path)
    assert (first.pid, first.health, first.written_s, first.health_every_s) == (os.getpid(), None, 50, 30)
    assert later.health == health_event(frames=7) and later.health_s == 80 and not later.ended
    assert read(file.path).ended
    assert stat.S_IMODE(file.path.stat().st_mode) & ~0o640 == 0
    assert list(file.path.parent.iterdir()) == [file.path]


def test_of_people_it_holds_numbers_alone(tmp_path: Path) -> None:
    with StatusFile(tmp_path) as file:
        file.publish(TOPIC, dumped(detection_event("Grace Hopper", None, "Alan Turing")))
    text = file.path.read_text()
    assert "opper" not in text and "uring" not in text and "box" not in text
    last = json.loads(text)["last_detection"]
    assert (last["faces"], last["named"], last["undecided"]) == (3, 2, 0)


def test_detections_are_written_once_a_second_and_all_counted(tmp_path: Path) -> None:
    clock = Clock()
    with StatusFile(tmp_path, clock=clock) as file:
        written = []
        for clock.now_s in (50.1, 50.9, 51.0, 51.5):
            file.publish(TOPIC, dumped(detection_event(None)))
            written.append(read(file.path).detections)
    assert written == [0, 0, 3, 3]
    assert read(file.path).detections == 4


@pytest.mark.parametrize(
    ("topic", "payload"),
    [
        (f"{TOPIC}/health", b"{}"),
        (f"{TOPIC}/health", b"\xff"),
        (f"{TOPIC}/model", b'{"event":"model"}'),
        (TOPIC, b'{"event":"detection"}'),
        (TOPIC, b""),
    ],
    ids=["no health", "no text", "a model", "no detection", "nothing"],
)
def test_what_is_no_event_of_ours_changes_nothing(tmp_path: Path, topic: str, payload: bytes) -> None:
    with StatusFile(tmp_path) as file:
        file.publish(topic, payload)
        assert read(file.path).health is None and read(file.path).detections == 0


def test_a_folder_that_takes_no_files_is_told_with_the_message_and_ends_nothing(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with StatusFile(tmp_path / "file" / "below") as file, pytest.raises(OSError, match="cannot write"):
        file.publish(f"{TOPIC}/health", dumped(health_event()))


def test_a_file_that_could_not_be_written_is_not_in_order_before_it_was(tmp_path: Path) -> None:
    clock, folder = Clock(), tmp_path / "run"
    folder.touch()
    with StatusFile(folder, clock=clock) as file:
        for clock.now_s in (60.0, 60.2, 60.4):
            with pytest.raises(OSError, match="cannot write"):
                file.publish(TOPIC, dumped(detection_event(None)))
        folder.unlink()
        for clock.now_s in (61.5, 61.7):
            file.publish(TOPIC, dumped(detection_event(None)))
    assert read(file.path).detections == 5


def test_systemd_names_the_folder_else_it_is_the_users_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", "/state")
    assert status_folder({"RUNTIME_DIRECTORY": "/run/actorrec:/run/other"}) == Path("/run/actorrec")
    assert status_folder({}) == Path("/state/actorrec/device")
    assert status_folder({}, component=Path("/greengrass/v2/work/x")) == Path("/greengrass/v2/work/x")
