"""Trials on a part of a thing group: planned, judged, promoted or taken back, from whatever desk or function.

Nothing here waits for a device: a call does what can be done now and says what is missing. All that it goes by is what
AWS holds (groups, their members, deployments and tags), so the same call again goes on where a killed one was.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.canary_desk import CanaryDesk
from actorrec.greengrass.canary_judge import Bounds, DeviceTrial, Trial, Verdict, judge
from actorrec.greengrass.canary_members import takes_part
from actorrec.greengrass.canary_moves import bring_home, gather
from actorrec.greengrass.canary_names import CanaryNames
from actorrec.greengrass.canary_plan import CanaryPlan, pick, plan_canary, way
from actorrec.greengrass.canary_sets import Bundles, back_plan, copy_plan, promotion_plan, same_versions
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployments import CoreDevice
from actorrec.greengrass.group import some_of
from actorrec.greengrass.health_log import DeviceHealth
from actorrec.greengrass.report import failures, read_standing
from actorrec.manifests.component import DeploymentManifest

_ASKERS: Final = 8


@dataclass(frozen=True, slots=True)
class Judgement:
    """A verdict, and what it rests on.

    Attributes:
        state: Of the canary.
        health: What each device said, with what could not be read.
    """

    state: CanaryState
    verdict: Verdict
    health: Mapping[str, DeviceHealth] = field(default_factory=dict)


def plan_trial(desk: CanaryDesk, plan: DeploymentPlan, wanted: str) -> CanaryPlan:
    """Plan a trial of what a deployment would bring to a whole group; nothing is changed.

    Args:
        desk: Asks.
        plan: The deployment to the group, as it is now.
        wanted: Name of a thing, or ``N%``.

    Raises:
        ConfigError: If nobody can be chosen, something else is being tried, or there is nothing new to try.
        RemoteError: If somebody deployed meanwhile, or AWS refuses or cannot be reached.
    """
    state = desk.look(plan.group)
    present = state.group.present
    if (present and present.id) != (plan.before and plan.before.id):
        raise RemoteError(f"somebody deployed to '{plan.group}' meanwhile; nothing was changed", hint="run it again")
    desk.health.refuse_unreadable()
    between = desk.calls.core_devices(set(state.away) - set(state.devices))  # cut short on their way
    known = state.devices | {device.name: device for device in between}
    names = pick(state, wanted, known, settled=_has_settled(desk, state))
    chosen = way(state, names, _detailed(desk, names, known))
    if chosen.mode == "ring":
        desk.members.refuse_dynamic(plan.group)
    bundles = Bundles(desk.bundle_of(plan.components), desk.bundle_of(state.group.components))
    return plan_canary(state, plan, chosen, bundles, desk.program)


def judge_canary(desk: CanaryDesk, state: CanaryState, now: datetime | None = None) -> Judgement:
    """Judge what is being tried.

    Raises:
        ConfigError: If nothing is, or credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    trial, target = state.trial, state.target
    if trial is None or target is None:
        raise ConfigError(
            f"nothing is being tried on a part of '{state.names.group}'", hint="`actorrec deploy --canary` starts it"
        )
    standing = read_standing(desk.calls, target, trial)
    reasons = {failure.device: failure.reason for failure in failures(desk.calls, standing)}
    executions = {execution.device: execution for execution in standing.executions}
    health = desk.health.read(target.members, trial.created_at, state.tried)
    devices = []
    for name in target.members:
        found = executions.get(name)
        status, at = (None, None) if found is None else (found.status, found.updated_at or found.queued_at)
        devices.append(DeviceTrial(name, status, at, reasons.get(name, ""), health[name].heard))
    bounds = Bounds.of(desk.config.greengrass)
    every = Trial(trial.created_at, state.compared, tuple(devices))
    return Judgement(state, judge(every, bounds, now or datetime.now(UTC)), health)


