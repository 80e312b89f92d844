"""Make docs/pictures/preview.png: the live page on photos of examples/ alone, wide and as on a phone.

python tools/preview_picture.py [BUNDLE]

The faces are found and named by a bundle of examples/people; of one of them it is shown as if nothing
were decided yet. The figures of health are made up.
"""

import shutil
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from PIL import Image

from actorrec.inference.preview.preview import Preview
from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.manifests.events import CameraHealth, HealthEvent, QueueHealth, StepTime
from actorrec.sections.device import PreviewSection
from actorrec.types import UInt8Image
from actorrec.vision.decode import read_picture

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "examples"
PICTURE = ROOT / "docs" / "pictures" / "preview.png"
STEPS_MS = {"change": (0.4, 0.9), "follow": (1.1, 2.4), "detect": (31.2, 38.5), "align": (0.8, 1.2)}
STEPS_MS |= {"embed": (24.9, 30.1), "match": (0.1, 0.2)}
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking"]


def enrolled(store: Path) -> Path:
    """A bundle of the people of examples/."""
    command = [sys.executable, "-m", "actorrec", "enroll", "--from", str(EXAMPLES / "people"), "--store", str(store)]
    subprocess.run([*command, "--quiet"], check=True, stdout=subprocess.DEVNULL)
    return next(store.glob("bundle/*/bundle.zip"))


def seen(live: RunningBundle, pixels: UInt8Image) -> list[TrackedFace]:
    """Everybody in the picture, from left to right."""
    found, _ = live.recogniser.recognise(pixels)
    ordered = sorted(found, key=lambda each: each.face.box.x1)
    return [
        TrackedFace(number, each.face, number != 2, each.prediction, (), 0.0, 4.0, 5, each)
        for number, each in enumerate(ordered, start=1)
    ]


def health(live: RunningBundle) -> HealthEvent:
    """How a Raspberry Pi may be doing."""
    now = datetime.now(UTC)
    return HealthEvent(
        id="1",
        device="pi-kitchen",
        at=now,
        model=live.model,
        version="0.1.0",
        started_at=now - timedelta(hours=27, minutes=14),
        frames=978_211,
        unreadable=0,
        failures=0,
        ms_p50=58.9,
        ms_p95=74.1,
        memory_bytes=148_000_000,
        steps={name: StepTime(p50=p50, p95=p95) for name, (p50, p95) in STEPS_MS.items()},
        swaps=1,
        camera=CameraHealth(
            source="rpicam", connected=True, fps=9.98, captured=981_402, dropped=3_191, unchanged=842_774,
            detections=96_120,
        ),
        queues=[QueueHealth(name="mqtts://broker.lan", waiting=0), QueueHealth(name="events.jsonl", waiting=0)],
        temperature_c=61.3,
    )  # fmt: skip


@contextmanager
def frames(preview: Preview, live: RunningBundle, pixels: UInt8Image) -> Iterator[None]:
    """The same frame ten times a second."""
    over, tracks = threading.Event(), seen(live, pixels)

    def offer() -> None:
        while not over.wait(0.1):
            preview.offer(pixels, tracks, live.recogniser.shown_name)

    thread = threading.Thread(target=offer)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()


def shoot(url: str, path: Path, **context: Any) -> None:
    """A picture of the page."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as running:
        browser = running.chromium.launch(executable_path=shutil.which("chromium"), args=ARGUMENTS)
        page = browser.new_context(**context).new_page()
        page.goto(url)
        page.wait_for_selector("body[data-ready]")
        while not page.evaluate("document.getElementById('picture').naturalWidth"):
            page.wait_for_timeout(100)
        page.wait_for_timeout(2500)
        page.screenshot(path=path)
        browser.close()


def beside(left: Path, right: Path) -> Image.Image:
    """Two pictures of one height, on grey, in few enough colours to be small."""
    with Image.open(left) as one, Image.open(right) as other:
        both = Image.new("RGB", (one.width + other.width + 60, max(one.height, other.height) + 40), (128, 134, 142))
        both.paste(one, (20, 20))
        both.paste(other, (one.width + 40, 20))
    return both.quantize(256, method=Image.Quantize.FASTOCTREE)


def main() -> None:
    """Enrol, look, serve, and keep the picture."""
    with tempfile.TemporaryDirectory() as work:
        live = run_bundle(Path(sys.argv[1]) if len(sys.argv) > 1 else enrolled(Path(work)))
        pixels = read_picture(EXAMPLES / "group.jpg", max_bytes=10**8, max_pixels=10**8).pixels
        wide, phone = Path(work) / "wide.png", Path(work) / "phone.png"
        with Preview(PreviewSection()) as preview, frames(preview, live, pixels):
            preview.tell(health(live))
            shoot(preview.url, wide, viewport={"width": 1120, "height": 660}, color_scheme="light")
            shoot(preview.url, phone, viewport={"width": 390, "height": 660}, color_scheme="dark")
        beside(wide, phone).save(PICTURE, optimize=True)
    print(f"wrote {PICTURE.relative_to(ROOT)}, {PICTURE.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
