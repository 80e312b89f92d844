"""IoT jobs behind deployments: who is told when, how each device fares, and when a job is aborted."""

import json
import time
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

ENDED: Final = ("SUCCEEDED", "FAILED", "TIMED_OUT", "REJECTED", "CANCELED", "REMOVED")
_BAD: Final = ("FAILED", "REJECTED", "TIMED_OUT")


@dataclass(frozen=True)
class Fate:
    """How a device fares with a deployment.

    Attributes:
        status: The last one: SUCCEEDED, FAILED, TIMED_OUT or REJECTED; QUEUED for one that is not on, IN_PROGRESS for
            one that hangs (until the deployment's own timeout, a step a minute).
        reason: What the device says about it, in the effective deployment and in the job's execution.
        stack: Its error stack, the outermost first.
        steps: For how many steps it stays IN_PROGRESS.
    """

    status: str = "SUCCEEDED"
    reason: str = ""
    stack: Sequence[str] = ()
    types: Sequence[str] = ()
    steps: int = 1

    def details(self, lite: bool) -> dict[str, str]:
        """statusDetails of the job execution; nucleus lite sends none."""
        if lite or self.status not in ENDED:
            return {}
        if self.status == "SUCCEEDED":
            return {"detailed-deployment-status": "SUCCESSFUL"}
        said = {"detailed-deployment-status": "FAILED_ROLLBACK_COMPLETE", "deployment-failure-cause": self.reason}
        if self.stack:
            said["deployment-error-stack"] = json.dumps(list(self.stack))
        if self.types:
            said["deployment-error-types"] = json.dumps(list(self.types))
        return {key: value[:1024] for key, value in said.items() if value}


@dataclass
class Execution:
    """One device's part in a job."""

    thing: str
    status: str = "QUEUED"
    queued: float = field(default_factory=time.time)
    started: float | None = None
    changed: float = field(default_factory=time.time)
    steps: int = 0
    number: int = 1
    details: dict[str, str] = field(default_factory=dict)
    version: int = 1

    def enter(self, status: str, details: Mapping[str, str] | None = None) -> None:
        """Another status."""
        self.status, self.changed, self.steps, self.version = status, time.time(), 0, self.version + 1
        if status == "IN_PROGRESS":
            self.started = self.changed
        self.details |= details or {}

    def summary(self) -> dict[str, Any]:
        """As lists tell it."""
        told = {"status": self.status, "queuedAt": self.queued, "lastUpdatedAt": self.changed,
                "executionNumber": self.number, "retryAttempt": 0}  # fmt: skip
        return told | ({"startedAt": self.started} if self.started is not None else {})


