"""A bundle is replaced while frames come at 10 a second: how many are late, and which bundle answers each.

python benchmarks/swap_load.py
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
import zipfile
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np

from rows import OUT, ROOT, Row, report

sys.path.insert(0, str(ROOT / "tests"))

from actorrec.inference.running_bundle import RunningBundle, run_bundle
from actorrec.inference.swap.arrival import Arrival
from actorrec.inference.swap.incoming import IncomingBundle
from corrupt_bundles import CORRUPT
from small_bundles import write_small_bundle

PERIOD_S = 0.1
SWAPS = 9
EVERY_S = 0.2
QUIET_S = 1.0
COMMAND = "python benchmarks/swap_load.py"
PICTURE = ROOT / "examples" / "group.jpg"


@dataclass
class Frames:
    """What became of the frames.

    Attributes:
        late_s: How long after it was due each was answered.
        by: Which bundle answered it.
        wrong: Answers that are not those of the bundle that ran.
        skipped: Frames that nobody looked at, because the one before took so long: the newest wins.
    """

    skipped: int = 0
    late_s: list[float] = field(default_factory=list)
    by: list[str] = field(default_factory=list)
    wrong: int = 0

    @property
    def delayed(self) -> int:
        """Frames answered later than a period after they were due, or not at all."""
        return self.skipped + sum(each > PERIOD_S for each in self.late_s)


class Loop:
    """Asks for a new bundle between frames, looks at each frame, and says how late the answer was."""

    def __init__(self, live: RunningBundle, incoming: IncomingBundle, pixels: np.ndarray) -> None:
        self.live, self.arrivals, self.frames = live, [], Frames()
        self._incoming, self._pixels = incoming, pixels
        self._expected = self._answer(live)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> None:
        self._stop.set()
        self._thread.join()

    def _answer(self, live: RunningBundle) -> list[tuple[float, ...]]:
        found, _ = live.recogniser.recognise(self._pixels)
        return [(round(f.face.box.x1), round(f.face.box.y1), round(f.prediction.similarity, 3)) for f in found]

    def _run(self) -> None:
        due_s = time.perf_counter()
        while not self._stop.is_set():
            due_s += PERIOD_S
            while due_s + PERIOD_S < time.perf_counter():
                due_s += PERIOD_S
                self.frames.skipped += 1
            time.sleep(max(0.0, due_s - time.perf_counter()))
            arrival = self._incoming.poll()
            if arrival is not None:
                self.arrivals.append(arrival)
                self.live = arrival.bundle or self.live
            self.frames.wrong += self._answer(self.live) != self._expected
            self.frames.late_s.append(time.perf_counter() - due_s)
            self.frames.by.append(self.live.model.bundle)


def next_arrival(loop: Loop, count: int) -> Arrival:
    while len(loop.arrivals) <= count:
        time.sleep(0.02)
    return loop.arrivals[count]


def put(path: Path, good: Path, number: int) -> None:
    beside = Path(shutil.copy(good, path.with_name("new.zip")))
    with zipfile.ZipFile(beside, "a") as target:
        target.comment = f"{number}".encode()
    beside.replace(path)


def swapped(folder: Path, good: Path, pixels: np.ndarray) -> tuple[Loop, list[int], list[int]]:
    """Swap again and again; frames delayed around each swap, and in as long a time without one just after it."""
    path = Path(shutil.copy(good, folder / "bundle.zip"))
    live = run_bundle(path, num_threads=1, tried=True)
    incoming = IncomingBundle(path, live.model.bundle, num_threads=1, staging=folder / "staging", every_s=EVERY_S)
    loop = Loop(live, incoming, pixels)
    time.sleep(QUIET_S)
    around: list[int] = []
    without: list[int] = []
    for number in range(SWAPS):
        before, start_s = loop.frames.delayed, time.perf_counter()
        put(path, good, number)
        assert next_arrival(loop, number).bundle is not None
        time.sleep(QUIET_S)
        after, took_s = loop.frames.delayed, time.perf_counter() - start_s
        around.append(after - before)
        time.sleep(took_s)
        without.append(loop.frames.delayed - after)
    loop.stop()
    incoming.close()
    return loop, around, without


def refused(folder: Path, good: Path, pixels: np.ndarray) -> tuple[Loop, int]:
    """Put every kind of corrupt bundle there; how many were refused."""
    path = Path(shutil.copy(good, folder / "other.zip"))
    live = run_bundle(path, num_threads=1, tried=True)
    incoming = IncomingBundle(path, live.model.bundle, num_threads=1, staging=folder / "staging2", every_s=EVERY_S)
    loop = Loop(live, incoming, pixels)
    for number, (make, _) in enumerate(CORRUPT.values()):
        if path.is_dir():
            path.rmdir()
        path.unlink(missing_ok=True)
        make(path)
        next_arrival(loop, number)
    loop.stop()
    incoming.close()
    return loop, sum(arrival.bundle is None for arrival in loop.arrivals)


def changes(by: list[str]) -> int:
    return sum(a != b for a, b in pairwise(by))


def quantiles(late_s: list[float]) -> str:
    p50, p95, most = np.percentile(late_s, [50, 95, 100]) * 1000
    return f"answered after {p50:.0f}/{p95:.0f}/{most:.0f} ms (p50/p95/most)"


def main() -> None:
    if sys.argv[1:] == ["--one-core"]:
        os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})
    cores = len(os.sched_getaffinity(0))
    picture = cv2.cvtColor(cv2.imread(str(PICTURE)), cv2.COLOR_BGR2RGB)
    pixels = cv2.resize(picture, (640, 360), interpolation=cv2.INTER_AREA)
    rows = []
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        good = write_small_bundle(folder / "good.zip")
        loop, around, without = swapped(folder, good, pixels)
        more = float(np.median(around) - np.median(without))
        where = f"{cores} core{'s' if cores > 1 else ''}"
        rows.append(
            Row(
                f"bundle swap under load, {where}: frames at 10 fps delayed by more than a period, for each swap",
                "≤ 1 more than without",
                f"median {np.median(around):.0f} (most {max(around)}) in {SWAPS} swaps, {np.median(without):.0f} (most "
                f"{max(without)}) in as long without; {quantiles(loop.frames.late_s)}",
                more <= 1,
                COMMAND,
            )
        )
        rows.append(
            Row(
                f"bundle swap under load, {where}: frames answered by a half-loaded model",
                "0",
                f"{loop.frames.wrong} of {len(loop.frames.by)}; the bundle changed {changes(loop.frames.by)} times",
                loop.frames.wrong == 0 and changes(loop.frames.by) == SWAPS,
                COMMAND,
            )
        )
        if cores > 1:
            loop, count = refused(folder, good, pixels)
            rows.append(
                Row(
                    f"corrupt bundles of {len(CORRUPT)} kinds, frames at 10 fps",
                    "all refused, the old model never stops",
                    f"{count} refused; {len(loop.frames.by)} frames, all of the old model, {loop.frames.delayed} "
                    f"delayed by more than a period; {quantiles(loop.frames.late_s)}",
                    count == len(CORRUPT) and changes(loop.frames.by) == 0 and loop.frames.wrong == 0,
                    COMMAND,
                )
            )
    if sys.argv[1:] == ["--one-core"]:
        report("swap_load_one_core", rows)
        return
    subprocess.run([sys.executable, __file__, "--one-core"], check=True)
    rows += [Row(**row) for row in json.loads((OUT / "swap_load_one_core.json").read_text())]
    report("swap_load", rows)


if __name__ == "__main__":
    main()
