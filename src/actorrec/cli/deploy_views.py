"""``actorrec deploy status|history``: how far a deployment is, and what there was before."""

from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.deploy_canary import status as canary_status
from actorrec.cli.deploy_desk import GroupOption, follow_to_the_end, open_desk
from actorrec.cli.deploy_words import in_words, report_line, show_report
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.greengrass.history import HistoryEntry


def status(
    session: Session,
    deployment: Annotated[
        str | None, typer.Argument(help="Id of one; by default the newest.", metavar="[DEPLOYMENT]")
    ] = None,
    thing_group: GroupOption = None,
    wait: Annotated[bool, typer.Option("--wait", help="Follow it until it is over.")] = False,
) -> None:
    """Show how far the deployment of a thing group is: devices per state, and each device's error."""
    from actorrec.greengrass.group import read_group_and, read_target_of
    from actorrec.greengrass.report import read_progress, read_standing, report

    desk, progress = open_desk(session, thing_group), None
    if deployment is None:
        state, progress = read_group_and(
            desk.calls, desk.group, lambda now: read_progress(desk.calls, now) if now is not None and not wait else None
        )
        asked = state.present
    else:
        asked = desk.calls.deployment(deployment)
        state = read_target_of(desk.calls, asked)
    if wait and asked is not None:
        follow_to_the_end(desk, state, asked, {})
        return
    canary = canary_status(desk, state) if deployment is None else None
    if asked is None and canary is not None:  # the first of all is tried by a part of the group
        session.result({"thing_group": desk.group, "canary": canary}, f"nothing was deployed to '{desk.group}' yet")
        return
    told = report(desk.calls, state, read_standing(desk.calls, state, asked, progress))
    show_report(session, told)
    extra = {} if canary is None else {"canary": canary}
    session.result(told.model_dump(mode="json") | extra, report_line(told))


def history(
    session: Session,
    thing_group: GroupOption = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 20,
) -> None:
    """List the deployments of a thing group, the newest first: what was in them, and how they went."""
    from actorrec.greengrass.group import read_group
    from actorrec.greengrass.history import entries

    desk = open_desk(session, thing_group)
    found = entries(desk.calls, read_group(desk.calls, desk.group), limit)
    rows = [
        (
            entry.revision or "",
            entry.deployment_id,
            f"{entry.created_at:.16}".replace("T", " "),
            _status(entry),
            ", ".join(f"{name} {version}" for name, version in entry.components.items()) or "(nothing)",
        )
        for entry in found
    ]
    columns = ("revision", "deployment", "made (UTC)", "how it went", "components")
    session.table(f"deployments to '{desk.group}'", columns, rows)
    if not found:
        session.say(f"nothing was ever deployed to '{desk.group}'")
    session.result([entry.model_dump(mode="json") for entry in found])


def _status(entry: "HistoryEntry") -> str:
    counts = ", ".join(f"{count} {in_words(status)}" for status, count in entry.counts.items())
    now = "now" if entry.status == "ACTIVE" else in_words(entry.status)
    now = now if entry.latest else "replaced"
    return f"{now}{f': {counts}' if counts else ''}{'; good' if entry.good else ''}"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    command(app, "status")(status)
    command(app, "history")(history)
