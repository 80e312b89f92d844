"""The loop before a camera of made-up people: swaps, shadows and plans between two frames, and what ends it."""

import json
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.inference.camera_eye import CameraEye
from actorrec.inference.event_writer import EventWriter
from actorrec.inference.eye import Eye
from actorrec.inference.first_bundle import ABOUT_BUNDLE
from actorrec.inference.frames.newest import NewestFrame
from actorrec.inference.loop import InferenceLoop, Surroundings
from actorrec.inference.plan import LoopPlan
from actorrec.inference.publishers import FanOut
from actorrec.inference.running_bundle import RunningBundle
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.station import Station
from actorrec.inference.swap.arrival import Arrival
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import RunningModel
from actorrec.recognition.configured import configured_detector
from actorrec.sections import CameraSection, DetectorSection
from actorrec.sections.device import EventsSection
from actorrec.types import Frame, RecognisedFace, UInt8Image
from patience import PATIENCE_S
from tracked_scenes import Actor, Stage, stage_recogniser

OLD, NEW, OLDER = "ab" * 32, "cd" * 32, "ef" * 32
PLAN = LoopPlan((), 1.0, 1000.0, "t", camera=CameraSection(source="stage"), events=EventsSection(heartbeat_s=1000))


class Reel:
    """Frames of a stage, each as it is when it is taken; over after so many."""

    name = "stage"
    live = False

    def __init__(self, frames: Sequence[Frame]) -> None:
        self._frames = iter(frames)
        self.closed = False

    def open(self) -> None:
        pass

    def read(self, *, skip: bool = False) -> Frame | None:
        return next(self._frames, None)

    def close(self) -> None:
        self.closed = True


class EachFrame(NewestFrame):
    """Waits for its frames: with each step of the loop one comes, however slow the thread is that reads them."""

    def next(self, timeout_s: float, stop: threading.Event | None = None) -> Frame | None:
        del timeout_s
        return super().next(PATIENCE_S, stop)


class Lines:
    """A place that keeps what is published."""

    name = "lines"

    def __init__(self) -> None:
        self.topics: list[str] = []
        self.events: list[dict[str, Any]] = []
        self.failing: Exception | None = None

    def __enter__(self) -> "Lines":
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def publish(self, topic: str, payload: bytes) -> None:
        if self.failing is not None:
            raise self.failing
        self.topics.append(topic)
        self.events.append(json.loads(payload))

    def of(self, kind: str) -> list[dict[str, Any]]:
        return [event for event in self.events if event["event"] == kind]

    @property
    def names(self) -> list[list[str]]:
        """Of each detection the decided people."""
        decided = [[face["name"] for face in event["faces"] if face["decided"]] for event in self.of("detection")]
        return [[str(name) for name in each] for each in decided]


@dataclass
class Coming:
    """Arrivals: what is there at the n-th time that somebody asks."""

    at: dict[int, Arrival]
    asked: int = 0
    closed: bool = False
    in_order: bool = False

    def poll(self) -> Arrival | None:
        self.asked += 1
        return self.at.get(self.asked)

    def close(self) -> None:
        self.closed = True


