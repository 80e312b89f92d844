"""When an event is due: times are passed in, so every number is worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.inference.reporting import BURST, Reporter
from actorrec.inference.tracking.sighting import Sighting, TrackedFace
from actorrec.sections.device import EventsSection
from actorrec.types import BoundingBox, Face, Landmarks, Prediction

UNDECIDED = "?"


def sighting(*who: str | None, first: int = 1, x: float = 0.0, side: float = 9.0, lost: bool = False) -> Sighting:
    """Faces of these people, numbered from ``first``; None is a stranger, ``?`` a face that is not decided."""
    face = Face(BoundingBox(x, 0, x + side, side), Landmarks(np.zeros((5, 2), np.float32)), 1.0)
    tracks = [
        TrackedFace(
            number,
            face,
            person != UNDECIDED,
            Prediction(None if person == UNDECIDED else person, 0.9, 0.9, "A"),
            (),
            0.0,
            0.0,
            3,
        )
        for number, person in enumerate(who, first)
    ]
    return Sighting((), lost=tuple(tracks)) if lost else Sighting(tuple(tracks))


def play(reporter: Reporter, *steps: tuple[float, Sighting]) -> list[tuple[float, str]]:
    """The events of these looks, with their times."""
    said = [(now_s, reporter.due(seen, now_s)) for now_s, seen in steps]
    return [(now_s, why) for now_s, why in said if why is not None]


def test_a_person_who_comes_and_stays_is_said_once_and_so_is_leaving() -> None:
    steps = [(tick / 10, sighting(*(["A"] if 5 <= tick < 15 else []))) for tick in range(30)]
    assert play(Reporter(EventsSection()), *steps) == [(0.3, "heartbeat"), (0.8, "change"), (1.8, "change")]


def test_that_nobody_is_there_at_first_is_said_once() -> None:
    """Whoever listens may know another state, of the program that ran before."""
    nobody = [(tick / 10, sighting()) for tick in range(100)]
    assert play(Reporter(EventsSection()), *nobody) == [(0.3, "heartbeat")]
    undecided = [(tick / 10, sighting(UNDECIDED)) for tick in range(5)]
    then = [(0.5 + tick / 10, sighting()) for tick in range(100)]
    assert play(Reporter(EventsSection()), *undecided, *then) == [(0.5, "heartbeat")]


def test_of_faces_that_are_not_decided_nothing_is_said_but_at_first() -> None:
    steps = [(tick / 10, sighting(UNDECIDED)) for tick in range(100)]
    assert play(Reporter(EventsSection()), *steps) == [(2.0, "heartbeat")]


@pytest.mark.parametrize("other", [("A", None), ("B",), (None,)], ids=["one-more-stranger", "another", "a-stranger"])
def test_each_kind_of_change_counts(other: tuple[str | None, ...]) -> None:
    steps = [(float(tick), sighting("A") if tick < 3 else sighting(*other)) for tick in range(6)]
    assert play(Reporter(EventsSection()), *steps) == [(1.0, "change"), (4.0, "change")]


def test_a_heartbeat_comes_when_nothing_was_said_for_its_time() -> None:
    steps = [(float(second), sighting(*(["A"] if second >= 5 else []))) for second in range(30)]
    events = play(Reporter(EventsSection(heartbeat_s=10)), *steps)
    assert events == [(1.0, "heartbeat"), (6.0, "change"), (16.0, "heartbeat"), (26.0, "heartbeat")]


def test_a_face_that_flickers_is_not_said_and_holds_back_nobody_else() -> None:
    steps = [(tick / 8, sighting(*(["A"] if tick % 2 else []), *(["B"] if tick >= 16 else []))) for tick in range(60)]
    # What is said of B happens to show A, too, who is not there an eighth of a second later.
    assert play(Reporter(EventsSection()), *steps) == [(0.5, "heartbeat"), (2.375, "change"), (2.5, "change")]


def test_a_face_that_is_lost_is_still_there() -> None:
    there = [(tick / 8, sighting("A")) for tick in range(8)]
    away = [(1 + tick / 8, sighting("A", lost=True)) for tick in range(16)]
    back = [(3 + tick / 8, sighting("A")) for tick in range(8)]
    gone = [(3 + tick / 8, sighting()) for tick in range(8)]
    assert play(Reporter(EventsSection()), *there, *away, *back) == [(0.375, "change")]
    assert play(Reporter(EventsSection()), *there, *away, *gone) == [(0.375, "change"), (3.375, "change")]


def test_what_was_left_out_while_a_face_was_lost_is_put_right() -> None:
    there = [(tick / 10, sighting("A")) for tick in range(10)]
    away = [(1 + tick / 10, sighting("A", lost=True)) for tick in range(5)]
    back = [(1.5 + tick / 10, sighting("A")) for tick in range(10)]
    said = play(Reporter(EventsSection(heartbeat_s=1)), *there, *away, *back)
    assert said == [(0.3, "change"), (1.3, "heartbeat"), (1.5, "change")]


@pytest.mark.parametrize("who", ["A", None], ids=["a-person", "a-stranger"])
def test_one_in_whose_place_another_face_stands_has_gone_at_once(who: str | None) -> None:
    there = [(tick / 10, sighting(who)) for tick in range(10)]
    larger = sighting(UNDECIDED, first=2, side=30)  # nearer to the camera: they overlap by 0.09 of both
    for other, when in ((sighting(UNDECIDED, first=2), 1.0), (larger, 1.0), (sighting(UNDECIDED), 1.3)):
        steps = [*there, *((1 + tick / 10, other) for tick in range(10))]
        assert play(Reporter(EventsSection()), *steps) == [(0.3, "change"), (when, "change")]
    elsewhere = sighting(UNDECIDED, first=2, x=50)
    steps = [*there, *((1 + tick / 10, elsewhere) for tick in range(10))]
    assert play(Reporter(EventsSection()), *steps) == [(0.3, "change"), (1.3, "change")]


def test_changes_wait_for_the_rate_and_the_newest_state_is_said() -> None:
    """One in two seconds, three at once."""
    steps = [(tick / 8, sighting("ABCDE"[min(tick // 4, 4)])) for tick in range(60)]
    # Said at 0.375 (3 − 1 are left), 0.875 (2.25 − 1) and 1.375 (1.5 − 1); the missing half is there a second later.
    assert [when for when, _ in play(Reporter(EventsSection(max_per_s=0.5)), *steps)] == [0.375, 0.875, 1.375, 2.375]


def test_a_change_that_undid_itself_while_it_waited_is_not_said() -> None:
    reporter = Reporter(EventsSection(max_per_s=0.1))
    steps = [(tick / 8, sighting("ABC"[tick // 4])) for tick in range(12)]
    assert len(play(reporter, *steps)) == 3
    away = [(1.5 + tick / 8, sighting("D")) for tick in range(10)]
    back = [(2.75 + tick, sighting("C")) for tick in range(30)]
    assert play(reporter, *away, *back) == []


def test_a_clock_that_stands_says_no_more_than_the_burst() -> None:
    reporter = Reporter(EventsSection(heartbeat_s=1))
    assert play(reporter, *[(5.0, sighting("AB"[tick % 2])) for tick in range(100)]) == []


def test_a_clock_that_jumps_back_delays_a_change_by_no_more_than_a_wait() -> None:
    reporter = Reporter(EventsSection())
    play(reporter, (1e6, sighting()), (1e6 + 0.1, sighting("A")))
    steps = [(tick / 10, sighting("A")) for tick in range(10)]
    assert play(reporter, *steps) == [(0.3, "change")]


@pytest.mark.parametrize("time_s", [float("nan"), float("inf"), float("-inf")], ids=str)
def test_a_time_that_is_no_number_stops_nothing(time_s: float) -> None:
    steps = [(time_s, sighting("A")), (0.0, sighting("A")), (time_s, sighting("A")), (0.5, sighting("A"))]
    assert play(Reporter(EventsSection()), *steps) == [(0.5, "change")]


def test_a_clock_that_jumps_back_does_not_stop_the_heartbeat() -> None:
    reporter = Reporter(EventsSection(heartbeat_s=10))
    play(reporter, (1e6, sighting()))
    assert play(reporter, *[(float(second), sighting()) for second in range(12)]) == [
        (1.0, "heartbeat"),
        (11.0, "heartbeat"),
    ]


PEOPLE = st.lists(st.sampled_from(["A", "B", None, UNDECIDED]), max_size=3)


@settings(deadline=None)
@given(st.lists(st.tuples(st.floats(0, 5), PEOPLE), max_size=60), st.sampled_from([0.5, 2.0, 10.0]))
def test_the_rate_holds_and_what_stands_is_said(looks: list[tuple[float, list[str | None]]], max_per_s: float) -> None:
    reporter = Reporter(EventsSection(max_per_s=max_per_s))
    now_s, said = 0.0, 0
    for wait_s, who in looks:
        now_s += wait_s
        said += reporter.due(sighting(*who), now_s) is not None
        assert said <= BURST + now_s * max_per_s + 1e-6
    # Whatever was before: a state that stands is known within the wait for a token and the time to settle.
    last = [reporter.due(sighting("A"), now_s + tick / 10) for tick in range(40)]
    after = [reporter.due(sighting("A"), now_s + 4 + tick / 10) for tick in range(40)]
    assert "change" not in after
    away = [reporter.due(sighting("B"), now_s + 8 + tick / 10) for tick in range(40)]
    assert away.count("change") == 1, last
