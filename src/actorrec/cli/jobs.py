"""``actorrec jobs``: what runs on SageMaker, how far it is, and its model."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

from actorrec.cli.command import command
from actorrec.cli.following import ended_line, follow_and_bring_back, follow_to_the_end, say_aside
from actorrec.cli.session import Session, printable, write_json
from actorrec.errors import ConfigError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from actorrec.jobs.logs import LogLine
    from actorrec.jobs.state import JobState
    from actorrec.jobs.summary import JobSummary

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
    found = [_summary(session, state) for state in states]
    cells = [(job.name, job.status, f"{job.created_at:%Y-%m-%d %H:%M}", _machines(job), _usd(job)) for job in found]
    session.table("jobs on SageMaker", ("name", "status", "started (UTC)", "machines", "cost so far"), cells)
    if not found:
        session.say("no jobs yet; `actorrec train --remote` starts one")
    session.result([job.model_dump(mode="json") for job in found])


@command(jobs_app, "status")
def status(session: Session, job: _Name = "newest") -> None:
    """Show how far a job is, why it failed, what it has cost so far (an estimate) and where its results are."""
    found = _summary(session, _state(session, job))
    doing = "" if found.secondary_status == found.status else f": {found.secondary_status}"
    lines = [
        ("status", found.status + doing),
        ("message", found.reason or found.message),
        ("started", f"{found.created_at:%Y-%m-%d %H:%M:%S} UTC"),
        ("worked", f"{found.seconds / 60:.1f} min"),
        ("machines", _machines(found)),
        ("cost so far", _usd(found)),
        ("spot saved", "" if found.spot_saving is None else f"{found.spot_saving:.0%}"),
        ("data set", found.dataset or ""),
        ("model", found.model_uri or ""),
        ("outputs", ", ".join(found.outputs) if found.model_uri is None else ""),
        ("checkpoints", found.checkpoint_uri or ""),
        *((name, f"{value:.4g}") for name, value in found.metrics.items()),
    ]
    session.table(found.name, ("what", "is"), [line for line in lines if line[1]])
    session.result(found)


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


def _summary(session: Session, state: "JobState") -> "JobSummary":
    from actorrec.jobs.summary import summarise

    return summarise(state, session.settings(), datetime.now(UTC))


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


def _machines(job: "JobSummary") -> str:
    return f"{job.instances} × {job.instance_type}" + (", spot" if job.spot else "")


def _usd(job: "JobSummary") -> str:
    return "not known" if job.cost_usd is None else f"{job.cost_usd:.2f} USD (estimate, {job.price_as_of})"


def register(app: typer.Typer) -> None:
    """Add these commands."""
    app.add_typer(jobs_app, name="jobs")