@dataclass
class Scene:
    """One loop, everything around it at hand."""

    stage: Stage = field(default_factory=lambda: Stage([Actor(0, 100, 60)]))
    lines: Lines = field(default_factory=Lines)
    troubles: Troubles = field(default_factory=lambda: Troubles(lambda _: None))
    frames: int = 30
    count: int | None = None
    kept: list[list[RecognisedFace]] | None = None
    clock: Callable[[], float] = lambda: 0.0  # else events that are due by the time came on a slow machine

    def bundle(self, sha256: str, known: Sequence[int] = (0, 1, 2, 3)) -> RunningBundle:
        spec = configured_detector(DetectorSection()).spec
        model = RunningModel(model_id="stage", bundle=sha256)
        return RunningBundle(stage_recogniser(self.stage, known), spec, Path("bundle.zip"), model)

    def run(self, around: Surroundings, plan: LoopPlan = PLAN, stop: threading.Event | None = None) -> list[Any]:
        reel = [self.stage.frame(index / 10) for index in range(self.frames)]
        live = self.bundle(OLD)
        with FanOut([self.lines], self.troubles) as out:
            self.station = Station(
                live, EventWriter("pi-1", live.model), out, Config().inference, self.troubles, self._keep()
            )
            self.reel = Reel(reel)
            if around.open_eye is Surroundings().open_eye:
                around = replace(around, open_eye=self.eye)
            InferenceLoop(self.station, around, clock=self.clock).run(plan, stop or threading.Event())
        return self.lines.events

    def eye(self, station: Station, plan: LoopPlan) -> Eye:
        return CameraEye(station, plan, EachFrame(lambda: self.reel, plan.camera, self.troubles), count=self.count)

    def _keep(self) -> Callable[[str, UInt8Image, Sequence[RecognisedFace]], None] | None:
        return None if self.kept is None else lambda source, pixels, found: self.kept.append(list(found))  # type: ignore[union-attr]


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_a_swap_begins_names_and_counts_anew_and_tells_everybody(scene: Scene) -> None:
    new, said = scene.bundle(NEW, known=(1, 2, 3)), list[str]()
    coming = Coming({5: Arrival(None, OLDER, "it is damaged"), 15: Arrival(new, NEW)})
    scene.troubles.begin(ABOUT_BUNDLE, "the last good one runs")
    around = Surroundings(
        arrivals=coming,
        on_good=lambda: said.append("good"),
        on_swap=lambda live: said.append(live.model.bundle),
        ask_shadow=lambda: said.append("shadow"),
    )
    scene.run(around)
    assert scene.lines.names == [["P0"], [], ["None"]]
    refused, swapped = scene.lines.of("model")
    assert (refused["change"], refused["bundle"], refused["model"]["bundle"]) == ("refused", OLDER, OLD)
    assert (swapped["change"], swapped["model"]["bundle"]) == ("swapped", NEW)
    first, after_refusal, after_swap, last = scene.lines.of("health")
    assert after_refusal["trouble"] == ["the last good one runs", "the new bundle is refused: it is damaged"]
    assert (after_refusal["swaps"], after_refusal["swaps_refused"]) == (0, 1)
    assert (after_swap["swaps"], after_swap["swaps_refused"], after_swap["trouble"]) == (1, 1, [])
    assert (first["frames"], after_refusal["frames"], after_swap["frames"], last["frames"]) == (1, 5, 0, 15)
    assert first["started_at"] == after_refusal["started_at"] < after_swap["started_at"] == last["started_at"]
    assert (last["camera"]["captured"], last["camera"]["dropped"], last["model"]["bundle"]) == (30, 0, NEW)
    assert said == ["good", NEW, "good"], "the new one is kept once it has looked; no shadow is wanted"
    assert coming.closed
    assert scene.reel.closed


def test_a_refused_bundle_that_is_taken_back_is_no_trouble_any_more(scene: Scene) -> None:
    coming = Coming({5: Arrival(None, OLDER, "it is damaged")})

    def alive() -> None:
        coming.in_order = coming.asked >= 10

    scene.run(Surroundings(arrivals=coming, alive=alive))
    assert [event["trouble"] for event in scene.lines.of("health")] == [
        [],
        ["the new bundle is refused: it is damaged"],
        [],
    ]


def test_messages_that_were_lost_before_a_swap_are_not_the_new_bundle_s(scene: Scene) -> None:
    def on_swap(live: RunningBundle) -> None:
        scene.lines.failing = None

    scene.lines.failing = OSError(28, "No space left on device")
    scene.run(Surroundings(arrivals=Coming({15: Arrival(scene.bundle(NEW), NEW)}), on_swap=on_swap))
    assert scene.station.lost == 0
    assert scene.lines.of("health")[-1]["failures"] == 0


def test_the_shadow_of_the_bundle_before_goes_with_it_and_one_beside_the_new_one_is_asked_for(scene: Scene) -> None:
    old, new, asked = scene.bundle(OLD), scene.bundle(NEW), list[int]()
    coming = Coming({15: Arrival(new, NEW)})
    opened: list[ShadowRun] = []

    def ask() -> None:
        asked.append(coming.asked)
        opened.append(ShadowRun(new, old))

    around = Surroundings(
        arrivals=coming,
        open_shadow=lambda: ShadowRun(old, scene.bundle(OLDER)),
        ask_shadow=ask,
        opened_shadow=lambda: opened.pop() if opened and coming.asked >= 18 else None,
    )
    scene.run(around, replace(PLAN, shadow=True))
    shadows = [event["shadow"] and event["shadow"]["bundle"] for event in scene.lines.of("health")]
    assert shadows == [OLDER, None, OLD]
    assert asked == [15]
    count = scene.lines.of("health")[-1]["shadow"]
    assert count["faces"] > 0
    assert count["disagreements"] == 0


