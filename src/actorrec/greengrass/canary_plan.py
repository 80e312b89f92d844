"""What a trial on a part of a group takes, step by step, as plain data: nothing in here touches the network."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from actorrec.errors import ConfigError
from actorrec.greengrass.canary_members import Choice, choice, shortlist
from actorrec.greengrass.canary_sets import Bundles, Trial, same_set, tried
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployments import GONE, CoreDevice
from actorrec.greengrass.group import GroupState, some_of

Verb = Literal["make group", "copy set", "move", "leave", "try", "join"]


@dataclass(frozen=True, slots=True)
class CanaryAction:
    """One change on the way to a trial.

    Attributes:
        name: Of a thing, or of a thing group.
        why: For people.
    """

    verb: Verb
    name: str
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class CanaryPlan:
    """A trial that is going to begin.

    Attributes:
        choice: Who tries, and by which way it reaches them.
        trial: What they try.
        program: Name of our component that holds the program.
        actions: In the order in which they are done; none where all of them are done.
        notes: For people.
    """

    choice: Choice
    trial: Trial
    program: str
    actions: tuple[CanaryAction, ...]
    notes: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "thing_group": self.trial.group.name,
            "mode": self.choice.mode,
            "devices": list(self.choice.devices),
            "compared": self.trial.bundles.compared,
            "components": {name: component.version for name, component in self.trial.components.items()},
            "actions": [action.as_json() for action in self.actions],
            "notes": list(self.notes),
        }


def pick(
    state: CanaryState, wanted: str, devices: Mapping[str, CoreDevice], *, settled: bool = False
) -> tuple[str, ...]:
    """Who tries; devices that stand apart since an earlier trial take part in every later one.

    Nobody leaves a trial that is under way: what a device has of it, it would keep. And nobody joins one that has been
    so for long: it would be judged by what it cannot have done yet.

    Args:
        state: Of the canary.
        wanted: Name of a thing, or ``N%`` of the group.
        devices: What is known of its things.
        settled: Whether the trial, if there is one, has been under way for long.

    Raises:
        ConfigError: If nobody can be chosen, or a device is named that is too late for a trial.
    """
    earlier = {*state.away, *state.chosen} or set(_members(state.part))
    names = shortlist(state.names.group, wanted, state.fleet, devices, earlier)
    trying = _members(state.target)
    if settled and trying and len(names) == 1 and wanted in names and wanted not in trying:
        raise ConfigError(
            f"a part of '{state.names.group}' has been trying this for long already: {some_of(trying)}",
            hint=f"`actorrec deploy promote` or `deploy rollback` ends it; then --canary {wanted}",
        )
    return tuple(sorted({*(() if settled and trying else names), *trying, *state.away}))


def way(state: CanaryState, names: Iterable[str], devices: Mapping[str, CoreDevice]) -> Choice:
    """By which way a trial reaches them alone.

    Args:
        state: Of the canary.
        names: Who tries.
        devices: What is known of them, with their versions.
    """
    found = choice(names, devices)
    if state.mode is not None:
        return Choice(state.mode, found.devices, "it began so")
    if not state.away:
        return found
    return Choice("ring", found.devices, f"{some_of(state.away)} left the group for an earlier trial")


def plan_canary(state: CanaryState, plan: DeploymentPlan, chosen: Choice, bundles: Bundles, program: str) -> CanaryPlan:
    """Plan a trial of what a deployment would bring to the whole group.

    Args:
        state: Of the canary.
        plan: The deployment to the group.
        chosen: Who tries.
        bundles: What is compared.
        program: Name of our component that holds the program.

    Raises:
        ConfigError: If something else is being tried, the group's last deployment was stopped half-way, or the new one
            would change nothing.
    """
    trial = tried(state.group, plan.components, bundles, program)
    under_way = state.trial
    if under_way is not None and not same_set(under_way.components, trial.components, program):
        raise ConfigError(
            f"something else is being tried on a part of '{state.names.group}' already ({under_way.id})",
            hint="`actorrec deploy status` shows it; `deploy promote` or `deploy rollback` ends it",
        )
    present = state.group.present
    if under_way is None and present is not None and present.status in GONE:
        raise ConfigError(
            f"the last deployment to '{plan.group}' was stopped, so what its devices have is not known for sure",
            hint="`actorrec deploy rollback` gives all of them the last good one, or deploy without --canary",
        )
    if not plan.changed and under_way is None:
        raise ConfigError(f"'{plan.group}' has all of this already: there is nothing to try")
    steps = _ring_steps(state, chosen, trial, program) if chosen.mode == "ring" else _part_steps(state, chosen, trial)
    return CanaryPlan(chosen, trial, program, tuple(steps), tuple(_notes(chosen, bundles)))


def needs_copy(state: CanaryState, program: str) -> bool:
    """Whether the ring must be told first what the group has."""
    if state.trial is not None or state.group.present is None:
        return False
    there = None if state.ring is None else state.ring.present
    return there is None or not same_set(there.components, state.group.components, program)


def _ring_steps(state: CanaryState, chosen: Choice, trial: Trial, program: str) -> Iterator[CanaryAction]:
    names, there = state.names, set(_members(state.ring))
    if not there and not state.chosen:
        yield CanaryAction("make group", names.chosen, "remembers who tries")
    if state.ring is None:
        yield CanaryAction("make group", names.ring, "for the devices that try")
    if needs_copy(state, program):
        yield CanaryAction("copy set", names.ring, "what the group has, so that moving there changes nothing")
    for thing in chosen.devices:
        if thing not in there:
            yield CanaryAction("move", thing, f"from {names.group} to {names.ring}")
    if state.trial is None:
        yield CanaryAction("try", names.ring, _in_words(trial))


def _part_steps(state: CanaryState, chosen: Choice, trial: Trial) -> Iterator[CanaryAction]:
    """Devices join last: a group hands to them what it was told last, and that may be an earlier trial."""
    names, there, wanted = state.names, set(_members(state.part)), set(chosen.devices)
    if state.part is None:
        yield CanaryAction("make group", names.part, "for the devices that try")
    for thing in sorted(there - wanted):
        yield CanaryAction("leave", thing, f"{names.part}: tries no more")
    if state.trial is None:
        yield CanaryAction("try", names.part, _in_words(trial))
    for thing in sorted(wanted - there):
        yield CanaryAction("join", thing, f"{names.part}, and stays in {names.group}")


def _members(side: GroupState | None) -> tuple[str, ...]:
    return () if side is None else side.members


def _in_words(trial: Trial) -> str:
    old, new = trial.group.components, trial.components
    fresh = [
        f"{name} {each.version}" for name, each in new.items() if name not in old or old[name].version != each.version
    ]
    beside = "; the model that ran before runs beside it, and their answers are compared"
    return (", ".join(fresh) or "new configuration") + (beside if trial.bundles.compared else "")


def _notes(chosen: Choice, bundles: Bundles) -> Iterator[str]:
    many = len(chosen.devices)
    yield f"{many} device{'s try' if many > 1 else ' tries'} it: {chosen.why}"
    if chosen.mode == "ring":
        yield "what else is attached to the thing group (policies, jobs) does not hold for them meanwhile"
    if not bundles.compared:
        yield "there is no other model to compare with: only health is judged"
