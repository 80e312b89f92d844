"""``actorrec device``: this machine as a device without Greengrass, and how the program on it is doing."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Final

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.device.status import Seen

device_app = typer.Typer(
    help="This machine as a device: its service, its settings, how it is doing.", no_args_is_help=True
)
_NOT_WELL: Final = 1
_NOT_RUNNING: Final = 3
_Root = Annotated[
    Path,
    typer.Option("--root", help="The files of another system, below this folder; / is this machine.", metavar="DIR"),
]
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done, with every file's content.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]
_ROOT: Final = Path("/")


@command(device_app, "install")
def install(
    session: Session,
    camera: Annotated[
        str | None,
        typer.Option(help="What it looks through, as in `infer --camera`.", metavar="CAMERA", show_default=False),
    ] = None,
    bundle: Annotated[
        str | None,
        typer.Option(
            help="Whom it knows: a bundle.zip, or a bundle of the store; it is copied.",
            metavar="BUNDLE",
            show_default=False,
        ),
    ] = None,
    mqtt: Annotated[
        str | None,
        typer.Option(help="A broker for results, mqtts://HOST; else a file.", metavar="URL", show_default=False),
    ] = None,
    root: _Root = _ROOT,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    """Make this machine a device without Greengrass: a service that looks, and `actorrec` for everybody.

    Shown before it is done; settings that are there already are never overwritten. A second time changes nothing.
    """
    from actorrec.cli.device_desk import Desk
    from actorrec.device.install_plan import Wanted, plan_install
    from actorrec.device.program import Program

    desk = Desk(session, root, dry_run=dry_run, yes=yes)
    desk.need_systemd()
    program = Program.this()
    if desk.live:
        program.check_reachable()
        if told := program.of_others():
            session.say(told)
    wanted = Wanted(program, camera, desk.bundle_file(bundle), mqtt)
    desk.settle("install", plan_install(wanted, desk.tree, desk.systemd), "this machine is a device")


@command(device_app, "uninstall")
def uninstall(
    session: Session,
    purge: Annotated[bool, typer.Option("--purge", help="Its settings, all that it kept and its user, too.")] = False,
    root: _Root = _ROOT,
    dry_run: _DryRun = False,
    yes: _Yes = False,
) -> None:
    """Take back what `install` or `shim` made; settings, bundle and results stay without --purge."""
    from actorrec.cli.device_desk import Desk
    from actorrec.device.install_plan import Plan
    from actorrec.device.uninstall_plan import plan_uninstall

    desk = Desk(session, root, dry_run=dry_run, yes=yes)
    actions = plan_uninstall(desk.tree, desk.systemd, purge=purge)
    desk.settle("uninstall", Plan(actions, group=""), "this machine is no device any more")


@command(device_app, "shim")
def shim(session: Session, root: _Root = _ROOT, dry_run: _DryRun = False, yes: _Yes = False) -> None:
    """Beside a component of Greengrass: `actorrec` for everybody in its group, with the bundle that it runs.

    Run once, by root, with the component's own program; it survives updates of the component.
    """
    from actorrec.cli.device_desk import Desk
    from actorrec.device.component_plan import find_component, plan_component
    from actorrec.device.program import Program

    component = find_component(Program.this())
    desk = Desk(session, root, dry_run=dry_run, yes=yes)
    desk.settle("shim", plan_component(component, desk.tree), f"`actorrec` is that of {component.work.name}")


@command(device_app, "status")
def status(
    session: Session,
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of its status.json; else the service's.", metavar="DIR"),
    ] = None,
) -> None:
    """Say how the program that looks at the camera is doing.

    Exit code 0 if all is well, 1 if something is wrong or it says nothing,
    3 if it does not run, 4 if its status cannot be read.
    """
    from actorrec.cli.device_views import as_json, status_folders, tell
    from actorrec.device.service_state import service_state
    from actorrec.device.status import look

    seen = look([folder] if folder else status_folders(session.settings().inference.bundle))
    service = service_state() if folder is None else None
    tell(session, seen, service)
    session.result(as_json(seen, service))
    if (code := _exit_code(seen)) != 0:
        raise typer.Exit(code)


def _exit_code(seen: "Seen") -> int:
    if seen.state == "stopped":
        return _NOT_RUNNING
    return 0 if seen.well else _NOT_WELL


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(device_app, name="device")
