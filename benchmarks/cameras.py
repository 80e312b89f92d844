"""What a camera costs before anything looks at its frames: the processor's time of its source alone.

    python benchmarks/cameras.py [SECONDS]

640×360 at 10 fps, from another process on the loopback address or from a film. Each source is read in its own process
on one thread, its frames taken and then skipped.
"""

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import ROOT, Row, report

sys.path.insert(0, str(ROOT / "tests"))

import cv2
import numpy as np

from actorrec.inference.frames.choose import frame_source
from actorrec.inference.frames.source import FrameSource
from actorrec.sections import CameraSection
from actorrec.types import UInt8Image
from camera_servers import CameraServer, fake_rpicam, jpeg, mjpeg, rtsp, write_film

WIDTH_PX, HEIGHT_PX, FPS = 640, 360, 10.0
SETTINGS = CameraSection(width_px=WIDTH_PX, height_px=HEIGHT_PX, fps=FPS)
COMMAND = "python benchmarks/cameras.py"
MOST = 0.05  # of one core, for all that a still scene costs


def scene() -> UInt8Image:
    """A soft picture with a sensor's noise."""
    rng = np.random.default_rng(0)
    soft = cv2.resize(rng.integers(0, 255, (40, 64, 3), np.uint8), (WIDTH_PX, HEIGHT_PX), interpolation=cv2.INTER_CUBIC)
    return np.clip(soft + rng.normal(0, 2, soft.shape), 0, 255).astype(np.uint8)


def serve() -> None:
    """Both servers, until this process is ended."""
    servers = CameraServer(mjpeg(scene(), every_s=1 / FPS)), CameraServer(rtsp(scene(), every_s=1 / FPS), "rtsp")
    for server in servers:
        server.on()
    print(json.dumps([server.url for server in servers]), flush=True)
    time.sleep(3600)


def share(source: FrameSource, seconds: float, *, skip: bool) -> tuple[float, float]:
    """Of one core, and milliseconds a frame."""
    cpu_s, began_s, frames = time.process_time(), time.monotonic(), 0
    while time.monotonic() - began_s < seconds and source.read(skip=skip) is not None:
        frames += 1
    cpu_s, took_s = time.process_time() - cpu_s, time.monotonic() - began_s
    return cpu_s / took_s, 1000 * cpu_s / max(1, frames)


def measure(text: str, seconds: float) -> None:
    """One source, in this process: what is taken and what is skipped."""
    cv2.setNumThreads(1)
    found = []
    for skip in (False, True):
        source = frame_source(SETTINGS, text, max_pixels=10_000_000)
        source.open()
        for _ in range(5):
            source.read(skip=skip)
        found.append(share(source, seconds, skip=skip))
        source.close()
    print(json.dumps(found))


def row(what: str, text: str, seconds: float, path: str = "") -> Row:
    """One source, measured in its own process."""
    command = [sys.executable, __file__, "measure", text, str(seconds)]
    environment = {"PATH": path} if path else None
    ran = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    taken, skipped = json.loads(ran.stdout)
    measured = (
        f"{taken[0]:.1%} of one core, {taken[1]:.2f} ms a frame; "
        f"{skipped[0]:.1%} where frames are skipped ({taken[1] / skipped[1]:.1f}× less)"
    )
    return Row(
        f"frames of {what}, {WIDTH_PX}×{HEIGHT_PX} at {FPS:g} fps", f"≤ {MOST:.0%}", measured, taken[0] <= MOST, COMMAND
    )


def main(seconds: float) -> None:
    """Every kind of source that needs no camera."""
    server = subprocess.Popen([sys.executable, __file__, "serve"], stdout=subprocess.PIPE, text=True)
    assert server.stdout is not None
    web, rtsp_url = json.loads(server.stdout.readline())
    try:
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            moved = [np.roll(scene(), 3 * index, 1) for index in range(int(FPS * (seconds + 3)))]
            film = write_film(folder / "film.mp4", moved, FPS, "mp4v")
            fake_rpicam(folder / "bin", [{"every_s": 1 / FPS}])
            kilobytes = len(jpeg(scene())) // 1024
            rows = [
                row(f"MJPEG over HTTP, {kilobytes} kB each", web, seconds),
                row(f"RTSP with JPEG, {kilobytes} kB each", rtsp_url, seconds),
                row("a film, MPEG-4", str(film), seconds),
                row("rpicam (a stand-in for the program)", "rpicam", seconds, str(folder / "bin")),
            ]
    finally:
        server.terminate()
        server.wait()
    report("cameras", rows)


if __name__ == "__main__":
    if sys.argv[1:2] == ["serve"]:
        serve()
    elif sys.argv[1:2] == ["measure"]:
        measure(sys.argv[2], float(sys.argv[3]))
    else:
        main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
