"""Sets of components that a canary deals with, and the deployments that bring them; nothing touches the network."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

from actorrec.errors import ConfigError
from actorrec.greengrass.canary_members import Mode
from actorrec.greengrass.canary_names import (
    BACK,
    COMPARED_TAG,
    COPY,
    GROUP_TAG,
    NOTHING,
    PURPOSE_TAG,
    TRIAL,
    TRIED_TAG,
)
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.component_settings import content_of, merged
from actorrec.greengrass.deploy_plan import DeploymentPlan, Intent, plan_set
from actorrec.greengrass.group import GroupState
from actorrec.manifests.component import DeployedComponent
from actorrec.sections.cloud import GreengrassSection

SHADOW: Final = "Shadow"
"""Key of the program's configuration: ``previous`` lets the bundle that ran before run beside the new one."""
Components = Mapping[str, DeployedComponent]


@dataclass(frozen=True, slots=True)
class Bundles:
    """What a trial compares, as SHA-256 of ``bundle.zip``; None where it is not known, or there is none."""

    tried: str | None
    live: str | None

    @property
    def compared(self) -> bool:
        """Whether there are two to compare."""
        return self.live is not None and self.live != self.tried

    @property
    def tags(self) -> dict[str, str]:
        """Of the trial's deployment."""
        return {TRIED_TAG: self.tried or NOTHING, COMPARED_TAG: (self.live if self.compared else None) or NOTHING}


@dataclass(frozen=True, slots=True)
class Trial:
    """What is tried.

    Attributes:
        group: The thing group that it is for, and what was deployed to it last.
        components: What those that try will have.
        bundles: What is compared.
    """

    group: GroupState
    components: Components
    bundles: Bundles


def tried(group: GroupState, components: Components, bundles: Bundles, program: str) -> Trial:
    """A set for those that try: the bundle that ran before runs beside the new one, if there are two."""
    return Trial(group, with_shadow(components, program, "previous" if bundles.compared else "off"), bundles)


def with_shadow(
    components: Components, program: str, value: Literal["previous", "off"]
) -> dict[str, DeployedComponent]:
    """A set with the program's second bundle on or off; a set without the program stays as it is."""
    found = dict(components)
    if program in found:
        merge = merged(found[program].merge, {SHADOW: value})
        found[program] = found[program].model_copy(update={"merge": merge})
    return found


def same_set(left: Components, right: Components, program: str) -> bool:
    """Whether two sets say the same, but for the second bundle."""
    return content_of(with_shadow(left, program, "off")) == content_of(with_shadow(right, program, "off"))


def same_versions(left: Components, right: Components) -> bool:
    """Whether two sets can be on one device at once: the same components in the same versions."""
    return {name: each.version for name, each in left.items()} == {name: each.version for name, each in right.items()}


def trial_plan(target: GroupState, mode: Mode, trial: Trial, settings: GreengrassSection) -> DeploymentPlan:
    """What those that try get.

    Args:
        target: Group of those that try, and what it was told last.
        mode: How it reaches them alone.
        trial: What is tried.
        settings: Rollout, abort rule, timeout and policies.
    """
    tags = {**_tags(trial.group, TRIAL), **trial.bundles.tags}
    intent = Intent("canary", parent_arn=_parent(trial.group, mode), tags=tags, force=True)
    return plan_set(target, trial.components, settings, intent)


def copy_plan(group: GroupState, ring: GroupState, settings: GreengrassSection) -> DeploymentPlan:
    """What the group has, for the ring: a device that comes over notices nothing."""
    return plan_set(ring, group.components, settings, Intent(tags=_tags(group, COPY), force=True))


def back_plan(state: CanaryState, target: GroupState, program: str, settings: GreengrassSection) -> DeploymentPlan:
    """What the group has, for those that tried something else; a new deployment, as devices refuse older ones."""
    mode: Mode = "ring" if state.ring is not None and target.arn == state.ring.arn else "part"
    intent = Intent("rollback", parent_arn=_parent(state.group, mode), tags=_tags(state.group, BACK), force=True)
    return plan_set(target, with_shadow(state.group.components, program, "off"), settings, intent)


def promotion_plan(state: CanaryState, program: str, settings: GreengrassSection) -> DeploymentPlan:
    """What was tried, for the whole group, without the second bundle.

    Raises:
        ConfigError: If nothing is being tried.
    """
    if state.trial is None:
        raise ConfigError(
            f"nothing is being tried on a part of '{state.names.group}'", hint="`actorrec deploy --canary` starts it"
        )
    return plan_set(state.group, with_shadow(state.trial.components, program, "off"), settings, Intent(force=True))


def _parent(group: GroupState, mode: Mode) -> str | None:
    return group.arn if mode == "part" else None


def _tags(group: GroupState, purpose: str) -> dict[str, str]:
    return {PURPOSE_TAG: purpose, GROUP_TAG: group.name}
