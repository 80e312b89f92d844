"""What AWS says of deployments, the devices they go to and how each of these fared, as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from actorrec.aws.scrub import scrubbed
from actorrec.manifests.component import DeployedComponent

CLASSIC: Final = "aws_nucleus_classic"
LITE: Final = "aws_nucleus_lite"
UNFINISHED: Final = frozenset({"QUEUED", "IN_PROGRESS"})
BAD: Final = frozenset({"FAILED", "TIMED_OUT", "REJECTED"})
"""States of a device's execution that count as failures, as the abort rule counts them."""
GONE: Final = frozenset({"CANCELED", "FAILED"})
"""States of a deployment that did not come to its end."""
STATUSES: Final = ("SUCCEEDED", "IN_PROGRESS", "QUEUED", "FAILED", "TIMED_OUT", "REJECTED", "CANCELED", "REMOVED")
"""Every state of a device's execution, in the order in which they are shown."""


@dataclass(frozen=True, slots=True)
class CoreDevice:
    """A device that runs a nucleus.

    Attributes:
        runtime: ``aws_nucleus_classic`` or ``aws_nucleus_lite``; a nucleus too old to say is a classic one.
        architecture: As the nucleus calls it (``aarch64``, ``amd64``); may be empty.
        version: Of the nucleus; empty where a listing does not say.
    """

    name: str
    status: str
    runtime: str
    architecture: str
    platform: str = ""
    version: str = ""
    seen_at: datetime | None = None

    @property
    def lite(self) -> bool:
        """Whether it is nucleus lite."""
        return self.runtime == LITE


@dataclass(frozen=True, slots=True)
class DeploymentRow:
    """A deployment in a list.

    Attributes:
        revision: Counts the deployments of a target; 0 where the service says nothing that counts.
        status: ``ACTIVE``, ``COMPLETED``, ``CANCELED``, ``FAILED`` or ``INACTIVE``.
        latest: Whether the service calls it the latest of its target.
        parent_arn: Group that it is a part of, for a subdeployment.
    """

    id: str
    revision: int
    name: str
    target_arn: str
    status: str
    created_at: datetime
    latest: bool
    parent_arn: str | None = None

    def newer_than(self, other: "DeploymentRow") -> bool:
        """Whether it was made after another of the same target."""
        return (self.created_at, self.revision) > (other.created_at, other.revision)


@dataclass(frozen=True, slots=True)
class Deployment(DeploymentRow):
    """A deployment, whole.

    Attributes:
        job_id: Of the IoT job that carries it to devices; None for a deployment to one thing.
        components: Name → version and configuration.
        policies: As the service says them.
        job_settings: Rollout, abort and timeout, as the service says them.
        tags: Of it.
    """

    job_id: str | None = None
    components: Mapping[str, DeployedComponent] = field(default_factory=dict)
    policies: Mapping[str, Any] = field(default_factory=dict)
    job_settings: Mapping[str, Any] = field(default_factory=dict)
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class JobFacts:
    """The IoT job behind a deployment.

    Attributes:
        status: ``IN_PROGRESS``, ``CANCELED``, ``COMPLETED``, ``DELETION_IN_PROGRESS`` or ``SCHEDULED``.
        reason: Why it was changed, without secrets; mostly empty.
    """

    id: str
    status: str
    reason: str


@dataclass(frozen=True, slots=True)
class Execution:
    """How one device fared with a job."""

    device: str
    status: str
    queued_at: datetime | None = None
    started_at: datetime | None = None
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Created:
    """A deployment that was just made."""

    id: str
    job_id: str | None


def row_of(told: Mapping[str, Any]) -> DeploymentRow:
    """An entry of ListDeployments."""
    return DeploymentRow(**_row(told))


def deployment_of(told: Mapping[str, Any]) -> Deployment:
    """An answer of GetDeployment."""
    return Deployment(
        **_row(told),
        job_id=told.get("iotJobId"),
        components=components_of(told.get("components") or {}),
        policies=told.get("deploymentPolicies") or {},
        job_settings=told.get("iotJobConfiguration") or {},
        tags=told.get("tags") or {},
    )


def _row(told: Mapping[str, Any]) -> dict[str, Any]:
    revision = str(told.get("revisionId", ""))
    return {
        "id": told["deploymentId"],
        "revision": int(revision) if revision.isascii() and revision.isdigit() else 0,
        "name": told.get("deploymentName", ""),
        "target_arn": told["targetArn"],
        "status": told["deploymentStatus"],
        "created_at": told["creationTimestamp"],
        "latest": bool(told.get("isLatestForTarget")),
        "parent_arn": told.get("parentTargetArn"),
    }


def target_of(arn: str) -> str:
    """``thing/NAME`` or ``thinggroup/NAME`` of an ARN; names may hold colons too."""
    return arn.split(":", 5)[-1]


def components_of(told: Mapping[str, Any]) -> dict[str, DeployedComponent]:
    """Components as a deployment of the service lists them."""
    found = {}
    for name, about in told.items():
        update = about.get("configurationUpdate") or {}
        found[name] = DeployedComponent(
            version=about["componentVersion"],
            merge=update.get("merge") or "",
            reset=list(update.get("reset") or ()),
            run_with=dict(about.get("runWith") or {}),
        )
    return found


def components_request(components: Mapping[str, DeployedComponent]) -> dict[str, Any]:
    """Components as CreateDeployment takes them.

    What is empty is left out: nucleus lite restarts a component that has an update of its configuration, however empty.
    """
    asked: dict[str, Any] = {}
    for name, component in components.items():
        update = {"merge": component.merge, "reset": list(component.reset)}
        about = {"configurationUpdate": {k: v for k, v in update.items() if v}, "runWith": component.run_with}
        asked[name] = {"componentVersion": component.version} | {k: v for k, v in about.items() if v}
    return asked


def device_of(told: Mapping[str, Any]) -> CoreDevice:
    """An entry of ListCoreDevices, or an answer of GetCoreDevice."""
    return CoreDevice(
        name=told["coreDeviceThingName"],
        status=told.get("status", ""),
        runtime=told.get("runtime") or CLASSIC,
        architecture=told.get("architecture", ""),
        platform=told.get("platform", ""),
        version=told.get("coreVersion", ""),
        seen_at=told.get("lastStatusUpdateTimestamp"),
    )


def job_of(told: Mapping[str, Any]) -> JobFacts:
    """What DescribeJob says of a job."""
    reason = " ".join(str(told[key]) for key in ("reasonCode", "comment") if told.get(key))
    return JobFacts(told["jobId"], told["status"], scrubbed(reason))


def execution_of(told: Mapping[str, Any]) -> Execution:
    """An entry of ListJobExecutionsForJob; it names the device by its ARN alone."""
    about = told["jobExecutionSummary"]
    times = (about.get(key) for key in ("queuedAt", "startedAt", "lastUpdatedAt"))
    return Execution(told["thingArn"].rpartition("/")[2], about["status"], *times)
