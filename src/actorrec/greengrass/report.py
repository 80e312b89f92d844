"""What became of a deployment, device by device: counts from recorded executions, and why each failure failed."""

import json
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.aws.scrub import scrubbed
from actorrec.errors import RemoteError
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import Deployment, DeploymentRow, Execution, JobFacts
from actorrec.greengrass.executions import Outcome, Standing, is_stopped
from actorrec.greengrass.group import GroupState
from actorrec.manifests.base import Record

_ASKERS: Final = 8
_LONGEST: Final = 300
_CAUSE: Final = "deployment-failure-cause"
_STACK: Final = "deployment-error-stack"
_STATE: Final = "detailed-deployment-status"
_BROKEN: Final = frozenset({"BROKEN", "ERRORED"})
_LITE_JOURNAL: Final = "the device says no more; on it: journalctl -u 'ggl.*'"


class DeviceFailure(Record):
    """A device on which a deployment failed.

    Attributes:
        status: ``FAILED``, ``TIMED_OUT`` or ``REJECTED``.
        reason: In one line, without secrets.
    """

    device: str
    status: str
    reason: str


class DeploymentReport(Record):
    """A deployment at one moment.

    Attributes:
        counts: Devices per state; ``NOT_SENT`` are those that the rollout has not reached.
        components: Name → version.
        failures: Every device on which it failed, sorted by name.
        never_reported: Things of the group that are no core devices, as far as AWS has heard.
    """

    deployment_id: str
    revision: int
    thing_group: str
    status: str
    outcome: Outcome
    created_at: str
    devices: int
    counts: dict[str, int]
    components: dict[str, str]
    failures: list[DeviceFailure]
    never_reported: list[str] = []


@dataclass(frozen=True, slots=True)
class Progress:
    """What the service says of a deployment at one moment, whoever is in its target.

    Attributes:
        newest: Of the same target; None if the service lists none.
    """

    deployment: Deployment
    newest: DeploymentRow | None
    job: JobFacts | None
    executions: tuple[Execution, ...]

    @property
    def stopped(self) -> bool:
        """Whether no further device will get it."""
        return is_stopped(self.deployment, self.job)


def read_progress(calls: DeploymentCalls, asked: Deployment) -> Progress:
    """Ask how far a deployment is; raises as ``read_standing``."""
    with ThreadPoolExecutor(3) as pool:  # each waits for its answers
        found = pool.submit(calls.deployment, asked.id)
        latest = pool.submit(calls.latest_row, asked.target_arn, asked.parent_arn)
        job = pool.submit(calls.job, asked.job_id) if asked.job_id else None
        executions = calls.executions(asked.job_id) if asked.job_id else ()
        told = Progress(found.result(), latest.result(), None if job is None else job.result(), executions)
    if not told.stopped:
        return told
    # Why it was stopped is read from the rest: from what was said a moment before, it could not be.
    return replace(
        told,
        deployment=calls.deployment(asked.id),
        newest=calls.latest_row(asked.target_arn, asked.parent_arn),
        executions=calls.executions(asked.job_id) if asked.job_id else (),
    )


def read_standing(
    calls: DeploymentCalls,
    state: GroupState,
    deployment: Deployment | None = None,
    told: Progress | None = None,
) -> Standing:
    """Ask how far a deployment is.

    Args:
        calls: Asks.
        state: The target.
        deployment: Of it; by default the present one.
        told: What the service said of that deployment just now; by default it is asked.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If nothing was ever deployed to the target, or AWS refuses or cannot be reached.
    """
    asked = deployment or state.present
    if asked is None:
        raise RemoteError(f"nothing was ever deployed to '{state.name}'", hint="`actorrec deploy` does")
    told = told or read_progress(calls, asked)
    # The listing may lag behind, the deployment's own word too: one that was stopped is replaced if either says so.
    now, newest = told.deployment, told.newest
    return Standing(
        deployment=now,
        job=told.job,
        executions=told.executions if told.job is not None else _of_devices(calls, state, asked),
        members=state.members,
        reporting=frozenset(device.name for device in state.devices),
        latest=not (newest is not None and newest.newer_than(now)) and (now.latest or not told.stopped),
    )


