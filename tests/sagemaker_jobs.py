"""Jobs of the fake SageMaker: what it keeps of them, and how it describes them."""

import re
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

from job_logs import JobLogs

_ENDED: Final = {"Completed": "Completed", "Failed": "Failed", "Stopped": "Stopped", "MaxRuntimeExceeded": "Stopped",
                 "MaxWaitTimeExceeded": "Stopped"}  # fmt: skip


@dataclass(frozen=True)
class Step:
    """One moment of a job's life.

    Attributes:
        secondary: SecondaryStatus; of a processing job only what it means for the status is shown.
        message: What the status says for people.
        reason: FailureReason of a step "Failed".
        lines: Written to the log of the first host as it begins; ``(host, line)`` for another.
        polls: For how many Describes it stays; 0: for good.
    """

    secondary: str
    message: str = ""
    reason: str = ""
    lines: Sequence[str | tuple[int, str]] = ()
    polls: int = 1


@dataclass(frozen=True)
class Outcome:
    """How a container ended; ``message`` is what a processing container left in /opt/ml/output/message."""

    exit_code: int
    reason: str = ""
    message: str = ""


class StopAskedError(Exception):
    """Somebody stops the job: its runner sends SIGTERM, as SageMaker does, and waits."""


Says = Callable[[int, str], None]
Runner = Callable[[Mapping[str, Any], Says], Outcome]
LIFE: Final = tuple(Step(name) for name in ("Starting", "Downloading", "Training", "Uploading", "Completed"))


@dataclass
class FakeJob:
    """A job as the service keeps it."""

    kind: str
    name: str
    arn: str
    request: Mapping[str, Any]
    steps: list[Step]
    tags: dict[str, str]
    created: float = field(default_factory=time.time)
    transitions: list[dict[str, Any]] = field(default_factory=list)
    shown: int = 0
    ended: float | None = None
    stops: int = 0
    outcome: Outcome | None = None
    run: threading.Thread | None = None

    @property
    def step(self) -> Step:
        """Where it is."""
        return self.steps[0]

    @property
    def status(self) -> str:
        """TrainingJobStatus or ProcessingJobStatus."""
        return _ENDED.get(self.step.secondary, "Stopping" if self.step.secondary == "Stopping" else "InProgress")

    @property
    def instances(self) -> int:
        """How many machines it asked for."""
        resources = self.request.get("ResourceConfig") or self.request["ProcessingResources"]["ClusterConfig"]
        return int(resources["InstanceCount"])


def rules(request: Mapping[str, Any]) -> Iterator[str]:
    """What the service refuses though the model allows it."""
    stopping, resources = request.get("StoppingCondition", {}), request.get("ResourceConfig", {})
    wait, runtime = stopping.get("MaxWaitTimeInSeconds"), stopping.get("MaxRuntimeInSeconds", 86400)
    if request.get("EnableManagedSpotTraining"):
        if wait is None or wait < runtime:
            yield "Invalid MaxWaitTimeInSeconds. It must be present and be greater than or equal to MaxRuntimeInSeconds"
        if resources.get("KeepAlivePeriodInSeconds"):
            yield "KeepAlivePeriodInSeconds is not supported with managed spot training"
    elif wait is not None:
        yield "MaxWaitTimeInSeconds is only for managed spot training"
    algorithm = request.get("AlgorithmSpecification", {})
    if "TrainingJobName" in request and ("TrainingImage" in algorithm) == ("AlgorithmName" in algorithm):
        yield "Specify either TrainingImage or AlgorithmName"


def artifact_uri(job: FakeJob) -> str:
    return f"{job.request['OutputDataConfig']['S3OutputPath'].rstrip('/')}/{job.name}/output/model.tar.gz"


def described(job: FakeJob, logs: JobLogs) -> dict[str, Any]:
    told = {name: value for name, value in job.request.items() if name != "Tags"}
    told |= summary(job) | ({"FailureReason": job.step.reason} if job.step.reason else {})
    at_work = [each["StartTime"] for each in job.transitions if each["Status"] not in ("Starting", "Pending")]
    title = job.kind.capitalize()
    if at_work:
        told[f"{title}StartTime"] = at_work[0]
    if job.kind == "processing":
        exited = job.ended is not None and job.outcome is not None and job.outcome.message
        return told | ({"ExitMessage": job.outcome.message} if exited else {})
    told["SecondaryStatusTransitions"] = job.transitions
    if job.ended is not None and at_work:
        told["TrainingTimeInSeconds"] = 1000
        told["BillableTimeInSeconds"] = 300 if job.request.get("EnableManagedSpotTraining") else 1000
    if job.status in ("Completed", "Stopped"):
        told["ModelArtifacts"] = {"S3ModelArtifacts": artifact_uri(job)}
        told["FinalMetricDataList"] = _metrics(job, logs)
    return told


def _metrics(job: FakeJob, logs: JobLogs) -> list[dict[str, Any]]:
    found: dict[str, float] = {}
    for definition in job.request["AlgorithmSpecification"].get("MetricDefinitions", ()):
        for line in logs.lines(job.name):
            if match := re.search(definition["Regex"], line):
                found[definition["Name"]] = float(match[1])
    return [{"MetricName": name, "Value": value, "Timestamp": job.ended} for name, value in found.items()]


def summary(job: FakeJob) -> dict[str, Any]:
    title = job.kind.capitalize()
    told: dict[str, Any] = {
        f"{title}JobName": job.name, f"{title}JobArn": job.arn, "CreationTime": job.created,
        f"{title}JobStatus": job.status, "LastModifiedTime": job.transitions[-1]["StartTime"],
    }  # fmt: skip
    if job.ended is not None:
        told[f"{title}EndTime"] = job.ended
    return told | ({"SecondaryStatus": job.step.secondary} if job.kind == "training" else {})


def tags(job: FakeJob) -> list[dict[str, str]]:
    return [{"Key": key, "Value": value} for key, value in job.tags.items()]
