"""Memory and evenness of a long watch: 640×360 frames with people who come, move and go, as fast as they are taken.

    python benchmarks/loop_memory.py [--frames 3000]

18,000 frames are 30 minutes at 10 fps (``make soak``). Memory is what the process holds (RSS), the first minute of film
(600 frames) is left out. Times are CPU time of a frame in which the whole picture was searched, on one core with one
thread.
"""

import argparse
import itertools
import os
import statistics
import time
from collections.abc import Iterator
from pathlib import Path

from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.sections.device import TrackingSection
from actorrec.types import Frame
from loop_cpu import FPS, HEIGHT_PX, WIDTH_PX, known_people, moving, pin, taught
from rows import Row, report

COMMAND = "python benchmarks/loop_memory.py"
FIRST_FRAMES, FILM_FRAMES = 60 * FPS, 120


def held_mb() -> float:
    """Resident memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE") / 2**20


def film(photos: list[Path], frames: int) -> Iterator[Frame]:
    """One person after the other, each for 12 s, without a break; every fourth time nobody moves."""
    index = 0
    for scene in itertools.count():
        for frame in moving(photos[scene % len(photos)], scene, FILM_FRAMES, still=scene % 4 == 3):
            if index == frames:
                return
            yield Frame(frame.pixels, frame.source, index, index / FPS)
            index += 1


def main() -> None:
    """Measure and save."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--frames", type=int, default=3000)
    count = max(FIRST_FRAMES + 100, parser.parse_args().frames)
    pin()
    people, shown = known_people()
    watcher = FaceWatcher(taught(people), TrackingSection())
    held: list[float] = []
    searched_ms: list[float] = []
    for frame in film(list(shown.values()), count):
        start_s = time.process_time()
        sighting = watcher.look(frame)
        spent_ms = (time.process_time() - start_s) * 1000
        if sighting.detected and frame.index:
            searched_ms.append(spent_ms)
        if frame.index >= FIRST_FRAMES and frame.index % 50 == 0:
            held.append(held_mb())
    middle, late = statistics.median(searched_ms), statistics.quantiles(searched_ms, n=20)[-1]
    spread = max(abs(each - held[0]) for each in held)
    rows = [
        Row(
            f"memory over {count} frames of {WIDTH_PX}×{HEIGHT_PX}, watched as fast as they are taken",
            "± 5 MB after the first minute of film",
            f"± {spread:.1f} MB around {held[0]:.0f} MB",
            spread <= 5,
            COMMAND,
        ),
        Row(
            "the same: CPU time of the frames that were searched, p95 against p50",
            "≤ 2×",
            f"{late / middle:.2f}× ({middle:.1f} ms and {late:.1f} ms; n = {len(searched_ms)})",
            late <= 2 * middle,
            COMMAND,
        ),
    ]
    report("loop_memory", rows)


if __name__ == "__main__":
    main()
