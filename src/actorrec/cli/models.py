"""``actorrec models``: detectors and embedders that can be fetched, each with a stated licence."""

from pathlib import Path
from typing import Annotated, Any

import typer

from actorrec.cli.command import command
from actorrec.cli.session import Session

models_app = typer.Typer(help="List and fetch detectors and embedders with a stated licence.", no_args_is_help=True)


@command(models_app, "ls")
def ls(session: Session) -> None:
    """List what ships and what can be fetched."""
    from actorrec.faces.fetch import cached_model
    from actorrec.faces.registry import REGISTRY

    cache_dir = session.settings().models.cache_dir
    rows = []
    for entry in REGISTRY.values():
        here = entry.download is None or cached_model(entry, cache_dir=cache_dir) is not None
        rows.append(
            {
                "name": entry.name,
                "role": entry.role,
                "here": "ships" if entry.download is None else "fetched" if here else "",
                "licence": entry.licence,
                "bytes": entry.download.bytes if entry.download else None,
                "sha256": entry.download.sha256 if entry.download else None,
                "input": entry.input,
                "accuracy": entry.accuracy,
                "source": entry.source,
            }
        )
    session.table("models", ("name", "role", "here", "licence", "size", "accuracy"), [_cells(row) for row in rows])
    session.say("Input, source and sha256 of each: actorrec models ls --json")
    session.result(rows)


def _cells(row: dict[str, Any]) -> list[str]:
    size = "" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f} MB"
    return [row["name"], row["role"], row["here"], row["licence"], size, row["accuracy"]]


@command(models_app, "fetch")
def fetch(
    session: Session,
    name: Annotated[str, typer.Argument(help="A name of `actorrec models ls`.")],
    from_file: Annotated[
        Path | None, typer.Option("--from", help="Take the file from here; needs no network.", show_default=False)
    ] = None,
) -> None:
    """Bring a model into the cache; refused if its digest is not the registered one."""
    from actorrec.faces.fetch import fetch_model

    section = session.settings().models
    path = fetch_model(
        name, cache_dir=section.cache_dir, base_url=section.base_url, from_file=from_file, progress=session.progress
    )
    session.result({"name": name, "path": str(path)}, f"{name}: {path}")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(models_app, name="models")
