"""Other deployments that the same devices have: a device takes a component from one group alone.

Each target that a device belongs to asks for its components in exact versions, and all of them must hold together: a
deployment that asks for another version than a second target fails on every device that is in both.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.errors import RemoteError
from actorrec.greengrass.canary_names import CanaryNames
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import Deployment, DeploymentRow, target_of
from actorrec.greengrass.group import GroupState, some_of

_OVER: Final = frozenset({"CANCELED", "FAILED", "INACTIVE"})
_ASKERS: Final = 8


@dataclass(frozen=True, slots=True)
class Conflict:
    """Another target that asks some of the same devices for another version.

    Attributes:
        target: ``thing/NAME`` or ``thinggroup/NAME``.
        devices: That are in both, sorted.
    """

    target: str
    component: str
    theirs: str
    ours: str
    devices: tuple[str, ...]


def refuse_conflicts(plan: DeploymentPlan, state: GroupState, calls: DeploymentCalls) -> None:
    """Stop before a deployment that cannot hold on devices which another target asks for another version.

    Args:
        plan: What is to be deployed.
        state: The target.
        calls: Asks.

    Raises:
        RemoteError: If there is such a target, naming it and its devices.
    """
    first = next(find_conflicts(plan, state, calls), None)
    if first is not None:
        raise RemoteError(
            f"{some_of(first.devices)}: {first.target} asks for {first.component} {first.theirs}, this deployment for "
            f"{first.ours}; a device takes a component in one version, so nothing was deployed",
            hint=f"take it out of the deployment of {first.target}, or the devices out of one of the two",
        )


def find_conflicts(plan: DeploymentPlan, state: GroupState, calls: DeploymentCalls) -> Iterator[Conflict]:
    """Every other target that cannot hold together with a plan."""
    members = set(state.members)
    rows = [row for row in calls.all_latest() if _counts(row, plan, members)]
    for theirs in in_parallel(lambda row: calls.deployment(row.id), rows, _ASKERS):
        target = target_of(theirs.target_arn)
        kind, _, name = target.partition("/")
        for component, ours in plan.components.items():
            other = theirs.components.get(component)
            if other is None or other.version == ours.version:
                continue
            both = members & ({name} if kind == "thing" else _holders(calls, name, theirs))
            if both:
                yield Conflict(target, component, other.version, ours.version, tuple(sorted(both)))


def _holders(calls: DeploymentCalls, group: str, deployment: Deployment) -> set[str]:
    """Who has what a group was given, or will have it; what was called off stays where it was taken."""
    if calls.group_arn(group) is None:
        return set()  # the group was deleted, its deployment was not
    things = set(calls.members(group))
    if deployment.status not in _OVER:
        return things
    executions = calls.executions(deployment.job_id) if deployment.job_id else ()
    return things & {each.device for each in executions if each.status == "SUCCEEDED"}


def _counts(row: DeploymentRow, plan: DeploymentPlan, members: set[str]) -> bool:
    """Whether a target may share devices with ours; parts of our own group, and its ring, stand for it."""
    kind, _, name = target_of(row.target_arn).partition("/")
    canary = CanaryNames.of(plan.group)
    ours = row.target_arn == plan.target_arn or name in (canary.part, canary.ring) or row.parent_arn is not None
    return not ours and (kind == "thinggroup" or (name in members and row.status not in _OVER))