def plans(*changes: dict[str, Any]) -> Callable[[LoopPlan], LoopPlan]:
    """A plan for each time that one is asked for, the last from then on."""
    waiting: Iterator[dict[str, Any]] = iter(changes)

    def newer(plan: LoopPlan) -> LoopPlan:
        return replace(plan, **next(waiting, {}))

    return newer


def test_a_shadow_is_asked_for_when_it_is_turned_on_and_none_stays_when_it_is_turned_off(scene: Scene) -> None:
    asked: list[str] = []
    run = ShadowRun(scene.bundle(OLD), scene.bundle(OLDER))

    def ask() -> None:
        asked.append("asked")

    def opened() -> ShadowRun | None:
        if len(asked) == 1:  # too late: it is turned off already
            asked.append("opened")
            scene.troubles.begin(ABOUT_SHADOW, "it was slow to open")
            return run
        return None

    steps: list[dict[str, Any]] = [{}, {}, {"shadow": True}, {"shadow": False}, {}]
    around = Surroundings(
        plan_changed=lambda: True, newer_plan=plans(*steps), ask_shadow=ask, opened_shadow=lambda: None
    )
    late = iter([False] * 3 + [True] * 99)
    around = replace(around, opened_shadow=lambda: opened() if next(late) and not scene.station.plan.shadow else None)
    scene.frames = 10
    scene.run(around)
    assert asked == ["asked", "opened"]
    assert scene.station.shadow is None
    assert scene.lines.of("health")[-1]["trouble"] == []


def test_a_plan_that_no_eye_can_be_made_of_leaves_the_one_before(scene: Scene) -> None:
    def open_eye(station: Station, plan: LoopPlan) -> Eye:
        if plan.camera.source == "nothing":
            raise ConfigError("'nothing' is no camera")
        return scene.eye(station, plan)

    newer = plans({}, {"camera": CameraSection(source="nothing"), "topic": "u"})
    scene.run(Surroundings(open_eye=open_eye, plan_changed=lambda: True, newer_plan=newer))
    last = scene.lines.of("health")[-1]
    assert last["trouble"] == ["the changed configuration: 'nothing' is no camera; the one before goes on"]
    assert set(scene.lines.topics) == {"t", "t/health"}


def test_a_new_pace_and_a_new_heartbeat_need_no_new_eye(scene: Scene) -> None:
    eyes: list[Eye] = []

    def open_eye(station: Station, plan: LoopPlan) -> Eye:
        eyes.append(scene.eye(station, plan))
        return eyes[-1]

    tracking = PLAN.tracking.model_copy(update={"decide_looks": 50})
    changed = {"tracking": tracking, "events": EventsSection(heartbeat_s=1), "topic": "u"}
    newer = plans({}, {}, changed)
    scene.run(Surroundings(open_eye=open_eye, plan_changed=lambda: True, newer_plan=newer))
    assert len(eyes) == 1
    assert [event["reason"] for event in scene.lines.of("detection")] == ["heartbeat", "heartbeat"]
    assert scene.lines.names == [[], []], "fifty looks take longer"
    assert scene.lines.topics[-1] == "u/health"


class FailingAt:
    """An embedder or a detector that fails at some of its calls."""

    def __init__(self, inner: Any, calls: Sequence[int], error: Exception) -> None:
        self._inner, self._calls, self._error, self._count = inner, calls, error, 0
        self.detector_id = "failing"

    def detect(self, pixels: UInt8Image) -> Any:
        self._count += 1
        if self._count in self._calls:
            raise self._error
        return self._inner.detect(pixels)


@pytest.mark.parametrize("error", [RuntimeError("no memory"), OSError(5, "input/output error")], ids=["net", "disk"])
def test_a_frame_that_cannot_be_looked_at_is_counted_and_told_and_the_next_is_looked_at(
    error: Exception, scene: Scene
) -> None:
    told: list[tuple[int, list[str]]] = []
    live = scene.bundle(NEW)
    detector = FailingAt(scene.stage, (1,), error)
    live = replace(live, recogniser=replace(live.recogniser, detector=detector))
    around = Surroundings(
        arrivals=Coming({1: Arrival(live, NEW)}),
        on_good=lambda: told.append((scene.station.health.frames, scene.troubles.lines)),
        alive=lambda: told.append((scene.station.health.frames, scene.troubles.lines)),
    )
    scene.run(around)
    last = scene.lines.of("health")[-1]
    assert (last["frames"], last["unreadable"], last["failures"], last["trouble"]) == (29, 1, 1, [])
    assert [lines[0].split(":")[0] for _, lines in told if lines] == ["frames"]
    assert scene.lines.names[-1] == ["P0"]


