"""Messages go to their place in order, come again after failures, and hold nobody up."""

import struct
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Self

import pytest

from actorrec.errors import RemoteError
from actorrec.inference.sending.courier import Message, MessageRefusedError
from actorrec.inference.sending.spool import Spool
from actorrec.inference.sending.store_and_forward import StoreAndForward
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import SpoolSection
from patience import PATIENCE_S
from patience import eventually as until


class Recording:
    """Takes messages, or does what it is told to do first."""

    name = "a place"

    def __init__(self) -> None:
        self.taken: list[bytes] = []
        self.opened = 0
        self.tries = 0
        self.first: list[Exception] = []
        self.at_most = 100
        self.refusing: bytes | None = None
        self.gate = threading.Event()
        self.gate.set()

    def __enter__(self) -> Self:
        self.opened += 1
        return self

    def __exit__(self, *_: object) -> None:
        self.opened -= 1

    def deliver(self, messages: Sequence[Message]) -> int:
        self.tries += 1
        self.gate.wait(PATIENCE_S)
        if self.first:
            raise self.first.pop(0)
        if messages[0].payload == self.refusing:
            raise MessageRefusedError("too long")
        whole = [message.payload for message in messages[: self.at_most]]
        if self.refusing in whole:
            whole = whole[: whole.index(self.refusing)]
        self.taken += whole
        return len(whole)


class Standing(Recording):
    """Counts how often it is asked to be there."""

    stays = 0
    away = False

    def stay(self) -> None:
        self.stays += 1
        if self.away:
            raise RemoteError("away")


@pytest.fixture
def said() -> Iterator[list[str]]:
    yield []
    until(lambda: not [each for each in threading.enumerate() if each.name == f"sending to {Recording.name}"])


def forwarding(
    courier: Recording, folder: Path | None, said: list[str], clock: Callable[[], float] = time.monotonic
) -> StoreAndForward:
    troubles = Troubles(said.append)
    return StoreAndForward(Spool(folder, "place", SpoolSection(), troubles), courier, troubles, clock=clock)


def test_nothing_to_say(said: list[str]) -> None:
    courier = Recording()
    with forwarding(courier, None, said) as publisher:
        until(lambda: courier.opened)
        assert publisher.health().model_dump() == {
            "name": "a place", "waiting": 0, "dropped": 0, "refused": 0, "durable": False,
        }  # fmt: skip
    until(lambda: courier.opened == 0)  # a machine that stands still may take longer than the end waits
    assert (courier.tries, said) == (0, [])


def test_all_arrive_in_their_order_whatever_is_taken_at_once(tmp_path: Path, said: list[str]) -> None:
    courier = Recording()
    courier.at_most = 3
    with forwarding(courier, tmp_path, said) as publisher:
        for number in range(50):
            publisher.publish("t", b"%d" % number)
        until(lambda: publisher.health().waiting == 0)
    assert courier.taken == [b"%d" % number for number in range(50)]


@pytest.mark.parametrize(
    "failure", [RemoteError("gone", hint="wait"), OSError(5, "bad"), RuntimeError("odd")], ids=type
)
def test_a_failure_is_told_and_nothing_is_lost(failure: Exception, tmp_path: Path, said: list[str]) -> None:
    courier = Recording()
    courier.first = [failure]
    with forwarding(courier, tmp_path, said) as publisher:
        publisher.publish("t", b"1")
        until(lambda: courier.taken == [b"1"])
        until(lambda: len(said) == 2)
    assert said[0].startswith("a place: ")
    assert said[0].endswith("messages wait")
    assert said[1] == "a place: in order again"


def test_pauses_after_failures_grow_to_a_minute_and_begin_anew_after_a_success(said: list[str]) -> None:
    courier, pauses = Recording(), list[float]()
    courier.at_most = 1
    troubles = Troubles(said.append)
    spool = Spool(None, "place", SpoolSection(), troubles)
    courier.first = [RemoteError("gone") for _ in range(9)]
    with StoreAndForward(spool, courier, troubles, pause=pauses.append) as publisher:
        publisher.publish("t", b"1")
        until(lambda: courier.taken)
        courier.first = [RemoteError("gone")]
        publisher.publish("t", b"2")
        until(lambda: len(courier.taken) == 2)
    expected = [1, 2, 4, 8, 16, 32, 60, 60, 60, 1]
    assert len(pauses) == len(expected)
    assert all(whole / 2 <= pause_s <= whole for pause_s, whole in zip(pauses, expected, strict=True)), pauses


