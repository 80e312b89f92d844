"""``actorrec``: the commands and where they come from."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, Any

import typer
import typer.core

from actorrec import __version__
from actorrec.cli.artifacts import register as register_artifacts
from actorrec.cli.build_dataset import register as register_build_dataset
from actorrec.cli.cloud import register as register_cloud
from actorrec.cli.compare import register as register_compare
from actorrec.cli.compare_original import register as register_compare_original
from actorrec.cli.config import register as register_config
from actorrec.cli.convert_tflite import register as register_convert_tflite
from actorrec.cli.deploy import register as register_deploy
from actorrec.cli.device import register as register_device
from actorrec.cli.devices import register as register_devices
from actorrec.cli.doctor import register as register_doctor
from actorrec.cli.enroll import register as register_enroll
from actorrec.cli.evaluate import register as register_evaluate
from actorrec.cli.events import register as register_events
from actorrec.cli.infer import register as register_infer
from actorrec.cli.jobs import register as register_jobs
from actorrec.cli.models import register as register_models
from actorrec.cli.people import register as register_people
from actorrec.cli.publish_component import register as register_publish_component
from actorrec.cli.review import register as register_review
from actorrec.cli.sbom import register as register_sbom
from actorrec.cli.scrape import register as register_scrape
from actorrec.cli.session import write_json
from actorrec.cli.streams import give_up_stdout, open_closed_streams
from actorrec.cli.train import register as register_train


class _Commands(typer.core.TyperGroup):
    """All commands; a wrong command line, too, is told as JSON to those who asked for JSON."""

    def make_context(self, *args: Any, **extra: Any) -> Any:
        with _told_as_json():
            return super().make_context(*args, **extra)

    def invoke(self, ctx: Any) -> Any:
        with _told_as_json():
            return super().invoke(ctx)


@contextmanager
def _told_as_json() -> Iterator[None]:
    try:
        yield
    except _UsageError as error:
        if "--json" in sys.argv:
            hint = error.ctx.get_usage() if error.ctx is not None else ""
            write_json({"error": error.format_message(), "hint": hint, "exit_code": error.exit_code})
        raise


_UsageError: Any = typer.BadParameter.__base__  # wherever this version of Typer keeps it
app = typer.Typer(
    name="actorrec",
    cls=_Commands,
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
    register_scrape,
    register_build_dataset,
    register_train,
    register_compare_original,
    register_evaluate,
    register_review,
    register_convert_tflite,
    register_enroll,
    register_people,
    register_infer,
    register_events,
    register_compare,
    register_sbom,
    register_artifacts,
    register_publish_component,
    register_deploy,
    register_jobs,
    register_devices,
    register_device,
    register_cloud,
    register_models,
    register_config,
    register_doctor,
):
    register(app)


def main() -> None:
    """Entry point of the console script."""
    open_closed_streams()
    try:
        app()
        sys.stdout.flush()
    except OSError as error:
        # The commands tell of every other file: this is stdout itself, which takes no more.
        print(f"error: cannot write to stdout: {error.strerror or error}", file=sys.stderr)
        give_up_stdout()
        raise SystemExit(1) from None
