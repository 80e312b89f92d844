"""Kill ``actorrec scrape`` ten times at random moments; what it brings must be what an undisturbed run brings.

    python benchmarks/soak_scrape.py [MINUTES]

Rounds of 30 people × 30 pictures, each from a site with other faults. No picture that was written down may be fetched
again.
"""

import json
import random
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from rows import ROOT

sys.path.insert(0, str(ROOT / "tests"))

from sites.big import BigSite, big_site
from sites.faults import Plan

KILLS, RATE_PER_S = 10, 100.0


def start(settings: Path, store: Path) -> "subprocess.Popen[str]":
    """Start a scrape."""
    command = [sys.executable, "-m", "actorrec", "scrape", "--config", str(settings), "--store", str(store)]
    return subprocess.Popen([*command, "--json", "--quiet"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


def digest_of(process: "subprocess.Popen[str]", what: str) -> str:
    """Wait for the end; the content digest."""
    out, error = process.communicate()
    if process.returncode:
        raise SystemExit(f"{what}: exit {process.returncode}\n{error}")
    return str(json.loads(out)["content_digest"])


def decided(store: Path) -> set[str]:
    """Addresses that the journal holds."""
    lines = [line for path in store.rglob("unfinished/*/*.jsonl") for line in path.read_text().splitlines()]
    return {json.loads(line)["url"] for line in lines}


def round_of_kills(site: BigSite, folder: Path, dice: random.Random) -> tuple[int, int]:
    """One round; how often it was killed and how many decisions the kills found written."""
    settings, store = folder / "settings.yaml", folder / "killed"
    settings.write_text(json.dumps(site.settings(folder)))
    began = time.monotonic()
    digest = digest_of(start(settings, folder / "undisturbed"), "undisturbed")
    took_s = time.monotonic() - began
    held: list[tuple[int, set[str]]] = []
    for _ in range(KILLS):
        process = start(settings, store)
        try:
            process.wait(dice.uniform(0.3, 0.3 + took_s / KILLS * 1.5))
        except subprocess.TimeoutExpired:
            process.kill()
            held.append((len(site.log()["requests"]), decided(store)))
        process.communicate()
    if digest_of(start(settings, store), f"after {len(held)} kills") != digest:
        raise SystemExit(f"after {len(held)} kills the set is another one")
    requests = site.log()["requests"]
    for count, urls in held:
        if again := {site.url + path for _, path, _ in requests[count:]} & urls:
            raise SystemExit(f"fetched again: {sorted(again)}")
    return len(held), max((len(urls) for _, urls in held), default=0)


def main() -> None:
    """Run rounds until the time is up."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10
    end, rounds = time.monotonic() + minutes * 60, 0
    while rounds == 0 or time.monotonic() < end:
        seed = random.SystemRandom().randrange(10_000)
        plan = Plan(people=30, wanted=30, seed=seed)
        with big_site(plan, rate_per_s=RATE_PER_S) as site, tempfile.TemporaryDirectory() as folder:
            kills, decisions = round_of_kills(site, Path(folder), random.Random(seed))
        rounds += 1
        print(f"round {rounds}: {kills} kills, at most {decisions} decisions kept (seed {seed})", flush=True)
    print(f"{rounds} rounds passed")


if __name__ == "__main__":
    main()
