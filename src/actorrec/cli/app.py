"""``actorrec``: the commands and where they come from."""

from typing import Annotated

import typer

from actorrec import __version__
from actorrec.cli import (
    build_dataset,
    compare,
    config,
    convert_tflite,
    doctor,
    enroll,
    evaluate,
    infer,
    models,
    people,
    train,
)

app = typer.Typer(
    name="actorrec",
    help="Recognise actors in pictures and films: from photos to names, on a laptop or a Raspberry Pi.",
    no_args_is_help=True,
    add_completion=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        print(f"actorrec {__version__}")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[bool, typer.Option("--version", callback=_version, is_eager=True, help="Print it.")] = False,
) -> None:
    """Recognise actors in pictures and films: from photos to names, on a laptop or a Raspberry Pi."""


for module in (build_dataset, train, evaluate, convert_tflite, enroll, people, infer, compare):
    module.register(app)
for module in (models, config, doctor):
    module.register(app)


def main() -> None:
    """Entry point of the console script."""
    app()
