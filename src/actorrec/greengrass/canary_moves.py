"""Devices on their way into the ring of a canary and back, one at a time, so that a kill leaves at most one between."""

from collections.abc import Iterable
from typing import Final

from actorrec.greengrass.canary_calls import MemberCalls
from actorrec.greengrass.canary_names import CanaryNames
from actorrec.greengrass.canary_sets import same_versions
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import Execution

_BUSY: Final = "IN_PROGRESS"


def gather(calls: DeploymentCalls, members: MemberCalls, state: CanaryState, devices: Iterable[str]) -> tuple[str, ...]:
    """Bring devices from the group into the ring; what an earlier call began is finished first.

    A device that is at a deployment stays until it is done: between two groups it might remove what it has.

    Args:
        calls: Asks.
        members: Moves.
        state: Of the canary; its groups exist.
        devices: Those that are to be in the ring.

    Returns:
        Those that could not be moved yet, sorted.
    """
    names, there = state.names, set(() if state.ring is None else state.ring.members)
    begun = [thing for thing in state.chosen if thing not in there and thing not in state.group.members]
    rest = [thing for thing in sorted(devices) if thing not in there and thing not in begun]
    for thing in begun:
        members.move(thing, names.group, names.ring)
    for thing in rest:
        members.add(names.chosen, thing)  # the journal: from here on it is known where it belongs
    busy = [thing for thing in rest if _is_busy(calls, thing)]
    for thing in rest:
        if thing not in busy:
            members.move(thing, names.group, names.ring)
    return tuple(busy)


def bring_home(calls: DeploymentCalls, members: MemberCalls, state: CanaryState) -> tuple[str, ...]:
    """Bring devices from the ring back into the group, where that changes nothing for them.

    Both must have the same versions, and the group's deployment must be one that the device never had from it: AWS
    does not say whether it hands the same job to a device twice, and a device that is in the group without having got
    the group's deployment may lose its components at the next one.

    Returns:
        Those that were brought back, sorted.
    """
    ring, present = state.ring, state.group.present
    if ring is None or present is None or not state.away:
        return ()
    if ring.present is not None and not same_versions(ring.present.components, present.components):
        return ()
    had = _had(calls.executions(present.job_id)) if present.job_id else frozenset()
    home = [thing for thing in state.away if thing not in had]
    for thing in home:
        _home(members, state.names, thing)
    for thing in sorted(set(state.chosen) & set(state.group.members)):  # home already, when a call was cut short
        members.remove(state.names.chosen, thing)
    return tuple(home)


def _home(members: MemberCalls, names: CanaryNames, thing: str) -> None:
    members.move(thing, names.ring, names.group)
    members.remove(names.chosen, thing)


def _had(executions: Iterable[Execution]) -> frozenset[str]:
    return frozenset(each.device for each in executions if each.status == "SUCCEEDED")


def _is_busy(calls: DeploymentCalls, thing: str) -> bool:
    return any(each.get("coreDeviceExecutionStatus") == _BUSY for each in calls.effective_deployments(thing))
