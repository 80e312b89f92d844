"""Which events are shown, and in what words."""

import json
import os
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

import pytest

from actorrec.errors import DataError
from actorrec.inference.tail import MAX_EVENT_BYTES, Tail, Wanted, in_words
from actorrec.inference.tail_lines import LineSplitter, follow_file, read_stream
from actorrec.manifests.events import (
    CameraHealth,
    Considered,
    DetectionEvent,
    EventFace,
    HealthEvent,
    ModelEvent,
    QueueHealth,
    RunningModel,
)
from patience import PATIENCE_S

NOW = datetime(2026, 11, 23, 8, 57, 13, tzinfo=UTC)
COMMON: dict[str, Any] = {"device": "pi-1", "at": NOW, "model": RunningModel(model_id="m", bundle="a" * 64)}


def detection(number: int = 0, *faces: EventFace, **changes: Any) -> DetectionEvent:
    values = COMMON | {"id": str(number), "source": "camera 0", "faces": list(faces)}
    return DetectionEvent(**(values | changes))


def face(name: str | None, confidence: float = 0.97, **changes: Any) -> EventFace:
    values = {"box": (0, 0, 9, 9), "score": 1, "similarity": 0.5, "name": name, "confidence": confidence}
    return EventFace(**(values | {"person_id": None if name is None else name.split()[0].lower()} | changes))


def health(**changes: Any) -> HealthEvent:
    values = COMMON | {"id": "h", "version": "1", "started_at": NOW, "frames": 3600, "unreadable": 0, "failures": 0}
    return HealthEvent(**(values | changes))


def data(event: Any) -> bytes:
    encoded: bytes = event.model_dump_json().encode()
    return encoded


def test_a_repeat_is_dropped_and_what_is_no_event_is_counted() -> None:
    tail = Tail(Wanted())
    assert tail.take(data(detection(1))) == detection(1)
    assert tail.take(data(detection(1, face("Ada Lovelace")))) is None
    for bad in (b"", b"online", b"{}", b"\xff", b"[" * 9000, b" " * (MAX_EVENT_BYTES + 1) + data(detection(2))):
        assert tail.take(bad) is None
    assert (tail.bad, tail.other_schema, tail.repeats) == (6, 0, 1)
    assert tail.take(data(detection(2)).replace(b'"schema_version":1', b'"schema_version":2')) is None
    assert (tail.bad, tail.other_schema) == (7, 1)
    assert tail.take(data(detection(2))) is not None


def test_the_ids_that_are_known_are_bounded_and_the_last_ones() -> None:
    tail = Tail(Wanted())
    template = data(detection(0)).replace(b'"id":"0"', b'"id":"%d"')
    for number in range(10_001):
        assert tail.take(template % number) is not None
    assert tail.take(template % 1) is None  # and so it is among the newest
    assert tail.take(template % 0) is not None  # forgotten
    assert tail.take(template % 1) is None
    assert tail.take(template % 2) is not None


