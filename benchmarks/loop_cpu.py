"""What following costs: CPU time of a still scene, and of one face that moves, against detecting on every frame.

    python benchmarks/loop_cpu.py

One core, one thread; CPU time of the process, not of the wall. The face is a photo that is moved and zoomed over a
background that moves too; every frame has a sensor's noise (4 grey levels) and is stored as a JPEG and read again,
which is not counted. Both sides see the same frames.
"""

import os
import statistics
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from rows import ONE_THREAD, ROOT, Row, report, test_data

os.environ.update(ONE_THREAD)

import numpy as np
from PIL import Image

from actorrec.artifacts.uri import open_store
from actorrec.config import Config
from actorrec.enrolment.draft import open_stored
from actorrec.enrolment.enrol import enrol
from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.naming import Namer
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.progress import SilentProgress
from actorrec.recognition.recogniser import Recogniser, load_recogniser
from actorrec.sections.device import TrackingSection
from actorrec.types import Frame, UInt8Image

COMMAND = "python benchmarks/loop_cpu.py"
WIDTH_PX, HEIGHT_PX, FPS = 640, 360, 10
PEOPLE, SECONDS, STILL_SECONDS = 6, 15, 60
NOISE = 4.0


def pin() -> None:
    """This process to one core, OpenCV to one thread."""
    import cv2

    os.sched_setaffinity(0, {sorted(os.sched_getaffinity(0))[-1]})
    cv2.setNumThreads(1)


def known_people() -> tuple[dict[str, list[Path]], dict[str, Path]]:
    """Photos to enrol of each person, and one more of each to show."""
    data = test_data()
    if data is None:
        shown = {folder.name: sorted(folder.glob("*.jpg")) for folder in sorted((ROOT / "examples/people").iterdir())}
        return shown, {person: photos[0] for person, photos in shown.items()}
    folders = sorted((data / "lfw_dev/people").iterdir())[: PEOPLE * 2]
    photos = {folder.name: sorted(folder.glob("*.jpg")) for folder in folders}
    return {person: each[:4] for person, each in photos.items()}, {
        person: each[5] for person, each in list(photos.items())[:PEOPLE]
    }