@dataclass
class Job:
    """A job. ``continuous``: a thing group's, which goes on for things that join it.

    ``rolling``: there are things that were not told yet.
    """

    target_arn: str
    continuous: bool
    configuration: Mapping[str, Any]
    document: str
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    executions: dict[str, Execution] = field(default_factory=dict)
    status: str = "IN_PROGRESS"
    reason_code: str = ""
    comment: str = ""
    forced: bool = False
    created: float = field(default_factory=time.time)
    changed: float = field(default_factory=time.time)
    ticks: int = 0
    rolling: bool = True

    def rate(self) -> int:
        """How many more devices are told in the next minute, which is one step."""
        rollout = self.configuration.get("jobExecutionsRolloutConfig", {})
        most = int(rollout.get("maximumPerMinute", 1000))
        if (growth := rollout.get("exponentialRate")) is None:
            return most
        criteria = growth["rateIncreaseCriteria"]
        times = 0
        if wanted := criteria.get("numberOfNotifiedThings"):
            times = len(self.executions) // wanted
        elif wanted := criteria.get("numberOfSucceededThings"):
            times = self.count("SUCCEEDED") // wanted
        return min(int(growth["baseRatePerMinute"] * growth["incrementFactor"] ** min(times, 50)), most)

    def count(self, *statuses: str) -> int:
        """Executions in these statuses."""
        return sum(each.status in statuses for each in self.executions.values())

    def broken(self) -> Mapping[str, Any] | None:
        """The abort criterion that is met, if any: failures of those that are done, once enough are done."""
        done = self.count("SUCCEEDED", *_BAD)
        for criterion in self.configuration.get("abortConfig", {}).get("criteriaList", ()):
            failed = self.count(*(_BAD if criterion["failureType"] == "ALL" else (criterion["failureType"],)))
            if (
                done >= criterion["minNumberOfExecutedThings"]
                and failed * 100 >= criterion["thresholdPercentage"] * done
            ):
                found: Mapping[str, Any] = criterion
                return found
        return None

    def cancel(self, reason_code: str, comment: str = "", *, force: bool = False) -> None:
        """Nobody else begins; who is at it goes on, unless forced."""
        self.status, self.changed, self.forced = "CANCELED", time.time(), force
        self.reason_code, self.comment = reason_code, comment
        for each in self.executions.values():
            if each.status == "QUEUED" or (force and each.status == "IN_PROGRESS"):
                each.enter("CANCELED")

    def told(self, arn: str) -> dict[str, Any]:
        """As DescribeJob tells it."""
        told: dict[str, Any] = {
            "jobArn": arn, "jobId": self.id, "targetSelection": "CONTINUOUS" if self.continuous else "SNAPSHOT",
            "status": self.status, "targets": [self.target_arn], "createdAt": self.created,
            "lastUpdatedAt": self.changed, "forceCanceled": self.forced, **self.configuration,
            "isConcurrent": self.rolling,
            "jobProcessDetails": {
                "processingTargets": [self.target_arn] if self.rolling else [],
                "numberOfCanceledThings": self.count("CANCELED"), "numberOfSucceededThings": self.count("SUCCEEDED"),
                "numberOfFailedThings": self.count("FAILED"), "numberOfRejectedThings": self.count("REJECTED"),
                "numberOfQueuedThings": self.count("QUEUED"), "numberOfInProgressThings": self.count("IN_PROGRESS"),
                "numberOfRemovedThings": self.count("REMOVED"), "numberOfTimedOutThings": self.count("TIMED_OUT"),
            },
        }  # fmt: skip
        if self.status in ("CANCELED", "COMPLETED"):
            told["completedAt"] = self.changed
        return told | {
            key: value for key, value in (("reasonCode", self.reason_code), ("comment", self.comment)) if value
        }


def step(job: Job, members: Sequence[str], fate_of: Callable[[str], Fate]) -> list[tuple[Execution, Fate]]:
    """A minute passes; on which devices something happened in it."""
    job.ticks += 1
    moved = _pass(job, "IN_PROGRESS", fate_of)
    if job.status == "IN_PROGRESS" and (criterion := job.broken()):
        job.cancel("ABORT_CONFIG_CRITERIA_MET", f"{criterion['failureType']} {criterion['thresholdPercentage']:g} %")
    present = set(members)
    for each in job.executions.values():
        if each.status == "QUEUED" and each.thing not in present:
            each.enter("REMOVED")
    moved += _pass(job, "QUEUED", fate_of)
    if job.status == "IN_PROGRESS":
        _rolls_on(job, members)
    job.rolling = job.status == "IN_PROGRESS" and any(name not in job.executions for name in members)
    return moved


def _pass(job: Job, status: str, fate_of: Callable[[str], Fate]) -> list[tuple[Execution, Fate]]:
    limit = job.configuration.get("timeoutConfig", {}).get("inProgressTimeoutInMinutes", 10**9)
    found = [(each, fate_of(each.thing)) for each in job.executions.values() if each.status == status]
    return [(each, fate) for each, fate in found if _lives_on(each, fate, limit)]


def _lives_on(execution: Execution, fate: Fate, limit: int) -> bool:
    execution.steps += 1
    before = execution.status
    if before == "IN_PROGRESS" and execution.steps >= fate.steps and fate.status in ENDED:
        execution.enter(fate.status)
    elif before == "IN_PROGRESS" and execution.steps >= limit:
        execution.enter("TIMED_OUT")
    elif before == "QUEUED" and fate.status == "REJECTED":
        execution.enter("REJECTED")
    elif before == "QUEUED" and fate.status != "QUEUED":
        execution.enter("IN_PROGRESS")
    return execution.status != before


def _rolls_on(job: Job, members: Sequence[str]) -> None:
    waiting = [name for name in members if name not in job.executions or job.executions[name].status == "REMOVED"]
    for thing in waiting[: job.rate()]:
        job.executions[thing] = Execution(thing)
        job.changed = time.time()
    if not job.continuous and job.executions and job.count(*ENDED) == len(job.executions):
        job.status, job.changed = "COMPLETED", time.time()
