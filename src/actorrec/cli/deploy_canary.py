"""``actorrec deploy --canary`` and ``deploy promote``: first to a few devices, then to the group."""

from typing import TYPE_CHECKING

import typer

from actorrec.cli.deploy_desk import DeployDesk
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from actorrec.cli.deploy import Prepared


def start(desk: DeployDesk, prepared: "Prepared", canary: str, *, dry_run: bool, yes: bool, wait: bool) -> None:
    """Deploy to one device, or to a share of the group, what is meant for all of it.

    Args:
        desk: Settings and clients.
        prepared: The deployment to the whole group, checked; nothing of it was carried out.
        canary: Name of a thing, or ``N%``.
        dry_run: Only show what would be done.
        yes: Do it without asking.
        wait: Follow it to its end.

    Raises:
        ConfigError: If there is no such device in the group.
    """
    del desk, prepared, dry_run, yes, wait
    raise ConfigError(f"--canary {canary}: this is not built yet")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    del app