def taught(people: dict[str, list[Path]]) -> Recogniser:
    """The default detector and embedder, one thread, with these people."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(folder)
        made = enrol(store, Config(), people, progress=SilentProgress())
        return load_recogniser(open_stored(store, made.manifest), num_threads=1)


def background(seed: int, size_wh: tuple[int, int]) -> UInt8Image:
    """Soft blots and stripes in colours, without a face; shape (H, W, 3), uint8."""
    rng = np.random.default_rng(seed)
    small = Image.fromarray(rng.integers(30, 220, (9, 16, 3), dtype=np.uint8))
    return np.asarray(small.resize(size_wh, Image.Resampling.BICUBIC), np.uint8)


def filmed(pixels: UInt8Image, rng: np.random.Generator) -> UInt8Image:
    """A picture as a camera gives it: with noise, through a JPEG."""
    import cv2

    noisy = pixels + np.float32(NOISE) * rng.standard_normal(pixels.shape, np.float32)
    _, packed = cv2.imencode(".jpg", np.clip(noisy, 0, 255).astype(np.uint8), [cv2.IMWRITE_JPEG_QUALITY, 85])
    return np.ascontiguousarray(cv2.imdecode(packed, cv2.IMREAD_COLOR), np.uint8)


def moving(photo: Path, seed: int, frames: int, *, still: bool = False) -> Iterator[Frame]:
    """A photo that pans and zooms over a background that pans slower."""
    import cv2

    rng = np.random.default_rng(seed)
    scenery = background(seed, (WIDTH_PX + 80, HEIGHT_PX + 80))
    face = np.asarray(Image.open(photo).convert("RGB").resize((230, 230)), np.uint8)
    for index in range(frames):
        time_s = 0.0 if still else index / FPS
        right, down = round(38 * np.sin(0.5 * time_s)), round(38 * np.cos(0.4 * time_s))
        canvas = np.ascontiguousarray(scenery[40 + down : 40 + down + HEIGHT_PX, 40 + right : 40 + right + WIDTH_PX])
        zoom = 0.9 + 0.12 * np.sin(0.9 * time_s)
        left, top = 200 + 130 * np.sin(0.7 * time_s + seed), 70 + 45 * np.cos(1.1 * time_s)
        matrix = np.array([[zoom, 0, left], [0, zoom, top]])
        cv2.warpAffine(face, matrix, (WIDTH_PX, HEIGHT_PX), dst=canvas, borderMode=cv2.BORDER_TRANSPARENT)
        yield Frame(filmed(canvas, rng), "made", index, index / FPS)


def still_share(recogniser: Recogniser, photo: Path) -> float:
    """Part of one core that a still scene with a face takes at ``FPS``, from the first frame on."""
    watcher, spent_s = FaceWatcher(recogniser, TrackingSection()), 0.0
    for frame in moving(photo, 1, STILL_SECONDS * FPS, still=True):
        start_s = time.process_time()
        sighting = watcher.look(frame)
        spent_s += time.process_time() - start_s
    if not any(track.decided for track in sighting.tracks):
        raise SystemExit("the still face was not decided")
    return spent_s / STILL_SECONDS


def one_face(recogniser: Recogniser, photo: Path, seed: int) -> tuple[float, float, set[str], set[str]]:
    """CPU seconds of following and of detecting on every frame, and the names that each says of the film.

    The names of the second are decided in the same way, from a look in every frame at the largest face.
    """
    settings, every = TrackingSection(), Evidence()
    watcher = FaceWatcher(recogniser, settings)
    namer = Namer(recogniser.gallery, recogniser.calibration, settings)
    ours_s = theirs_s = 0.0
    ours: set[str] = set()
    theirs: set[str] = set()
    for frame in moving(photo, seed, SECONDS * FPS):
        start_s = time.process_time()
        sighting = watcher.look(frame)
        between_s = time.process_time()
        found, _ = recogniser.recognise(frame.pixels)
        theirs_s += time.process_time() - between_s
        ours_s += between_s - start_s
        ours |= {
            t.prediction.person_id for t in sighting.tracks if t.decided and t.prediction and t.prediction.person_id
        }
        if found:
            every.add(max(found, key=lambda each: each.face.box.area_px).embedding, 1.0, frame.time_s)
            answer = namer.answers({1: every})[1]
            theirs |= {answer.prediction.person_id} - {None} if answer.decided else set()
    return ours_s, theirs_s, ours, theirs


def main() -> None:
    """Measure and save."""
    pin()
    people, shown = known_people()
    recogniser = taught(people)
    share = still_share(recogniser, next(iter(shown.values())))
    runs = [one_face(recogniser, photo, seed) for seed, photo in enumerate(shown.values())]
    ratio = sum(theirs for _, theirs, _, _ in runs) / sum(ours for ours, *_ in runs)
    least = min(theirs / ours for ours, theirs, _, _ in runs)
    same = sum(ours == theirs for *_, ours, theirs in runs)
    frame_ms = statistics.median(ours / (SECONDS * FPS) * 1000 for ours, *_ in runs)
    rows = [
        Row(
            f"watching a still scene with a face, 640×360 at {FPS} fps, noise of {NOISE:.0f} grey levels and JPEG",
            "≤ 5 % of one core",
            f"{share:.1%} over {STILL_SECONDS} s of film, deciding who it is included",
            share <= 0.05,
            COMMAND,
        ),
        Row(
            f"watching one face that moves, 640×360 at {FPS} fps: CPU against detecting and naming on every frame",
            "≥ 3× less, same names",
            f"{ratio:.1f}× less (least of {len(runs)} films {least:.1f}×; {frame_ms:.1f} ms a frame); "
            f"same names in {same} of {len(runs)}",
            ratio >= 3 and same == len(runs),
            COMMAND,
        ),
    ]
    report("loop_cpu", rows)


if __name__ == "__main__":
    main()