class CountingSpool(Spool):
    heads = 0

    def head(self, limit: int) -> list[Message]:
        self.heads += 1
        return super().head(limit)


def test_while_nothing_waits_nothing_is_done(said: list[str]) -> None:
    courier, troubles = Recording(), Troubles(said.append)
    spool = CountingSpool(None, "place", SpoolSection(), troubles)
    with StoreAndForward(spool, courier, troubles) as publisher:
        publisher.publish("t", b"1")
        until(lambda: courier.taken)
        time.sleep(0.1)
        assert spool.heads <= 3


def test_publishing_does_not_wait_for_a_place_that_stalls(tmp_path: Path, said: list[str]) -> None:
    courier = Recording()
    courier.gate.clear()
    with forwarding(courier, tmp_path, said) as publisher:
        publisher.publish("t", b"0")
        until(lambda: courier.tries == 1)
        for number in range(1, 20):
            publisher.publish("t", b"%d" % number)
        assert publisher.health().waiting == 20
        assert courier.taken == []
        courier.gate.set()
        until(lambda: len(courier.taken) == 20)


def test_a_message_that_is_refused_is_skipped_and_counted(tmp_path: Path, said: list[str]) -> None:
    courier = Recording()
    courier.refusing = b"5"
    with forwarding(courier, tmp_path, said) as publisher:
        for number in range(10):
            publisher.publish("t", b"%d" % number)
        until(lambda: publisher.health().waiting == 0)
        assert publisher.health().refused == 1
    assert courier.taken == [b"%d" % number for number in range(10) if number != 5]
    assert said[0] == "a place: a message was refused: too long"


def test_a_place_that_refuses_many_is_told_of_in_one_line(tmp_path: Path, said: list[str]) -> None:
    class Choosy(Recording):
        def deliver(self, messages: Sequence[Message]) -> int:
            if (length := len(messages[0].payload)) > 3:
                raise MessageRefusedError(f"{length} bytes are too many")
            return 1

    with forwarding(Choosy(), tmp_path, said) as publisher:
        for number in range(20):
            publisher.publish("t", b"x" * number)
        publisher.publish("t", b"")
        until(lambda: publisher.health().waiting == 0)
        assert publisher.health().refused == 16
    assert said == ["a place: a message was refused: 4 bytes are too many"]


def test_a_library_that_cannot_pack_a_number_ends_nothing(tmp_path: Path, said: list[str]) -> None:
    courier = Recording()
    courier.first = [struct.error("ushort format requires 0 <= number")]
    with forwarding(courier, tmp_path, said) as publisher:
        publisher.publish("t", b"1")
        until(lambda: publisher.health().waiting == 0)
    assert courier.taken == [b"1"]


def test_the_end_takes_along_what_it_can(tmp_path: Path, said: list[str]) -> None:
    courier = Recording()
    courier.at_most = 1
    with forwarding(courier, tmp_path, said, clock=lambda: 0.0) as publisher:  # the end has all the time it needs
        for number in range(30):
            publisher.publish("t", b"%d" % number)
    assert len(courier.taken) == 30


def test_what_is_left_at_the_end_goes_at_the_next_start(tmp_path: Path, said: list[str]) -> None:
    away, back = Recording(), Recording()
    away.first = [RemoteError("gone")] * 100
    with forwarding(away, tmp_path, said) as publisher:
        publisher.publish("t", b"1")
        publisher.publish("t", b"2")
    assert away.taken == []
    with forwarding(back, tmp_path, said) as publisher:
        until(lambda: publisher.health().waiting == 0)
    assert back.taken == [b"1", b"2"]


def test_the_end_does_not_wait_for_a_place_that_stalls(tmp_path: Path) -> None:
    courier = Recording()
    courier.gate.clear()
    with forwarding(courier, tmp_path, []) as publisher:
        publisher.publish("t", b"1")
        until(lambda: courier.tries == 1)
    assert courier.opened == 1  # it is left behind
    with forwarding(Recording(), tmp_path, []) as later:  # and does not hold the file
        assert later.health().durable
    courier.gate.set()
    until(lambda: courier.opened == 0)


def test_a_place_that_things_come_back_from_is_kept_in_touch_with(said: list[str]) -> None:
    courier = Standing()
    courier.away = True
    with forwarding(courier, None, said):
        until(lambda: courier.stays)
        until(lambda: said)
        courier.away = False
        until(lambda: len(said) == 2)
    assert said == ["a place: away; messages wait", "a place: in order again"]
