"""Standard output of which nobody reads much, or nothing, or nothing any more."""

import os
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import pytest

from actorrec.inference.publishers import FanOut, StdoutPublisher
from actorrec.inference.troubles import Troubles

fcntl = pytest.importorskip("fcntl")
if not hasattr(fcntl, "F_SETPIPE_SZ"):
    pytest.skip("pipes have another size here", allow_module_level=True)
_PIPE_BYTES: Final = 16_384


@contextmanager
def read_through(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    """Inside, standard output is a pipe through which four pages go; its other end."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, _PIPE_BYTES)
    with os.fdopen(writing, "w") as stdout, monkeypatch.context() as patched:
        patched.setattr(sys, "stdout", stdout)
        yield reading


def lines(count: int, length: int = 1000) -> list[bytes]:
    return [b"%02d" % number * (length // 2) for number in range(count)]


def test_who_stops_reading_misses_messages_that_are_counted_and_reads_whole_lines_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: list[str] = []
    with read_through(monkeypatch) as reading, FanOut([StdoutPublisher(0.01)], Troubles(said.append)) as out:
        for line in lines(40):
            out.publish("a", line)
        assert said == ["standard output: messages are lost: nobody reads it"]
        assert 20 < out.lost < 40
        assert os.read(reading, 40_000).split() == lines(40)[: 40 - out.lost]
        out.publish("a", b"again")
        assert said[1:] == ["standard output: in order again"]
        assert os.read(reading, _PIPE_BYTES) == b"again\n"
    os.close(reading)


def test_a_line_that_was_begun_is_ended_before_the_next(monkeypatch: pytest.MonkeyPatch) -> None:
    long, read = b"x" * 40_000, b""
    with read_through(monkeypatch) as reading, FanOut([StdoutPublisher(0.01)], Troubles([].append)) as out:
        out.publish("a", long)
        out.publish("a", b"lost")
        assert out.lost == 1
        while b"next\n" not in read:
            read += os.read(reading, _PIPE_BYTES)
            out.publish("a", b"next")
    assert read.startswith(long + b"\nnext\n")
    os.close(reading)


def test_who_reads_slowly_misses_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[bytes] = []

    def look(reading: int) -> None:
        with os.fdopen(reading, "rb", buffering=0) as source:
            while part := source.read(700):
                read.append(part)

    with read_through(monkeypatch) as reading, StdoutPublisher(None) as out:
        reader = threading.Thread(target=look, args=(reading,))
        reader.start()
        for line in lines(50, 3000):
            out.publish("a", line)
    reader.join(60)
    assert b"".join(read).split() == lines(50, 3000)


def test_nobody_reading_any_more_is_an_end(monkeypatch: pytest.MonkeyPatch) -> None:
    with read_through(monkeypatch) as reading, FanOut([StdoutPublisher()], Troubles([].append)) as out:
        os.close(reading)
        with pytest.raises(BrokenPipeError):
            out.publish("a", b"{}")
