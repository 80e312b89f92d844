"""What people read of a deployment: no end is called a success that was none on some device."""

import pytest

from actorrec.cli.deploy_words import counts_in_words, end_in_words, report_line
from actorrec.greengrass.executions import Outcome
from actorrec.greengrass.report import DeploymentReport, DeviceFailure


def told(outcome: Outcome, never: int = 0, **counts: int) -> DeploymentReport:
    bad = [status for status in ("FAILED", "TIMED_OUT", "REJECTED") for _ in range(counts.get(status, 0))]
    return DeploymentReport(
        deployment_id="d-1", revision=1, thing_group="pis", status="ACTIVE", outcome=outcome, created_at="",
        devices=sum(counts.values()), counts=counts, components={},
        failures=[DeviceFailure(device=f"pi-{number}", status=each, reason="no") for number, each in enumerate(bad)],
        never_reported=[f"thing-{number}" for number in range(never)],
    )  # fmt: skip


@pytest.mark.parametrize(
    ("given", "line"),
    [
        (told("succeeded", SUCCEEDED=12), "succeeded: 12 of 12 took it"),
        (told("succeeded", SUCCEEDED=11, FAILED=1), "ended, not on every device: 11 of 12 took it, 1 failed"),
        (told("succeeded", SUCCEEDED=9, TIMED_OUT=1), "ended, not on every device: 9 of 10 took it, 1 timed out"),
        (told("succeeded"), "the group is empty; who joins it gets it"),
        (told("succeeded", SUCCEEDED=2, REMOVED=1), "succeeded: 2 of 2 took it, 1 left the group"),
        (
            told("succeeded", never=1, SUCCEEDED=2, QUEUED=1),
            "succeeded: 2 of 3 took it, 1 waiting; 1 never reported as core devices",
        ),
        (
            told("running", SUCCEEDED=1, IN_PROGRESS=2, NOT_SENT=3),
            "under way: 1 of 6 took it, 2 in progress, 3 not reached yet",
        ),
        (told("failed", FAILED=3), "failed: 0 of 3 took it, 3 failed"),
        (
            told("aborted", SUCCEEDED=1, REJECTED=1, CANCELED=1),
            "stopped by its abort rule: 1 of 3 took it, 1 rejected, 1 cancelled",
        ),
        (told("cancelled", CANCELED=2), "cancelled: 0 of 2 took it, 2 cancelled"),
        (told("superseded", SUCCEEDED=2), "replaced by a newer one: 2 of 2 took it"),
    ],
)
def test_a_deployment_in_a_line(given: DeploymentReport, line: str) -> None:
    assert report_line(given) == f"d-1 to 'pis': {line}"
    assert line.startswith(end_in_words(given))
    assert counts_in_words(given) in line or not given.counts
