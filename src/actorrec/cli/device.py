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


@command(device_app, "status")
def status(
    session: Session,
    folder: Annotated[
        Path | None,
        typer.Option("--from", help="Folder of its status.json; else the service's.", metavar="DIR"),
    ] = None,
) -> None:
    """Say how the program that looks at the camera is doing.

    Exit code 0 if it runs and all is well, 1 if it runs but something is wrong or it says nothing any more, 3 if it
    does not run, 4 if its status cannot be read.
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
