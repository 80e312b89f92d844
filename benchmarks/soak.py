"""Kill, repeat and race the commands for a while; every run must end where an undisturbed one ends.

    python benchmarks/soak.py [MINUTES]

Rounds of three kinds: ``build-dataset`` killed at random moments and run again, two ``enroll`` at once, and ``infer``
over all photos again and again, whose memory must not grow.
"""

import json
import os
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import ROOT, test_data

PROGRAM = [sys.executable, "-m", "actorrec"]


def run(*arguments: str | Path) -> dict[str, object]:
    """Run a command to its end; its JSON."""
    done = subprocess.run(
        [*PROGRAM, *map(str, arguments), "--json", "--quiet"], capture_output=True, text=True, check=False
    )
    if done.returncode:
        raise SystemExit(f"{arguments}: exit {done.returncode}\n{done.stderr}")
    found: dict[str, object] = json.loads(done.stdout.splitlines()[-1])
    return found


def killed_builds(photos: Path, digest: object, dice: random.Random) -> int:
    """Kill a build until it survives; its digest must be the undisturbed one. Returns how often it was killed."""
    kills = 0
    with tempfile.TemporaryDirectory() as store:
        while True:
            command = [*PROGRAM, "build-dataset", str(photos), "--store", store, "--json"]
            with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
                try:
                    stdout, stderr = process.communicate(timeout=dice.uniform(0.3, 4))
                except subprocess.TimeoutExpired:
                    process.kill()
                    kills += 1
                    continue
            if process.returncode:
                raise SystemExit(f"build-dataset after {kills} kills: {stderr.decode()}")
            if json.loads(stdout)["content_digest"] != digest:
                raise SystemExit(f"after {kills} kills the data set is another one")
            return kills


def racing_enrols(photos: Path) -> None:
    """Two people enrolled at the same moment must both be known."""
    folders = sorted(path for path in photos.iterdir() if path.is_dir())[:2]
    with tempfile.TemporaryDirectory() as store:
        racers = [
            subprocess.Popen(
                [*PROGRAM, "enroll", folder.name, str(folder), "--store", store, "--quiet"], stdout=subprocess.DEVNULL
            )
            for folder in folders
        ]
        if any(racer.wait(120) for racer in racers):
            raise SystemExit("an enroll failed")
        done = subprocess.run(
            [*PROGRAM, "people", "ls", "--store", store, "--json"], capture_output=True, text=True, check=True
        )
        if len(json.loads(done.stdout)) != 2:
            raise SystemExit("of two people enrolled at once, one was lost")


def flat_memory(photos: Path) -> int:
    """Recognise all photos ten times over in one process: it must peak where once over peaks. Peak resident MB."""
    with tempfile.TemporaryDirectory() as store:
        run("enroll", "--from", ROOT / "examples" / "people", "--store", store)
        once, often = (_peak_mb(["infer", *[str(photos)] * times, "--store", store, "--json"]) for times in (1, 10))
    if often > once * 1.1:
        raise SystemExit(f"infer grew from {once} MB over the photos once to {often} MB over them ten times")
    return often


def _peak_mb(arguments: list[str]) -> int:
    process = subprocess.Popen([*PROGRAM, *arguments], stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise SystemExit(f"infer: exit {process.returncode}")
    return used.ru_maxrss // 1024


def main() -> None:
    """Run rounds until the time is up."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 30
    data = test_data()
    photos = data / "actors" if data else ROOT / "examples" / "people"
    seed = random.SystemRandom().randrange(10_000)
    dice, end, rounds, kills = random.Random(seed), time.monotonic() + minutes * 60, 0, 0
    with tempfile.TemporaryDirectory() as store:
        digest = run("build-dataset", photos, "--store", store)["content_digest"]
    while rounds == 0 or time.monotonic() < end:
        kills += killed_builds(photos, digest, dice)
        racing_enrols(photos)
        peak = flat_memory(photos)
        rounds += 1
        print(f"round {rounds}: {kills} kills so far, infer peaked at {peak} MB (seed {seed})", flush=True)
    print(f"{rounds} rounds passed")


if __name__ == "__main__":
    main()
