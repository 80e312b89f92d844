"""``actorrec deploy``: components to the devices of a thing group."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import typer

from actorrec.cli.command import group_command
from actorrec.cli.deploy_canary import after_deployment, refuse_under_way, whole_fleet
from actorrec.cli.deploy_canary import register as register_canary
from actorrec.cli.deploy_canary import start as start_canary
from actorrec.cli.deploy_changes import register as register_changes
from actorrec.cli.deploy_clients import ClientsOption, ClientThingsOption, with_client_devices
from actorrec.cli.deploy_desk import (
    DeployDesk,
    DryRunOption,
    GroupOption,
    RateOption,
    WaitOption,
    YesOption,
    agree,
    carry_out,
    finish,
    follow_to_the_end,
    open_desk,
    show_plan,
)
from actorrec.cli.deploy_options import (
    AllowEmptyOption,
    CanaryOption,
    ComponentsOption,
    ForceOption,
    ModelOption,
    SetOption,
    UnsetOption,
)
from actorrec.cli.deploy_views import register as register_views
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from actorrec.greengrass.choose import Request
    from actorrec.greengrass.deploy_plan import DeploymentPlan, Wanted
    from actorrec.greengrass.group import GroupState

deploy_app = typer.Typer(help="Deploy components to a thing group; look at deployments, go back, take away.")


@dataclass(frozen=True, slots=True)
class Asked:
    """What the command line says of the deployment itself.

    Attributes:
        request: Which versions.
        merge: Configuration of our component that is added.
        reset: Keys that go back to what was published.
        clients: Names of client devices; None for no such components.
        force: Deploy even where nothing would change.
    """

    request: "Request"
    merge: "Mapping[str, str]"
    reset: "Sequence[str]"
    clients: "Sequence[str] | None"
    force: bool


@dataclass(frozen=True, slots=True)
class Prepared:
    """A deployment to the group, looked at from all sides, before anybody agreed to it.

    Attributes:
        state: The group.
        wanted: Components to deploy, by name.
        plan: For the whole group.
        notes: For people, beside the plan's own.
        value: For ``--json``: the plan, the fleet, the flavour.
    """

    state: "GroupState"
    wanted: "Mapping[str, Wanted]"
    plan: "DeploymentPlan"
    notes: tuple[str, ...]
    value: dict[str, Any]


@group_command(deploy_app)
def deploy(
    session: Session,
    context: typer.Context,
    thing_group: GroupOption = None,
    component: ComponentsOption = None,
    model: ModelOption = None,
    canary: CanaryOption = None,
    rate: RateOption = None,
    set_: SetOption = None,
    unset: UnsetOption = None,
    clients: ClientsOption = False,
    client_things: ClientThingsOption = None,
    wait: WaitOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
    force: ForceOption = False,
    allow_empty: AllowEmptyOption = False,
) -> None:
    """Deploy to a thing group: other components that it has stay, and the plan is shown before anything changes."""
    from actorrec.greengrass.checks import refuse_without_devices
    from actorrec.greengrass.choose import parse_request
    from actorrec.greengrass.component_settings import parse_resets, parse_settings
    from actorrec.greengrass.group import read_group

    del context
    desk = open_desk(session, thing_group, rate)
    merge = parse_settings(set_ or ())
    asked = Asked(
        request=parse_request(component or (), model, desk.config.greengrass.component_name),
        merge=merge,
        reset=parse_resets(unset or (), merge),
        clients=(client_things or ("*",)) if clients or client_things else None,
        force=force,
    )
    with ThreadPoolExecutor(1) as pool:
        pool.submit(lambda: desk.components.account)  # it is needed next; where it fails, it is asked again then
        state = read_group(desk.calls, desk.group)
    fleet = whole_fleet(desk, state)
    refuse_without_devices(fleet, allow_empty=allow_empty)
    prepared = replace(_prepare(desk, fleet, asked), state=state)
    if canary is not None:
        start_canary(desk, prepared, canary, dry_run=dry_run, yes=yes, wait=wait)
        return
    _deploy(desk, prepared, dry_run=dry_run, yes=yes, wait=wait)


def _prepare(desk: DeployDesk, state: "GroupState", asked: Asked) -> Prepared:
    """Choose, plan and check; nothing is changed."""
    from actorrec.greengrass.checks import check_plan, describe_fleet
    from actorrec.greengrass.choose import choose
    from actorrec.greengrass.deploy_plan import Intent, plan_deployment

    section = desk.config.greengrass
    configured = bool(asked.merge or asked.reset)
    chosen = choose(desk.components, state, section.component_name, replace(asked.request, configured=configured))
    wanted = chosen.wanted(section.component_name, asked.merge, asked.reset)
    told: tuple[str, ...] = ()
    if asked.clients is not None:
        wanted, told = with_client_devices(desk, state, wanted, asked.clients)
    plan = plan_deployment(state, wanted, section, Intent(force=asked.force))
    notes = (f"flavour: {chosen.why}", *told, *check_plan(plan, state, desk.components, desk.config))
    value = plan.as_json() | {"fleet": describe_fleet(state), "flavour": chosen.why}
    value["notes"] = [*plan.notes, *notes]
    return Prepared(state, wanted, plan, notes, value)


def _deploy(desk: DeployDesk, prepared: Prepared, *, dry_run: bool, yes: bool, wait: bool) -> None:
    session, plan = desk.session, prepared.plan
    show_plan(session, plan, prepared.notes)
    if not plan.changed:
        _same(desk, plan, prepared, wait=wait and not dry_run)
        return
    if dry_run:
        session.result(prepared.value | {"done": False})
        return
    refuse_under_way(desk, prepared.state)
    if not agree(session, f"deploy to {plan.devices} things?", yes=yes):
        session.result(prepared.value | {"done": False}, "nothing was changed")
        return
    made = carry_out(desk, plan)
    after_deployment(desk)
    finish(desk, prepared.state, made, prepared.value, wait=wait)


def _same(desk: DeployDesk, plan: "DeploymentPlan", prepared: Prepared, *, wait: bool) -> None:
    """Nothing would be another; who wants to wait may have been interrupted, and sees how it goes on."""
    value = prepared.value | {"done": False}
    line = f"'{plan.group}' has exactly this already; nothing to do (--force deploys it again)"
    if wait and plan.before is not None:
        desk.session.say(line)
        follow_to_the_end(desk, prepared.state, plan.before, value)
        return
    desk.session.result(value, line)


register_views(deploy_app)
register_changes(deploy_app)
register_canary(deploy_app)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(deploy_app, name="deploy")
