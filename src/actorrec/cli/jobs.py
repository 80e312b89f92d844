"""``actorrec jobs``: what runs on SageMaker, how far it is, and its model."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated, Any

import typer

from actorrec.cli.command import command
from actorrec.cli.following import ended_line, follow_and_bring_back, follow_to_the_end, say_aside
from actorrec.cli.session import Session, printable, write_json
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actorrec.jobs.logs import LogLine
    from actorrec.jobs.state import JobState

jobs_app = typer.Typer(help="Jobs on SageMaker: list, look, follow, stop, bring the model back.", no_args_is_help=True)
_Name = Annotated[
    str, typer.Argument(help="A job's name, the beginning of one, or newest.", metavar="[JOB]", show_default=False)
]


@command(jobs_app, "ls")
def ls(
    session: Session,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many at most.")] = 20,
) -> None:
    """List our jobs, the newest first: status, machines and what each has cost so far (an estimate)."""
    from actorrec.jobs.listing import describe_all, list_jobs

    session.settings()
    states = describe_all(session.aws, list_jobs(session.aws, limit))
    rows = [_summary(session, state) for state in states]
    cells = [
        (row["name"], row["status"], f"{state.created_at.astimezone(UTC):%Y-%m-%d %H:%M}", _machines(state), _usd(row))
        for row, state in zip(rows, states, strict=True)
    ]
    session.table("jobs on SageMaker", ("name", "status", "started (UTC)", "machines", "cost so far"), cells)
    if not rows:
        session.say("no jobs yet; `actorrec train --remote` starts one")
    session.result(rows)


@command(jobs_app, "status")
def status(session: Session, job: _Name = "newest") -> None:
    """Show how far a job is, why it failed, what it has cost so far (an estimate) and where its results are."""
    state = _state(session, job)
    row = _summary(session, state)
    lines = [
        ("status", state.status if state.secondary == state.status else f"{state.status}: {state.secondary}"),
        ("message", state.reason or state.message),
        ("started", f"{state.created_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"),
        ("took", f"{row['seconds'] / 60:.1f} min"),
        ("machines", _machines(state)),
        ("cost so far", _usd(row)),
        ("spot saved", "" if state.spot_saving is None else f"{state.spot_saving:.0%}"),
        ("data set", state.dataset or ""),
        ("model", state.model_uri or ""),
        ("outputs", "\n".join(state.outputs) if state.model_uri is None else ""),
        ("checkpoints", state.checkpoint_uri or ""),
        *((name, f"{value:.4g}") for name, value in state.metrics.items()),
    ]
    session.table(state.name, ("what", "is"), [line for line in lines if line[1]])
    session.result(row)


@command(jobs_app, "logs")
def logs(
    session: Session,
    job: _Name = "newest",
    follow: Annotated[bool, typer.Option("--follow", help="Go on until the job ends.")] = False,
) -> None:
    """Print the log of a job; with --json one JSON object a line."""
    from actorrec.jobs.logs import LogReader
    from actorrec.jobs.state import asking

    config = session.settings()
    state = _state(session, job)
    printer = _LogPrinter(session, state.instances)
    if follow and not state.ended:
        follow_to_the_end(session, session.aws, state.name, config, told=printer)
        return
    with asking(session.aws, f"read the log of {state.name}", "logs:DescribeLogStreams and logs:GetLogEvents"):
        for line in LogReader(session.aws, state.name, state.kind).read():
            printer.line(line)
    if not printer.count:
        say_aside(session, f"{state.name} has written nothing yet: it is {state.secondary}")


@command(jobs_app, "stop")
def stop(
    session: Session,
    job: _Name = "newest",
    yes: Annotated[bool, typer.Option("--yes", help="Stop without asking.")] = False,
) -> None:
    """Stop a job; the checkpoints that it has written so far are kept, and the same training goes on from them."""
    from actorrec.jobs.listing import stop_job

    session.settings()
    state = _state(session, job)
    stopped = False
    if not state.ended and (yes or _agreed(state)):
        stopped = stop_job(session.aws, state)
    if state.ended:
        said = f"{state.name} had ended already: {state.status}"
    elif stopped:
        kept = f"; its checkpoints stay in {state.checkpoint_uri}" if state.checkpoint_uri else ""
        said = f"{state.name} is being stopped (a minute or two){kept}"
    else:
        said = f"{state.name} was left running"
    session.result({"job": state.name, "stopped": stopped, "status_before": state.status}, said)


@command(jobs_app, "attach")
def attach(session: Session, job: _Name = "newest") -> None:
    """Follow a job until it ends, then bring its model, bundle and data set into the store."""
    from actorrec.cli.train import tell_model
    from actorrec.jobs.follow import refuse_unless_completed

    config = session.settings()
    state = _state(session, job)
    if state.kind == "training":
        model, bundle = follow_and_bring_back(session, session.aws, state.name, config)
        if bundle is not None:
            session.say(f"its edge bundle is {bundle.ref}")
        tell_model(session, model)
        return
    state = follow_to_the_end(session, session.aws, state.name, config)
    refuse_unless_completed(state)
    session.say(f"make the data set of it: actorrec build-dataset --merge --from {', '.join(state.outputs)}")
    session.result(_summary(session, state), f"{ended_line(state)}; its results are in {', '.join(state.outputs)}")


def _state(session: Session, reference: str) -> "JobState":
    from actorrec.jobs.listing import find_job, read_state

    session.settings()
    return read_state(session.aws, find_job(session.aws, reference))


def _summary(session: Session, state: "JobState") -> dict[str, Any]:
    """A job as ``jobs status --json`` documents it."""
    from actorrec.jobs.prices import bound

    seconds = state.machine_s(datetime.now(UTC))
    cost = bound(session.settings(), state.instance_type, state.instances)
    known = cost.hourly_usd is not None
    return {
        "name": state.name,
        "kind": state.kind,
        "status": state.status,
        "secondary_status": state.secondary,
        "message": state.message,
        "reason": state.reason,
        "created_at": state.created_at.astimezone(UTC).isoformat(timespec="seconds"),
        "started_at": _iso(state.started_at),
        "ended_at": _iso(state.ended_at),
        "instance_type": state.instance_type,
        "instances": state.instances,
        "spot": state.spot,
        "seconds": round(seconds),
        "billable_s": state.billable_s,
        "spot_saving": state.spot_saving,
        "cost_usd": round(seconds / 3600 * state.instances * (cost.hourly_usd or 0), 4) if known else None,
        "cost_is": f"estimate, {cost.as_of}",
        "dataset": state.dataset,
        "model_uri": state.model_uri,
        "outputs": list(state.outputs),
        "checkpoint_uri": state.checkpoint_uri,
        "metrics": state.metrics,
    }


class _LogPrinter:
    """The log on stdout, where it is the result; what happens to the job beside it, on stderr."""

    def __init__(self, session: Session, instances: int) -> None:
        self._session, self._many, self.count = session, instances > 1, 0

    def line(self, line: "LogLine") -> None:
        self.count += 1
        if self._session.as_json:
            write_json({"host": line.host, "at": line.at.isoformat(timespec="milliseconds"), "line": line.text})
        else:
            print(printable(f"[{line.host}] {line.text}" if self._many else line.text), flush=True)

    def status(self, state: "JobState") -> None:
        del state  # the log alone was asked for

    def measured(self, host: str, values: "Mapping[str, float]") -> None:
        del host, values

    def trouble(self, text: str) -> None:
        say_aside(self._session, text)


def _agreed(state: "JobState") -> bool:
    if not sys.stdin.isatty():
        raise ConfigError("whether to stop it cannot be asked here", hint="--yes stops it without asking")
    return typer.confirm(f"stop {state.name} ({state.status}: {state.secondary})?", err=True)


def _machines(state: "JobState") -> str:
    return f"{state.instances} × {state.instance_type}" + (", spot" if state.spot else "")


def _usd(row: "Mapping[str, Any]") -> str:
    return "not known" if row["cost_usd"] is None else f"{row['cost_usd']:.2f} USD ({row['cost_is']})"


def _iso(moment: "datetime | None") -> str | None:
    return None if moment is None else moment.astimezone(UTC).isoformat(timespec="seconds")


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(jobs_app, name="jobs")