@pytest.mark.parametrize(
    ("wanted", "shown"),
    [
        (Wanted(), "abhm"), (Wanted(device="pi-2"), "b"), (Wanted(kind="health"), "h"), (Wanted(kind="model"), "m"),
        (Wanted(kind="detection"), "ab"), (Wanted(person="ada lovelace"), "a"), (Wanted(person="GRACE"), "b"),
        (Wanted(person="Ada"), "a"), (Wanted(person="Nobody"), ""), (Wanted(person="grace", device="pi-1"), ""),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)  # fmt: skip
def test_what_is_wanted_is_shown(wanted: Wanted, shown: str) -> None:
    considered = [Considered(person_id="grace", name="Grace Hopper", confidence=0.5)]
    events = [
        detection(0, face("Ada Lovelace"), face(None, decided=False, considered=considered), id="a"),
        detection(0, face(None), face("Grace Hopper"), id="b", device="pi-2"),
        health(),
        ModelEvent(**COMMON, id="m", change="swapped", bundle="b" * 64),
    ]
    tail = Tail(wanted)
    assert "".join(event.id for event in events if tail.take(data(event))) == shown


def test_a_detection_in_words_tells_names_from_what_is_considered() -> None:
    assert in_words(detection()) == "2026-11-23 08:57:13 pi-1 camera 0: nobody"
    ada = Considered(person_id="ada", name="Ada Lovelace", confidence=0.61)
    faces = [face("Grace Hopper"), face(None), face(None, decided=False), face(None, decided=False, considered=[ada])]
    said = in_words(detection(1, *faces, left_out=3))
    assert said.endswith(
        "camera 0: Grace Hopper 97%, unknown, undecided, undecided (considered: Ada Lovelace 61%), and 3 more"
    )
    assert in_words(detection(error="is truncated")).endswith(" camera 0: is truncated")
    assert "camera 0 (request 7): nobody" in in_words(detection(reason="request", request="7"))
    elsewhere = NOW.astimezone(timezone(timedelta(hours=5)))
    assert in_words(detection(at=elsewhere)) == in_words(detection())


def test_health_in_words() -> None:
    assert in_words(health()) == "2026-11-23 08:57:13 pi-1 health: 3,600 frames"
    camera = CameraHealth(source="camera 0", connected=True, fps=9.94)
    queues = [QueueHealth(name="a", waiting=3), QueueHealth(name="b", waiting=1000)]
    full = health(
        camera=camera, ms_p50=41.4, ms_p95=80.6, memory_bytes=128 << 20, temperature_c=51.4,
        throttled=["under-voltage"], queues=queues, trouble=["no broker", "no room"],
    )  # fmt: skip
    assert in_words(full).endswith(
        "health: 3,600 frames, camera 0, 9.9 fps, 41 ms (81 at p95), 128 MiB, 51 °C, throttled: under-voltage, "
        "1,003 messages wait; no broker; no room"
    )
    gone = health(camera=camera.model_copy(update={"connected": False}))
    assert in_words(gone).endswith("3,600 frames, camera 0 is gone")


def test_figures_of_somebody_hostile_end_nothing() -> None:
    early = detection().model_copy(update={"at": datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=5)))})
    huge = data(health(memory_bytes=7)).replace(b'"memory_bytes":7', b'"memory_bytes":' + b"9" * 4000)
    many = data(health(queues=[QueueHealth(name="a", waiting=7)] * 2)).replace(b":7,", b":" + b"9" * 4300 + b",")
    for hostile in (data(early), huge, many):
        event = Tail(Wanted()).take(hostile)
        assert event is None or in_words(event).endswith("holds figures that cannot be shown")
    assert in_words(early) == "pi-1 detection: holds figures that cannot be shown"
    crowd = in_words(detection(1, *[face("x" * 100)] * 100))
    assert len(crowd) == 2000
    assert crowd.endswith("…")


def test_a_model_in_words() -> None:
    swapped = ModelEvent(**COMMON, id="m", change="swapped", bundle="a" * 64)
    assert in_words(swapped).endswith("pi-1 model: m of bundle aaaaaaaaaaaa runs")
    refused = ModelEvent(**COMMON, id="m", change="refused", bundle="b" * 64, reason="no self-test")
    assert in_words(refused).endswith("model: bundle bbbbbbbbbbbb refused: no self-test; aaaaaaaaaaaa goes on")
    unread = ModelEvent(**COMMON, id="m", change="refused", bundle=None)
    assert in_words(unread).endswith("a bundle that cannot be read refused: no reason given; aaaaaaaaaaaa goes on")


def test_blocks_become_lines_and_a_long_line_harms_neither_memory_nor_its_neighbours() -> None:
    splitter = LineSplitter()
    assert list(splitter.split(b"")) == []
    assert list(splitter.split(b"one\n\n  \r\ntw")) == [b"one"]
    assert list(splitter.split(b"o\nthree")) == [b"two"]
    for _ in range(3000):
        assert list(splitter.split(b"x" * 1000)) == []
    (long, after) = splitter.split(b"\nafter\n")
    assert len(long) == MAX_EVENT_BYTES + 1
    assert after == b"after"
    assert list(splitter.rest()) == []


