"""The place of one frame."""

import threading

import numpy as np

from actorrec.inference.frames.slot import Slot
from actorrec.types import Frame
from patience import PATIENCE_S


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def frame(index: int) -> Frame:
    return Frame(np.zeros((2, 3, 3), np.uint8), "x", index, float(index))


def test_nothing_there_is_none() -> None:
    slot = Slot(Clock())
    assert slot.take(0) is None
    assert not slot.over
    assert slot.health("x").fps is None


def test_the_newest_replaces_the_one_before_and_that_is_counted() -> None:
    slot = Slot(Clock())
    slot.give_turn("a")
    for index in range(3):
        slot.came("a", frame(index))
    slot.came("a", None)
    taken = slot.take(0)
    assert taken is not None and taken.index == 2
    assert slot.take(0) is None
    health = slot.health("x")
    assert (health.captured, health.dropped) == (4, 2)


def test_only_the_one_whose_turn_it_is_puts() -> None:
    slot = Slot(Clock())
    slot.give_turn("a")
    slot.give_turn("b")
    slot.came("a", frame(0))
    slot.end("a")
    assert not slot.opened("a")
    assert slot.take(0) is None and not slot.over
    assert slot.health("x").captured == 0


def test_over_once_the_last_frame_was_taken() -> None:
    slot = Slot(Clock())
    slot.give_turn("a")
    slot.came("a", frame(0))
    slot.end("a")
    assert not slot.over
    assert slot.take(0) is not None
    assert slot.over


def test_frames_a_second_of_the_last_ones_alone() -> None:
    clock = Clock()
    slot = Slot(clock)
    slot.give_turn("a")
    for index in range(11):
        clock.now_s = index / 5
        slot.came("a", frame(index))
        slot.take(0)
    assert slot.health("x").fps == 5.0
    clock.now_s = 100
    assert slot.health("x").fps is None


def test_opened_again_is_a_reconnect() -> None:
    slot = Slot(Clock())
    slot.give_turn("a")
    assert slot.opened("a") and slot.health("x").connected
    slot.lost("a")
    assert not slot.health("x").connected
    assert slot.opened("a")
    assert slot.health("x").reconnects == 1


def test_whoever_waits_goes_on_when_it_is_shut() -> None:
    slot = Slot(Clock())
    slot.give_turn("a")
    slot.came("a", frame(0))
    found: list[bool] = []
    threads = [
        threading.Thread(target=lambda: found.append(slot.wait_empty("a"))),
        threading.Thread(target=lambda: found.append(slot.pause("a", 60))),
    ]
    for thread in threads:
        thread.start()
    slot.shut()
    for thread in threads:
        thread.join(PATIENCE_S)
    assert found == [False, False]
    assert slot.take(60) is None


def test_a_turn_that_is_given_on_is_not_connected_until_its_source_is_open() -> None:
    slot, one, two = Slot(Clock()), object(), object()
    slot.give_turn(one)
    assert slot.opened(one)
    assert slot.health("x").connected
    slot.give_turn(two)
    assert not slot.health("x").connected
    assert not slot.opened(one)
    assert slot.opened(two)
    assert slot.health("x").connected
