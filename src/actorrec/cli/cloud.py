"""``actorrec cloud``: the stack of AWS that jobs and devices need."""

from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actorrec.cli.cloud_desk import TerminalDesk, show_actions
from actorrec.cli.command import command
from actorrec.cli.session import Session

if TYPE_CHECKING:
    from collections.abc import Sequence

    from actorrec.cloud.calls import StackCalls
    from actorrec.cloud.function_code import FunctionCode
    from actorrec.cloud.plans import Action
    from actorrec.cloud.settings import StackSettings
    from actorrec.cloud.state import StackState
    from actorrec.config import Config

cloud_app = typer.Typer(help="Make, look at and remove what jobs and devices need at AWS.", no_args_is_help=True)
_DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would be done.")]
_Yes = Annotated[bool, typer.Option("--yes", help="Do it without asking.")]


@command(cloud_app, "init")
def init(
    session: Session,
    dry_run: _DryRun = False,
    yes: _Yes = False,
    existing_bucket: Annotated[
        bool,
        typer.Option("--existing-bucket", help="remote.bucket is there already: use it, leave its settings alone."),
    ] = False,
    write_config: Annotated[
        Path | None,
        typer.Option("--write-config", metavar="FILE", help="Put bucket and role into this file of settings."),
    ] = None,
    code: Annotated[
        Path | None,
        typer.Option("--lambda", metavar="ZIP", help="The function that ships models over the air (`make lambda`)."),
    ] = None,
    no_lambda: Annotated[bool, typer.Option("--no-lambda", help="Take that function away.")] = False,
) -> None:
    """Create the stack, or bring it up to date: a bucket, roles, and what devices need.

    The changes are shown before anything is changed. --dry-run needs neither network nor account.
    """
    from actorrec.artifacts.whole_file import ensure_writable
    from actorrec.cloud.bring_up import bring_up
    from actorrec.cloud.config_file import read_settings
    from actorrec.cloud.plans import plan_code, plan_init
    from actorrec.cloud.template import template_text

    config, settings = _settings(session, existing_bucket=existing_bucket)
    function, settings = _function(code, no_lambda, settings)
    template = template_text()
    if dry_run:
        actions = plan_init(settings, template)
        if function is not None:
            actions = (plan_code(function, settings.prefix), *actions)
        show_actions(session, f"a new stack '{settings.stack}'; one that is there gets only what differs", actions)
        session.result(_as_json(settings, actions) | {"parameters": settings.parameters()})
        return
    if write_config is not None:
        read_settings(write_config)  # before anything is made
        ensure_writable(write_config)
    desk = TerminalDesk(session, yes)
    state = bring_up(_calls(session, config), settings, template, desk, config.cloud.poll_s, function)
    if state is None:
        session.result({"stack": settings.stack, "done": False}, "nothing was changed")
        return
    if function is not None and not state.owns_bucket:
        _tell_of_notices(session, state.bucket)
    _tell_outputs(session, state, desk, write_config)


@command(cloud_app, "status")
def status(session: Session) -> None:
    """Show the stack, what it holds, and whether the settings in use are those of it."""
    from actorrec.cloud.comparison import differences

    config, settings = _settings(session)
    state = _calls(session, config).state()
    if state is None or not state.exists:
        session.result({"stack": settings.stack, "status": None}, f"there is no stack '{settings.stack}'")
        return
    differ = differences(config, settings, state)
    about = [("status", f"{state.status} {state.reason}".strip()), *state.outputs.items()]
    session.table(f"stack {state.name}", ("what", "is"), about)
    rows = [(r.name, r.type, r.physical_name, r.status) for r in state.resources]
    session.table("holds", ("resource", "type", "name", "status"), rows)
    session.table(
        "your settings differ", ("setting", "here", "the stack has"), [(d.setting, d.here, d.stack) for d in differ]
    )
    line = f"the stack '{state.name}' is {state.status}"
    session.result(
        {
            "stack": state.name,
            "status": state.status,
            "reason": state.reason,
            "outputs": state.outputs,
            "resources": [asdict(resource) for resource in state.resources],
            "differs": [asdict(difference) for difference in differ],
        },
        line + ("; your settings differ" if differ else "; your settings fit"),
    )


