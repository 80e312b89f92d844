"""How the canary of a thing group stands: read from what AWS holds, so that any desk or function can go on with it."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Literal

from actorrec.greengrass.canary_members import Mode
from actorrec.greengrass.canary_names import COMPARED_TAG, NOTHING, PURPOSE_TAG, TRIAL, TRIED_TAG, CanaryNames
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import CoreDevice, Deployment
from actorrec.greengrass.group import GroupState, read_group

Phase = Literal["none", "gathering", "trying", "over"]


@dataclass(frozen=True, slots=True)
class CanaryState:
    """A canary at one moment.

    Attributes:
        names: Of the thing groups that belong to it.
        group: The thing group; things that are in the ring at the moment are not in it.
        part: Target of subdeployments; None where there is none yet.
        ring: Target of deployments of its own; None where there is none yet.
        chosen: Things that are meant to be in the ring, wherever they are.
    """

    names: CanaryNames
    group: GroupState
    part: GroupState | None = None
    ring: GroupState | None = None
    chosen: tuple[str, ...] = ()

    @property
    def trial(self) -> Deployment | None:
        """What is tried; None where the last that was asked of the canary was no trial, or the group moved on."""
        last = max(self._latest, key=lambda each: (each.created_at, each.revision), default=None)
        if last is None or last.tags.get(PURPOSE_TAG) != TRIAL:
            return None
        present = self.group.present
        return last if present is None or present.created_at < last.created_at else None

    @property
    def mode(self) -> Mode | None:
        """How the trial reaches its devices; None without a trial."""
        trial = self.trial
        if trial is None:
            return None
        return "ring" if self.ring is not None and trial.target_arn == self.ring.arn else "part"

    @property
    def target(self) -> GroupState | None:
        """What the trial was deployed to."""
        return {"ring": self.ring, "part": self.part, None: None}[self.mode]

    @property
    def away(self) -> tuple[str, ...]:
        """Things that are not in the group because they try, or tried, or are on their way; sorted."""
        ring = () if self.ring is None else self.ring.members
        return tuple(sorted({*ring, *self.chosen} - set(self.group.members)))

    @property
    def devices(self) -> dict[str, CoreDevice]:
        """What is known of the devices of the group, and of those that are away; by name."""
        ring = () if self.ring is None else self.ring.devices
        return {device.name: device for device in (*self.group.devices, *ring)}

    @property
    def fleet(self) -> tuple[str, ...]:
        """Things of the group, also those that are away; sorted."""
        return tuple(sorted({*self.group.members, *self.away}))

    @property
    def phase(self) -> Phase:
        """``gathering``: things are being moved. ``over``: something was tried, and the devices stand ready."""
        if self.trial is not None:
            return "trying"
        if set(self.chosen) - set(() if self.ring is None else self.ring.members):
            return "gathering"
        return "over" if self._latest else "none"

    @property
    def tried(self) -> str | None:
        """SHA-256 of the bundle that is tried; None where it is not known."""
        return self._tag(TRIED_TAG)

    @property
    def compared(self) -> str | None:
        """SHA-256 of the bundle that it is compared with; None without one."""
        return self._tag(COMPARED_TAG)

    @property
    def _latest(self) -> list[Deployment]:
        return [side.present for side in (self.part, self.ring) if side is not None and side.present is not None]

    def _tag(self, name: str) -> str | None:
        value = "" if self.trial is None else self.trial.tags.get(name, "")
        return None if value in ("", NOTHING) else value


def read_canary(calls: DeploymentCalls, group: str | GroupState) -> CanaryState:
    """Look at the canary of a thing group.

    Args:
        calls: Asks.
        group: Its name, or what was read of it just now.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If there is no such group, or AWS refuses or cannot be reached.
    """
    state = group if isinstance(group, GroupState) else read_group(calls, group)
    names = CanaryNames.of(state.name)
    with ThreadPoolExecutor(2) as pool:  # each waits for its answers
        part = pool.submit(_side, calls, names.part, state, state.arn)
        ring = pool.submit(_side, calls, names.ring, state)
        chosen = calls.members(names.chosen) if calls.group_arn(names.chosen) is not None else ()
        return CanaryState(names, state, part.result(), ring.result(), chosen)


def _side(calls: DeploymentCalls, name: str, group: GroupState, parent_arn: str | None = None) -> GroupState | None:
    """A group of the canary's; None where there is none. What is known of its devices already is not asked again."""
    arn = calls.group_arn(name)
    if arn is None:
        return None
    members = calls.members(name)
    known = {device.name: device for device in group.devices if device.name in members}
    asked = calls.core_devices(thing for thing in members if thing not in known and thing not in group.members)
    devices = sorted((*known.values(), *asked), key=lambda device: device.name)
    return GroupState(name, arn, members, tuple(devices), calls.latest(arn, parent_arn))
