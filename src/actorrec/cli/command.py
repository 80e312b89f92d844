"""How a function becomes a command: shared options in front, errors told in one line behind."""

import functools
import inspect
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer

from actorrec.cli.extras import EXTRAS
from actorrec.cli.interrupts import insistent_interrupts
from actorrec.cli.session import Session, printable, write_json
from actorrec.cli.streams import give_up_stdout
from actorrec.errors import ActorRecError, ArtifactError, MissingExtraError

ConfigOption = Annotated[
    Path | None,
    typer.Option("--config", help="YAML file of settings, or the name of a shipped one.", show_default=False),
]
StoreOption = Annotated[
    str | None, typer.Option("--store", help="Where artifacts live: a folder or URI.", show_default=False)
]
JsonOption = Annotated[bool, typer.Option("--json", help="Only JSON on stdout.")]
QuietOption = Annotated[bool, typer.Option("--quiet", help="No progress, no tables.")]
_SHARED = {"config": ConfigOption, "store": StoreOption, "json": JsonOption, "quiet": QuietOption}
_GOES_ON = "the same command goes on where it was"
_DEFAULTS: dict[str, Any] = {"config": None, "store": None, "json": False, "quiet": False}


def command(app: typer.Typer, name: str) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register ``function(session, …)`` as a command that also takes the shared options."""
    return _registered(app.command(name))


def group_command(app: typer.Typer) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Register ``function(session, context, …)`` as what a group of commands does where none of them is named.

    Its options belong to it alone: given in front of the name of a command, they are refused.
    """
    return _registered(app.callback(invoke_without_command=True))


def _registered(add: Callable[..., object]) -> Callable[[Callable[..., None]], Callable[..., None]]:
    def register(function: Callable[..., None]) -> Callable[..., None]:
        @functools.wraps(function)
        def run(**values: Any) -> None:
            context = values.get("context")
            if getattr(context, "invoked_subcommand", None) is not None:
                _refuse_misplaced(context)
                return
            shared = {key: values.pop(key) for key in _SHARED}
            session = Session(shared["config"], shared["store"], as_json=shared["json"], quiet=shared["quiet"])
            _guarded(session, lambda: function(session, **values))

        own = list(inspect.signature(function).parameters.values())[1:]
        keyword = inspect.Parameter.KEYWORD_ONLY
        extra = [
            inspect.Parameter(key, keyword, default=_DEFAULTS[key], annotation=kind) for key, kind in _SHARED.items()
        ]
        parameters = [_unchecked(parameter.replace(kind=keyword)) for parameter in own] + extra
        vars(run)["__signature__"] = inspect.Signature(parameters)
        run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
        add(run)
        return run

    return register


def _refuse_misplaced(context: Any) -> None:
    """Options in front of a command's name would be dropped without a word."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if source is not None and source.name == "COMMANDLINE":
            option = parameter.opts[0]
            raise typer.BadParameter(f"{option} is written after '{context.invoked_subcommand}'", ctx=context)


def _unchecked(parameter: inspect.Parameter) -> inspect.Parameter:
    """Without Typer's look at paths: one unreadable photo of many is a counted skip, not a wrong command line."""
    for info in getattr(parameter.annotation, "__metadata__", ()):
        if isinstance(info, typer.models.ParameterInfo):
            info.readable = False
    return parameter


def _guarded(session: Session, work: Callable[[], None]) -> None:
    from actorrec.log import setup_logging

    setup_logging(quiet=session.quiet)
    try:
        with insistent_interrupts():
            work()
    except KeyboardInterrupt:
        print(f"stopped; {_GOES_ON}", file=sys.stderr)
        if session.as_json:
            write_json({"error": "stopped", "hint": _GOES_ON, "exit_code": 130})
        raise typer.Exit(130) from None
    except BrokenPipeError:
        # Whoever read our output has left (`| head`): end without a word, as other tools do.
        give_up_stdout()
        raise typer.Exit(141) from None
    except ActorRecError as error:
        if os.environ.get("ACTORREC_DEBUG") == "1":
            raise
        _tell(session, error)
        raise typer.Exit(error.exit_code) from None
    except ModuleNotFoundError as error:
        missing = _missing_extra(error)
        if missing is None or os.environ.get("ACTORREC_DEBUG") == "1":
            raise
        _tell(session, missing)
        raise typer.Exit(missing.exit_code) from None
    except OSError as error:
        # What reaches here is the operating system's own answer about a file of the user's.
        if os.environ.get("ACTORREC_DEBUG") == "1":
            raise
        told = _as_told(error)
        _tell(session, told)
        raise typer.Exit(told.exit_code) from None


def _as_told(error: OSError) -> ActorRecError:
    from actorrec.artifacts.whole_file import DISK_HINTS

    where = f"{error.filename}: " if error.filename else ""
    hint = DISK_HINTS.get(error.errno or 0, "")
    return (ArtifactError if hint else ActorRecError)(f"{where}{error.strerror or error}", hint=hint)


def _missing_extra(error: ModuleNotFoundError) -> MissingExtraError | None:
    """The extra that brings a module that is not installed; None for a module that no extra brings."""
    module = (error.name or "").split(".")[0]
    extra = next((extra for extra, modules in EXTRAS.items() if module in modules), None)
    return None if extra is None else MissingExtraError(extra, EXTRAS[extra][module])


def _tell(session: Session, error: ActorRecError) -> None:
    print(f"error: {printable(error.message)}", file=sys.stderr)
    if error.hint:
        print(f"hint: {printable(error.hint)}", file=sys.stderr)
    if session.as_json:
        write_json({"error": error.message, "hint": error.hint, "exit_code": error.exit_code})
