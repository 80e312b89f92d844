"""Pictures round after round, while what is looked at changes."""

import threading
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from actorrec.config import Config
from actorrec.inference.event_writer import EventWriter
from actorrec.inference.picture_eye import PictureEye
from actorrec.inference.plan import LoopPlan
from actorrec.inference.publishers import FanOut
from actorrec.inference.running_bundle import RunningBundle
from actorrec.inference.station import Station
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import RunningModel, read_event
from actorrec.recognition.configured import configured_detector
from actorrec.sections import CameraSection, DetectorSection
from running_loop import blank
from tracked_scenes import Stage, stage_recogniser


@dataclass
class Sources:
    """A place that keeps what was looked at."""

    name: str = "sources"
    seen: list[str] = field(default_factory=list)

    def __enter__(self) -> "Sources":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def publish(self, topic: str, payload: bytes) -> None:
        event = read_event(payload)
        assert event.event == "detection"
        self.seen.append(Path(event.source).name)


@pytest.fixture
def sources() -> Sources:
    return Sources()


@pytest.fixture
def station(sources: Sources) -> Iterator[Station]:
    spec, model = configured_detector(DetectorSection()).spec, RunningModel(model_id="stage", bundle="ab" * 32)
    live = RunningBundle(stage_recogniser(Stage()), spec, Path("bundle.zip"), model)
    troubles = Troubles(lambda _: None)
    with FanOut([sources], troubles) as out:
        yield Station(live, EventWriter("pi-1", model), out, Config().inference, troubles)


def looked(eye: PictureEye, steps: int) -> None:
    for _ in range(steps):
        eye.step(threading.Event(), 0.0)


def test_a_round_that_is_under_way_ends_and_a_shorter_interval_goes_at_once(
    station: Station, sources: Sources, tmp_path: Path
) -> None:
    plan = LoopPlan((str(blank(tmp_path / "a.jpg")), str(blank(tmp_path / "b.jpg"))), 1000.0, 60.0, "t")
    eye = PictureEye(station, plan)
    looked(eye, 1)
    assert eye.set(replace(plan, interval_s=999.0))
    looked(eye, 9)
    assert sources.seen == ["a.jpg", "b.jpg"], "each once, and then a long pause"
    assert eye.set(replace(plan, interval_s=0.0))
    looked(eye, 2)
    assert sources.seen == ["a.jpg", "b.jpg", "a.jpg", "b.jpg"]


def test_other_pictures_are_looked_at_at_once_and_a_camera_needs_another_eye(
    station: Station, sources: Sources, tmp_path: Path
) -> None:
    plan = LoopPlan((str(blank(tmp_path / "a.jpg")),), 1000.0, 60.0, "t")
    eye = PictureEye(station, plan, rounds=2)
    looked(eye, 5)
    assert not eye.set(replace(plan, camera=CameraSection(source="0")))
    assert eye.set(replace(plan, sources=(str(blank(tmp_path / "b.jpg")),)))
    assert not eye.over
    looked(eye, 2)
    assert sources.seen == ["a.jpg", "b.jpg"]
    assert eye.over
