"""Which frames are wanted, and when a camera is tried again."""

from itertools import accumulate

import pytest

from actorrec.inference.frames.pace import Backoff, Pace


def taken(fps: float, times_s: list[float]) -> list[float]:
    """Times of the frames that are wanted."""
    pace, found, before_s = Pace(fps), [], 0.0
    for at_s in times_s:
        wanted = pace.wants_next(before_s)
        pace.came(at_s, wanted=wanted)
        found += [at_s] if wanted else []
        before_s = at_s
    return found


@pytest.mark.parametrize("camera_fps", [30.0, 25.0, 12.0, 60.0])
def test_a_fast_camera_gives_no_more_than_is_asked_for(camera_fps: float) -> None:
    found = taken(10.0, [index / camera_fps for index in range(int(camera_fps * 20))])
    assert 195 <= len(found) <= 203


@pytest.mark.parametrize("camera_fps", [10.0, 9.5, 3.0, 0.2])
def test_a_camera_that_is_no_faster_gives_every_frame(camera_fps: float) -> None:
    times_s = [index / camera_fps for index in range(100)]
    assert taken(10.0, times_s) == times_s


def test_frames_that_come_a_little_late_and_early_are_all_taken() -> None:
    late_s = [0.0, 0.03, -0.03, 0.02, -0.01]
    times_s = [1 + index / 10 + late_s[index % 5] for index in range(100)]
    assert taken(10.0, times_s) == times_s


def test_after_a_long_pause_there_is_no_rush() -> None:
    times_s = list(accumulate([0.02] * 100 + [10.0] + [0.02] * 100))
    found = [at_s for at_s in taken(10.0, times_s) if at_s > 10]
    assert 19 <= len(found) <= 23


def test_pauses_grow_to_the_longest_and_begin_anew() -> None:
    backoff = Backoff(10.0, jitter=lambda: 0.5)
    assert [backoff.next_s() for _ in range(6)] == [1, 2, 4, 8, 10, 10]
    assert backoff.spread(8.0) == 7.0
    backoff.reset()
    assert backoff.next_s() == 1
