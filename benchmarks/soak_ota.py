"""Storms of events on the function that ships models over the air, each with another seed.

    python benchmarks/soak_ota.py [MINUTES]

A hundred events a storm, repeated and shuffled, on several functions at once that are killed at random moments: one
component version and one deployment of each model, and never an older one after a newer. Every other storm is on
devices with nucleus lite, which leave their group for a trial. The first failure ends it.
"""

import os
import subprocess
import sys
import time

from rows import ROOT

STORM = "tests/integration/test_ota_storm.py"


def main() -> None:
    """As many storms as fit."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 10.0
    until, seed = time.monotonic() + minutes * 60, int(os.environ.get("OTA_STORM_SEED", "1"))
    first = seed
    while time.monotonic() < until:
        size = {"OTA_STORM_KILLS": "6", "OTA_STORM_LITE": str(seed % 2)}
        environ = os.environ | {"OTA_STORM_SEED": str(seed)} | size
        command = [sys.executable, "-m", "pytest", "-q", "-x", STORM, "-k", "hundred"]
        done = subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"{done.stdout[-8000:]}\nOTA_STORM_SEED={seed} failed, after {seed - first} that held")
        print(f"seed {seed}: {done.stdout.strip().splitlines()[-1]}", flush=True)
        seed += 1
    print(f"{seed - first} storms held")


if __name__ == "__main__":
    main()
