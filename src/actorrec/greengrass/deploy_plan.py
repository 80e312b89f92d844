"""What is going to be deployed, as plain data: nothing in here touches the network.

A deployment replaces all that its target was told before, so a plan begins with the present one: components of others
stay as they are, with their configuration and limits.
"""

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Final, Literal

from actorrec.errors import ConfigError
from actorrec.greengrass.component_settings import EVERYTHING, KEYS, as_object, content_of, merged, normal
from actorrec.greengrass.deploy_request import Purpose, deployment_request, notes_of, refuse_too_large
from actorrec.greengrass.deployments import GONE, Deployment
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.group import GroupState
from actorrec.manifests.component import DeployedComponent, Role
from actorrec.passwords import shown_value, without_passwords
from actorrec.sections.cloud import GreengrassSection

Verb = Literal["add", "update", "configure", "keep", "remove", "redeploy"]
_ANEW: Final = (
    "what was set on a device itself of {name}, or by older deployments alone, goes back to what was published"
)
_ROLES: Final = {"runtime": "the program", "model": "the model", "single": "program and model in one"}


@dataclass(frozen=True, slots=True)
class Wanted:
    """A component that is to be deployed.

    Attributes:
        version: Of it.
        role: What that version is; None for a component of others.
        merge: Added to the configuration that earlier deployments gave it; maps are merged, all else replaces.
        reset: Keys that earlier deployments set and that go back to the recipe's defaults.
    """

    version: str
    role: Role | None = None
    merge: Mapping[str, Any] = field(default_factory=dict)
    reset: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Intent:
    """Why, and how far a plan may go.

    Attributes:
        purpose: As the store records it.
        drop: Components of the present deployment that go.
        parent_arn: Group that the target is a part of, for a subdeployment.
        force: Deploy even where the present deployment says the same.
        tags: Of the deployment to be made.
    """

    purpose: Purpose = "group"
    drop: frozenset[str] = frozenset()
    parent_arn: str | None = None
    force: bool = False
    tags: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Action:
    """What becomes of one component.

    Attributes:
        version: The new one; of a component that goes, the last.
        before: The version that was there; empty for a new one.
        why: For people.
    """

    verb: Verb
    name: str
    version: str
    before: str = ""
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


@dataclass(frozen=True, slots=True)
class DeploymentPlan:
    """A deployment that is going to be made.

    Attributes:
        request: Parameters of CreateDeployment, without the token.
        actions: One a component, ours first.
        before: The deployment that it replaces.
        components: All that the target will have.
        devices: Members of the target.
        changed: Whether it says anything that the present deployment does not.
        notes: For people.
    """

    group: str
    target_arn: str
    purpose: Purpose
    request: Mapping[str, Any]
    actions: tuple[Action, ...]
    before: Deployment | None
    components: Mapping[str, DeployedComponent]
    devices: int
    changed: bool
    notes: tuple[str, ...] = ()

    @property
    def content(self) -> str:
        """SHA-256 of what devices would run: the same set again has the same."""
        return content_of(self.components)

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return {
            "thing_group": self.group,
            "target": self.target_arn,
            "purpose": self.purpose,
            "devices": self.devices,
            "changed": self.changed,
            "actions": [action.as_json() for action in self.actions],
            "before": None if self.before is None else self.before.id,
            "request": shown_value(dict(self.request)),
            "notes": list(self.notes),
        }


def plan_deployment(
    state: GroupState, wanted: Mapping[str, Wanted], settings: GreengrassSection, intent: Intent | None = None
) -> DeploymentPlan:
    """Plan a new deployment to a target.

    Args:
        state: The target, and what it has now.
        wanted: Components to deploy; all others of the present deployment stay, unless they are ours of the other
            flavour, or the intent drops them.
        settings: Names, rollout, abort rule, timeout and policies.
        intent: Why; by default an ordinary deployment to the group.

    Raises:
        ConfigError: If a model would be left without a program, the configuration there cannot be added to, or the
            deployment is too large for nucleus lite.
    """
    intent = intent or Intent()
    drop = intent.drop | _other_flavour(state, wanted, settings.component_name)
    kept = {name: component for name, component in state.components.items() if name not in drop}
    ours = {name: _component(kept.get(name), want) for name, want in wanted.items()}
    components = ours | {name: component for name, component in kept.items() if name not in ours}
    _refuse_lonely_model(components, wanted, settings.component_name)
    why = {name: _ROLES.get(want.role or "", "as asked for") for name, want in wanted.items()}
    plan = plan_set(state, components, settings, intent, why)
    anew = [name for name in ours if name in kept and _anew(kept[name], ours[name])]
    return replace(plan, notes=(*plan.notes, *(_ANEW.format(name=name) for name in anew)))


