"""How long ``--help`` and the first detection of ``infer`` take.

python benchmarks/startup.py
"""

import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import ROOT, Row, report

COMMAND = "python benchmarks/startup.py"
REPEATS = 7


def cpu_seconds(command: list[str]) -> tuple[float, float]:
    """CPU and wall seconds of a process."""
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return used, time.perf_counter() - start


def main() -> None:
    """Measure and save."""
    program = str(Path(sys.executable).with_name("actorrec"))
    helps = statistics.median(cpu_seconds([program, "--help"])[0] for _ in range(REPEATS))
    with tempfile.TemporaryDirectory() as store:
        people = str(ROOT / "examples" / "people")
        subprocess.run([program, "enroll", "--from", people, "--store", store], check=True, capture_output=True)
        photo = str(sorted((ROOT / "examples" / "people").rglob("*.jpg"))[0])
        command = [program, "infer", photo, "--store", store, "--json"]
        walls = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            done = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ)
            walls.append(time.perf_counter() - start)
            assert json.loads(done.stdout)["faces"], "the example photo must show a face"
        first = statistics.median(walls)
    rows = [
        Row("--help, CPU time", "≤ 0.35 s", f"{helps:.2f} s", helps <= 0.35, COMMAND),
        Row(
            "infer of one photo, start to end",
            "≤ 1.2 s to the first detection",
            f"{first:.2f} s",
            first <= 1.2,
            COMMAND,
        ),
    ]
    report("startup", rows)


if __name__ == "__main__":
    main()
