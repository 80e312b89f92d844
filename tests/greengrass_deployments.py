"""Deployments of the fake Greengrass: what is asked for, which revision a target has, and what devices make of it."""

import json
import time
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from greengrass_jobs import ENDED, Execution, Fate, Job, step
from greengrass_wire import page
from greengrass_world import ACCOUNT, CoreDevice, World
from job_logs import RefusalError

_KEPT: Final = (
    "targetArn", "deploymentName", "components", "deploymentPolicies", "iotJobConfiguration", "parentTargetArn",
)  # fmt: skip
_LITE_DOCUMENT_BYTES: Final = 4096
_SUBDEPLOYMENTS: Final = (2, 9)  # the first nucleus that knows them
_POLICIES: Final = {
    "failureHandlingPolicy": "ROLLBACK",
    "componentUpdatePolicy": {"timeoutInSeconds": 60, "action": "NOTIFY_COMPONENTS"},
    "configurationValidationPolicy": {"timeoutInSeconds": 60},
}


@dataclass
class Deployment:
    """A revision of what a target shall run. ``job`` is hidden for a thing: that one goes by its shadow."""

    given: dict[str, Any]
    revision: int
    job: Job
    tags: dict[str, str]
    id: str = field(default_factory=lambda: str(uuid.uuid4()))
    canceled: bool = False
    latest: bool = True
    created: float = field(default_factory=time.time)

    @property
    def target(self) -> str:
        """``thinggroup/NAME`` or ``thing/NAME``."""
        return str(self.given["targetArn"]).split(":", 5)[5]

    @property
    def to_group(self) -> bool:
        """Whether it goes to a group."""
        return self.target.startswith("thinggroup/")

    @property
    def components(self) -> dict[str, str]:
        """Versions by name."""
        return {name: each["componentVersion"] for name, each in self.given.get("components", {}).items()}

    @property
    def status(self) -> str:
        """A group's goes on for ever: it is ACTIVE while it is the latest."""
        if self.canceled or self.job.status == "CANCELED":
            return "CANCELED"
        if self.to_group or self.job.status != "COMPLETED":
            return "ACTIVE"
        return "FAILED" if self.job.count("SUCCEEDED") == 0 else "COMPLETED"


