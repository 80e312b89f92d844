"""What the whole program costs before a camera: CPU time of `infer --camera FILM --loop`, films of 640×360 at 10 fps.

    python benchmarks/loop_process.py

The films are made of the example pictures with a camera's noise and JPEG compression, and play at their own pace: a
scene without anybody, one with a face that does not move, six with a face that does. Reading the film is counted. The
program runs on one core with one thread; its start is left out. Against it: the same program with
`tracking.detect_every_s` and `look_again_s` at 0, which searches every frame and embeds in every second one. And how
long an end takes that is asked for by SIGTERM, from the first frames on.
"""

import json
import os
import signal
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path

from rows import ONE_THREAD, ROOT, Row, report

os.environ.update(ONE_THREAD)
sys.path.insert(0, str(ROOT / "tests"))

from actorrec.recognition.bundle import open_bundle
from actorrec.recognition.recogniser import load_recogniser
from composed_stream import FPS, Appearance, ComposedStream, PhotoCuts
from running_loop import HOPPER, taught_bundle

COMMAND = "python benchmarks/loop_process.py"
SECONDS, FROM_S = 28, 7
EVERY_FRAME = {"ACTORREC_TRACKING__DETECT_EVERY_S": "0", "ACTORREC_TRACKING__LOOK_AGAIN_S": "0"}
PEOPLE = {"Grace_Hopper": "Grace_Hopper", "Albert_Einstein": "Albert_Einstein"}
EINSTEIN = ROOT / "examples/people/Albert_Einstein/lecture_1921.jpg"
MOVING, ENDS = 6, 10


def cpu_s(pid: int) -> float:
    """CPU time of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def share(film: Path, bundle: Path, folder: Path, settings: Mapping[str, str]) -> tuple[float, list[dict[str, object]]]:
    """Part of a core that the program took while it was under way, and its events.

    A busy machine lets frames fall, which then cost nothing: it counts as if all had been looked at.
    """
    core = sorted(os.sched_getaffinity(0))[-1]
    command = [sys.executable, "-m", "actorrec", "infer", "--camera", str(film), "--loop", "--bundle", str(bundle)]
    environ = os.environ | {"ACTORREC_INFERENCE__THREADS": "1", "XDG_STATE_HOME": str(folder)} | dict(settings)
    with subprocess.Popen(
        command, env=environ, stdout=subprocess.PIPE, text=True, preexec_fn=lambda: os.sched_setaffinity(0, {core})
    ) as process:
        time.sleep(FROM_S)
        before_s, began_s = cpu_s(process.pid), time.monotonic()
        time.sleep(SECONDS - FROM_S - 4)
        used_s, took_s = cpu_s(process.pid) - before_s, time.monotonic() - began_s
        output, _ = process.communicate()
    events = [json.loads(line) for line in output.splitlines()]
    looked = next(event["frames"] for event in reversed(events) if event["event"] == "health")
    return used_s / took_s * SECONDS * FPS / looked, events


def names(events: list[dict[str, object]]) -> set[str]:
    """Everybody who was named."""
    faces = [face for event in events if event["event"] == "detection" for face in event["faces"]]  # type: ignore[attr-defined]
    return {face["name"] for face in faces if face["name"]}


def quiet(film: Path, folder: Path, bundle: Path, who: set[str]) -> tuple[str, bool]:
    """What a film takes in which nothing moves, and whether that is little and the names are right."""
    used, events = share(film, bundle, folder / "state", {})
    return f"{used:.1%} of one core", used <= 0.05 and names(events) == who


def lively(films: Mapping[Path, set[str]], folder: Path, bundle: Path) -> tuple[str, bool]:
    """The same of films with a face that moves, against finding and naming in every frame."""
    used, every, right = [], [], 0
    for film, who in films.items():
        ours, events = share(film, bundle, folder / "state", {})
        theirs, often = share(film, bundle, folder / "state", EVERY_FRAME)
        used.append(ours)
        every.append(theirs)
        right += names(events) == names(often) == who
    times = [theirs / ours for ours, theirs in zip(used, every, strict=True)]
    told = (
        f"{statistics.median(times):.1f}× less (least of {len(times)} films {min(times):.1f}×); "
        f"{statistics.median(used):.1%} of one core, finding and naming in every frame {statistics.median(every):.1%}; "
        f"right names on both sides in {right} of {len(times)}"
    )
    return told, statistics.median(times) >= 3 and right == len(times)


def ends(film: Path, folder: Path, bundle: Path) -> tuple[str, bool]:
    """How long SIGTERM takes while faces are followed."""
    took_s = []
    command = [sys.executable, "-m", "actorrec", "infer", "--camera", str(film), "--loop", "--bundle", str(bundle)]
    for _ in range(ENDS):
        environ = os.environ | {"XDG_STATE_HOME": str(folder / "state")}
        with subprocess.Popen(command, env=environ, stdout=subprocess.PIPE, text=True) as process:
            assert process.stdout is not None and process.stdout.readline()
            asked_s = time.monotonic()
            process.send_signal(signal.SIGTERM)
            process.communicate()
            took_s.append(time.monotonic() - asked_s if process.returncode == 0 else float("inf"))
    return f"median {statistics.median(took_s):.2f} s, longest of {ENDS} {max(took_s):.2f} s", max(took_s) <= 2


def main() -> None:
    """Measure and report."""
    rows = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        bundle = taught_bundle(folder / "store", PEOPLE)
        cuts = PhotoCuts(load_recogniser(open_bundle(bundle), num_threads=1).detector)

        def film(of: str, plot: list[Appearance], seed: int = 0) -> Path:
            ComposedStream(plot, cuts, seconds=SECONDS, seed=seed).write(folder / f"{of}.avi")
            return folder / f"{of}.avi"

        def told(what: str, target: str, measured: tuple[str, bool]) -> None:
            rows.append(Row(f"the whole program, 10 fps, {what}; right names", target, *measured, COMMAND))

        core = "≤ 5 % of one core"
        told("nobody", core, quiet(film("nobody", []), folder, bundle, set()))
        still = film("still", [Appearance("Grace_Hopper", (HOPPER,), 0, SECONDS, calm=0.0)])
        told("a face that does not move", core, quiet(still, folder, bundle, {"Grace Hopper"}))
        moving = {}
        for seed in range(MOVING):
            person, photo = (("Grace_Hopper", HOPPER), ("Albert_Einstein", EINSTEIN))[seed % 2]
            plot = [Appearance(person, (photo,), 0, SECONDS)]
            moving[film(f"moving-{seed}", plot, seed)] = {person.replace("_", " ")}
        told("a face that moves", "≥ 3× less than detecting on every frame", lively(moving, folder, bundle))
        ended = ends(next(iter(moving)), folder, bundle)
        rows.append(Row("a clean end of the loop, asked for by SIGTERM", "≤ 2 s", *ended, COMMAND))
    report("loop_process", rows)


if __name__ == "__main__":
    main()
