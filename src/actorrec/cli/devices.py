"""``actorrec devices``: the fleet, one device of it, and a new one."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final, Literal

import typer

from actorrec.cli.command import command
from actorrec.cli.deploy_words import in_words
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence
    from datetime import datetime

    from actorrec.config import Config
    from actorrec.greengrass.device_rows import DeviceDetails, DeviceRow, LastDeployment
    from actorrec.greengrass.provision_plan import Action, Wanted

devices_app = typer.Typer(help="The devices of a fleet: list, look at one, make a new one known.", no_args_is_help=True)
_Group = Annotated[str | None, typer.Option("--group", help="Thing group; else cloud.thing_group.", show_default=False)]
_WIDE: Final = 72
"""Characters that all columns of a list take."""
_Thing = Annotated[str, typer.Argument(help="Name of the device.", metavar="THING")]


@command(devices_app, "ls")
def ls(
    session: Session,
    group: _Group = None,
    details: Annotated[
        bool, typer.Option("--details", help="Ask every device for its versions, also of a large group.")
    ] = False,
) -> None:
    """List the devices of a group: how they are, what they run, and how the last deployment went."""
    from actorrec.greengrass.deployment_calls import DeploymentCalls
    from actorrec.greengrass.devices import list_devices

    config = session.settings({"cloud.thing_group": group})
    name = config.cloud.thing_group
    rows = list_devices(DeploymentCalls(session.aws), name, _ours(config), details=details)
    _show_devices(session, name, rows, _ours(config))
    if not rows:
        session.say(f"no devices in '{name}' yet; `actorrec devices provision NAME` makes one known")
    elif any(row.status and row.versions is None for row in rows):
        session.say(f"{len(rows)} devices; --details asks each for its versions and reasons")
    session.result([row.as_json() for row in rows])


@command(devices_app, "show")
def show(session: Session, thing: _Thing) -> None:
    """Show one device: its components and their states, and the last deployments with their errors."""
    from actorrec.greengrass.deployment_calls import DeploymentCalls
    from actorrec.greengrass.devices import show_device
    from actorrec.greengrass.thing_calls import ThingCalls

    config = session.settings()
    found = show_device(DeploymentCalls(session.aws), ThingCalls(session.aws), thing, _ours(config))
    _tell_device(session, found)
    session.result(found.as_json())


@command(devices_app, "provision")
def provision(
    session: Session,
    thing: _Thing,
    group: _Group = None,
    out: Annotated[
        Path | None,
        typer.Option("--out", metavar="DIR", help="Folder for its files; else ./THING.", show_default=False),
    ] = None,
    runtime: Annotated[
        Literal["java", "lite"] | None,
        typer.Option("--runtime", help="The nucleus that it will run; else files for both.", show_default=False),
    ] = None,
    new_certificate: Annotated[
        bool, typer.Option("--new-certificate", help="Give it a further certificate where it has one.")
    ] = False,
    clients: Annotated[
        bool, typer.Option("--clients", help="It will take messages of client devices: its certificate may do more.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")] = False,
) -> None:
    """Make a device known: thing, certificate and group, and a folder with all that it needs.

    The private key is written to that folder with mode 0600, and nowhere else.
    """
    from actorrec.greengrass.provision import execute, look
    from actorrec.greengrass.provision_plan import Wanted, plan_provision
    from actorrec.greengrass.thing_calls import ThingCalls

    config = session.settings({"cloud.thing_group": group})
    runtimes: tuple[Literal["java", "lite"], ...] = ("java", "lite") if runtime is None else (runtime,)
    wanted = Wanted(
        thing=thing,
        group=config.cloud.thing_group,
        stack=config.cloud.stack,
        folder=out or Path(thing),
        runtimes=runtimes,
        new_certificate=new_certificate,
        clients=clients,
    )
    calls = ThingCalls(session.aws)
    found = look(wanted, calls)
    actions = plan_provision(wanted, found)
    _show_actions(session, wanted, actions)
    told: dict[str, Any] = {"thing": thing, "group": wanted.group, "folder": str(wanted.folder), "region": found.region}
    told["actions"] = [action.as_json() for action in actions]
    if dry_run:
        session.result(told | {"done": False})
        return
    record = execute(actions, wanted, found, calls)
    earlier = [arn for arn in found.certificates if arn != record.certificate_arn]
    for arn in earlier:
        session.say(f"an earlier certificate may still be used: {arn}")
    session.say(f"its group's deployments reach it once it runs a nucleus: {wanted.folder / 'INSTALL.md'} says how")
    session.result(
        told | {"done": True, "certificate": record.certificate_id, "earlier_certificates": earlier},
        f"'{thing}' is known to AWS, in the group '{wanted.group}'; its files are in {wanted.folder}",
    )


def _ours(config: "Config") -> tuple[str, str]:
    from actorrec.greengrass.drafts import MODEL_SUFFIX

    name = config.greengrass.component_name
    return name, name + MODEL_SUFFIX


def _show_actions(session: Session, wanted: "Wanted", actions: "tuple[Action, ...]") -> None:
    rows = [(action.verb, action.type, action.name, action.why) for action in actions]
    session.table(f"the device '{wanted.thing}'", ("what", "of what", "name", "why"), rows)


def _show_devices(session: Session, group: str, rows: "Sequence[DeviceRow]", ours: tuple[str, str]) -> None:
    """What fits into eighty columns side by side; reasons, which are long, in lines of their own below."""
    columns = ("device", "status", "seen (UTC)", "last", "nucleus", "versions")
    shown = len(columns) if session.console.width >= _WIDE else 4
    session.table(f"devices of {group}", columns[:shown], [_cells(row, ours)[:shown] for row in rows])
    for row in rows:
        if row.last is not None and (reason := _reason(row.last)):
            session.say(f"{row.thing}, {in_words(row.last.status)}: {reason}")


def _cells(row: "DeviceRow", ours: tuple[str, str]) -> tuple[str, ...]:
    program, model = ours
    versions = {program: "{}", model: "Model {}"}
    told = ", ".join(versions[name].format(version) for name, version in sorted((row.versions or {}).items()))
    last = "" if row.last is None else in_words(row.last.status)
    return (
        row.thing,
        row.status.lower() or "never seen",
        _since(row.seen_at),
        last,
        f"{row.runtime} {row.nucleus}".strip(),
        told,
    )


def _tell_device(session: Session, found: "DeviceDetails") -> None:
    row = found.row
    lines = [
        ("status", row.status or "never reported: it runs no nucleus yet"),
        ("nucleus", f"{row.runtime} {row.nucleus}".strip()),
        ("platform", f"{row.platform} {row.architecture}".strip()),
        ("last seen", f"{_when(row.seen_at)} UTC" if row.seen_at else ""),
        ("groups", ", ".join(found.groups)),
        ("certificates", str(found.certificates)),
    ]
    session.table(row.thing, ("what", "is"), [line for line in lines if line[1]])
    components = [(each.name, each.version, each.state, each.details) for each in found.components]
    session.table("components", ("component", "version", "state", "says"), components)
    columns = ("deployment", "to", "as of (UTC)", "status", "reason")
    session.table("deployments", columns, [_deployment_cells(each) for each in found.deployments])


def _deployment_cells(last: "LastDeployment") -> tuple[str, ...]:
    reason = _reason(last) + (f" [{' > '.join(last.errors)}]" if last.errors else "")
    return last.name or last.id, last.target, _when(last.at), last.status, reason.strip()


def _reason(last: "LastDeployment") -> str:
    """Of one that went well a device says only that it did."""
    return "" if last.status in ("SUCCEEDED", "COMPLETED") else last.reason


def _since(moment: "datetime | None") -> str:
    """The time of today, or the day."""
    from datetime import UTC, datetime

    today = moment is not None and moment.astimezone(UTC).date() == datetime.now(UTC).date()
    return _when(moment)[-5:] if today else _when(moment)[:10]


def _when(moment: "datetime | None") -> str:
    from datetime import UTC

    return "" if moment is None else f"{moment.astimezone(UTC):%Y-%m-%d %H:%M}"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(devices_app, name="devices")
