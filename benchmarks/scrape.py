"""``actorrec scrape`` of 100 people × 100 pictures from a faulty site on loopback that allows 100 requests a second.

    python benchmarks/scrape.py [PEOPLE PICTURES]

The site and its faults are those of the tests (tests/sites/big.py, faults.py); a duplicate is counted by its kind.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path
from typing import Any

from rows import ROOT, Row, report

sys.path.insert(0, str(ROOT / "tests"))

from sites.big import BigSite, big_site
from sites.faults import PER_THOUSAND, Plan

COMMAND = "python benchmarks/scrape.py"
ALLOWED_PER_S = 100.0


def scrape(settings: Path, store: Path) -> tuple[dict[str, Any], list[float]]:
    """Run the command; its JSON, and its resident memory in MB (10^6 bytes) every quarter of a second."""
    command = [sys.executable, "-m", "actorrec", "scrape", "--config", str(settings), "--store", str(store)]
    memory: list[float] = []
    with subprocess.Popen([*command, "--json", "--quiet"], stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        status = Path(f"/proc/{process.pid}/status")
        while process.poll() is None:
            fields = dict(line.split(":", 1) for line in status.read_text().splitlines())
            if "VmHWM" in fields:
                memory.append(int(fields["VmRSS"].split()[0]) * 1024 / 1e6)
                peak = int(fields["VmHWM"].split()[0]) * 1024 / 1e6
            time.sleep(0.25)
        found = json.loads(process.stdout.read())
    if process.returncode:
        raise SystemExit(f"scrape ended with {process.returncode}: {found}")
    return found, [*memory, peak]


def counts(plan: Plan, found: dict[str, Any]) -> tuple[int, int]:
    """How many people have exactly what was asked, and of how many every fault is counted by its name."""
    exact = named = 0
    for person, tally in enumerate(found["tallies"]):
        expected = plan.expected(person)
        exact += tally["got"] == tally["asked"] == expected.pop("")
        named += tally["failed"] == dict(expected)
    return exact, named


def rows_of(site: BigSite, found: dict[str, Any], memory: list[float]) -> list[Row]:
    """What the run says and what the site saw."""
    plan, log = site.plan, site.log()
    exact, named = counts(plan, found)
    requests = log["requests"]
    per_s = len(requests) / (requests[-1][0] - requests[0][0])
    faults = Counter(str(status) for _, _, status in requests if status in (429, 503))
    forbidden = sum(path.startswith("/private/") for _, path, _ in requests) + log["trapped"]
    *samples, peak = memory
    early, late = (statistics.median(samples[int(len(samples) * at) :][:20]) for at in (0.2, 0.9))
    shares = ", ".join(f"{kind} {share / 10:g} %" for kind, share in PER_THOUSAND.items())
    what = f"scrape of {plan.people} people × {plan.wanted} pictures"
    failed = ", ".join(f"{reason} {count}" for reason, count in sorted(found["failed"].items()))
    whole = exact == plan.people and named == plan.people
    return [
        Row(what, "exact counts", f"{exact} of {plan.people} people ({shares})", exact == plan.people, COMMAND),
        Row(f"{what}: faults", "each by its name", f"{failed}; as planned: {whole}", whole, COMMAND),
        Row(
            f"{what}: failed once, then fetched",
            "all 429 and 503",
            ", ".join(f"{reason} {count}" for reason, count in sorted(found["recovered"].items())),
            found["recovered"] == dict(faults),
            COMMAND,
        ),
        Row(f"{what}: requests to disallowed addresses and paths", "0", f"{forbidden}", forbidden == 0, COMMAND),
        Row(
            f"{what}: share of the allowed {site.rate_per_s:g} requests/s, from first to last",
            "≥ 90 %",
            f"{per_s / site.rate_per_s:.1%} ({len(requests)} requests)",
            per_s >= 0.9 * site.rate_per_s,
            COMMAND,
        ),
        Row(
            f"{what}: peak memory",
            "≤ 200 MB",
            f"{peak:.0f} MB ({early:.0f} MB after a fifth of the time, {late:.0f} MB after nine tenths)",
            peak <= 200,
            COMMAND,
        ),
    ]


def main() -> None:
    """Measure and save."""
    people, wanted = map(int, sys.argv[1:] or (100, 100))
    with big_site(Plan(people, wanted), rate_per_s=ALLOWED_PER_S) as site, tempfile.TemporaryDirectory() as folder:
        settings = Path(folder) / "settings.yaml"
        settings.write_text(json.dumps(site.settings(Path(folder))))
        found, memory = scrape(settings, Path(folder) / "store")
        report("scrape", rows_of(site, found, memory))


if __name__ == "__main__":
    main()
