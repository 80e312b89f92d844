"""Every benchmark, one after another; prints the table and writes it to ``benchmarks/out/`` and ``docs/benchmarks.md``.

    python benchmarks/run.py [NAME…]

Figures of speed are ratios of two things measured in one run on the same cores: machines differ and are noisy.
"""

import json
import subprocess
import sys
from datetime import UTC, datetime

from rows import OUT, ROOT, Row, as_markdown, machine

NAMES = (
    "accuracy",
    "scenes",
    "infer_speed",
    "dataset_speed",
    "training_speed",
    "gpu_wait",
    "bundle",
    "wrong_people",
    "memory",
    "scrape",
    "startup",
    "edge_extras",
    "review_page",
    "s3",
    "deploy_thousand",
    "cameras",
    "loop_cpu",
    "loop_process",
    "loop_memory",
    "stream_truth",
    "swap_load",
    "spool_kill",
    "preview",
)
PAGE = ROOT / "docs" / "benchmarks.md"
MARKER = "<!-- figures: written by `make bench` -->"


def main() -> int:
    """Run, print and write; 1 if a row is not reached."""
    rows: list[Row] = []
    for name in sys.argv[1:] or NAMES:
        print(f"— {name}", flush=True)
        done = subprocess.run([sys.executable, str(ROOT / "benchmarks" / f"{name}.py")], check=False)
        if done.returncode:
            rows.append(Row(name, "to run", f"failed with exit code {done.returncode}", False, f"benchmarks/{name}.py"))
            continue
        rows += [Row(**row) for row in json.loads((OUT / f"{name}.json").read_text())]
    table = as_markdown(rows)
    print(table)
    if not sys.argv[1:]:
        head = PAGE.read_text(encoding="utf-8").split(MARKER)[0]
        stamp = f"{datetime.now(UTC):%Y-%m-%d}, {machine()}"
        PAGE.write_text(f"{head}{MARKER}\n\n{stamp}\n\n{table}\n", encoding="utf-8")
    return 1 if any(row.reached is False for row in rows) else 0


if __name__ == "__main__":
    sys.exit(main())
