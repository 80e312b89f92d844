"""A thousand devices, three in a hundred failing: what is asked for, and a report that is exact."""

import threading
import time
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("boto3")

from actorrec.greengrass.component_settings import content_of
from actorrec.greengrass.deploy_plan import Wanted
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import CLASSIC, Deployment, Execution, JobFacts
from actorrec.greengrass.executions import Standing
from actorrec.greengrass.group import read_group
from actorrec.greengrass.report import read_standing, report
from deploy_fleet import MODEL, NAME, Fleet, fleet, greengrass
from greengrass_server import Execution as Ran
from greengrass_server import Fate
from job_requests import aws_session
from patience import PATIENCE_S

__all__ = ["fleet", "greengrass"]
DEVICES, FAILING = 1000, 30
ARN = "arn:aws:iot:us-east-1:123456789012:thinggroup/g"
RULE = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 10.0, "minNumberOfExecutedThings": 10}


def test_a_thousand_devices_of_which_thirty_fail(fleet: Fleet) -> None:
    fleet.group = fleet.greengrass.group()
    things = fleet.greengrass.add_devices(fleet.group, DEVICES)
    failing = things[:: DEVICES // FAILING][:FAILING]
    kinds = ("FAILED", "TIMED_OUT", "REJECTED")
    for number, thing in enumerate(failing):
        fleet.greengrass.fates[thing] = Fate(kinds[number % 3], f"no space left on device number {number}")
    fleet.split()
    wanted = {NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")}

    plan = fleet.plan(wanted, rate_per_minute=250, abort_percent=12.5, abort_after=40, timeout_minutes=7)
    assert plan.devices == DEVICES
    job = plan.request["iotJobConfiguration"]
    assert job["jobExecutionsRolloutConfig"] == {"maximumPerMinute": 250}
    assert job["abortConfig"]["criteriaList"] == [
        {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 12.5, "minNumberOfExecutedThings": 40}
    ]
    assert job["timeoutConfig"] == {"inProgressTimeoutInMinutes": 7}

    made = fleet.calls.create(plan.request)
    assert fleet.greengrass.deployments[made.id].given["iotJobConfiguration"] == job
    fleet.greengrass.ticking = frozenset()
    fleet.greengrass.advance(2)
    state = read_group(fleet.calls, fleet.group)
    halfway = read_standing(fleet.calls, state)
    assert halfway.outcome == "running"
    assert halfway.counts["NOT_SENT"] == 500 and sum(halfway.counts.values()) == DEVICES

    fleet.greengrass.settle()
    recorded = Counter(e.status for e in fleet.greengrass.deployments[made.id].job.executions.values())
    asked = len(fleet.greengrass.asked)
    told = report(fleet.calls, state, read_standing(fleet.calls, state))
    assert len(fleet.greengrass.asked) - asked <= FAILING + 10  # for each that failed, and for pages of the rest
    assert {status: count for status, count in told.counts.items() if count} == dict(recorded)
    assert told.counts["SUCCEEDED"] == DEVICES - FAILING and told.outcome == "succeeded"
    assert [failure.device for failure in told.failures] == sorted(failing)
    said = {failure.device: (failure.status, failure.reason) for failure in told.failures}
    for number, thing in enumerate(failing):
        assert said[thing][0] == kinds[number % 3]
        assert f"no space left on device number {number} " in said[thing][1]
    asked = {given["thingName"] for given in fleet.greengrass.sent("DescribeJobExecution")}
    assert asked == set(failing)  # nobody else is asked


def test_what_devices_say_is_told_without_secrets_and_on_one_line(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    first, second, third = fleet.things
    fleet.greengrass.fates[first] = Fate(
        "FAILED", "a https://b.s3.amazonaws.com/k?X-Amz-Signature=feedface" + "x" * 900
    )
    fleet.greengrass.fates[second] = Fate("FAILED", "", stack=("OUTER", "INNER_FAULT"))
    (lite,) = fleet.add(1, "aws_nucleus_lite")
    fleet.fails(lite, "this is never said")
    told = fleet.result("--yes", "--wait", code=3)
    said = {failure["device"]: failure["reason"] for failure in told["report"]["failures"]}
    assert "\n" not in said[first] and "feedface" not in said[first] and len(said[first]) <= 300
    assert said[second].startswith("INNER_FAULT")
    assert f"{NAME} 1.0.0 is BROKEN" in said[lite] and "journalctl" in said[lite]
    assert third not in said
    assert "this is never said" not in str(told)


def test_once_the_job_was_deleted_the_devices_are_asked(fleet: Fleet) -> None:
    things = fleet.add(3)
    fleet.fails(things[1], "no space left")
    fleet.split()
    fleet.result("--yes")
    fleet.greengrass.settle()
    [deployment] = fleet.greengrass.deployments.values()
    with_job = fleet.result("status")
    fleet.greengrass.refuse("DescribeJob", "ResourceNotFoundException", "Job is not there", times=9)
    fleet.greengrass.refuse("ListJobExecutionsForJob", "ResourceNotFoundException", "Job is not there", times=9)
    fleet.greengrass.refuse("DescribeJobExecution", "ResourceNotFoundException", "Job is not there", times=9)
    without = fleet.result("status")
    assert without["deployment_id"] == deployment.id
    assert without["counts"] == with_job["counts"]
    assert [(each["device"], each["status"]) for each in without["failures"]] == [(things[1], "FAILED")]
    assert "no space left" in without["failures"][0]["reason"]


def test_an_abort_rule_that_is_met_is_told_as_such(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ACTORREC_GREENGRASS__ABORT_PERCENT", "50")
    monkeypatch.setenv("ACTORREC_GREENGRASS__ABORT_AFTER", "2")
    fleet.split()
    fleet.add(4)
    for thing in fleet.things[:3]:
        fleet.fails(thing, "broken wheel")
    told = fleet.result("--yes", "--wait", "--rate", "2", code=3)
    assert "was stopped by its abort rule: it failed on 2 of 2 devices (limit 50 %)" in told["error"]
    assert "broken wheel" in told["error"] and "deploy rollback" in told["hint"]
    assert told["report"]["outcome"] == "aborted"
    assert told["report"]["counts"]["NOT_SENT"] > 0


def test_one_device_whose_reason_cannot_be_had_does_not_hide_the_others(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    for thing in fleet.things[:2]:
        fleet.fails(thing, "broken")
    made = fleet.greengrass.deploy(fleet.group, {NAME: "1.0.0"})
    fleet.greengrass.settle()
    fleet.greengrass.refuse("DescribeJobExecution", "ThrottlingException", "slow down")
    state = read_group(fleet.calls, fleet.group)
    told = report(fleet.calls, state, read_standing(fleet.calls, state))
    assert told.deployment_id == made
    assert sorted("not known" in failure.reason for failure in told.failures) == [False, True]


def standing(
    statuses: dict[str, str], *, members: int = 0, status: str = "ACTIVE", job: str = "IN_PROGRESS", **more: Any
) -> Standing:
    deployment = Deployment(
        "d", 1, "", ARN, status, datetime(2026, 11, 1, tzinfo=UTC), True,
        job_id="j", job_settings={"abortConfig": {"criteriaList": more.get("rules", [RULE])}},
    )  # fmt: skip
    executions = tuple(Execution(device, each) for device, each in sorted(statuses.items()))
    names = tuple(f"d{number}" for number in range(members or len(statuses)))
    reporting = frozenset(more.get("reporting", names))
    return Standing(deployment, JobFacts("j", job, ""), executions, names, reporting, more.get("latest", True))


@pytest.mark.parametrize(
    ("given", "outcome"),
    [
        (standing({}), "succeeded"),
        (standing({}, members=2), "running"),
        (standing({"d0": "SUCCEEDED", "d1": "QUEUED"}), "running"),
        (standing({"d0": "SUCCEEDED", "d1": "QUEUED"}, reporting=["d0"]), "succeeded"),
        (standing({"d0": "SUCCEEDED", "d1": "QUEUED"}, reporting=[]), "running"),
        (standing({"d0": "SUCCEEDED"}, members=2, reporting=["d0"]), "succeeded"),
        (standing({"d0": "SUCCEEDED", "d1": "IN_PROGRESS"}, reporting=["d0"]), "running"),  # it reports since
        (standing({"d0": "SUCCEEDED", "d1": "FAILED"}), "failed"),
        (standing({"d0": "REMOVED"}), "failed"),
        (standing({f"d{n}": "FAILED" if n == 0 else "SUCCEEDED" for n in range(11)}), "succeeded"),
        (standing({f"d{n}": "FAILED" if n == 0 else "SUCCEEDED" for n in range(11)}, rules=[]), "failed"),
        (standing({f"d{n}": "TIMED_OUT" if n == 0 else "SUCCEEDED" for n in range(10)}), "failed"),
        (standing({"d0": "SUCCEEDED", "d1": "CANCELED"}, status="CANCELED"), "cancelled"),
        (standing({"d0": "SUCCEEDED", "d1": "IN_PROGRESS"}, job="CANCELED"), "cancelled"),
        (standing({f"d{n}": "REJECTED" for n in range(10)}, job="CANCELED"), "aborted"),
        (standing({f"d{n}": "REJECTED" for n in range(9)}, job="CANCELED"), "cancelled"),
        (standing({"d0": "SUCCEEDED"}, latest=False), "superseded"),
        (standing({"d0": "SUCCEEDED"}, latest=False, status="CANCELED"), "superseded"),  # AWS withdraws the older one
        (standing({"d0": "SUCCEEDED", "d1": "FAILED"}, rules=[RULE | {"thresholdPercentage": 50.0}]), "failed"),
        (standing({"d0": "SUCCEEDED", "d1": "FAILED"}, rules=[RULE | {"thresholdPercentage": 50.1}]), "succeeded"),
    ],
)
def test_what_became_of_a_deployment(given: Standing, outcome: str) -> None:
    assert given.outcome == outcome


def test_a_device_that_ran_twice_counts_once(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    made = fleet.greengrass.deploy(fleet.group, {NAME: "1.0.0"})
    fleet.greengrass.settle()
    job = fleet.greengrass.deployments[made].job
    first, second, third = fleet.things
    fleet.greengrass.ticking = frozenset()
    job.executions["later"] = Ran(first, "FAILED", changed=time.time() + 60, number=2)
    job.executions["earlier"] = Ran(second, "FAILED", changed=time.time() - 3600, number=0)
    found = {each.device: each.status for each in fleet.calls.executions(job.id)}
    assert found == {first: "FAILED", second: "SUCCEEDED", third: "SUCCEEDED"}
    assert fleet.calls.executions("gone-long-ago") == ()


def test_the_content_of_a_set_is_in_the_name_of_its_deployment(fleet: Fleet) -> None:
    fleet.split()
    made = fleet.result("--yes")
    present = fleet.calls.latest(fleet.greengrass.world.group_arn(fleet.group))
    assert present is not None and content_of(present.components)[:16] in present.name
    assert made["request"]["deploymentName"] == present.name
    assert read_group(fleet.calls, fleet.group).runtimes == {CLASSIC: 3}


def test_why_it_was_stopped_is_never_read_from_older_counts(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    for thing in fleet.things:
        fleet.fails(thing, "broken")
    fleet.greengrass.ticking = frozenset()
    rule = {"failureType": "ALL", "action": "CANCEL", "thresholdPercentage": 10.0, "minNumberOfExecutedThings": 1}
    fleet.greengrass.deploy(fleet.group, {NAME: "1.0.0"}, iotJobConfiguration={"abortConfig": {"criteriaList": [rule]}})

    class Late(DeploymentCalls):
        counted = threading.Event()

        def executions(self, job_id: str) -> tuple[Execution, ...]:
            found = super().executions(job_id)
            fleet.greengrass.settle()  # the rule stops it just after they were counted
            self.counted.set()
            return found

        def job(self, job_id: str) -> JobFacts | None:
            assert self.counted.wait(PATIENCE_S)
            return super().job(job_id)

    seen = read_standing(Late(aws_session()), read_group(fleet.calls, fleet.group))
    assert seen.outcome == "aborted" and len(seen.bad) == 3


def test_the_services_word_for_the_latest_is_not_believed(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    fleet.greengrass.deploy(fleet.group, {NAME: "1.0.0"})
    fleet.greengrass.settle()

    class Stale(DeploymentCalls):
        def deployment(self, deployment_id: str) -> Deployment:
            return replace(super().deployment(deployment_id), latest=False)

    assert read_standing(Stale(aws_session()), read_group(fleet.calls, fleet.group)).outcome == "succeeded"
