"""What fails inside a look ends neither the loop nor, where it was the shadow, the look."""

import json
import os
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

from actorrec.artifacts.digest import file_sha256
from actorrec.config import Config
from actorrec.errors import ArtifactError, ModelContractError
from actorrec.inference.event_writer import EventWriter
from actorrec.inference.good_bundles import GoodBundles
from actorrec.inference.loop import InferenceLoop, Surroundings
from actorrec.inference.picture_eye import PictureEye
from actorrec.inference.plan import LoopPlan
from actorrec.inference.publishers import FanOut, StdoutPublisher
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.shadow import ShadowRun
from actorrec.inference.station import Station
from actorrec.inference.troubles import Troubles
from actorrec.types import Face, UInt8Image
from running_loop import HOPPER, Event, blank
from small_bundles import write_small_bundle


class FailingDetector:
    """Fails on every picture that is not the small blank one."""

    detector_id = "failing"

    def __init__(self, error: Exception) -> None:
        self._error = error

    def detect(self, pixels: UInt8Image) -> list[Face]:
        if pixels.shape != (48, 64, 3):
            raise self._error
        return []


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> RunningBundle:
    return run_bundle(write_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle.zip"), num_threads=1)


def failing(live: RunningBundle, error: Exception) -> RunningBundle:
    spec = live.detector.model_copy(update={"detector_id": "failing"})
    return replace(live, recogniser=replace(live.recogniser, detector=FailingDetector(error)), detector=spec)


def looked(
    live: RunningBundle, plan: LoopPlan, around: Surroundings, capsys: pytest.CaptureFixture[str]
) -> list[Event]:
    troubles = Troubles(lambda _: None)
    with FanOut([StdoutPublisher()], troubles) as out:
        station = Station(live, EventWriter("pi-1", live.model), out, Config().inference, troubles)
        around = replace(around, open_eye=partial(PictureEye, rounds=2))
        InferenceLoop(station, around).run(plan, threading.Event())
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def plan(folder: Path, *, shadow: bool = False) -> LoopPlan:
    return LoopPlan((str(HOPPER), str(blank(folder / "a.jpg"))), 0.0, 1000.0, "t", shadow=shadow)


def cv2_error() -> Exception:
    import cv2

    return cv2.error("the picture is too wide")


@pytest.mark.parametrize(
    "error", [MemoryError(), RuntimeError("x" * 9000), ModelContractError("a net", hint="a hint"), cv2_error()]
)
def test_a_picture_that_a_net_fails_on_is_an_event_and_the_next_is_looked_at(
    error: Exception, live: RunningBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    events = looked(failing(live, error), plan(tmp_path), Surroundings(), capsys)
    detections = [event for event in events if event["event"] == "detection"]
    assert [(event["error"] or "")[:23] for event in detections] == ["could not be looked at:", ""] * 2
    last = events[-1]
    assert (last["frames"], last["unreadable"], last["failures"]) == (4, 2, 2)


def test_a_shadow_that_fails_is_ended_and_told_and_the_names_go_on(
    live: RunningBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    shadow = ShadowRun(live, failing(live, RuntimeError("no memory for it")))
    events = looked(live, plan(tmp_path, shadow=True), Surroundings(open_shadow=lambda: shadow), capsys)
    assert [len(event["faces"]) for event in events if event["event"] == "detection"] == [1, 0, 1, 0]
    last = events[-1]
    assert last["shadow"] is None
    assert last["trouble"] == ["the run in the shadow ended: RuntimeError: no memory for it"]
    assert (last["unreadable"], last["failures"]) == (0, 1)


def test_health_comes_as_often_as_the_plan_says_and_a_shadow_that_is_off_is_no_trouble(
    live: RunningBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    troubles = Troubles(lambda _: None)
    source = (str(blank(tmp_path / "a.jpg")),)
    plans = [LoopPlan(source, 0.1, 0.2, "t", shadow=True), LoopPlan(source, 0.1, 0.2, "t")]
    good = GoodBundles(None, live, num_threads=1, troubles=troubles)
    with FanOut([StdoutPublisher()], troubles) as out:
        eye = partial(PictureEye, rounds=9)
        around = Surroundings(open_eye=eye, newer_plan=lambda _: plans[1], open_shadow=good.shadow)
        station = Station(live, EventWriter("pi-1", live.model), out, Config().inference, troubles)
        InferenceLoop(station, around).run(plans[0], threading.Event())
    events = [json.loads(line) for line in capsys.readouterr().out.splitlines()]
    health = [event for event in events if event["event"] == "health"]
    assert len(health) >= 4, "at the start, every 0.2 of 0.8 seconds or so, and at the end"
    assert health[0]["trouble"] == ["the run in the shadow: there is no previous bundle that is whole"]
    assert health[1]["trouble"] == []


def test_what_is_good_is_told_once_and_only_after_a_look(
    live: RunningBundle, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told: list[str] = []
    around = Surroundings(on_good=lambda: told.append("good"))
    looked(live, LoopPlan((str(tmp_path / "missing.jpg"),), 0.0, 1000.0, "t"), around, capsys)
    assert told == []
    looked(live, plan(tmp_path), around, capsys)
    assert told == ["good"]


def test_without_a_place_nothing_is_kept_and_nothing_compared(live: RunningBundle) -> None:
    troubles = Troubles(lambda _: None)
    good = GoodBundles(None, live, num_threads=1, troubles=troubles)
    good.keep()
    assert good.shadow() is None
    kept, shadow = troubles.lines
    assert "no home folder" in kept
    assert shadow == "the run in the shadow: there is no previous bundle that is whole"


class Restless(type(Path())):  # type: ignore[misc]
    """A path where another file lies after each look at it."""

    def stat(self, *, follow_symlinks: bool = True) -> os.stat_result:
        seen = super().stat(follow_symlinks=follow_symlinks)
        beside = Path(f"{self}.new")
        beside.write_bytes(Path(str(self)).read_bytes())
        beside.replace(str(self))
        return seen


def test_a_bundle_that_is_replaced_while_it_is_opened_is_opened_again(tmp_path: Path) -> None:
    """Digest and content are of one file, whatever is put there meanwhile: here, until there is nothing new."""
    path = write_small_bundle(tmp_path / "bundle.zip")
    with pytest.raises(ArtifactError, match="changed again and again"):
        run_bundle(Restless(path), num_threads=1)
    assert run_bundle(path, num_threads=1).model.bundle == file_sha256(path)


def test_a_bundle_that_is_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "bundle.zip")
    with pytest.raises(ArtifactError, match="is no regular file"):
        run_bundle(tmp_path / "bundle.zip")
