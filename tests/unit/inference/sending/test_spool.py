"""What the spool took stays until it is done, bounded, through restarts and disks that do not work."""

import os
import shutil
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from actorrec.inference.sending.memory_queue import FIRST_NUMBER
from actorrec.inference.sending.spool import Spool
from actorrec.inference.sending.spool_file import SpoolFile
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import SpoolSection
from patience import PATIENCE_S

BOUNDS = SpoolSection()


class Clock:
    """Seconds that a test lets pass."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def said() -> list[str]:
    return []


@pytest.fixture
def troubles(said: list[str]) -> Troubles:
    return Troubles(said.append)


@pytest.fixture
def clock() -> Clock:
    return Clock()


def payloads(spool: Spool, limit: int = 1000) -> list[bytes]:
    return [message.payload for message in spool.head(limit)]


def figures(spool: Spool) -> tuple[int, int, int, bool]:
    health = spool.health("x")
    return health.waiting, health.dropped, health.refused, health.durable


def test_nothing_waits_in_a_new_one(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path / "new" / "folder", "mqtt", BOUNDS, troubles) as spool:
        assert spool.head(10) == []
        spool.done(5)
        spool.refuse(7)
        assert figures(spool) == (0, 0, 0, True)
    assert stat.S_IMODE((tmp_path / "new" / "folder").stat().st_mode) == 0o700


def test_the_order_holds_and_numbers_are_never_used_twice(tmp_path: Path, troubles: Troubles, said: list[str]) -> None:
    seen: list[int] = []
    for run in range(3):
        with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
            for number in range(10):
                spool.add(f"t/{number}", b"%d-%d" % (run, number))
            found = spool.head(100)
            assert [(each.topic, each.payload) for each in found] == [
                (f"t/{number}", b"%d-%d" % (run, number)) for number in range(10)
            ]
            seen += [each.number for each in found]
            spool.done(found[-1].number)
            assert spool.head(1) == []
    assert seen == sorted(set(seen))
    assert said == []


def test_a_part_is_done_one_is_refused_and_counts_outlive_the_program(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        for number in range(10):
            spool.add("t", b"%d" % number)
        found = spool.head(4)
        assert len(found) == 4
        spool.done(found[2].number)
        spool.refuse(found[3].number)
        assert figures(spool) == (6, 0, 1, True)
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        assert payloads(spool) == [b"%d" % number for number in range(4, 10)]
        assert figures(spool) == (6, 0, 1, True)
    assert list(tmp_path.iterdir()) == [tmp_path / "mqtt.sqlite3"]
    assert stat.S_IMODE((tmp_path / "mqtt.sqlite3").stat().st_mode) == 0o600


def test_the_oldest_give_way_to_more_messages(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", SpoolSection(max_messages=10), troubles) as spool:
        for number in range(25):
            spool.add("t", b"%d" % number)
        assert payloads(spool) == [b"%d" % number for number in range(15, 25)]
        assert figures(spool) == (10, 15, 0, True)
    with Spool(tmp_path, "mqtt", SpoolSection(max_messages=10), troubles) as spool:
        assert figures(spool) == (10, 15, 0, True)


def test_the_file_stays_as_small_as_it_must(tmp_path: Path, troubles: Troubles) -> None:
    bound_bytes = 2**18
    with Spool(tmp_path, "mqtt", SpoolSection(max_bytes=bound_bytes), troubles) as spool:
        for number in range(240):
            spool.add("t", b"%04d" % number + b"x" * (number % 7) * 1000)
            if number % 20 == 0:
                log = (tmp_path / "mqtt.sqlite3-wal").stat().st_size
                assert log < 3 * 2**20
                assert (tmp_path / "mqtt.sqlite3").stat().st_size <= bound_bytes + 3 * 4096
        kept = [payload[:4] for payload in payloads(spool)]
        waiting, dropped, _, _ = figures(spool)
    assert len(kept) == waiting == 240 - dropped
    assert kept == [b"%04d" % number for number in range(240 - waiting, 240)]
    assert (tmp_path / "mqtt.sqlite3").stat().st_size <= bound_bytes + 3 * 4096


def test_what_an_outage_filled_goes_back_to_the_disk(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        for _ in range(60):
            spool.add("t", b"x" * 60_000)
        while found := spool.head(100):
            spool.done(found[-1].number)
        assert figures(spool) == (0, 0, 0, True)
    assert (tmp_path / "mqtt.sqlite3").stat().st_size < 2**20


def test_a_smaller_bound_than_before(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        for number in range(150):
            spool.add("t", b"%d" % number + b"x" * 3000)
    with Spool(tmp_path, "mqtt", SpoolSection(max_messages=100, max_bytes=2**18), troubles) as spool:
        waiting, dropped, _, _ = figures(spool)
        assert waiting == len(payloads(spool)) < 70
        assert waiting + dropped == 150


def test_a_message_longer_than_the_queue_is_refused_and_costs_no_other(
    tmp_path: Path, troubles: Troubles, said: list[str]
) -> None:
    with Spool(tmp_path, "mqtt", SpoolSection(max_bytes=2**16), troubles) as spool:
        spool.add("t", b"1")
        spool.add("t", b"x" * 2**16)
        assert payloads(spool) == [b"1"]
        assert figures(spool) == (1, 0, 1, True)
    assert "longer than the queue" in said[0]


def test_a_batch_is_bounded_in_bytes_and_never_empty(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        for _ in range(5):
            spool.add("t", b"x" * 700_000)
        assert len(spool.head(100)) == 1


def test_without_a_folder_it_ends_with_the_program(troubles: Troubles, said: list[str]) -> None:
    with Spool(None, "mqtt", SpoolSection(max_messages=10), troubles) as spool:
        for number in range(12):
            spool.add("t", b"%d" % number)
        found = spool.head(3)
        assert [each.payload for each in found] == [b"2", b"3", b"4"]
        spool.done(found[1].number)
        spool.refuse(found[2].number)
        assert figures(spool) == (7, 2, 1, False)
    assert said == []


def test_a_disk_that_does_not_work_at_first(tmp_path: Path, troubles: Troubles, said: list[str], clock: Clock) -> None:
    folder = tmp_path / "mount"
    folder.write_text("no folder")
    with Spool(folder, "mqtt", BOUNDS, troubles, clock=clock) as spool:
        for number in range(5):
            spool.add("t", b"%d" % number)
        taken = spool.head(2)
        assert all(each.number >= FIRST_NUMBER for each in taken)
        spool.done(taken[0].number)
        assert figures(spool) == (4, 0, 0, False)
        assert len(said) == 1
        assert "they wait in memory" in said[0]
        folder.unlink()
        spool.add("t", b"5")
        assert not spool.health("x").durable  # not tried all the time
        clock.now_s += 11
        spool.add("t", b"6")
        assert figures(spool) == (6, 0, 0, True)
        spool.done(taken[1].number)  # it is known by another number by now, and comes again
        assert payloads(spool) == [b"1", b"2", b"3", b"4", b"5", b"6"]
    assert troubles.lines == []
    with Spool(folder, "mqtt", BOUNDS, troubles) as spool:
        assert figures(spool) == (6, 0, 0, True)


def test_what_waits_in_memory_goes_to_the_disk_at_the_end(tmp_path: Path, troubles: Troubles, clock: Clock) -> None:
    folder = tmp_path / "mount"
    folder.write_text("no folder")
    with Spool(folder, "mqtt", BOUNDS, troubles, clock=clock) as spool:
        spool.add("t", b"1")
        folder.unlink()
    with Spool(folder, "mqtt", BOUNDS, troubles) as spool:
        assert payloads(spool) == [b"1"]


@pytest.mark.skipif(os.geteuid() == 0, reason="root writes to what is read-only")
def test_a_folder_that_is_read_only(tmp_path: Path, troubles: Troubles, said: list[str]) -> None:
    tmp_path.chmod(0o500)
    try:
        with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
            spool.add("t", b"1")
            assert figures(spool) == (1, 0, 0, False)
        assert "they wait in memory" in said[0]
    finally:
        tmp_path.chmod(0o700)


_FULL = """
import resource, signal, sys
from pathlib import Path
from actorrec.inference.sending.spool import Spool
from actorrec.inference.sending.spool_file import SpoolFile
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import SpoolSection

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
troubles, now_s = Troubles(lambda line: None), [0.0]
with Spool(Path(sys.argv[1]), "mqtt", SpoolSection(), troubles, clock=lambda: now_s[0]) as spool:
    for number in range(20):
        spool.add("t", b"%02d" % number + b"x" * 500)
    resource.setrlimit(resource.RLIMIT_FSIZE, (120_000, resource.RLIM_INFINITY))
    for number in range(20, 60):
        spool.add("t", b"%02d" % number + b"x" * 3000)
    assert not spool.health("x").durable and len(troubles.lines) == 1, troubles.lines
    got = []
    while found := spool.head(7):  # what is on the disk, then what is in memory, each once
        got += [int(message.payload[:2]) for message in found]
        spool.done(found[-1].number)
    assert got == list(range(60)), got
    for number in range(60, 70):
        spool.add("t", b"%02d" % number)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    now_s[0] += 60
    spool.add("t", b"70")
    assert spool.health("x").durable and not troubles.lines, troubles.lines
    got = [int(message.payload[:2]) for message in spool.head(1000)]
    assert got == list(range(60, 71)), got
