"""Kill a writer ten times while the broker comes and goes: what its spool took must reach a reader, nothing else may.

    python benchmarks/spool_kill.py [EVENTS]

The broker is Debian's Mosquitto on loopback, the writer a process that is killed with signal 9. Beside that: what a
message costs on its way through the spool, and how soon a queue of 20,000 is there again.
"""

import json
import random
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from rows import ROOT, Row, report

sys.path.insert(0, str(ROOT / "tests"))

from actorrec.inference.sending.spool import Spool
from actorrec.inference.troubles import Troubles
from actorrec.sections.device import SpoolSection
from mosquitto import broker
from spool_kills import BROKER_LINES, run_kills, run_past_bound
from spool_writer import payload_of

EVENTS, KILLS, BOUND, WAITING = 10_000, 10, 500, 20_000
COMMAND = "python benchmarks/spool_kill.py"


@dataclass(frozen=True, slots=True)
class Cost:
    """What something cost: seconds by the clock and of the processor."""

    wall_s: float
    cpu_s: float


def cost_of(act: Callable[[], object]) -> Cost:
    """Do it once."""
    before, began = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    act()
    wall_s, after = time.perf_counter() - began, resource.getrusage(resource.RUSAGE_SELF)
    return Cost(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def kills(folder: Path, events: int, seed: int) -> Row:
    """The row that must hold."""
    with broker(folder / "broker", BROKER_LINES) as mosquitto:
        outcome = run_kills(mosquitto, folder / "w", events=events, kills=KILLS, dice=random.Random(seed))
    with broker(folder / "broker2", BROKER_LINES) as mosquitto:
        past = run_past_bound(mosquitto, folder / "w2", events=3 * BOUND, bound=BOUND)
    kept = len(past.taken) - len(past.lost)
    reached = not (outcome.lost or outcome.invented or outcome.altered or past.invented or past.altered)
    reached = reached and kept >= BOUND - 1 and past.lost == past.taken[: len(past.lost)]
    measured = (
        f"{outcome.kills} kills, {len(outcome.taken)} committed: {len(outcome.lost)} lost, {len(outcome.invented)} "
        f"invented, {len(outcome.altered)} altered, {outcome.again} came twice; of {len(past.taken)} into a queue of "
        f"{BOUND} the last {kept} arrived, {past.health['dropped']} counted as dropped (seed {seed})"
    )
    what = f"broker away for a while, {events:,} events, process killed -9 {KILLS} times"
    return Row(
        what, "all that was committed arrives, none invented, none lost beyond the bound", measured, reached, COMMAND
    )


def through_spool(folder: Path, said: list[str]) -> Row:
    """Add, look and be done, one by one, as events come."""
    payload, count = payload_of("000-000000"), 2_000
    with Spool(folder, "speed", SpoolSection(), Troubles(said.append)) as spool:

        def one_by_one() -> None:
            for _ in range(count):
                spool.add("ml/tflite/image-classification", payload)
                spool.done(spool.head(100)[-1].number)

        cost = cost_of(one_by_one)
    measured = (
        f"{count / cost.wall_s:,.0f} a second, {1e6 * cost.cpu_s / count:.0f} µs of the processor each "
        f"({len(payload)} bytes, each forced to the disk)"
    )
    return Row("one message through the spool", "", measured, None, COMMAND)


def reopening(folder: Path, said: list[str]) -> Row:
    """A full queue is there again; in a process of its own, whose memory is looked at."""
    payload = payload_of("000-000000")
    with Spool(folder, "full", SpoolSection(), Troubles(said.append)) as spool:
        cost = cost_of(lambda: [spool.add("t", payload) for _ in range(WAITING)])
    code = (
        "import resource, sys, time; from pathlib import Path\n"
        "from actorrec.inference.sending.spool import Spool; from actorrec.inference.troubles import Troubles\n"
        "from actorrec.sections.device import SpoolSection\n"
        "peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024\n"
        "before, began = peak(), time.perf_counter()\n"
        "with Spool(Path(sys.argv[1]), 'full', SpoolSection(), Troubles(print)) as spool:\n"
        "    head, waiting = len(spool.head(100)), spool.health('').waiting\n"
        "    took = time.perf_counter() - began\n"
        "print(f'[{took}, {peak() - before}, {waiting}]')\n"
    )
    ran = subprocess.run([sys.executable, "-c", code, str(folder)], capture_output=True, text=True, check=True)
    took_s, grown_mib, waiting = json.loads(ran.stdout)
    size_mib = (folder / "full.sqlite3").stat().st_size / 2**20
    measured = (
        f"{1000 * took_s:.1f} ms to the first 100 of {waiting:,}, {grown_mib:.1f} MiB of memory more, file of "
        f"{size_mib:.1f} MiB (filled at {WAITING / cost.wall_s:,.0f} a second)"
    )
    return Row(f"a queue with {WAITING:,} waiting is opened again", "", measured, None, COMMAND)


def main() -> None:
    """Measure and report."""
    events = int(sys.argv[1]) if len(sys.argv) > 1 else EVENTS
    target, said = "all that was committed arrives, none invented", list[str]()
    with tempfile.TemporaryDirectory() as folder:
        if shutil.which("mosquitto", path="/usr/sbin:/usr/bin:/usr/local/sbin:/usr/local/bin") is None:
            rows = [Row("process killed -9 ten times", target, "not measured: no mosquitto", None, COMMAND)]
        else:
            rows = [kills(Path(folder), events, random.SystemRandom().randrange(10_000))]
        rows += [through_spool(Path(folder), said), reopening(Path(folder), said)]
    report("spool_kill", rows)


if __name__ == "__main__":
    main()
