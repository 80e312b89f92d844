"""What is due: times are made up, and end where they must."""

from dataclasses import replace

import numpy as np
import pytest

from actorrec.inference.tracking.naming import Answer
from actorrec.inference.tracking.schedule import FrameClock, SearchSchedule, looks_due
from actorrec.inference.tracking.tracks import Track
from actorrec.sections.device import TrackingSection
from actorrec.types import Prediction
from tracked_scenes import face_at

SETTINGS = TrackingSection()
NOTHING = np.zeros((45, 80), np.bool_)


def cells(x: int, y: int = 10) -> np.ndarray:
    found = NOTHING.copy()
    found[y : y + 4, x : x + 4] = True
    return found


def searches(schedule: SearchSchedule, seconds: float, **asked: object) -> int:
    """How often it searches in so long at 10 fps; ``asked`` may be functions of the frame's number."""
    count = 0
    for index in range(round(seconds * 10)):
        now = {name: value(index) if callable(value) else value for name, value in asked.items()}
        if now.pop("changed", False):
            schedule.changed()
        wanted = {"cells": NOTHING, "cut": False, "lost": False, "loss": False} | now
        if schedule.due(SETTINGS, index / 10, **wanted):
            schedule.done(index / 10)
            count += 1
    return count


def track(looks: int = 0, **fields: object) -> Track:
    made = Track(1, face_at(0, 0), 0, 0, 0, 0)
    for _ in range(looks):
        made.evidence.add(np.array([1, 0], np.float32), 1.0, 0.0)
    for name, value in fields.items():
        setattr(made, name, value)
    return made


DECIDED = Answer(True, Prediction("a", 1, 1, "a"), ())


def test_a_still_scene_is_searched_twice_and_then_rarely() -> None:
    assert searches(SearchSchedule(), 20, cut=lambda index: index == 0) == 2
    assert searches(SearchSchedule(), 95, cut=lambda index: index == 0) == 5


def test_a_changing_scene_is_searched_every_second() -> None:
    assert searches(SearchSchedule(), 10, changed=True) == 10


def test_where_only_settled_faces_move_it_is_searched_half_as_often() -> None:
    def search_times(frames: int, stray: int | None = None, unsettled: int | None = None) -> list[float]:
        schedule, times_s = SearchSchedule(), []
        for index in range(frames):
            schedule.changed(settled=index != unsettled)
            seen = cells(20) if index == stray else NOTHING
            if schedule.due(SETTINGS, index / 10, cells=seen, cut=index == 0, lost=False, loss=False):
                schedule.done(index / 10)
                times_s.append(index / 10)
        return times_s

    assert search_times(61) == [0, 2, 4, 6]
    assert search_times(31, unsettled=5) == [0, 1, 3]
    assert search_times(31, stray=15) == [0, 1.5]


def test_cuts_in_every_frame_are_searched_six_times_a_second() -> None:
    assert 50 <= searches(SearchSchedule(), 10, changed=True, cut=True, cells=~NOTHING) <= 60


def test_a_lost_face_is_searched_for_three_times_a_second() -> None:
    assert searches(SearchSchedule(), 3, changed=True, lost=True) == 10


def test_a_loss_or_a_cut_is_searched_in_its_own_frame_but_not_for_ever() -> None:
    for happened in ("loss", "cut"):
        schedule = SearchSchedule()
        assert searches(schedule, 0.1, changed=True) == 1
        schedule.changed()
        assert schedule.due(
            SETTINGS, 0.1, **{"cells": NOTHING, "cut": False, "lost": False, "loss": False, happened: True}
        )
    assert searches(SearchSchedule(), 30, changed=True, lost=True, loss=True) <= 30 / 0.3 + 30 / 0.6 + 3


def test_new_motion_is_searched_early_but_not_for_ever() -> None:
    schedule = SearchSchedule()
    assert searches(schedule, 0.5, changed=True) == 1
    schedule = SearchSchedule()
    early = searches(schedule, 0.6, changed=True, cells=lambda index: cells(20) if index > 2 else NOTHING)
    assert early == 2
    assert searches(SearchSchedule(), 20, changed=True, cells=lambda index: cells(37 * index % 76)) <= 31


def test_a_clock_that_lies_still_goes_on() -> None:
    clock = FrameClock()
    gone = [clock.tick(time_s) for time_s in (5.0, 5.5, 5.5, 4.0, float("nan"), float("inf"), 4.5)]
    assert gone == pytest.approx([0, 0.5, 0.04, 0.04, 0.04, 0.04, 0.5])
    assert clock.now_s == pytest.approx(sum(gone))


@pytest.mark.parametrize(
    ("face", "now_s", "due"),
    [
        (track(), 0.0, True),
        (track(looked_s=1.0), 1.1, False),
        (track(1, looked_s=1.0), 1.1, False),
        (track(1, looked_s=1.0), 1.2, True),
        (track(1, looked_s=1.0, moved=False), 1.2, False),
        (track(1, looked_s=1.0, moved=False), 1.3, True),
        (track(3, looked_s=1.0, moved=False), 9.0, False),
        (track(3, looked_s=1.0), 1.5, True),
        (track(3, looked_s=1.0, answer=DECIDED), 3.5, False),
        (track(3, looked_s=1.0, answer=DECIDED), 4.1, True),
        (track(3, looked_s=1.0, answer=DECIDED, moved=False), 99.0, False),
        (track(3, looked_s=1.0, answer=DECIDED, moved=False, unsure=True), 1.1, False),
        (track(3, looked_s=1.0, answer=DECIDED, moved=False, unsure=True), 1.2, True),
        (track(3, looked_s=1.0, answer=DECIDED, moved=False, unsure=True, found_s=1.1), 1.1, True),
        (track(9, looked_s=1.0), 2.0, False),
        (track(3, looked_s=1.0, answer=replace(DECIDED, held=True)), 1.2, True),
        (track(lost=True), 0.0, False),
    ],
    ids=lambda value: None if isinstance(value, Track) else str(value),
)
def test_when_a_face_is_looked_at(face: Track, now_s: float, due: bool) -> None:
    assert looks_due([face], SETTINGS, now_s, searched=False) == ([face] if due else [])


def test_the_decided_wait_for_a_search_if_one_comes_soon() -> None:
    face = track(3, looked_s=1.0, answer=DECIDED)
    assert looks_due([face], SETTINGS, 3.1, searched=True) == [face]


def test_a_few_at_a_time_the_doubted_first() -> None:
    crowd = [track(face=face_at(0, 0, 10 + index)) for index in range(20)]
    doubted = track(3, looked_s=5.0, unsure=True, found_s=5.1)
    alone = looks_due([*crowd, doubted], SETTINGS, 5.1, searched=False)
    assert len(alone) == 4
    assert doubted in alone
    assert crowd[-1] in alone
    assert len(looks_due(crowd, SETTINGS, 5.0, searched=True)) == 2
