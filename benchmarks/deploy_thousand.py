"""A deployment to a thousand devices of the fake, thirty of which fail: planned, and looked at, as a user does it.

    python benchmarks/deploy_thousand.py

The fake (``tests/greengrass_server.py``) answers on loopback after 20 ms. Each figure is the whole command, from the
start of the program to its end; the report is held against the executions that the fake recorded.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from typing import Any, Final

from rows import ROOT, Row, report

sys.path.insert(0, str(ROOT / "tests"))

from greengrass_server import Fate, Greengrass, serve_greengrass
from s3_servers import FAKE_KEYS
from stack_server import stack_server

COMMAND: Final = "python benchmarks/deploy_thousand.py"
DEVICES, FAILING, LATENCY_S, RUNS, MOST_S = 1000, 30, 0.02, 3, 2.0
NAME: Final = "com.example.ActorRecognizer"
READS: Final = {"actorrec-card-schema": "1", "actorrec-preprocess": "1"}


def fleet(service: Greengrass) -> tuple[str, list[str]]:
    """A group of a thousand, and the thirty that will fail, each for a reason of its own."""
    group = service.group("thousand")
    failing = service.add_devices(group, DEVICES)[:: DEVICES // FAILING][:FAILING]
    for number, thing in enumerate(failing):
        kind = ("FAILED", "TIMED_OUT", "REJECTED")[number % 3]
        service.fates[thing] = Fate(kind, f"reason number {number}", types=("DEVICE_ERROR",))
    service.component(NAME, "1.0.0", {"actorrec-role": "runtime", **READS})
    service.component(f"{NAME}.Model", "1.0.0", {"actorrec-role": "model", **READS})
    return group, failing


def run(service: Greengrass, store: str, *arguments: str) -> tuple[Any, float]:
    """What a command printed, and how long it took."""
    command = [sys.executable, "-m", "actorrec", "deploy", *arguments, "--thing-group", "thousand", "--json"]
    environ = {**os.environ, **service.environ}
    started = time.perf_counter()
    done = subprocess.run([*command, "--store", store], env=environ, capture_output=True, text=True, check=False)
    took_s = time.perf_counter() - started
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout), took_s


def is_exact(service: Greengrass, told: Any, failing: list[str]) -> bool:
    """Whether a report says what was recorded: every count, every failed device, every reason."""
    (deployment,) = service.deployments.values()
    recorded = Counter(each.status for each in deployment.job.executions.values())
    reasons = {failure["device"]: failure["reason"] for failure in told["failures"]}
    return (
        {status: count for status, count in told["counts"].items() if count} == dict(recorded)
        and sorted(reasons) == sorted(failing)
        and all(f"reason number {number} " in reasons[thing] for number, thing in enumerate(failing))
    )


def quick(took_s: float) -> bool:
    """Whether it is as fast as it must be."""
    return took_s <= MOST_S


def main() -> None:
    """Measure, hold against what is recorded, report."""
    os.environ.update(FAKE_KEYS)
    settings = ("--rate", "250")
    with stack_server() as aws, serve_greengrass(aws) as service, tempfile.TemporaryDirectory() as store:
        _, failing = fleet(service)
        service.latency_s = LATENCY_S
        plans = [run(service, store, "--dry-run", *settings) for _ in range(RUNS)]
        made, _ = run(service, store, "--yes", *settings)
        (given,) = (each.given for each in service.deployments.values())
        carried = given["iotJobConfiguration"] == made["request"]["iotJobConfiguration"] and (
            given["iotJobConfiguration"]["jobExecutionsRolloutConfig"] == {"maximumPerMinute": 250}
        )
        service.settle()
        looks = [run(service, store, "status") for _ in range(RUNS)]
        exact = all(is_exact(service, told, failing) for told, _ in looks)
    plan_s, look_s = (statistics.median(took_s for _, took_s in each) for each in (plans, looks))
    bad = f"{FAILING / DEVICES:.0%} failing"
    about = f"median of {RUNS}, answers after {LATENCY_S * 1000:.0f} ms"
    target = f"≤ {MOST_S:g} s"
    report(
        "deploy_thousand",
        [
            Row(f"plan a deployment to {DEVICES} devices", target, f"{plan_s:.2f} s ({about})", quick(plan_s), COMMAND),
            Row(f"status of it, {bad}", target, f"{look_s:.2f} s ({about})", quick(look_s), COMMAND),
            Row(
                f"report of it, {bad}",
                "exact; rollout and abort settings as asked for",
                f"{'exact' if exact else 'not exact'}: {FAILING} devices, each with its reason; settings "
                f"{'carried' if carried else 'lost'}",
                exact and carried,
                COMMAND,
            ),
        ],
    )


if __name__ == "__main__":
    main()
