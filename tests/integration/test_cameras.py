"""What becomes of cameras that come, go, stall and lie: the newest frame of each, and what is said of it."""

import gc
import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import ClassVar

import numpy as np
import pytest

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.address import parse_address
from actorrec.inference.frames.capture import NO_PIXELS
from actorrec.inference.frames.choose import frame_source
from actorrec.inference.frames.film import Film
from actorrec.inference.frames.newest import NewestFrame
from actorrec.inference.frames.pace import Backoff
from actorrec.inference.frames.picture_stream import PictureStream
from actorrec.inference.frames.rpicam_child import RpicamChild
from actorrec.inference.frames.source import FrameSource
from actorrec.inference.troubles import Troubles
from actorrec.sections import CameraSection
from actorrec.types import Frame
from camera_servers import (
    ACQUIRE_FAILED,
    BLUE,
    BLUE_YUV,
    GREEN,
    HEADERS,
    NO_CAMERAS,
    RED,
    CameraServer,
    Play,
    Wire,
    camera_server,
    fake_rpicam,
    is_colour,
    is_running,
    jpeg,
    mjpeg,
    part,
    plan_rpicam,
    rtsp,
    scene,
    write_film,
)
from patience import PATIENCE_S, eventually

CALM = CameraSection(width_px=64, height_px=48, fps=50, timeout_s=60)
QUICK = CALM.model_copy(update={"timeout_s": 0.4})  # less than a user may set; for what is waited for in vain
MAX_PIXELS = 1_000_000


class Watch:
    """A source with its newest frame, and what was said."""

    def __init__(self, newest: NewestFrame, said: list[str], troubles: Troubles) -> None:
        self.newest = newest
        self.said = said
        self.troubles = troubles

    def frame(self, wanted: Callable[[Frame], bool] = lambda _: True) -> Frame:
        """The next frame that is wanted."""
        return self.until(lambda frame: frame is not None and wanted(frame))

    def until(self, there: Callable[[Frame | None], bool]) -> Frame:
        """Take frames until something is so; the frame at which it was, or an empty one."""
        deadline_s = time.monotonic() + PATIENCE_S
        while time.monotonic() < deadline_s:
            frame = self.newest.next(0.1)
            if there(frame):
                return frame or Frame(NO_PIXELS, "")
        raise AssertionError(f"not seen; said: {self.said}, {self.newest.health}")

    def trouble(self, words: str) -> None:
        """Wait until something is wrong, in these words among others."""
        self.until(lambda _: any(words in line for line in self.troubles.lines))


@contextmanager
def watch(
    source: str,
    settings: CameraSection = CALM,
    *,
    source_settings: CameraSection | None = None,
    every_frame: bool = False,
) -> Iterator[Watch]:
    said: list[str] = []
    troubles = Troubles(said.append)

    def make() -> FrameSource:
        return frame_source(source_settings or settings, source, every_frame=every_frame, max_pixels=MAX_PIXELS)

    with NewestFrame(make, settings, troubles, backoff=Backoff(0.1, first_s=0.1)) as newest:
        yield Watch(newest, said, troubles)


class HastyAtFirst:
    """A source that has little patience until these words are said, more with each try, and much after them."""

    live = True

    def __init__(self, text: str, said: list[str], words: str) -> None:
        self._text, self._said, self._words = text, said, words
        self._timeout_s = QUICK.timeout_s / 2
        self._source = self._made()
        self.name = self._source.name

    def open(self) -> None:
        self._timeout_s = min(2 * self._timeout_s, CALM.timeout_s)
        self._source = self._made()
        self._source.open()

    def read(self, *, skip: bool = False) -> Frame | None:
        return self._source.read(skip=skip)

    def close(self) -> None:
        self._source.close()

    def _made(self) -> FrameSource:
        hasty = CALM.model_copy(update={"timeout_s": self._timeout_s})
        settings = CALM if has_words(self._said, self._words) else hasty
        return frame_source(settings, self._text, max_pixels=MAX_PIXELS)


@contextmanager
def watch_hastily(source: str, said: list[str], words: str) -> Iterator[Watch]:
    """What is waited for in vain takes no time, and what comes in the end may take long."""
    troubles, backoff = Troubles(said.append), Backoff(0.1, first_s=0.1)
    with NewestFrame(lambda: HastyAtFirst(source, said, words), CALM, troubles, backoff=backoff) as newest:
        yield Watch(newest, said, troubles)


