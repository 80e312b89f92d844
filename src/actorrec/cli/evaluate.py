"""``actorrec evaluate``: how often the names are right, and how often strangers get one."""

import typer


def register(app: typer.Typer) -> None:
    """Add this command."""
