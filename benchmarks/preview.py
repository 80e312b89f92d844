"""What the live page costs: nothing while nobody watches, and how much with one watcher.

python benchmarks/preview.py
"""

import os

os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})

import statistics
import subprocess
import sys
import time
from http.client import HTTPConnection
from urllib.parse import urlsplit

import cv2
import numpy as np

from actorrec.inference.preview.preview import Preview
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.sections.device import PreviewSection
from actorrec.types import BoundingBox, Face, Landmarks, Prediction, UInt8Image
from actorrec.vision.decode import read_picture
from rows import ROOT, Row, report

FPS, CAMERA_FPS, WATCHED_S = 5.0, 10.0, 10.0
COMMAND = "python benchmarks/preview.py"


def scene() -> tuple[UInt8Image, list[TrackedFace]]:
    """A photo at 640x360 with three faces: a name, a stranger, one of whom nothing is decided."""
    whole = read_picture(ROOT / "examples" / "group.jpg", max_bytes=10**8, max_pixels=10**8).pixels
    pixels = np.asarray(cv2.resize(whole, (640, 360), interpolation=cv2.INTER_AREA), np.uint8)
    prediction = Prediction("Q1", 0.6, 0.97, "Q1"), Prediction(None, 0.1, 0.0, "Q1")
    boxes = [BoundingBox(60 + 200 * each, 80.0, 160 + 200 * each, 210.0) for each in range(3)]
    faces = [Face(box, Landmarks(np.zeros((5, 2), np.float32)), 0.99) for box in boxes]
    return pixels, [
        TrackedFace(each + 1, face, each < 2, prediction[each % 2], (), 0.0, 1.0, 3) for each, face in enumerate(faces)
    ]


def offer_us(preview: Preview, pixels: UInt8Image, tracks: list[TrackedFace]) -> float:
    """Median microseconds of one call, over 20 times 10,000 calls."""
    rounds = []
    for _ in range(20):
        began_s = time.perf_counter()
        for _ in range(10_000):
            preview.offer(pixels, tracks, str)
        rounds.append((time.perf_counter() - began_s) / 10_000 * 1e6)
    return statistics.median(rounds)


def cpu_share(preview: Preview, pixels: UInt8Image, tracks: list[TrackedFace]) -> float:
    """CPU of this process while frames come, as a share of one core; a watcher, if there is one, lives elsewhere."""
    began_s, cpu_s = time.monotonic(), time.process_time()
    while (now_s := time.monotonic()) - began_s < WATCHED_S:
        preview.offer(pixels, tracks, str)
        time.sleep(max(0.0, 1 / CAMERA_FPS - (time.monotonic() - now_s)))
    return (time.process_time() - cpu_s) / (time.monotonic() - began_s)


def watch(url: str) -> None:
    """One watcher, in a process of its own, until the page ends; prints when each picture came."""
    address = urlsplit(url)
    connection = HTTPConnection("127.0.0.1", address.port or 0, timeout=60)
    connection.request("GET", f"{address.path}?{address.query}")
    answer = connection.getresponse()
    cookie = str(answer.getheader("Set-Cookie")).partition(";")[0]
    connection.close()
    connection.request("GET", f"{address.path}stream", headers={"Cookie": cookie})
    stream = connection.getresponse()
    while chunk := stream.read1(65536):
        for _ in range(chunk.count(b"--frame")):
            print(time.monotonic(), flush=True)


def main() -> None:
    """Measure, print, keep."""
    pixels, tracks = scene()
    with Preview(PreviewSection(fps=FPS)) as preview:
        alone_us = offer_us(preview, pixels, tracks)
        alone = cpu_share(preview, pixels, tracks)
        watcher = subprocess.Popen([sys.executable, __file__, preview.url], stdout=subprocess.PIPE, text=True)
        assert watcher.stdout is not None
        watcher.stdout.readline()
        began_s = time.monotonic()
        watched = cpu_share(preview, pixels, tracks)
        ended_s = time.monotonic()
        watched_us = offer_us(preview, pixels, tracks)
    came_s = [float(line) for line in watcher.communicate(timeout=30)[0].split()]
    pictures = sum(began_s <= each < ended_s for each in came_s) / (ended_s - began_s)
    report(
        "preview",
        [
            Row("an offered frame, nobody watching", "≤ 20 µs", f"{alone_us:.2f} µs", alone_us <= 20, COMMAND),
            Row("an offered frame, one watcher", "", f"{watched_us:.2f} µs", None, COMMAND),
            Row(
                "CPU for one watcher, 640×360, 5 pictures a second, three faces",
                "≤ 10 % of one core",
                f"{watched - alone:.1%} of one core ({pictures:.1f} pictures a second)",
                watched - alone <= 0.10,
                COMMAND,
            ),
            Row("CPU of the page while nobody watches", "≤ 1 % of one core", f"{alone:.2%}", alone <= 0.01, COMMAND),
        ],
    )


if __name__ == "__main__":
    watch(sys.argv[1]) if len(sys.argv) > 1 else main()
