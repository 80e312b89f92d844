"""When following a deployment looks again, gives up, and what it says of an end that is none."""

from datetime import UTC, datetime, timedelta

import pytest

from actorrec.errors import JobError
from actorrec.greengrass.deployment_follow import Rhythm, refuse_unless_succeeded
from actorrec.greengrass.deployments import Deployment, Execution, JobFacts
from actorrec.greengrass.executions import Standing
from actorrec.greengrass.report import DeviceFailure

MADE = datetime(2026, 11, 1, tzinfo=UTC)
SETTINGS = {
    "jobExecutionsRolloutConfig": {"maximumPerMinute": 2},
    "timeoutConfig": {"inProgressTimeoutInMinutes": 30},
    "abortConfig": {
        "criteriaList": [
            {"failureType": "FAILED", "action": "CANCEL", "thresholdPercentage": 50.0, "minNumberOfExecutedThings": 2}
        ]
    },
}


def standing(*statuses: str, status: str = "ACTIVE", latest: bool = True, members: int = 0) -> Standing:
    deployment = Deployment("d-1", 2, "", "arn:g", status, MADE, latest, job_id="j", job_settings=SETTINGS)
    executions = tuple(Execution(f"pi-{number}", each) for number, each in enumerate(statuses))
    names = tuple(f"pi-{number}" for number in range(members or len(statuses)))
    return Standing(deployment, JobFacts("j", "IN_PROGRESS", ""), executions, names, frozenset(names), latest)


def test_looks_are_further_apart_while_nothing_happens() -> None:
    rhythm = Rhythm(10)
    assert rhythm.moved(standing("QUEUED"))
    first = rhythm.wait_s(0)
    waits = []
    for _ in range(30):
        assert not rhythm.moved(standing("QUEUED"))
        waits.append(rhythm.wait_s(0))
    assert first == 10 and waits == sorted(waits) and waits[-1] == 30
    assert rhythm.moved(standing("IN_PROGRESS"))
    assert rhythm.wait_s(0) == 10


def test_a_slow_look_is_not_taken_all_the_time() -> None:
    assert Rhythm(3).wait_s(20) == 80


def test_an_outage_is_waited_out_for_a_while_and_then_given_up() -> None:
    rhythm = Rhythm(3)
    waits = [rhythm.missed() for _ in range(13)]
    assert waits[:4] == [3, 6, 12, 24] and waits[11] == 60 and waits[12] is None
    rhythm.moved(standing("QUEUED"))
    assert rhythm.missed() == 3


def test_every_device_has_the_time_that_rollout_and_timeout_give_it() -> None:
    waiting = standing("SUCCEEDED", "QUEUED", members=20)  # ten minutes to reach them all, thirty for the last
    assert not waiting.overdue(MADE + timedelta(minutes=39))
    assert waiting.overdue(MADE + timedelta(minutes=41))
    assert not standing("IN_PROGRESS").overdue(MADE + timedelta(days=1))


@pytest.mark.parametrize(
    ("given", "told"),
    [
        (
            standing("SUCCEEDED", "CANCELED", status="CANCELED"),
            "was cancelled; 1 of 2 devices has it",
        ),
        (standing("SUCCEEDED", latest=False), "was replaced by a newer one; 1 of 1 device has it"),
        (
            standing("SUCCEEDED", "FAILED", "QUEUED", status="CANCELED"),
            "was stopped by its abort rule: it failed on 1 of 2 devices (limit 50 %); first, pi-1: no space",
        ),
        (standing("FAILED", status="FAILED"), "failed on 1 of 1 device; first, pi-1: no space"),
        (standing("SUCCEEDED", "FAILED"), "failed on 1 of 2 devices; first, pi-1: no space"),
        (
            standing("SUCCEEDED", "QUEUED", members=3),
            "2 devices did not take it in time: pi-1, pi-2 (1 never told",
        ),
    ],
)
def test_an_end_that_is_none_is_told_in_a_line(given: Standing, told: str) -> None:
    failures = [DeviceFailure(device="pi-1", status="FAILED", reason="no space")] if given.bad else []
    with pytest.raises(JobError) as caught:
        refuse_unless_succeeded(given, failures)
    assert told in caught.value.message and caught.value.hint


def test_a_good_end_is_no_error() -> None:
    refuse_unless_succeeded(standing("SUCCEEDED", "SUCCEEDED", "FAILED"))
    refuse_unless_succeeded(standing())
    refuse_unless_succeeded(standing(status="COMPLETED", members=1))
