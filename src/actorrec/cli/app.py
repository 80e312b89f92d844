"""``actorrec``: the commands and where they come from."""

from typing import Annotated

import typer

from actorrec import __version__
from actorrec.cli.build_dataset import register as register_build_dataset
from actorrec.cli.compare import register as register_compare
from actorrec.cli.config import register as register_config
from actorrec.cli.convert_tflite import register as register_convert_tflite
from actorrec.cli.doctor import register as register_doctor
from actorrec.cli.enroll import register as register_enroll
from actorrec.cli.evaluate import register as register_evaluate
from actorrec.cli.infer import register as register_infer
from actorrec.cli.models import register as register_models
from actorrec.cli.people import register as register_people
from actorrec.cli.train import register as register_train

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


# In the order of the help page: the chain first, then what serves it.
for register in (
    register_build_dataset,
    register_train,
    register_evaluate,
    register_convert_tflite,
    register_enroll,
    register_people,
    register_infer,
    register_compare,
    register_models,
    register_config,
    register_doctor,
):
    register(app)


def main() -> None:
    """Entry point of the console script."""
    app()