def plan_set(
    state: GroupState,
    components: Mapping[str, DeployedComponent],
    settings: GreengrassSection,
    intent: Intent,
    why: Mapping[str, str] | None = None,
) -> DeploymentPlan:
    """Plan to give a target exactly these components, and nothing else.

    Args:
        state: The target, and what it has now.
        components: All that it is to have.
        settings: Rollout, abort rule, timeout and policies.
        intent: Why.
        why: Component → a word about it for people.

    Raises:
        ConfigError: If the deployment is too large for nucleus lite.
    """
    refuse_too_large(state, components)
    changed, actions = _changed(state, components), tuple(_actions(state, components, why or {}))
    notes = notes_of(state, components, settings)
    if state.lite and (any(action.verb == "redeploy" for action in actions) or (intent.force and not changed)):
        notes.append("nucleus lite fetches a version again over the one that runs: a new version is the safer way")
    return DeploymentPlan(
        group=state.name,
        target_arn=state.arn,
        purpose=intent.purpose,
        request=deployment_request(
            state, components, settings, purpose=intent.purpose, parent_arn=intent.parent_arn, tags=intent.tags
        ),
        actions=actions,
        before=state.present,
        components=components,
        devices=len(state.members),
        changed=changed or intent.force,
        notes=tuple(notes),
    )


def _component(there: DeployedComponent | None, want: Wanted) -> DeployedComponent:
    """What was set earlier stays; the program starts from its recipe's defaults, so that all devices have the same."""
    before = there or DeployedComponent(version=want.version)
    ours = want.role in ("runtime", "single")
    merge = merged(before.merge, want.merge, want.reset) if want.merge or want.reset or ours else before.merge
    reset = sorted({*before.reset, *(f"/{key}" for key in want.reset)})
    # Nucleus lite restarts what has an update of its configuration with every deployment: none where none is needed.
    if ours and (merge or want.reset or before.version != want.version):
        reset = [EVERYTHING]
    return DeployedComponent(version=want.version, merge=merge, reset=reset, run_with=before.run_with)


def _anew(before: DeployedComponent, after: DeployedComponent) -> bool:
    return EVERYTHING in after.reset and EVERYTHING not in before.reset


def _other_flavour(state: GroupState, wanted: Mapping[str, Wanted], name: str) -> frozenset[str]:
    """A single component holds its model: the separate one has nobody to serve any more."""
    model = f"{name}{MODEL_SUFFIX}"
    single = name in wanted and wanted[name].role == "single"
    return frozenset({model}) if single and model in state.components and model not in wanted else frozenset()


def _refuse_lonely_model(components: Mapping[str, DeployedComponent], wanted: Mapping[str, Wanted], name: str) -> None:
    if any(want.role == "model" for want in wanted.values()) and name not in components:
        raise ConfigError(
            f"the group would have a model, but no {name} to run it",
            hint="`actorrec publish-component` publishes both",
        )


def _changed(state: GroupState, components: Mapping[str, DeployedComponent]) -> bool:
    if state.present is None or state.present.status in GONE:
        return True
    return content_of(state.components) != content_of(components)


def _actions(
    state: GroupState, components: Mapping[str, DeployedComponent], why: Mapping[str, str]
) -> Iterator[Action]:
    again = state.present is not None and state.present.status in GONE
    for name, component in components.items():
        before, about = state.components.get(name), why.get(name, "")
        if before is None:
            yield Action("add", name, component.version, why="; ".join(filter(None, (about, _settings("", component)))))
        elif before.version != component.version:
            told = "; ".join(filter(None, (about, _settings(before.merge, component))))
            yield Action("update", name, component.version, before.version, told)
        elif normal(before) != normal(component):
            told = _settings(before.merge, component) or "its configuration"
            yield Action("configure", name, component.version, before.version, told)
        else:
            verb: Verb = "redeploy" if again and name in why else "keep"
            yield Action(verb, name, component.version, before.version, about or "stays as it is")
    for name, component in state.components.items():
        if name not in components:
            yield Action("remove", name, component.version, component.version)


def _settings(before: str, after: DeployedComponent) -> str:
    """What of a configuration becomes another; empty if nothing does, or if it is none that can be read."""
    if before == after.merge:
        return ""
    old, new = as_object(before), as_object(after.merge)
    # Values of others are not shown: they may hold what opens doors.
    changes = [
        f"{key}={without_passwords(str(new[key]))}" if key in KEYS else f"{key} changed"
        for key in new
        if old.get(key) != new[key]
    ]
    return ", ".join([*changes, *(f"{key} as published" for key in old if key not in new)])
