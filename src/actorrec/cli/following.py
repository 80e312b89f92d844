"""Following a job on the command line: what is shown, and what Ctrl-C means meanwhile."""

import select
import sys
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Final, Literal

import typer

from actorrec.cli.interrupts import insistent_interrupts
from actorrec.cli.session import Session, printable, write_json
from actorrec.interrupting import pythons_own_interrupts

if TYPE_CHECKING:
    from actorrec.aws.session import AwsSession
    from actorrec.config import Config
    from actorrec.jobs.follow import Listener
    from actorrec.jobs.logs import LogLine
    from actorrec.jobs.state import JobState
    from actorrec.manifests.bundle import BundleManifest
    from actorrec.manifests.model import ModelManifest

_LOOK_S: Final = 0.2
_QUESTION: Final = "stop the job, detach and let it run, or go on following? [s/d/G] "


def follow_and_bring_back(
    session: Session, aws: "AwsSession", name: str, config: "Config"
) -> "tuple[ModelManifest, BundleManifest | None]":
    """Follow a training job to its end if it still runs, then put its model and bundle into the store of this run.

    Ctrl-C asks whether to stop it, to detach or to go on; where nobody can be asked it detaches.

    Raises:
        JobError: If it fails, or is stopped and left no model.
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses, or cannot be reached for long.
        ModelContractError: If what it left is not what it says it is.
        ArtifactError: If the store takes no more, or holds another model of that name.
        typer.Exit: With 130 if the user detached.
    """
    from actorrec.artifacts.uri import open_store
    from actorrec.jobs.bring_back import bring_back
    from actorrec.jobs.listing import read_state

    with way_back(session, name):
        state = read_state(aws, name)
        if not state.ended:  # of one that has, the log is not what is waited for
            state = follow_to_the_end(session, aws, name, config)
        session.say(ended_line(state))
        # The job itself knows where its data set is: this machine may have other settings than the one that started it.
        cloud = open_store(state.store_uri, config.aws) if state.store_uri else session.store
        return bring_back(aws, name, store=session.store, cloud=cloud, progress=session.progress)


@contextmanager
def way_back(session: Session, name: str) -> Iterator[None]:
    """What ends a command early names the line that goes on with the job: the same command might start another.

    Raises:
        typer.Exit: With 130 after Ctrl-C.
    """
    from actorrec.errors import ArtifactError, ConfigError, JobError, RemoteError

    line = f"actorrec jobs attach {name}"
    try:
        with insistent_interrupts():
            yield
    except KeyboardInterrupt:
        _detach(session, name)
    except (ArtifactError, ConfigError, RemoteError) as error:
        if not isinstance(error, JobError) and line not in error.hint:
            error.hint = f"{error.hint}; come back to this job with: {line}".removeprefix("; ")
        raise


def follow_to_the_end(
    session: Session, aws: "AwsSession", name: str, config: "Config", told: "Listener | None" = None
) -> "JobState":
    """Follow a job of any kind until it has ended, however it ended; Ctrl-C asks.

    Args:
        session: Where to print.
        aws: Makes the clients.
        name: Its whole name.
        config: Section ``remote`` says how often to look.
        told: Who is told; else status, log and measures are shown on stderr.

    Raises:
        JobError: If there is no such job.
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses, or cannot be reached for long.
        typer.Exit: With 130 if the user detached.
    """
    from actorrec.jobs.follow import Following
    from actorrec.jobs.listing import read_state, stop_job

    state = read_state(aws, name)
    following = Following(aws, state, told or Teller(session, state.instances), config.remote.poll_s)
    with pythons_own_interrupts():  # the question must not be interrupted again while it is answered
        while True:
            try:
                with insistent_interrupts():
                    return following.run()
            except KeyboardInterrupt:
                wish = _asked(name)
            if wish == "detach":
                _detach(session, name)
            if wish == "stop":
                with insistent_interrupts():
                    stop_job(aws, state)
                say_aside(session, f"asked AWS to stop {name}; what it saved so far is kept")


def ended_line(state: "JobState") -> str:
    """What became of a job, and how long it is paid for."""
    paid = f", {state.billable_s / 60:.0f} min to pay for on each machine" if state.billable_s is not None else ""
    saved = f" (spot saved {state.spot_saving:.0%})" if state.spot_saving else ""
    return f"{state.name}: {state.status}{paid}{saved}"


def say_aside(session: Session, text: str) -> None:
    """A line on stderr: what happens meanwhile is no result; nothing with ``--quiet``."""
    if not session.quiet:
        from rich.text import Text

        session.errors.print(Text(printable(text)), soft_wrap=True)


class Teller:
    """Shows what happens to a job, on stderr.

    Args:
        session: Where to print.
        instances: How many machines; of one alone, the lines do not name it.
    """

    def __init__(self, session: Session, instances: int) -> None:
        self._session, self._many = session, instances > 1

    def status(self, state: "JobState") -> None:
        message = f": {state.message}" if state.message else ""
        self._say(f"{datetime.now(UTC):%H:%M:%S}  {state.secondary}{message}")

    def line(self, line: "LogLine") -> None:
        from actorrec.jobs.logs import measures

        if not measures(line.text):  # those are told as what they are
            self._say(self._of(line.host) + line.text)

    def measured(self, host: str, values: Mapping[str, float]) -> None:
        self._say(self._of(host) + "   ".join(f"{name} {value:.4g}" for name, value in values.items()))

    def trouble(self, text: str) -> None:
        self._say(text)

    def _of(self, host: str) -> str:
        return f"[{host}] " if self._many else ""

    def _say(self, text: str) -> None:
        say_aside(self._session, text)


def _asked(name: str) -> Literal["stop", "detach", "go on"]:
    """What to do now; without a terminal, or after another Ctrl-C, detach: the job is what costs, and it is known."""
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        return "detach"
    try:
        sys.stderr.write(f"\n{name} goes on meanwhile: {_QUESTION}")
        sys.stderr.flush()
        # A signal that comes just before a blocking read would only be seen after it.
        while not select.select([sys.stdin], [], [], _LOOK_S)[0]:
            pass
        answer = sys.stdin.readline()
    except KeyboardInterrupt:
        return "detach"
    if not answer:
        return "detach"
    wishes: dict[str, Literal["stop", "detach"]] = {"s": "stop", "d": "detach"}
    return wishes.get(answer.strip().lower()[:1], "go on")


def _detach(session: Session, name: str) -> None:
    line = f"actorrec jobs attach {name}"
    print(f"\ndetached: {name} is left as it is. Come back with: {line}", file=sys.stderr)
    if session.as_json:
        write_json({"error": "detached", "hint": line, "exit_code": 130})
    raise typer.Exit(130)
