"""One suite over every source of frames, each against a server, a program or a film."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.choose import frame_source, is_camera
from actorrec.inference.frames.source import FrameSource
from actorrec.sections import CameraSection
from camera_servers import RED, camera_server, fake_rpicam, is_colour, mjpeg, rtsp, scene, write_film

SETTINGS = CameraSection(width_px=64, height_px=48, fps=50, timeout_s=60)
MAX_PIXELS = 10_000


@dataclass
class World:
    """A text that names a source of red frames of 64 × 48 px, and whether it is live."""

    text: str
    live: bool = True
    every_frame: bool = False

    def source(self, max_pixels: int = MAX_PIXELS) -> FrameSource:
        return frame_source(SETTINGS, self.text, every_frame=self.every_frame, max_pixels=max_pixels)


def _film(tmp_path: Path, stack: ExitStack, patch: pytest.MonkeyPatch) -> World:
    return World(str(write_film(tmp_path / "film.avi", [scene(RED)] * 250)))


def _every_frame(tmp_path: Path, stack: ExitStack, patch: pytest.MonkeyPatch) -> World:
    film = write_film(tmp_path / "film.mp4", [scene(RED)] * 250, codec="mp4v")
    return World(str(film), live=False, every_frame=True)


def _mjpeg(tmp_path: Path, stack: ExitStack, patch: pytest.MonkeyPatch) -> World:
    return World(stack.enter_context(camera_server(mjpeg(scene(RED)))).url)


def _rtsp(tmp_path: Path, stack: ExitStack, patch: pytest.MonkeyPatch) -> World:
    return World(stack.enter_context(camera_server(rtsp(scene(RED)), "rtsp")).url)


def _rpicam(tmp_path: Path, stack: ExitStack, patch: pytest.MonkeyPatch) -> World:
    fake_rpicam(tmp_path / "bin", [{}])
    patch.setenv("PATH", str(tmp_path / "bin"), prepend=":")
    return World("rpicam")


WORLDS: dict[str, Callable[[Path, ExitStack, pytest.MonkeyPatch], World]] = {
    "film": _film,
    "every-frame": _every_frame,
    "mjpeg": _mjpeg,
    "rtsp": _rtsp,
    "rpicam": _rpicam,
}


@pytest.fixture(params=list(WORLDS))
def world(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with ExitStack() as stack:
        yield WORLDS[request.param](tmp_path, stack, monkeypatch)


@pytest.fixture
def opened(world: World) -> Iterator[FrameSource]:
    source = world.source()
    source.open()
    yield source
    source.close()


def test_it_is_a_camera_and_says_whether_it_is_live(world: World) -> None:
    assert is_camera(world.text)
    assert world.source().live is world.live


def test_frames_are_rgb_contiguous_and_named(opened: FrameSource) -> None:
    frame = opened.read()
    assert frame is not None
    assert frame.pixels.shape == (48, 64, 3)
    assert frame.pixels.dtype == np.uint8
    assert frame.pixels.flags.c_contiguous and frame.pixels.flags.owndata
    assert is_colour(frame.pixels, RED)
    assert frame.source == opened.name


def test_time_and_index_grow(opened: FrameSource) -> None:
    frames = [opened.read(skip=index % 2 == 1) for index in range(6)]
    times = [frame.time_s for frame in frames if frame is not None]
    assert len(times) == 6
    assert all(later > earlier for earlier, later in pairwise(times))
    indices = [frame.index for frame in frames if frame is not None]
    assert indices == sorted(set(indices))


def test_a_frame_that_was_given_is_never_written_again(opened: FrameSource) -> None:
    first = opened.read()
    assert first is not None
    first.pixels[:] = 7
    for _ in range(3):
        assert opened.read() is not None
    assert (first.pixels == 7).all()


def test_what_is_skipped_has_no_pixels(opened: FrameSource) -> None:
    skipped, taken = opened.read(skip=True), opened.read()
    assert skipped is not None and skipped.pixels.size == 0
    assert taken is not None and is_colour(taken.pixels, RED)


def test_closed_twice_and_opened_anew(opened: FrameSource) -> None:
    assert opened.read() is not None
    opened.close()
    opened.close()
    opened.open()
    frame = opened.read()
    assert frame is not None and is_colour(frame.pixels, RED)


def test_not_open_is_an_error(world: World) -> None:
    source = world.source()
    source.close()
    with pytest.raises(FrameSourceError):
        source.read()


def test_frames_that_are_too_large_are_refused(world: World) -> None:
    source = world.source(max_pixels=64 * 48 - 1)
    try:
        with pytest.raises(FrameSourceError, match=r"64 . 48|3,071"):
            source.open()
            source.read()
    finally:
        source.close()


def test_closed_by_another_thread_while_it_is_read(opened: FrameSource) -> None:
    ended = threading.Event()

    def read_on() -> None:
        try:
            while opened.read() is not None:
                pass
        except FrameSourceError:
            pass
        ended.set()

    reader = threading.Thread(target=read_on, daemon=True)
    reader.start()
    time.sleep(0.1)
    opened.close()
    assert ended.wait(SETTINGS.timeout_s)
    reader.join(5)
