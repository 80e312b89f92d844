"""What a benchmark reports: rows of a table, each with what must be reached and what was measured."""

import json
import os
import platform
import subprocess
from dataclasses import asdict, dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
OUT = ROOT / "benchmarks" / "out"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"), "1"
)


@dataclass(frozen=True, slots=True)
class Row:
    """One measured claim.

    Attributes:
        what: What was measured.
        target: What must be reached, in words.
        measured: The figure, with n and interval where it is a rate.
        reached: None where nothing was asked of it.
        command: How to measure it again.
    """

    what: str
    target: str
    measured: str
    reached: bool | None
    command: str


def as_markdown(rows: list[Row]) -> str:
    """The rows as a Markdown table."""
    mark = {True: "yes", False: "**no**", None: ""}
    lines = ["| what | must reach | measured | reached | command |", "|---|---|---|---|---|"]
    lines += [f"| {r.what} | {r.target} | {r.measured} | {mark[r.reached]} | `{r.command}` |" for r in rows]
    return "\n".join(lines)


def report(name: str, rows: list[Row]) -> None:
    """Print a benchmark's rows and keep them."""
    for row in rows:
        print(f"{row.what}: {row.measured}" + (f" (must reach {row.target})" if row.target else ""))
    save(name, rows)


def save(name: str, rows: list[Row]) -> None:
    """Keep a benchmark's rows for ``benchmarks/run.py``."""
    OUT.mkdir(parents=True, exist_ok=True)
    (OUT / f"{name}.json").write_text(json.dumps([asdict(row) for row in rows], indent=1, ensure_ascii=False))


def test_data() -> Path | None:
    """The folder of real photos, or None."""
    folder = os.environ.get("ACTORREC_TEST_DATA")
    return Path(folder) if folder else None


def machine() -> str:
    """This machine in a line."""
    model = next(
        (
            line.split(":", 1)[1].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.processor(),
    )
    commit = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    return (
        f"{len(os.sched_getaffinity(0))} cores of {model} (shared, noisy), Python {platform.python_version()}, "
        f"{platform.system()} {platform.machine()}, commit {commit.stdout.strip()}"
    )


def percent(value: float, n: int, low: float, high: float) -> str:
    """A rate as the docs print it."""
    return f"{value:.1%} (n = {n}, 95 % {low:.1%}–{high:.1%})"