def promote(desk: CanaryDesk, state: CanaryState) -> DeploymentManifest:
    """Give the whole group what is being tried; devices that left it for the trial come back.

    Raises:
        ConfigError: If nothing is being tried, or credentials are missing, expired or refused.
        RemoteError: If somebody deployed meanwhile or ended the trial, or AWS refuses or cannot be reached.
    """
    plan = promotion_plan(state, desk.program, desk.config.greengrass)
    _refuse_ended(desk, state)
    made = desk.deploy(plan, state.names.group)
    bring_home(desk.calls, desk.members, desk.look(state.names.group))
    return made


def roll_back_canary(desk: CanaryDesk, state: CanaryState) -> DeploymentManifest | None:
    """Give those that try what the group has; moves that were cut short are finished or undone.

    Devices that left the group for the trial stay apart, with what the group has: the group's next deployment takes
    them back. (AWS does not say that it would hand the present one to them a second time.)

    Returns:
        The deployment that goes back; None where nothing is being tried.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If somebody ended the trial meanwhile, or AWS refuses or cannot be reached.
    """
    names, target = state.names, state.target
    if state.phase == "gathering":
        gather(desk.calls, desk.members, state, ())  # who is between two groups
    for thing in set(state.chosen) & set(state.group.members):
        desk.members.remove(names.chosen, thing)
    if target is None:
        return _hand_over_again(desk, state)
    _refuse_ended(desk, state)
    return desk.deploy(back_plan(state, target, desk.program, desk.config.greengrass), names.group)


def follow_group(desk: CanaryDesk, group: str) -> tuple[str, ...]:
    """After a deployment to a group: devices that stand apart since a trial get it too, or come back into the group.

    Returns:
        Lines for people; none where nobody stands apart.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    if desk.calls.group_arn(CanaryNames.of(group).ring) is None:
        return ()  # as for most groups: one question is enough
    state = desk.look(group)
    ring, present = state.ring, state.group.present
    if not state.away or ring is None or present is None or state.trial is not None:
        return ()
    there = {} if ring.present is None else ring.present.components
    if ring.members and not same_versions(there, present.components):
        made = desk.deploy(copy_plan(state.group, ring, desk.config.greengrass), group)
        return (f"{some_of(ring.members)} stand apart since a trial, and get the same by {made.deployment_id}",)
    home = bring_home(desk.calls, desk.members, state)
    return (f"{some_of(home)} came back into '{group}'",) if home else ()


def _has_settled(desk: CanaryDesk, state: CanaryState) -> bool:
    """Whether the trial has been under way for so long that silence counts."""
    patience_s = Bounds.of(desk.config.greengrass).patience_s
    return state.trial is not None and (datetime.now(UTC) - state.trial.created_at).total_seconds() > patience_s


def _refuse_ended(desk: CanaryDesk, state: CanaryState) -> None:
    """Stop where another desk ended the trial, or began another, since it was looked at.

    Raises:
        RemoteError: If so.
    """
    now = desk.look(state.names.group)
    if (now.trial and now.trial.id) != (state.trial and state.trial.id):
        raise RemoteError(
            f"somebody ended what a part of '{state.names.group}' tried meanwhile; nothing was changed",
            hint="`actorrec deploy status` and `deploy history` show what became of it",
        )


def _detailed(desk: CanaryDesk, names: Iterable[str], known: Mapping[str, CoreDevice]) -> dict[str, CoreDevice]:
    """Devices with their versions, which listings do not tell, up to the first that takes no part of a deployment."""
    found: dict[str, CoreDevice] = {}
    if any(name not in known or known[name].lite for name in names):
        return {name: known[name] for name in names if name in known}
    for device in in_parallel(desk.calls.core_device, names, _ASKERS):
        if device is not None:
            found[device.name] = device
        if not takes_part(device):
            break
    return found


def _hand_over_again(desk: CanaryDesk, state: CanaryState) -> DeploymentManifest | None:
    """To devices that stand apart, where some could not take what the group has."""
    ring = state.ring
    if ring is None or ring.present is None or not read_standing(desk.calls, ring).bad:
        return None
    return desk.deploy(copy_plan(state.group, ring, desk.config.greengrass), state.names.group)
