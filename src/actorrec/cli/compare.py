"""``actorrec compare``: are two photos of one person?"""

import typer


def register(app: typer.Typer) -> None:
    """Add this command."""
