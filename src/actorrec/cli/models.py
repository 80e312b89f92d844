"""``actorrec models``: detectors and embedders that can be fetched, each with a stated licence."""

import typer

models_app = typer.Typer(help="List and fetch detectors and embedders with a stated licence.", no_args_is_help=True)


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(models_app, name="models")
