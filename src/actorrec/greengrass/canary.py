"""Trials on a part of a thing group: begun, judged, promoted or taken back, from whatever desk or function.

Nothing here waits for a device: a call does what can be done now and says what is missing. All that it goes by is what
AWS holds (groups, their members, deployments and tags), so the same call again goes on where a killed one was.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Self

from actorrec.artifacts.store import ArtifactStore
from actorrec.aws.session import AwsSession
from actorrec.config import Config, provenance
from actorrec.errors import ConfigError, JobError, RemoteError
from actorrec.greengrass.canary_calls import MemberCalls
from actorrec.greengrass.canary_judge import Bounds, DeviceTrial, Trial, Verdict, judge
from actorrec.greengrass.canary_moves import bring_home, gather
from actorrec.greengrass.canary_plan import CanaryPlan, needs_copy, pick, plan_canary, way
from actorrec.greengrass.canary_sets import Bundles, back_plan, copy_plan, promotion_plan, same_versions, trial_plan
from actorrec.greengrass.canary_state import CanaryState, read_canary
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.deploy import execute
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.group import GroupState, some_of
from actorrec.greengrass.health_log import DeviceHealth, HealthLog
from actorrec.greengrass.report import failures, read_standing
from actorrec.manifests.component import BUNDLE_TAG, DeployedComponent, DeploymentManifest


@dataclass(frozen=True, slots=True)
class CanaryDesk:
    """What it takes to deal with canaries.

    Attributes:
        config: Names and bounds.
        store: Where deployments are recorded.
        calls: About deployments and devices.
        components: About components.
        members: Of thing groups.
        health: What devices say.
    """

    config: Config
    store: ArtifactStore
    calls: DeploymentCalls
    components: ComponentCalls
    members: MemberCalls
    health: HealthLog

    @classmethod
    def of(cls, aws: AwsSession, config: Config, store: ArtifactStore) -> Self:
        """Everything over one session."""
        poll_s = config.greengrass.poll_s
        calls, components = DeploymentCalls(aws), ComponentCalls(aws, poll_s)
        return cls(config, store, calls, components, MemberCalls(aws, poll_s), HealthLog(aws, config))

    @property
    def program(self) -> str:
        """Name of our component that holds the program."""
        return self.config.greengrass.component_name

    def look(self, group: str) -> CanaryState:
        """The canary of a thing group."""
        return read_canary(self.calls, group)

    def deploy(self, plan: DeploymentPlan, group: str) -> DeploymentManifest:
        """Make a deployment of a canary's, and record it."""
        return execute(plan, self.calls, self.store, group=group, made_by=provenance(self.config))


@dataclass(frozen=True, slots=True)
class Begun:
    """How far a trial has begun.

    Attributes:
        state: Of the canary.
        missing: What has to happen first, for people; empty once it is being tried.
    """

    state: CanaryState
    missing: str = ""


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
    known = {device.name: device for device in desk.calls.core_devices(state.fleet)}
    names = pick(state, wanted, known)
    found = (desk.calls.core_device(name) for name in names if name in known)  # listings do not tell versions
    chosen = way(state, names, {device.name: device for device in found if device is not None})
    if chosen.mode == "ring":
        desk.members.refuse_dynamic(plan.group)
    bundles = Bundles(bundle_of(desk, plan.components), bundle_of(desk, state.group.components))
    return plan_canary(state, plan, chosen, bundles, desk.program)


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
    every = Trial(trial.created_at, state.compared is not None, tuple(devices))
    return Judgement(state, judge(every, bounds, now or datetime.now(UTC)), health)


def promote(desk: CanaryDesk, state: CanaryState) -> DeploymentManifest:
    """Give the whole group what is being tried; devices that left it for the trial come back.

    Raises:
        ConfigError: If nothing is being tried, or credentials are missing, expired or refused.
        RemoteError: If somebody deployed meanwhile, or AWS refuses or cannot be reached.
    """
    made = desk.deploy(promotion_plan(state, desk.program, desk.config.greengrass), state.names.group)
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
        RemoteError: If AWS refuses or cannot be reached.
    """
    names, target = state.names, state.target
    if state.phase == "gathering":
        gather(desk.calls, desk.members, state, ())  # who is between two groups
    for thing in set(state.chosen) & set(state.group.members):
        desk.members.remove(names.chosen, thing)
    if target is None:
        return _hand_over_again(desk, state)
    return desk.deploy(back_plan(state, target, desk.program, desk.config.greengrass), names.group)


def follow_group(desk: CanaryDesk, group: str) -> tuple[str, ...]:
    """After a deployment to a group: devices that stand apart since a trial get it too, or come back into the group.

    Returns:
        Lines for people; none where nobody stands apart.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
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


def bundle_of(desk: CanaryDesk, components: Mapping[str, DeployedComponent]) -> str | None:
    """SHA-256 of the bundle that a set brings; None where that is not known."""
    for name in (desk.program, f"{desk.program}{MODEL_SUFFIX}"):
        if name in components:
            found = desk.components.describe(name, components[name].version)
            if found is not None and found.tags.get(BUNDLE_TAG):
                return found.tags[BUNDLE_TAG]
    return None


def _hand_over_again(desk: CanaryDesk, state: CanaryState) -> DeploymentManifest | None:
    """To devices that stand apart, where some could not take what the group has."""
    ring = state.ring
    if ring is None or ring.present is None or not read_standing(desk.calls, ring).bad:
        return None
    return desk.deploy(copy_plan(state.group, ring, desk.config.greengrass), state.names.group)


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