@command(cloud_app, "destroy")
def destroy(
    session: Session,
    dry_run: _DryRun = False,
    yes: _Yes = False,
    delete_data: Annotated[
        bool, typer.Option("--delete-data", help="Delete the bucket too, with every version of everything in it.")
    ] = False,
) -> None:
    """Remove the stack; the bucket and what is in it stay unless --delete-data is given."""
    from actorrec.cloud.remove import execute, refuse_removal

    config, settings = _settings(session)
    calls = _calls(session, config)
    state = calls.state()
    if state is not None:
        refuse_removal(calls.aws, state)
    actions = _removals(calls, settings, state, delete_data=delete_data)
    if not actions:
        session.result(_as_json(settings, ()) | {"done": False}, f"there is no stack '{settings.stack}'")
        return
    desk = TerminalDesk(session, yes)
    desk.show(actions)
    done = not dry_run and (desk.agrees_to_lose(actions) if delete_data else desk.agrees("remove these?"))
    if done:
        execute(actions, calls, state, hears=desk.hears, progress=session.progress, poll_s=config.cloud.poll_s)
    kept = [f"the bucket '{action.name}' stays" for action in actions if action.verb == "keep"]
    gone = "; ".join([f"what belonged to the stack '{settings.stack}' is gone", *kept])
    said = gone if done else "" if dry_run else "nothing was changed"
    session.result(_as_json(settings, actions) | {"done": done}, said)


def _settings(session: Session, *, existing_bucket: bool = False) -> "tuple[Config, StackSettings]":
    from actorrec.aws.places import CloudPlace
    from actorrec.cloud.settings import StackSettings

    config = session.settings()
    place = CloudPlace.of(config)
    return config, StackSettings.of(config, place.bucket, place.prefix, existing_bucket=existing_bucket)


def _function(path: Path | None, none: bool, settings: "StackSettings") -> "tuple[FunctionCode | None, StackSettings]":
    """The code of the function, and the settings that go with it."""
    from actorrec.cloud.function_code import FunctionCode
    from actorrec.cloud.settings import NO_LAMBDA
    from actorrec.errors import ConfigError

    if path is None:
        return None, replace(settings, lambda_key=NO_LAMBDA) if none else settings
    if none:
        raise ConfigError("--lambda and --no-lambda do not go together")
    code = FunctionCode.of(path)
    return code, replace(settings, lambda_key=code.key(settings.prefix))


def _tell_of_notices(session: Session, bucket: str) -> None:
    """A bucket of the user's own is left alone, so it may have to be told to say what lands in it."""
    from actorrec.cloud.bucket import tells_event_bridge

    if not tells_event_bridge(session.aws, bucket):
        session.say(
            f"the bucket '{bucket}' does not tell EventBridge what lands in it, so the function is not called: "
            "switch that on in its properties (docs/cloud.md)"
        )


def _calls(session: Session, config: "Config") -> "StackCalls":
    from actorrec.cloud.calls import StackCalls

    return StackCalls(session.aws, config.cloud.stack)


def _removals(
    calls: "StackCalls", settings: "StackSettings", state: "StackState | None", *, delete_data: bool
) -> "tuple[Action, ...]":
    """The plan; without a stack, of the bucket that it left behind."""
    from actorrec.cloud.bucket import made_by
    from actorrec.cloud.plans import plan_delete_bucket, plan_destroy

    if state is not None:
        return plan_destroy(state, delete_data=delete_data)
    if delete_data and settings.bucket and made_by(calls.aws, settings.bucket) == settings.stack:
        return plan_delete_bucket(settings.bucket)
    return ()


def _tell_outputs(session: Session, state: "StackState", desk: TerminalDesk, path: Path | None) -> None:
    """What a configuration needs of the stack: shown, or written into a file."""
    from actorrec.cloud.config_file import settings_lines, write_settings

    values = {"bucket": state.output("BucketName"), "role": state.output("RoleArn")}
    if path is None:
        for line in settings_lines(values).splitlines():
            session.say(line)
    else:
        write_settings(path, values, overwrite=desk.yes)
    done = f"the stack '{state.name}' is {state.status}" + ("" if desk.asked else "; nothing had to change")
    session.result(
        {
            "stack": state.name,
            "done": True,
            "status": state.status,
            "actions": [action.as_json() for action in desk.shown],
            "outputs": state.outputs,
            "config": {f"remote.{key}": value for key, value in values.items()},
        },
        done + (f"; wrote {path}" if path is not None else ""),
    )


def _as_json(settings: "StackSettings", actions: "Sequence[Action]") -> dict[str, Any]:
    return {"stack": settings.stack, "actions": [action.as_json() for action in actions]}


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(cloud_app, name="cloud")