class Deployments:
    """The operations."""

    def __init__(self, world: World) -> None:
        self.world = world

    def create_deployment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """A new revision takes the place of the target's last one, whose job is cancelled."""
        if wrong := "; ".join(self._wrong(given)):
            raise RefusalError("ValidationException", wrong)
        self._check_components(given.get("components", {}))
        made: Deployment = self.world.repeated("deployment", given, lambda: self._new(given))
        return {"deploymentId": made.id} | self._job_of(made)

    def _wrong(self, given: Mapping[str, Any]) -> Iterator[str]:
        target, parent = given["targetArn"], given.get("parentTargetArn")
        kind, _, name = target.split(":", 5)[5].partition("/")
        if target.split(":")[4] != ACCOUNT or target.split(":")[3] != self.world.region:
            yield f"The target {target} is of another account or region."
        elif not self.world.exists("thing" if kind == "thing" else "group", name):
            raise RefusalError("ResourceNotFoundException", f"The target {target} does not exist.")
        if parent and kind == "thing":
            yield "parentTargetArn: the target of a subdeployment can only be a thing group."
        elif any(each.given["targetArn"] == target and each.given.get("parentTargetArn") != parent and
                 "parentTargetArn" in each.given for each in self.world.deployments.values()):  # fmt: skip
            yield f"The target {target} is the target of a subdeployment of another parent."
        for component, each in given.get("components", {}).items():
            merge = each.get("configurationUpdate", {}).get("merge")
            if merge is not None and not _is_object(merge):
                yield f"The merge of {component} is not a JSON object."
        yield from _wrong_job(given.get("iotJobConfiguration", {}))

    def _check_components(self, components: Mapping[str, Any]) -> None:
        for name, each in components.items():
            version = each["componentVersion"]
            arn = f"arn:aws:greengrass:{self.world.region}:{ACCOUNT}:components:{name}:versions:{version}"
            if version in self.world.public.get(name, ()):
                continue
            if (found := self.world.components.get(arn)) is None:
                raise RefusalError("ResourceNotFoundException", f"Component [{name} : {version}] does not exist.")
            if found.states[0] != "DEPLOYABLE":
                state = found.states[0]
                raise RefusalError("ValidationException", f"Component [{name} : {version}] is {state}, not DEPLOYABLE.")

    def _new(self, given: Mapping[str, Any]) -> Deployment:
        kept = {key: given[key] for key in _KEPT if key in given}
        kept["deploymentPolicies"] = _POLICIES | kept.get("deploymentPolicies", {})
        earlier = [each for each in self.world.deployments.values() if each.given["targetArn"] == kept["targetArn"]]
        for each in earlier:
            each.latest = False
            if each.job.status == "IN_PROGRESS":
                each.job.cancel("", "superseded")
        document = json.dumps({"configurationArn": kept["targetArn"], "components": kept.get("components", {})})
        continuous = ":thinggroup/" in kept["targetArn"]
        job = Job(kept["targetArn"], continuous, kept.get("iotJobConfiguration", {}), document)
        made = Deployment(kept, len(earlier) + 1, job, dict(given.get("tags", {})))
        if continuous:
            self.world.jobs[job.id] = job
        self.world.deployments[made.id] = made
        return made

    def get_deployment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """All of it."""
        found = self._find(given["deploymentId"])
        return self._summary(found) | found.given | self._job_of(found) | {"tags": found.tags}

    def list_deployments(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """The latest of each target, unless all are asked for; newest first."""
        found = [
            each for each in self.world.deployments.values()
            if given.get("targetArn") in (None, each.given["targetArn"])
            and given.get("parentTargetArn") in (None, each.given.get("parentTargetArn"))
            and (each.latest or given.get("historyFilter") == "ALL")
        ]  # fmt: skip
        return page([self._summary(each) for each in reversed(found)], given, "deployments")

    def cancel_deployment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Devices that did not begin will not."""
        found = self._find(given["deploymentId"])
        if found.status in ("CANCELED", "COMPLETED", "FAILED"):
            raise RefusalError("ConflictException", f"Deployment {found.id} is {found.status} and cannot be canceled.")
        found.canceled = True
        found.job.cancel("", "canceled by the caller")
        return {"message": "SUCCESS"}

    def delete_deployment(self, given: Mapping[str, Any]) -> dict[str, Any]:
        """Only what does not go on any more."""
        found = self._find(given["deploymentId"])
        if found.status == "ACTIVE":
            raise RefusalError("ConflictException", f"Deployment {found.id} is active; cancel it first.")
        del self.world.deployments[found.id]
        self.world.jobs.pop(found.job.id, None)
        return {}

    def advance(self, deployment: Deployment) -> None:
        """A minute passes for its devices."""
        kind, _, name = deployment.target.partition("/")
        members = self.world.members(name) if kind == "thinggroup" else [name]
        for execution, fate in step(deployment.job, members, lambda thing: self._fate(deployment, thing)):
            self._report(deployment, execution, fate)
            if execution.status in ENDED:
                self._finish(deployment, execution, fate)

    def _fate(self, deployment: Deployment, thing: str) -> Fate:
        device = self.world.devices.get(thing)
        if device is None or (not deployment.to_group and device.runtime == "aws_nucleus_lite"):
            return Fate("QUEUED")  # runs no Greengrass; or is lite, which never looks into its shadow
        if problem := self._too_much(deployment, device) or self._clash(deployment, device):
            return Fate(
                "FAILED", problem, ("DEPLOYMENT_FAILURE", "NO_AVAILABLE_COMPONENT_VERSION"), ("COMPONENT_ERROR",)
            )
        fate = self.world.fates.get(thing, Fate())
        return fate if isinstance(fate, Fate) else fate(deployment)

    def _too_much(self, deployment: Deployment, device: CoreDevice) -> str:
        """What a nucleus cannot read at all."""
        if device.runtime == "aws_nucleus_lite":
            return "Insufficient memory" if len(deployment.job.document) > _LITE_DOCUMENT_BYTES else ""
        old = tuple(int(number) for number in device.version.split(".")[:2]) < _SUBDEPLOYMENTS
        return "SUB_DEPLOYMENTS is not supported" if old and "parentTargetArn" in deployment.given else ""

    def _clash(self, deployment: Deployment, device: CoreDevice) -> str:
        """A component that another target of the device wants in another version."""
        lite, key = device.runtime == "aws_nucleus_lite", _key(deployment)
        own = deployment.target if lite else key
        for other, roots in device.roots.items():
            if other == own or self._has_left(device, other):
                continue
            for component, version in deployment.components.items():
                if roots.get(component, version) != version:
                    return (
                        "No local or cloud component version satisfies the requirements. Check whether the version "
                        f"constraints conflict: {component} {other} requires ={roots[component]}, "
                        f"{own} requires ={version}."
                    )
        return ""

    def _report(self, deployment: Deployment, execution: Execution, fate: Fate) -> None:
        """What the device says of it now."""
        device, status = self.world.devices[execution.thing], execution.status
        lite, done, ended = device.runtime == "aws_nucleus_lite", status == "SUCCEEDED", status in ENDED
        told: dict[str, Any] = {
            "deploymentId": deployment.id, "deploymentName": deployment.given.get("deploymentName", ""),
            "targetArn": deployment.given["targetArn"], "creationTimestamp": deployment.created,
            "coreDeviceExecutionStatus": "COMPLETED" if done and not deployment.to_group else status,
            "modifiedTimestamp": execution.changed,
        } | self._job_of(deployment)  # fmt: skip
        if lite and ended and not done:
            told["reason"] = "FAILED_ROLLBACK_NOT_REQUESTED"
        elif ended and not lite:
            stack = {"errorStack": [each[:255] for each in fate.stack], "errorTypes": list(fate.types)}
            told |= {"reason": fate.reason or ("SUCCESSFUL" if done else ""), "statusDetails": stack}
        device.effective[deployment.id], device.seen = told, execution.changed

    def _finish(self, deployment: Deployment, execution: Execution, fate: Fate) -> None:
        """What the device runs afterwards."""
        device = self.world.devices[execution.thing]
        lite = device.runtime == "aws_nucleus_lite"
        execution.details |= fate.details(lite) if execution.status == fate.status else {}
        own = deployment.target if lite else _key(deployment)
        if execution.status == "SUCCEEDED":
            device.roots = {key: roots for key, roots in device.roots.items() if not self._has_left(device, key)}
            device.roots[own] = deployment.components
            device.states = {name: state for name, state in device.states.items() if name not in deployment.components}
            device.applied |= {deployment.target}
        elif lite and execution.status == "FAILED":  # it notes what a group wants before it looks whether that can be
            device.roots[own] = deployment.components
            device.states |= dict.fromkeys(deployment.components, "BROKEN") if fate.reason else {}

    def _has_left(self, device: CoreDevice, target: str) -> bool:
        """Whether it is no longer in a group: what that brought goes with the next deployment that succeeds."""
        kind, _, name = target.partition("/")
        return kind == "thinggroup" and device.name not in self.world.members(name)

    def _summary(self, found: Deployment) -> dict[str, Any]:
        told = {
            "targetArn": found.given["targetArn"], "revisionId": str(found.revision), "deploymentId": found.id,
            "creationTimestamp": found.created, "deploymentStatus": found.status, "isLatestForTarget": found.latest,
        }  # fmt: skip
        return told | {key: found.given[key] for key in ("deploymentName", "parentTargetArn") if key in found.given}

    def _job_of(self, found: Deployment) -> dict[str, Any]:
        if not found.to_group:
            return {}
        return {"iotJobId": found.job.id, "iotJobArn": f"arn:aws:iot:{self.world.region}:{ACCOUNT}:job/{found.job.id}"}

    def _find(self, name: str) -> Deployment:
        if (found := self.world.deployments.get(name)) is None:
            raise RefusalError("ResourceNotFoundException", f"Deployment {name} does not exist.")
        return found


def _key(deployment: Deployment) -> str:
    """Whose components it replaces: a subdeployment's are its parent's."""
    parent = deployment.given.get("parentTargetArn")
    return parent.split(":", 5)[5] if parent else deployment.target


def _is_object(text: str) -> bool:
    try:
        return isinstance(json.loads(text), dict)
    except ValueError:
        return False


def _wrong_job(configuration: Mapping[str, Any]) -> Iterator[str]:
    growth = configuration.get("jobExecutionsRolloutConfig", {}).get("exponentialRate")
    if growth is not None:
        if len(growth["rateIncreaseCriteria"]) != 1:
            yield "rateIncreaseCriteria: exactly one of numberOfNotifiedThings and numberOfSucceededThings."
        if growth["incrementFactor"] < 1.1 or round(growth["incrementFactor"], 1) != growth["incrementFactor"]:
            yield "incrementFactor must be 1.1 to 5, with one digit."
    for criterion in configuration.get("abortConfig", {}).get("criteriaList", ()):
        percentage = criterion["thresholdPercentage"]
        if percentage <= 0 or round(percentage, 2) != percentage:
            yield "thresholdPercentage must be over 0 and at most 100, with two digits."
    minutes = configuration.get("timeoutConfig", {}).get("inProgressTimeoutInMinutes", 1)
    if not 1 <= minutes <= 10080:
        yield "inProgressTimeoutInMinutes must be 1 to 10080."
