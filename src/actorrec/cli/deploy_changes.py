"""``actorrec deploy rollback|cancel|remove``: back, stop, away."""

from typing import TYPE_CHECKING, Annotated, Any

import typer

from actorrec.cli.command import command
from actorrec.cli.deploy_canary import after_deployment, refuse_under_way, roll_back
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
    open_desk,
    show_plan,
)
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.greengrass.deploy_plan import DeploymentPlan
    from actorrec.greengrass.group import GroupState


def rollback(
    session: Session,
    thing_group: GroupOption = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="DEPLOYMENT", help="By default the last good one.", show_default=False),
    ] = None,
    rate: RateOption = None,
    wait: WaitOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Deploy again what the last good deployment gave the group: the newest that most devices took.

    While a part of the group tries something (deploy --canary), that alone is taken back.
    """
    from actorrec.greengrass.checks import check_plan
    from actorrec.greengrass.group import read_group
    from actorrec.greengrass.history import last_good, plan_rollback

    desk = open_desk(session, thing_group, rate)
    if to is None and roll_back(desk, dry_run=dry_run, yes=yes):
        return
    state = read_group(desk.calls, desk.group)
    target = desk.calls.deployment(to) if to is not None else last_good(desk.calls, state)
    plan = plan_rollback(state, target, desk.config.greengrass)
    notes = check_plan(plan, state, desk.components, desk.config)
    session.say(f"back to {target.id} of {target.created_at:%Y-%m-%d %H:%M} UTC, all of its components")
    question = f"deploy this to {plan.devices} things?"
    value = plan.as_json() | {"to": target.id, "notes": [*plan.notes, *notes]}
    _change(desk, state, plan, value, question, dry_run=dry_run, yes=yes, wait=wait)


def remove(
    session: Session,
    thing_group: GroupOption = None,
    rate: RateOption = None,
    wait: WaitOption = False,
    dry_run: DryRunOption = False,
    yes: YesOption = False,
) -> None:
    """Take our components from the devices of a group; those of others stay."""
    from actorrec.greengrass.group import read_group
    from actorrec.greengrass.history import plan_removal

    desk = open_desk(session, thing_group, rate)
    state = read_group(desk.calls, desk.group)
    plan = plan_removal(state, desk.config.greengrass)
    if not any(action.verb == "remove" for action in plan.actions):
        name = desk.config.greengrass.component_name
        line = f"the deployment of '{desk.group}' holds no {name}; nothing to do"
        session.result(plan.as_json() | {"done": False}, line)
        return
    question = f"take these from {plan.devices} things?"
    _change(desk, state, plan, plan.as_json(), question, dry_run=dry_run, yes=yes, wait=wait)


def cancel(session: Session, thing_group: GroupOption = None, yes: YesOption = False) -> None:
    """Withdraw the deployment of a group from devices that did not begin with it; the others keep it."""
    from actorrec.greengrass.deployments import GONE
    from actorrec.greengrass.group import read_target

    desk = open_desk(session, thing_group)
    target = read_target(desk.calls, desk.group)
    refuse_under_way(desk, target)  # what is tried is not this deployment, and a group without one has no canary
    present = target.present
    if present is None or present.status in GONE:
        what = "nothing was ever deployed to" if present is None else "the last deployment is cancelled already for"
        value: dict[str, Any] = {"thing_group": desk.group, "cancelled": False}
        session.result(value, f"{what} '{desk.group}'; nothing to do")
        return
    value = {"thing_group": desk.group, "deployment_id": present.id, "status_before": present.status}
    if not agree(session, f"cancel the deployment {present.id} to '{desk.group}'?", yes=yes):
        session.result(value | {"cancelled": False}, f"{present.id} was left as it is")
        return
    done = desk.calls.cancel(present.id)
    said = f"{present.id} is cancelled: devices that have it keep it, the others do not get it"
    session.result(value | {"cancelled": done}, said if done else f"{present.id} was over already")


def _change(
    desk: DeployDesk,
    state: "GroupState",
    plan: "DeploymentPlan",
    value: dict[str, Any],
    question: str,
    *,
    dry_run: bool,
    yes: bool,
    wait: bool,
) -> None:
    """Show, ask, carry out, and tell."""
    show_plan(desk.session, plan, tuple(note for note in value["notes"] if note not in plan.notes))
    if not plan.changed:
        desk.session.result(value | {"done": False}, f"'{plan.group}' has exactly this already; nothing to do")
        return
    if not dry_run:
        refuse_under_way(desk, state)
    if dry_run or not agree(desk.session, question, yes=yes):
        desk.session.result(value | {"done": False}, "" if dry_run else "nothing was changed")
        return
    made = carry_out(desk, plan)
    after_deployment(desk)
    finish(desk, state, made, value, wait=wait)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "rollback")(rollback)
    command(app, "remove")(remove)
    command(app, "cancel")(cancel)
