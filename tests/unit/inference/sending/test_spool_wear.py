"""A card is written to seldom, and what has arrived is told to it late: never too early."""

import shutil
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final

import pytest

from actorrec.inference.sending.spool import Spool
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import SpoolSection

_FRAME_BYTES: Final = 24 + 4096
BOUNDS: Final = SpoolSection(max_messages=1000, max_bytes=2**24)


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    with Spool(tmp_path / "spool", "mqtt", BOUNDS, Troubles(print)) as made:
        yield made


@pytest.fixture
def after_a_kill(tmp_path: Path) -> Callable[[], list[bytes]]:
    """What another program would find if this one were killed now."""

    def look() -> list[bytes]:
        copy = tmp_path / "copy"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tmp_path / "spool", copy)
        with Spool(copy, "mqtt", BOUNDS, Troubles(print)) as found:
            return [each.payload for each in found.head(1000)]

    return look


def test_a_message_that_comes_and_goes_is_one_page_of_the_log(spool: Spool, tmp_path: Path) -> None:
    log = tmp_path / "spool" / "mqtt.sqlite3-wal"
    before = log.stat().st_size
    for number in range(60):
        spool.add("t", b"%d" % number * 300)
        spool.done(spool.head(100)[-1].number)
        assert (spool.head(100), spool.health("x").waiting) == ([], 0)
    assert (log.stat().st_size - before) / _FRAME_BYTES <= 70


def test_what_has_arrived_is_told_with_the_next_message_and_comes_again_after_a_kill_before(
    spool: Spool, after_a_kill: Callable[[], list[bytes]]
) -> None:
    for payload in (b"1", b"2", b"3"):
        spool.add("t", payload)
    first = spool.head(2)
    spool.done(first[1].number)
    assert [each.payload for each in spool.head(9)] == [b"3"]
    assert spool.health("x").waiting == 1
    assert after_a_kill() == [b"1", b"2", b"3"]
    spool.add("t", b"4")
    assert after_a_kill() == [b"3", b"4"]
    assert spool.health("x").waiting == 2


def test_of_many_that_have_arrived_the_disk_is_told_without_another_message(
    spool: Spool, after_a_kill: Callable[[], list[bytes]]
) -> None:
    for number in range(150):
        spool.add("t", b"%d" % number)
    spool.done(spool.head(99)[-1].number)
    assert len(after_a_kill()) == 150
    spool.done(spool.head(1)[-1].number)
    assert after_a_kill() == [b"%d" % number for number in range(100, 150)]


def test_an_end_that_is_asked_for_leaves_nothing_to_come_twice(tmp_path: Path) -> None:
    for run in (1, 2):
        with Spool(tmp_path, "mqtt", BOUNDS, Troubles(print)) as spool:
            assert (spool.head(9), spool.health("x").waiting) == ([], 0)
            spool.add("t", b"1")
            (only,) = spool.head(9)
            assert only.number == run
            spool.done(only.number)
