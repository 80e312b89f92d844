"""``actorrec doctor``: what is installed, what each command lacks, and the line that installs it."""

import sys

import typer

from actorrec.cli.command import command
from actorrec.cli.extras import EXTRAS
from actorrec.cli.session import Session

_COMMANDS = {
    "build-dataset, enroll, forget, people, infer, compare, sbom": ("core", "edge"),
    "HEIC pictures": ("core", "edge", "heic"),
    "scrape": ("core", "edge", "scrape"),
    "scrape --images-from ddgs": ("core", "edge", "scrape", "search"),
    "review": ("core", "edge", "review"),
    "train, evaluate, convert-tflite": ("core", "edge", "train"),
    "train --remote --via sdk": ("core", "edge", "aws", "sagemaker"),
    "--store s3://…, train --remote, jobs, cloud": ("core", "edge", "aws"),
    "publish-component, deploy, devices": ("core", "edge", "greengrass", "aws"),
    "infer --loop --greengrass": ("core", "edge", "greengrass"),
}


def register(app: typer.Typer) -> None:
    """Add this command."""

    @command(app, "doctor")
    def doctor(session: Session) -> None:
        """Say what is installed, what each command lacks and the line that installs it."""
        found = {name: _version(*item) for extra in EXTRAS.values() for name, item in _named(extra)}
        packages = [
            (package, extra, found[package] or "missing")
            for extra, modules in EXTRAS.items()
            for package in modules.values()
        ]
        commands = [(name, *_state(extras, found)) for name, extras in _COMMANDS.items()]
        session.table("packages", ("package", "extra", "version"), packages)
        session.table("commands", ("commands", "state", "to install"), commands)
        session.result(
            {
                "python": sys.version.split()[0],
                "packages": found,
                "commands": {name: {"ready": state == "ready", "install": line} for name, state, line in commands},
            }
        )


def _named(modules: dict[str, str]) -> list[tuple[str, tuple[str, str]]]:
    return [(package, (module, package)) for module, package in modules.items()]


def _version(module: str, package: str) -> str | None:
    """Version of an installed package, without importing it; None if it is not there."""
    import importlib.metadata
    import importlib.util

    if importlib.util.find_spec(module) is None:
        return None
    for name in (package, f"{package}-cpu", module):
        try:
            return importlib.metadata.version(name)
        except importlib.metadata.PackageNotFoundError:
            continue
    return "installed"


def _state(extras: tuple[str, ...], found: dict[str, str | None]) -> tuple[str, str]:
    lacking = [extra for extra in extras if any(found[package] is None for package in EXTRAS[extra].values())]
    if not lacking:
        return "ready", ""
    wanted = ",".join(extra for extra in lacking if extra != "core")
    line = f"pip install 'actorrec[{wanted}]'" if wanted else "pip install actorrec"
    return f"lacks {', '.join(lacking)}", line