def report(calls: DeploymentCalls, state: GroupState, standing: Standing) -> DeploymentReport:
    """Say what became of a deployment, with the reason of every device on which it failed.

    Only those devices are asked, several at a time.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
    """
    deployment = standing.deployment
    return DeploymentReport(
        deployment_id=deployment.id,
        revision=deployment.revision,
        thing_group=state.name,
        status=deployment.status,
        outcome=standing.outcome,
        created_at=deployment.created_at.isoformat(),
        devices=len(standing.members),
        counts=standing.counts,
        components={name: component.version for name, component in deployment.components.items()},
        failures=failures(calls, standing),
        never_reported=list(state.unseen),
    )


def failures(calls: DeploymentCalls, standing: Standing) -> list[DeviceFailure]:
    """Every device on which a deployment failed, and why, sorted by name."""

    def ask(execution: Execution) -> DeviceFailure:
        try:
            reason = _reason(calls, standing.deployment, execution)
        except RemoteError as error:  # one device of many: the others' reasons are still worth telling
            reason = f"not known: {error.message}"
        return DeviceFailure(device=execution.device, status=execution.status, reason=scrubbed(reason, _LONGEST))

    return list(in_parallel(ask, standing.bad, _ASKERS))


def _reason(calls: DeploymentCalls, deployment: Deployment, execution: Execution) -> str:
    """The device's own words where it sent some, else what the service knows, else what is broken on it."""
    said = calls.execution_details(deployment.job_id, execution.device) if deployment.job_id else {}
    if cause := said.get(_CAUSE) or _last(said.get(_STACK, "")):
        return f"{cause} ({said[_STATE]})" if said.get(_STATE) else cause
    told = next(
        (e for e in calls.effective_deployments(execution.device) if e.get("deploymentId") == deployment.id), {}
    )
    stack = told.get("statusDetails", {}).get("errorStack", [])
    why = str(told.get("reason") or (stack[-1] if stack else "") or said.get(_STATE, ""))
    if execution.status == "TIMED_OUT" and not why:
        return "it began, and did not say in time how it went"
    if execution.status == "FAILED" and why in ("", "FAILED_ROLLBACK_NOT_REQUESTED", "FAILED"):
        return "; ".join(part for part in (_broken(calls, execution.device), _LITE_JOURNAL) if part)
    return why or "the device gives no reason"


def _broken(calls: DeploymentCalls, device: str) -> str:
    found = [each for each in calls.installed_components(device) if each.get("lifecycleState") in _BROKEN]
    return "; ".join(
        f"{each.get('componentName')} {each.get('componentVersion')} is {each.get('lifecycleState')}"
        + (f": {each['lifecycleStateDetails']}" if each.get("lifecycleStateDetails") else "")
        for each in found
    )


def _last(stack: str) -> str:
    """The innermost of a stack of errors, which devices send as JSON."""
    try:
        found = json.loads(stack or "[]")
    except ValueError:
        return stack
    return str(found[-1]) if isinstance(found, list) and found else ""


def _of_devices(calls: DeploymentCalls, state: GroupState, deployment: Deployment) -> tuple[Execution, ...]:
    """Without a job, of a deployment to one thing or once it was deleted: the devices themselves are asked."""

    def ask(device: str) -> Execution | None:
        handed = calls.effective_deployments(device)
        told = next((each for each in handed if each.get("deploymentId") == deployment.id), None)
        if told is None:
            return None
        status = str(told["coreDeviceExecutionStatus"])
        return Execution(device, "SUCCEEDED" if status == "COMPLETED" else status)

    return tuple(found for found in in_parallel(ask, state.members, _ASKERS) if found is not None)
