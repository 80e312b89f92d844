"""Lines in a file: whole ones, bounded, through rotation, kills and full disks."""

import subprocess
import sys
from pathlib import Path

import pytest

from actorrec.inference.sending.jsonl import JsonlPublisher
from patience import PATIENCE_S


def test_nothing_said_makes_no_file(tmp_path: Path) -> None:
    with JsonlPublisher(tmp_path / "a" / "events.jsonl", 1000) as publisher:
        assert publisher.name == f"file {tmp_path / 'a' / 'events.jsonl'}"
    assert list(tmp_path.iterdir()) == []


def test_one_line_each_at_once_and_further_ones_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "a" / "events.jsonl"
    for run in range(2):
        with JsonlPublisher(path, 1000) as publisher:
            publisher.publish("x", b'{"run":%d}' % run)
            publisher.publish("y", b'{"a":\n1}')
            assert path.read_bytes().splitlines()[-2:] == [b'{"run":%d}' % run, b'{"a": 1}']
    assert len(path.read_bytes().splitlines()) == 4
    assert path.stat().st_mode & 0o137 == 0


def test_a_long_file_gives_way_and_there_are_two_at_most(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with JsonlPublisher(path, 100) as publisher:
        for number in range(50):
            publisher.publish("x", b'{"number":%03d}' % number)
        publisher.publish("x", b"1" * 300)  # longer than a file: it has one to itself
        publisher.publish("x", b"2")
    assert {each.name for each in tmp_path.iterdir()} == {"events.jsonl", "events.jsonl.1"}
    assert path.read_bytes() == b"2\n"
    assert (tmp_path / "events.jsonl.1").read_bytes() == b"1" * 300 + b"\n"


def test_no_line_is_lost_between_the_two_files(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with JsonlPublisher(path, 100) as publisher:
        for number in range(9):
            publisher.publish("x", b'{"number":%03d}' % number)
    both = (tmp_path / "events.jsonl.1").read_bytes() + path.read_bytes()
    assert both.splitlines() == [b'{"number":%03d}' % number for number in range(9)]


@pytest.mark.parametrize("what", ["moved", "removed", "replaced"])
def test_another_program_moves_the_file(what: str, tmp_path: Path) -> None:
    path, moved = tmp_path / "events.jsonl", tmp_path / "old"
    with JsonlPublisher(path, 1000) as publisher:
        publisher.publish("x", b"1")
        if what == "removed":
            path.unlink()
        else:
            path.rename(moved)
        if what == "replaced":
            path.write_bytes(b"half a li")
        publisher.publish("x", b"2")
    assert path.read_bytes() == (b"half a li\n2\n" if what == "replaced" else b"2\n")
    assert what == "removed" or moved.read_bytes() == b"1\n"


def test_half_a_line_that_a_kill_left_is_closed(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    path.write_bytes(b'{"a":1}\n{"b":')
    with JsonlPublisher(path, 1000) as publisher:
        publisher.publish("x", b"{}")
    assert path.read_bytes() == b'{"a":1}\n{"b":\n{}\n'


def test_a_folder_in_the_way(tmp_path: Path) -> None:
    (tmp_path / "events.jsonl").mkdir()
    with JsonlPublisher(tmp_path / "events.jsonl", 1000) as publisher:
        for _ in range(2):
            with pytest.raises(OSError):
                publisher.publish("x", b"{}")
        (tmp_path / "events.jsonl").rmdir()
        publisher.publish("x", b"{}")
    assert (tmp_path / "events.jsonl").read_bytes() == b"{}\n"


_FULL = """
import resource, signal, sys
from pathlib import Path
from actorrec.inference.sending.jsonl import JsonlPublisher

signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
failed = 0
with JsonlPublisher(Path(sys.argv[1]), 1000) as publisher:
    for length in (100, 100, 20):
        resource.setrlimit(resource.RLIMIT_FSIZE, (150, resource.RLIM_INFINITY))
        try:
            publisher.publish("x", b"x" * length)
        except OSError:
            failed += 1
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    publisher.publish("x", b"after")
assert failed == 2, failed
"""


def test_a_disk_that_is_full_for_a_while(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    subprocess.run([sys.executable, "-c", _FULL, str(path)], check=True, timeout=PATIENCE_S)
    first, torn, *rest = path.read_bytes().splitlines()
    assert first == b"x" * 100
    assert set(torn) == {ord("x")}
    assert rest == [b"after"]