class Stop(threading.Event):
    """Says when somebody waits for it: a reader has read all that there is."""

    def __init__(self) -> None:
        super().__init__()
        self.waited_for = threading.Event()

    def wait(self, timeout: float | None = None) -> bool:
        self.waited_for.set()
        return super().wait(timeout)


class Following:
    """A reader in its own thread; stopped at the end of the context."""

    def __init__(self, lines: Callable[[threading.Event], Iterator[bytes]]) -> None:
        self.stop, self.read = Stop(), list[bytes]()
        self._came = threading.Condition()
        self._thread = threading.Thread(target=self._run, args=(lines,))

    def __enter__(self) -> "Following":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop.set()
        self._thread.join(PATIENCE_S)
        assert not self._thread.is_alive()

    def wait_for(self, *lines: bytes) -> None:
        with self._came:
            self._came.wait_for(lambda: self.read[-len(lines) :] == list(lines), PATIENCE_S)
        assert self.read[-len(lines) :] == list(lines)

    def caught_up(self) -> None:
        """Wait until it looks for more than there is."""
        self.stop.waited_for.clear()
        assert self.stop.waited_for.wait(PATIENCE_S)

    def _run(self, lines: Callable[[threading.Event], Iterator[bytes]]) -> None:
        for line in lines(self.stop):
            with self._came:
                self.read.append(line)
                self._came.notify()


def append(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_a_file_is_followed_through_rotation_truncation_and_absence(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    with Following(lambda stop: follow_file(path, stop, from_start=False)) as reader:
        reader.caught_up()
        append(path, "1\n")  # it was not there at first: then all of it is new
        reader.wait_for(b"1")
        append(path, "2\n3")
        reader.wait_for(b"2")
        append(path, "3\n4\n")
        reader.wait_for(b"33", b"4")
        moved = path.with_name("events.jsonl.1")
        path.rename(moved)
        append(moved, "5\n")  # its writer has not noticed yet
        reader.wait_for(b"5")
        append(moved, "6")
        append(path, "7777777\n")
        reader.wait_for(b"6", b"7777777")
        reader.caught_up()
        path.write_text("8\n")
        reader.wait_for(b"8")
        path.unlink()
        append(path, "9\n")
        reader.wait_for(b"9")
    assert reader.read == [b"1", b"2", b"33", b"4", b"5", b"6", b"7777777", b"8", b"9"]


def test_a_file_is_read_from_its_end_or_from_its_start(tmp_path: Path) -> None:
    path = tmp_path / "events.jsonl"
    append(path, "1\n2\n3")
    for from_start, expected in ((True, [b"1", b"2", b"34"]), (False, [b"34"])):
        path.write_text("1\n2\n3")
        with Following(lambda stop, start=from_start: follow_file(path, stop, from_start=start)) as reader:  # type: ignore[misc]
            reader.caught_up()
            append(path, "4\n")
            reader.wait_for(b"34")
        assert reader.read == expected


def test_what_is_no_file_cannot_be_followed(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path, tmp_path / "pipe"):
        with pytest.raises(DataError, match="is not a file"):
            next(follow_file(path, threading.Event(), from_start=True))


def test_a_pipe_is_read_to_its_end() -> None:
    taking, giving = os.pipe()
    os.write(giving, json.dumps({"a": 1}).encode() + b"\n\nlast")
    os.close(giving)
    assert list(read_stream(taking, threading.Event())) == [b'{"a": 1}', b"last"]
    os.close(taking)


def test_a_pipe_in_which_nothing_comes_does_not_hold_up_the_end() -> None:
    taking, giving = os.pipe()
    with Following(lambda stop: read_stream(taking, stop)):
        pass
    os.close(taking)
    os.close(giving)