"""


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    # A bound on the length of files is what a test can set without being root.
    subprocess.run([sys.executable, "-c", _FULL, str(tmp_path)], check=True, timeout=PATIENCE_S)


def test_a_file_that_is_removed_is_made_anew_with_what_waits(
    tmp_path: Path, troubles: Troubles, said: list[str]
) -> None:
    folder = tmp_path / "spool"
    with Spool(folder, "mqtt", SpoolSection(max_messages=10), troubles) as spool:
        for number in range(12):
            spool.add("t", b"%d" % number)
        under_way = spool.head(3)
        spool.refuse(under_way[0].number)
        shutil.rmtree(folder)
        spool.add("t", b"12")
        spool.done(under_way[-1].number)  # of the old file
        assert figures(spool) == (10, 2, 1, True)
        assert payloads(spool) == [b"%d" % number for number in range(3, 13)]
        assert spool.head(1)[0].number > under_way[-1].number
    with Spool(folder, "mqtt", BOUNDS, troubles) as spool:
        assert payloads(spool) == [b"%d" % number for number in range(3, 13)]
    assert said == ["queue mqtt: its file was removed; 9 messages that wait are written to a new one"]


def test_another_program_has_it(tmp_path: Path, troubles: Troubles, said: list[str], clock: Clock) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles, clock=clock) as second:
        with Spool(tmp_path, "mqtt", BOUNDS, troubles, clock=clock) as third:
            third.add("t", b"1")
            assert figures(third) == (1, 0, 0, False)
            assert "another program uses the file" in said[-1]
            second.add("t", b"0")
        clock.now_s += 11
        with Spool(tmp_path, "other", BOUNDS, troubles, clock=clock) as other:
            assert figures(other) == (0, 0, 0, True)
    assert not (tmp_path / "mqtt.sqlite3.aside").exists()


def test_threads_that_add_while_another_one_delivers(tmp_path: Path, troubles: Troubles, said: list[str]) -> None:
    delivered: list[bytes] = []
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:

        def add(name: int) -> None:
            for number in range(100):
                spool.add("t", b"%d-%03d" % (name, number))

        threads = [threading.Thread(target=add, args=(name,)) for name in range(3)]
        for thread in threads:
            thread.start()
        while len(delivered) < 300:
            if found := spool.head(7):
                delivered += [message.payload for message in found]
                spool.done(found[-1].number)
        for thread in threads:
            thread.join()
    assert sorted(delivered) == [b"%d-%03d" % (name, number) for name in range(3) for number in range(100)]
    assert said == []


def test_a_topic_that_is_no_text_harms_nothing(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        spool.add("a\udce9", b"1")
        assert spool.head(1)[0].topic == "a?"


def test_after_its_end_nothing_happens(tmp_path: Path, troubles: Troubles) -> None:
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        spool.add("t", b"1")
    spool.add("t", b"2")
    spool.done(1)
    spool.refuse(1)
    assert spool.head(5) == []
    with Spool(tmp_path, "mqtt", BOUNDS, troubles) as spool:
        assert payloads(spool) == [b"1"]


def test_each_message_is_forced_to_the_disk(tmp_path: Path) -> None:
    with SpoolFile(tmp_path / "a", 10, 2**20) as file:
        for _ in range(2):
            assert file._pragma("synchronous") == 2  # FULL: the log is synced at each commit
            file.add([("t", b"1")])
            file.done(file.last)
