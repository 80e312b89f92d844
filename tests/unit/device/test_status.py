"""What a status file tells of the program that wrote it, or no longer writes it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.device.status import State, judge, look
from actorrec.errors import ArtifactError
from actorrec.manifests.device_status import DeviceStatus
from device_events import health_event

PATH = Path("status.json")


def status(**changed: object) -> DeviceStatus:
    values = {"pid": os.getpid(), "written_s": 1000.0, "health_every_s": 60.0, "health": health_event()}
    return DeviceStatus.model_validate(values | {"health_s": 1000.0} | changed)


@pytest.mark.parametrize(
    ("given", "now_s", "alive", "state"),
    [
        (status(), 1000, True, "running"),
        (status(), 1150, True, "running"),
        (status(), 1151, True, "stale"),
        (status(written_s=1150.0), 1151, True, "stale"),  # detections are no sign of health
        (status(health_every_s=120.0), 1151, True, "running"),
        (status(health=None, health_s=None), 1010, True, "starting"),
        (status(health=None, health_s=None), 1151, True, "stale"),
        (status(), 1001, False, "stopped"),
        (status(ended=True), 1001, True, "stopped"),
        (status(), 20, True, "stopped"),  # the machine was started anew, and another program has its number
    ],
    ids=[
        "fresh", "just in time", "too old", "detections alone", "a longer interval", "not yet", "never",
        "gone", "ended", "another boot",
    ],
)  # fmt: skip
def test_a_status_is_judged_by_its_age_and_its_process(
    given: DeviceStatus, now_s: float, alive: bool, state: State
) -> None:
    seen = judge(given, PATH, now_s, alive=alive)
    assert seen.state == state
    assert bool(seen.why) == (state in ("stale", "stopped"))
    assert seen.well == (state in ("running", "starting"))


def test_a_trouble_is_not_well() -> None:
    assert not judge(status(health=health_event(trouble=["no camera"])), PATH, 1001, alive=True).well


def test_nothing_anywhere_is_stopped(tmp_path: Path) -> None:
    seen = look([tmp_path / "a", tmp_path / "b"])
    assert (seen.state, seen.status, seen.path) == ("stopped", None, tmp_path / "a" / "status.json")


def test_one_that_runs_goes_before_one_that_ended(tmp_path: Path) -> None:
    for name, ended in (("a", True), ("b", False)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "status.json").write_text(status(ended=ended).model_dump_json())
    assert look([tmp_path / "a", tmp_path / "b"], clock=lambda: 1001).path == tmp_path / "b" / "status.json"


def test_one_that_cannot_be_read_hides_none_that_runs(tmp_path: Path) -> None:
    for name, content in (("a", "spoilt"), ("b", status().model_dump_json())):
        (tmp_path / name).mkdir()
        (tmp_path / name / "status.json").write_text(content)
    assert look([tmp_path / "a", tmp_path / "b"], clock=lambda: 1001).state == "running"
    (tmp_path / "b" / "status.json").write_text(status(ended=True).model_dump_json())
    with pytest.raises(ArtifactError):
        look([tmp_path / "a", tmp_path / "b"], clock=lambda: 1001)


def test_a_process_that_is_gone_is_found_out(tmp_path: Path) -> None:
    done = subprocess.Popen([sys.executable, "-c", ""])
    done.wait()
    (tmp_path / "status.json").write_text(status(pid=done.pid).model_dump_json())
    assert look([tmp_path], clock=lambda: 1001).state == "stopped"
    (tmp_path / "status.json").write_text(status(pid=2**31).model_dump_json())
    assert look([tmp_path], clock=lambda: 1001).state == "stopped"


@pytest.mark.parametrize("content", ["", "{}", "[" * 100_000, "x" * 3_000_000], ids=["empty", "other", "deep", "long"])
def test_what_is_no_status_is_an_error_that_names_the_file(tmp_path: Path, content: str) -> None:
    (tmp_path / "status.json").write_text(content)
    with pytest.raises(ArtifactError, match=r"status\.json"):
        look([tmp_path])


def test_a_pipe_in_its_place_does_not_hang(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "status.json")
    with pytest.raises(ArtifactError, match=r"status\.json"):
        look([tmp_path])