def test_a_bundle_proves_good_by_its_first_search_that_works(scene: Scene) -> None:
    good: list[int] = []
    live = scene.bundle(NEW)
    live = replace(live, recogniser=replace(live.recogniser, detector=FailingAt(scene.stage, (1, 2, 3), ValueError())))
    arrivals = Coming({3: Arrival(live, NEW)})
    scene.run(Surroundings(arrivals=arrivals, on_good=lambda: good.append(scene.station.health.detections)))
    assert good == [1, 1], "the one before, and the new one once it has searched, however still the scene"


def test_the_last_frame_is_not_looked_at_once_the_end_is_asked_for(scene: Scene) -> None:
    stop = threading.Event()
    scene.run(Surroundings(alive=stop.set), stop=stop)
    assert [event["frames"] for event in scene.lines.of("health")] == [1, 1]


def test_who_no_longer_reads_ends_it_and_the_camera_is_let_go_of(scene: Scene) -> None:
    coming = Coming({})
    scene.lines.failing = BrokenPipeError()
    with pytest.raises(BrokenPipeError):
        scene.run(Surroundings(arrivals=coming))
    assert coming.closed
    assert scene.reel.closed


def test_a_stranger_is_kept_once_and_nobody_who_has_a_name(scene: Scene) -> None:
    known, stranger = Actor(0, 40, 60), Actor(7, 160, 60)
    scene.stage, scene.kept = Stage([known, stranger]), []
    frames: list[Frame] = []
    for index in range(60):  # who moves is looked at again and again
        stranger.x = 160 + index
        frames.append(scene.stage.frame(index / 10))
    places = iter(range(160, 999))

    def follow() -> None:
        stranger.x = next(places)

    follow()
    scene.run(Surroundings(open_eye=partial(_with, scene, frames), alive=follow))
    assert [[each.prediction.person_id for each in found] for found in scene.kept] == [[None]]
    assert np.isfinite(scene.kept[0][0].embedding).all()


def test_a_stranger_who_comes_back_is_another_one(scene: Scene) -> None:
    visitor = Actor(7, 200, 60)
    scene.stage, scene.kept, scene.frames = Stage([visitor]), [], 25
    frames = [scene.stage.frame(index / 10) for index in range(25)]
    scene.stage.actors.clear()
    empty = [scene.stage.frame(2.5 + index / 10) for index in range(40)]
    scene.stage.actors.append(visitor)
    again = [scene.stage.frame(6.5 + index / 10) for index in range(25)]
    there = iter([*[True] * 25, *[False] * 40, *[True] * 99])

    def act() -> None:
        scene.stage.actors[:] = [visitor] if next(there) else []

    scene.run(Surroundings(open_eye=partial(_with, scene, [*frames, *empty, *again]), alive=act))
    assert len(scene.kept) == 2


def _with(scene: Scene, frames: Sequence[Frame], station: Station, plan: LoopPlan) -> Eye:
    scene.reel = Reel(frames)
    return scene.eye(station, plan)


def test_a_frame_that_comes_when_the_end_was_asked_for_is_not_looked_at(scene: Scene) -> None:
    scene.frames, stop = 1, threading.Event()
    scene.run(Surroundings())
    scene.reel = Reel([scene.stage.frame(0.0)])
    before, eye = scene.station.health.frames, scene.eye(scene.station, PLAN)
    stop.set()
    eye.step(stop, 5.0)
    assert scene.station.health.frames == before == 1
    eye.close()


def test_what_goes_wrong_is_said_soon_but_not_again_and_again(scene: Scene) -> None:
    now_s, scene.frames = 0.0, 40

    def tick() -> None:
        nonlocal now_s
        now_s += 1
        if 3 <= now_s < 20:
            scene.troubles.begin("x", f"{now_s:.0f} messages wait")
        else:
            scene.troubles.end("x")

    scene.clock = lambda: now_s
    scene.run(Surroundings(alive=tick))
    said = [(event["frames"], event["trouble"]) for event in scene.lines.of("health")]
    assert [frames for frames, _ in said][:5] == [1, 6, 11, 16, 21]
    assert {frames for frames, _ in said[5:]} == {40}, "the film's end, and the loop's"
    assert [trouble for _, trouble in said][1:5] == [[f"{n} messages wait"] for n in (6, 11, 16)] + [[]]


def test_after_so_many_frames_it_is_over(scene: Scene) -> None:
    scene.count = 7
    around = Surroundings(open_eye=partial(scene.eye))
    assert scene.run(around)[-1]["frames"] == 7
