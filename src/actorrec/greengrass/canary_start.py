"""The beginning of a trial on a part of a thing group; nothing in here waits for a device."""

from dataclasses import dataclass

from actorrec.errors import JobError, RemoteError
from actorrec.greengrass.canary_desk import CanaryDesk
from actorrec.greengrass.canary_moves import gather
from actorrec.greengrass.canary_plan import CanaryPlan, needs_copy
from actorrec.greengrass.canary_sets import copy_plan, trial_plan
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.group import GroupState, some_of
from actorrec.greengrass.report import failures, read_standing


@dataclass(frozen=True, slots=True)
class Begun:
    """How far a trial has begun.

    Attributes:
        state: Of the canary.
        missing: What has to happen first, for people; empty once it is being tried.
    """

    state: CanaryState
    missing: str = ""


def start_canary(desk: CanaryDesk, canary: CanaryPlan) -> Begun:
    """Begin a trial, or go on with one that has begun; called again and again it does nothing twice.

    Returns:
        How far it is: while ``missing`` says something, the same call has to come again.

    Raises:
        JobError: If a device cannot even take what the group has.
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If somebody deployed meanwhile, or AWS refuses or cannot be reached.
    """
    group = canary.trial.group
    state = desk.look(group.name)
    now, then = state.group.present, group.present
    if (now and now.id) != (then and then.id):
        raise RemoteError(f"somebody deployed to '{group.name}' meanwhile; nothing is tried", hint="run it again")
    return _in_ring(desk, state, canary) if canary.choice.mode == "ring" else _in_part(desk, state, canary)


def _in_part(desk: CanaryDesk, state: CanaryState, canary: CanaryPlan) -> Begun:
    names, wanted = state.names, set(canary.choice.devices)
    desk.members.ensure(names.part, names.group)
    state = desk.look(names.group)
    part = _there(state.part, names.part)
    for thing in sorted(set(part.members) - wanted):
        desk.members.remove(names.part, thing)
    if state.trial is None:
        settings = desk.config.greengrass
        desk.deploy(trial_plan(part, "part", canary.trial, settings), names.group)
    for thing in sorted(wanted - set(part.members)):
        desk.members.add(names.part, thing)
    return Begun(desk.look(names.group))


def _in_ring(desk: CanaryDesk, state: CanaryState, canary: CanaryPlan) -> Begun:
    names, settings = state.names, desk.config.greengrass
    for name in (names.chosen, names.ring):
        desk.members.ensure(name, names.group)
    state = desk.look(names.group)
    if needs_copy(state, desk.program):
        desk.deploy(copy_plan(state.group, _there(state.ring, names.ring), settings), names.group)
    busy = gather(desk.calls, desk.members, state, canary.choice.devices)
    state = desk.look(names.group)
    if busy:
        return Begun(state, f"{some_of(busy)} must first be done with another deployment")
    if state.trial is not None:
        return Begun(state)
    ring = _there(state.ring, names.ring)
    late = _not_settled(desk, ring)
    if late:
        return Begun(state, f"{some_of(late)} must first say that nothing changed for them")
    desk.deploy(trial_plan(ring, "ring", canary.trial, settings), names.group)
    return Begun(desk.look(names.group))


def _not_settled(desk: CanaryDesk, ring: GroupState) -> tuple[str, ...]:
    """Devices that have not got the ring's present deployment yet.

    Raises:
        JobError: If one of them failed with it.
    """
    if ring.present is None:
        return ()
    standing = read_standing(desk.calls, ring)
    for failure in failures(desk.calls, standing):
        if failure.device in ring.members:
            raise JobError(
                f"{failure.device} cannot even take what the group has, so nothing can be tried on it: "
                f"{failure.reason}",
                hint="`actorrec deploy rollback` hands it over once more; --canary takes other devices",
            )
    done = {execution.device for execution in standing.executions if execution.status == "SUCCEEDED"}
    return tuple(thing for thing in ring.members if thing not in done)


def _there(side: GroupState | None, name: str) -> GroupState:
    if side is None:
        raise RemoteError(f"the thing group '{name}' was just made and is not to be seen yet", hint="run it again")
    return side