def until_said(said: list[str], words: str, play: Play, then: Play) -> Play:
    """A camera that does one thing, at each connection, until these words are said of it, and another from then on."""
    return lambda wire: (then if has_words(said, words) else play)(wire)


def has_words(said: list[str], words: str) -> bool:
    return any(words in line for line in said)


def stalls_in_the_middle(wire: Wire) -> None:
    wire.send(HEADERS)
    wire.stream([jpeg(scene(RED))], times=3)
    whole = part(jpeg(scene(RED)))
    wire.send(whole[: len(whole) // 2])
    wire.hang()


def drips(wire: Wire) -> None:
    wire.send(HEADERS + part(jpeg(scene(RED)))[:60])
    while True:
        wire.send(b"\x00")
        wire.wait(0.05)


def endless_headers(wire: Wire) -> None:
    wire.send(b"HTTP/1.0 200 OK\r\n")
    while True:
        wire.send(b"X-More: " + b"a" * 4000 + b"\r\n")


def endless_part_headers(wire: Wire) -> None:
    wire.send(HEADERS + b"--frame\r\n")
    while True:
        wire.send(b"X-More: " + b"a" * 2000 + b"\r\n")


def endless_part(wire: Wire) -> None:
    wire.send(HEADERS + b"--frame\r\nContent-Length: 99999999999\r\n\r\n")
    wire.hang()


def junk(wire: Wire) -> None:
    wire.send(np.random.default_rng(1).bytes(20_000))


def junk_pictures(wire: Wire) -> None:
    wire.send(HEADERS)
    wire.stream([b"\xff\xd8" + np.random.default_rng(1).bytes(2000)], every_s=0.001)


def only(head: bytes) -> Play:
    return lambda wire: wire.send(head)


def test_a_camera_comes_goes_and_comes_back() -> None:
    server = CameraServer(mjpeg(scene(RED)))
    server.on()
    server.off()  # its port is known, and nobody listens there
    try:
        with watch(server.url) as seen:
            seen.trouble("nothing listens")
            assert not seen.newest.health.connected
            server.on()
            assert is_colour(seen.frame().pixels, RED)
            assert seen.troubles.lines == [] and seen.newest.health.connected
            server.off()
            seen.trouble("tried again in 0 s")
            server.play = mjpeg(scene(BLUE))
            server.on()
            seen.frame(lambda frame: is_colour(frame.pixels, BLUE))
            assert seen.newest.health.reconnects >= 1
            assert seen.said.count("the camera: in order again") == 2
    finally:
        server.off()


@pytest.mark.parametrize(
    ("play", "words"),
    [
        pytest.param(stalls_in_the_middle, "nothing came any more", id="stalls"),
        pytest.param(junk, "does not speak HTTP", id="junk"),
        pytest.param(junk_pictures, "cannot be decoded", id="junk-pictures"),
        pytest.param(endless_headers, "", id="endless-headers"),
        pytest.param(endless_part_headers, "the stream is broken", id="endless-part-headers"),
        pytest.param(endless_part, "the stream is broken", id="endless-part"),
        pytest.param(only(HEADERS + part(jpeg(scene(RED)))[:-50]), "the stream is broken", id="cut-off"),
        pytest.param(only(b"HTTP/1.0 404 Not Found\r\n\r\n"), "answers with 404", id="404"),
        pytest.param(only(b"HTTP/1.0 302 F\r\nLocation: http://u:pw@h/x?k=1\r\n\r\n"), "is at http://h/x", id="moved"),
        pytest.param(only(b""), "", id="hangs-up"),
    ],
)
def test_what_a_bad_camera_does_is_said_and_it_is_tried_again(play: Play, words: str) -> None:
    said: list[str] = []
    camera = until_said(said, words, play, mjpeg(scene(GREEN)))
    with camera_server(camera) as server, watch_hastily(server.url, said, words) as seen:
        seen.frame(lambda frame: is_colour(frame.pixels, GREEN))
        assert has_words(said, words), said


def test_a_camera_that_drips_is_left_and_opened_anew() -> None:
    server = CameraServer(drips)
    server.on()
    try:
        with watch(server.url, QUICK, source_settings=CALM) as seen:
            seen.trouble("hangs")
            server.play = mjpeg(scene(GREEN))
            assert is_colour(seen.frame().pixels, GREEN)
    finally:
        server.off()


def test_frames_change_their_size_and_may_be_black() -> None:
    black = np.zeros((48, 64, 3), np.uint8)
    pictures = [scene(RED, 64, 48), scene(GREEN, 160, 96), scene(BLUE, 32, 64), black]
    with camera_server(mjpeg(*pictures, every_s=0.05)) as server, watch(server.url) as seen:
        for shape in ((48, 64, 3), (96, 160, 3), (64, 32, 3)):
            seen.frame(lambda frame, shape=shape: frame.pixels.shape == shape)  # type: ignore[misc]
        seen.frame(lambda frame: not frame.pixels.any())
        assert seen.said == []


def test_an_address_of_one_picture_is_asked_again_and_again() -> None:
    colours = [RED]

    def one(wire: Wire) -> None:
        wire.send(b"HTTP/1.0 200 OK\r\nContent-Type: image/jpeg\r\n\r\n" + jpeg(scene(colours[-1])))

    with camera_server(one) as server, watch(server.url) as seen:
        seen.frame(lambda frame: is_colour(frame.pixels, RED))
        colours.append(GREEN)
        seen.frame(lambda frame: is_colour(frame.pixels, GREEN))
        assert seen.said == []


def test_video_over_http_that_is_no_mjpeg_is_read_by_ffmpeg(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", [scene(GREEN)] * 20).read_bytes()

    def video(wire: Wire) -> None:
        wire.send(b"HTTP/1.0 200 OK\r\nContent-Type: video/x-msvideo\r\n\r\n" + film)

    with camera_server(video) as server, watch(server.url) as seen:
        assert is_colour(seen.frame().pixels, GREEN)
        seen.trouble("no frame came any more")


def test_a_frame_that_is_too_large_is_refused() -> None:
    with camera_server(mjpeg(scene(RED, 1600, 1200))) as server, watch(server.url) as seen:
        seen.trouble("1600 × 1200")


def test_a_password_is_asked_for_and_never_said(capfd: pytest.CaptureFixture[str]) -> None:
    def guarded(wire: Wire) -> None:
        if b"Authorization: Basic dXNlcjpzM2NyZXQ=" in wire.request:  # user:s3cret
            mjpeg(scene(RED))(wire)
        wire.send(b'HTTP/1.0 401 U\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n')

    with camera_server(guarded) as server:
        with watch(server.url) as seen:
            seen.trouble("asks for a user name and a password")
        with watch(server.url.replace("//", "//user:wr0ng@") + "?key=hidden") as seen:
            seen.trouble("password is refused")
            said = str([seen.said, seen.newest.health, seen.newest.next(0)])
            assert "wr0ng" not in said and "hidden" not in said
        with watch(server.url.replace("//", "//user:s3cret@")) as seen:
            assert seen.frame().source == server.url
    printed = capfd.readouterr()
    assert "wr0ng" not in printed.out + printed.err


@pytest.mark.parametrize(
    "play",
    [
        pytest.param(rtsp(scene(RED), times=5), id="stalls"),
        pytest.param(rtsp(scene(RED), times=5, then=lambda _: None), id="drops"),
        pytest.param(Wire.hang, id="silent"),
        pytest.param(only(b"RTSP/1.0 401 Unauthorized\r\nCSeq: 1\r\n\r\n"), id="401"),
        pytest.param(junk, id="junk"),
    ],
)
def test_rtsp_that_fails_is_tried_again(play: Play, capfd: pytest.CaptureFixture[str]) -> None:
    said: list[str] = []
    with camera_server(until_said(said, "", play, rtsp(scene(GREEN))), "rtsp") as server:
        with watch_hastily(server.url.replace("//", "//user:s3cret@"), said, "") as seen:
            seen.frame(lambda frame: is_colour(frame.pixels, GREEN))
            assert said and "s3cret" not in str(said)
        assert "s3cret" not in "".join(capfd.readouterr())


def test_stopping_does_not_wait_for_a_blocked_read_or_a_pause() -> None:
    for play, scheme in ((Wire.hang, "rtsp"), (Wire.hang, "http"), (only(b"HTTP/1.0 500 X\r\n\r\n"), "http")):
        with camera_server(play, scheme) as server:
            with watch(server.url) as seen:
                eventually(lambda server=server: server.connections)  # type: ignore[misc]
                if play is not Wire.hang:
                    seen.trouble("500")
                time.sleep(0.2)
                began_s = time.monotonic()
            assert time.monotonic() - began_s < CALM.timeout_s / 2


def test_the_newest_frame_wins_and_no_frame_waits_behind_it() -> None:
    shades, taken = [jpeg(np.full((48, 64, 3), shade, np.uint8)) for shade in range(0, 200, 10)], threading.Semaphore(1)

    def one_after_the_other(wire: Wire) -> None:
        wire.send(HEADERS)
        for shade in shades:
            while not taken.acquire(timeout=0.1):
                wire.wait(0)
            wire.wait(0.02)  # none comes sooner than it is wanted
            wire.send(part(shade))
        wire.hang()

    quick = CALM.model_copy(update={"fps": 120})
    with camera_server(one_after_the_other) as server, watch(server.url, quick) as seen:
        for count in range(1, len(shades) + 1):
            eventually(lambda count=count: seen.newest.health.captured == count)  # type: ignore[misc]
            if count % 10 == 0:
                newest = seen.newest.next(0)
                assert newest is not None and abs(newest.pixels.mean() - 10 * (count - 1)) < 3
                assert seen.newest.next(0) is None
            taken.release()
        assert seen.newest.health.dropped == 2 * 9


def test_no_more_frames_come_than_are_asked_for() -> None:
    slower = CALM.model_copy(update={"fps": 10.0})
    with camera_server(mjpeg(scene(RED), every_s=0.01)) as server, watch(server.url, slower) as seen:
        first, taken = seen.frame(), 1
        while taken < 12 or seen.newest.health.captured < 50:
            seen.frame()
            taken += 1
            health, took_s = seen.newest.health, time.monotonic() - first.time_s  # what came since counts in neither
    assert taken + health.dropped <= 10 * took_s + 3
    assert health.fps is not None and health.fps < 20


def test_every_frame_of_a_film_in_order_and_then_it_is_over(tmp_path: Path) -> None:
    pictures = [np.full((48, 64, 3), shade, np.uint8) for shade in range(0, 250, 5)]
    film = write_film(tmp_path / "film.avi", pictures)
    with watch(str(film), every_frame=True) as seen:
        shades = []
        while not seen.newest.over:
            frame = seen.newest.next(5)
            if frame is not None:
                shades.append((frame.index, round(float(frame.pixels.mean()) / 5) * 5))
            time.sleep(0.005)
        assert shades == list(enumerate(range(0, 250, 5)))
        assert seen.newest.next(0.1) is None and not seen.newest.health.connected
        assert seen.newest.health.dropped == 0


@pytest.mark.parametrize("suffix", ["mp4", "avi", "ts"])
def test_a_film_that_is_a_play_list_reaches_nobody(suffix: str, tmp_path: Path) -> None:
    with camera_server(mjpeg(scene(RED))) as server:
        film = tmp_path / f"film.{suffix}"
        film.write_text(f"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\n{server.url}/a.{suffix}\n#EXT-X-ENDLIST\n")
        source = frame_source(CALM, str(film), max_pixels=MAX_PIXELS)
        with pytest.raises(FrameSourceError, match="no film"):
            source.open()
        assert server.connections == 0


def test_a_pipe_is_no_film(tmp_path: Path) -> None:
    pipe = tmp_path / "film.mp4"
    os.mkfifo(pipe)
    with pytest.raises(FrameSourceError, match="no regular file"):
        frame_source(CALM, str(pipe), max_pixels=MAX_PIXELS).open()


def test_a_film_at_its_own_pace_ends(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", [scene(RED)] * 25)
    began_s, times = time.monotonic(), []
    with watch(str(film)) as seen:
        while not seen.newest.over:
            frame = seen.newest.next(5)
            if frame is not None:
                times.append(frame.time_s)
                assert time.monotonic() - began_s >= frame.time_s, "no frame comes before its time"
    assert times == sorted(set(times))
    assert 0.9 < time.monotonic() - began_s < PATIENCE_S


def test_of_a_film_what_is_late_is_left_out_and_after_a_long_halt_it_goes_on_from_there(tmp_path: Path) -> None:
    now_s = 0.0
    film = Film(write_film(tmp_path / "film.avi", [scene(RED)] * 40), CALM, MAX_PIXELS, clock=lambda: now_s)
    film.open()

    def indices(*at_s: float) -> list[int]:
        nonlocal now_s
        found = []
        for now_s in at_s:  # noqa: B007 — what the film's clock says
            frame = film.read()
            assert frame is not None
            found.append(frame.index)
        return found

    try:
        assert indices(0, 0.04, 0.08) == [0, 1, 2]
        assert indices(0.5, 0.52) == [12, 13]
        assert indices(9, 9.04) == [14, 15]
    finally:
        film.close()


class Hanging:
    """A source whose reads never come back."""

    name = "hanging"
    live = True

    def __init__(self, gate: threading.Event) -> None:
        self._gate = gate

    def open(self) -> None:
        pass

    def read(self, *, skip: bool = False) -> Frame | None:
        self._gate.wait(600)
        return None

    def close(self) -> None:
        pass


def test_reads_that_hang_again_and_again_end_it_with_an_error() -> None:
    gate, said = threading.Event(), []  # type: ignore[var-annotated]
    settings = QUICK.model_copy(update={"timeout_s": 0.1})
    try:
        with NewestFrame(lambda: Hanging(gate), settings, Troubles(said.append)) as newest:
            with pytest.raises(FrameSourceError, match="4 reads never came back"):
                while True:
                    newest.next(0.3)
            assert said == ["hanging: a read hangs; it is opened anew"]
        assert newest.stuck
    finally:
        gate.set()
    eventually(lambda: not newest.stuck)


def test_what_is_looked_at_no_more_is_no_trouble() -> None:
    with watch("rtsp://127.0.0.1:1/nothing") as seen:
        seen.trouble("nothing listens")
        assert len(seen.troubles.lines) == 1
    assert seen.troubles.lines == []
    assert not any("in order" in line for line in seen.said)


class Broken(Hanging):
    """A source with a mistake in it."""

    def read(self, *, skip: bool = False) -> Frame | None:
        raise AttributeError("a mistake")


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_thread_that_dies_of_a_mistake_is_noticed() -> None:
    frames = NewestFrame(lambda: Broken(threading.Event()), CALM, Troubles(lambda _: None))
    with frames as newest, pytest.raises(FrameSourceError, match="has died"):
        for _ in range(100):
            newest.next(0.3)
    assert newest.next(0.1) is None


class FailingOnce(Hanging):
    """A source whose first read raises what no camera should."""

    def __init__(self, errors: list[Exception]) -> None:
        self._errors = errors

    def read(self, *, skip: bool = False) -> Frame | None:
        if self._errors:
            raise self._errors.pop()
        return Frame(NO_PIXELS, self.name)


def cv2_error() -> Exception:
    import cv2

    return cv2.error("a frame of no size")


@pytest.mark.parametrize("error", [MemoryError(), OSError(5, "input/output error"), cv2_error()], ids=["a", "b", "c"])
def test_what_a_library_raises_in_a_read_is_a_camera_that_is_lost_and_comes_back(error: Exception) -> None:
    errors, said = [error], list[str]()
    backoff = Backoff(0.01, first_s=0.01)
    with NewestFrame(lambda: FailingOnce(errors), CALM, Troubles(said.append), backoff=backoff) as newest:
        assert newest.next(PATIENCE_S) is not None
        assert newest.health.reconnects == 1
    assert said[0] == f"hanging: {type(error).__name__}; it is tried again in 0 s"


class EndsWhenClosed(Hanging):
    """A source whose read ends when it is let go of, as the system lets most."""

    def close(self) -> None:
        self._gate.set()


def test_a_read_that_hangs_is_ended_where_that_is_possible_however_often_it_hangs() -> None:
    settings, said = QUICK.model_copy(update={"timeout_s": 0.05}), list[str]()
    opened: list[EndsWhenClosed] = []

    def make() -> EndsWhenClosed:
        opened.append(EndsWhenClosed(threading.Event()))
        return opened[-1]

    with NewestFrame(make, settings, Troubles(said.append)) as newest:
        while len(opened) < 7:
            assert newest.next(0.1) is None
            eventually(lambda: not newest.stuck)  # a loaded machine takes its time to end a thread
    eventually(lambda: not newest.stuck)
    assert said == ["hanging: a read hangs; it is opened anew"]


class BackLate(Hanging):
    """Its read comes back with a frame long after nobody waits for it."""

    readers: ClassVar[list[threading.Thread]] = []

    def read(self, *, skip: bool = False) -> Frame | None:
        self.readers.append(threading.current_thread())
        self._gate.wait(600)
        return Frame(NO_PIXELS, self.name)


def test_a_read_that_comes_back_late_brings_no_frame_and_ends_no_trouble() -> None:
    first, rest, troubles = threading.Event(), threading.Event(), Troubles(lambda _: None)
    gates = iter([first])
    settings = QUICK.model_copy(update={"timeout_s": 0.3})
    try:
        with NewestFrame(lambda: BackLate(next(gates, rest)), settings, troubles) as newest:
            while not troubles.lines:
                assert newest.next(0.1) is None
            first.set()
            BackLate.readers[0].join(PATIENCE_S)
            assert newest.next(0) is None
            assert newest.health.captured == 0
            assert troubles.lines == ["hanging: a read hangs; it is opened anew"]
    finally:
        rest.set()


class CountsResets(Backoff):
    resets = 0

    def reset(self) -> None:
        self.resets += 1
        super().reset()


def test_only_a_camera_that_was_there_for_a_while_is_tried_again_soon() -> None:
    now_s, backoff = [0.0], CountsResets(1.0)
    seen: list[tuple[float, int]] = []

    class Slow(Hanging):
        def read(self, *, skip: bool = False) -> Frame | None:
            seen.append((now_s[0], backoff.resets))
            now_s[0] += 4
            return Frame(NO_PIXELS, self.name) if now_s[0] < 30 else None

    gate, calm = threading.Event(), CALM.model_copy(update={"timeout_s": 1000.0})
    with NewestFrame(lambda: Slow(gate), calm, Troubles(print), clock=lambda: now_s[0], backoff=backoff) as newest:
        while not newest.over:
            newest.next(0.01)
    assert [resets for at_s, resets in seen if at_s < 12] == [0, 0, 0]
    assert seen[-1][1] > 0


class NotYetOver(NewestFrame):
    """Its film ends just after it was asked whether it has."""

    over = property(lambda _: False)  # type: ignore[assignment]


def test_a_film_that_ends_between_two_looks_has_not_died() -> None:
    gate = threading.Event()
    gate.set()
    with NotYetOver(lambda: Hanging(gate), CALM, Troubles(lambda _: None)) as newest:
        assert newest.next(0.5) is None
        assert not newest.stuck


@pytest.mark.parametrize(
    ("plan", "words"),
    [
        ({"frames": 0, "stderr": NO_CAMERAS, "exit": 255}, "no camera is found"),
        ({"frames": 0, "stderr": ACQUIRE_FAILED, "exit": 255}, "another program uses the camera"),
        ({"frames": 0, "stderr": "ERROR: *** odd thing ***\n" * 5000, "exit": 255}, "odd thing"),
        ({"frames": 3, "rest": 1000, "exit": 0}, "ended"),
        ({"frames": 3, "rest": 1000, "hang": True}, "no whole frame"),
        ({"frames": 0, "hang": True}, "sends nothing"),
        ({"frames": 9, "size": [72, 48], "stderr": "configuring streams: (0) 72x48-YUV420\n"}, "72 × 48"),
    ],
    ids=["none", "busy", "odd", "ends", "stalls", "silent", "odd-size"],
)
def test_what_rpicam_says_is_told(
    plan: dict[str, object], words: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    runs, said = fake_rpicam(tmp_path / "bin", [plan]), list[str]()
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with watch_hastily("rpicam", said, words) as seen:
        seen.until(lambda _: has_words(said, words))
        plan_rpicam(tmp_path / "bin", [BLUE_YUV])
        seen.frame(lambda frame: is_colour(frame.pixels, BLUE) and not seen.troubles.lines)
    gc.collect()
    for line in runs.read_text().splitlines():
        eventually(partial(is_over, json.loads(line)[0]))


def is_over(pid: int) -> bool:
    """Whether a child has ended; a loaded machine takes its time to end what was killed."""
    with suppress(ChildProcessError):
        os.waitpid(pid, os.WNOHANG)
    return not is_running(pid)


def test_rpicam_takes_the_size_that_the_camera_has(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    said = "[0:0:1.0] [9]  INFO Camera camera.cpp:1197 configuring streams: (0) 128x96-YUV420 (1) 2304x1296-SBGGR10\n"
    fake_rpicam(tmp_path / "bin", [{"size": [128, 96], "stderr": said}], program="libcamera-vid")
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with watch("rpicam:1") as seen:
        frame = seen.frame()
    assert frame.pixels.shape == (96, 128, 3) and is_colour(frame.pixels, RED) and frame.source == "rpicam:1"


def test_an_rpicam_that_takes_long_to_die_is_waited_for_by_somebody() -> None:
    child = RpicamChild(["sh", "-c", "printf '%9d' $$; exec sleep 600"])
    pid = bytearray(9)
    assert child.read_into(memoryview(pid), PATIENCE_S)
    child.stop(0.0, 0.0)
    del child
    gc.collect()
    eventually(lambda: not is_running(int(pid)))


def test_a_camera_that_is_let_go_of_before_it_answers_is_not_waited_for() -> None:
    with camera_server(Wire.hang) as server:
        pictures = PictureStream(parse_address(server.url), 1.0, 0.1)
        pictures.close()  # as another thread may, while this one is about to connect
        with pytest.raises(FrameSourceError, match="no connection"):
            pictures.begin()


def test_rpicam_that_will_not_end_is_killed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    runs = fake_rpicam(tmp_path / "bin", [{"ignore_sigterm": True}])
    monkeypatch.setenv("PATH", str(tmp_path / "bin"))
    with watch("rpicam") as seen:
        seen.frame()
    pid, arguments = json.loads(runs.read_text())
    eventually(lambda: is_over(pid))
    size = "--width 64 --height 48 --framerate 50"
    output = "--codec yuv420 --nopreview --verbose=0 --flush --output -"
    assert " ".join(arguments) == f"--timeout 0 --camera 0 {size} {output}"


_OPEN_AND_READ = """
import sys
from actorrec.errors import FrameSourceError
from actorrec.inference.frames.choose import frame_source
from actorrec.sections import CameraSection
for text in sys.argv[1:]:  # who does not answer is not waited for; a file has the time that a loaded machine takes
    source = frame_source(CameraSection(timeout_s=1 if "://" in text else 60), text, max_pixels=10**6)
    try:
        source.open()
        while source.read() is not None:
            pass
    except FrameSourceError as error:
        print(error.in_full)
    source.close()
"""


def test_opencv_and_ffmpeg_say_nothing(tmp_path: Path) -> None:
    film = write_film(tmp_path / "film.avi", [scene(GREEN)] * 60).read_bytes()
    cut = tmp_path / "cut.avi"
    cut.write_bytes(film[: len(film) * 3 // 4])
    no_film = tmp_path / "no.mp4"
    no_film.write_bytes(b"no film" * 100)
    video = only(b"HTTP/1.0 200 OK\r\nContent-Type: video/x-msvideo\r\n\r\n" + film)
    with (
        camera_server(video) as web,
        camera_server(junk, "rtsp") as junk_server,
        camera_server(Wire.hang, "rtsp") as dumb,
    ):
        urls = [each.url.replace("//", "//user:s3cret@") for each in (web, junk_server, dumb)]
        texts = [*urls, "rtsp://user:s3cret@127.0.0.1:9/", "99", str(cut), str(no_film), str(tmp_path / "none.mp4")]
        command = [sys.executable, "-c", _OPEN_AND_READ, *texts]
        ran = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    assert ran.stderr == ""
    assert "s3cret" not in ran.stdout
    lines = ran.stdout.splitlines()
    assert len(lines) == 7 and "there is no /dev/video99" in lines[4] and "no film that can be read" in lines[5]
