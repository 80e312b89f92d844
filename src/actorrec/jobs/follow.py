"""Following a job: its status, its log and its measures, until it ends."""

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Protocol

from actorrec.aws.failures import code_of, status_of, told
from actorrec.aws.session import AwsSession
from actorrec.errors import JobError
from actorrec.jobs.listing import read_state
from actorrec.jobs.logs import LogLine, LogReader, measures
from actorrec.jobs.state import JobState, describe

_MISSES: Final = 12
"""Requests in a row without an answer until we give up: about eight minutes at ten seconds a poll."""
_LONGEST_WAIT_S: Final = 60.0
_SLOWEST: Final = 3.0  # times ``poll_s``, while nothing happens (a spot job may wait for hours)
_SETTLING_S: Final = 2.0
_QUIET_READS: Final = 4
"""Reads without a new line after the end: the log comes seconds after the status."""
_LAST_READS: Final = 60
_PASSING: Final = frozenset({"Throttling", "RequestLimitExceeded", "TooManyRequestsException", "RequestTimeout"})
_HINTS: Final = (
    ("CapacityError", "no such machine is free now: try later, another --instance-type, or another region"),
    ("InternalServerError", "that was AWS's own fault: start it again, it goes on from its checkpoints"),
    ("OutOfMemory", "take a machine with more memory (--instance-type), or a smaller --batch-size"),
    ("exit code: 137", "take a machine with more memory (--instance-type), or a smaller --batch-size"),
    ("ResourceExhausted", "take a machine with more memory (--instance-type), or a smaller --batch-size"),
    ("CannotPull", "look at remote.image_uri: does it exist in this region, and may remote.role read it?"),
)


class Listener(Protocol):
    """Who is told of what happens to a job."""

    def status(self, state: JobState) -> None:
        """Its status is another than before, or is told for the first time."""
        ...

    def line(self, line: LogLine) -> None:
        """A line of its log."""
        ...

    def measured(self, host: str, values: Mapping[str, float]) -> None:
        """Measures that stood in the line that was just told."""
        ...

    def trouble(self, text: str) -> None:
        """AWS does not answer, or not all; following goes on."""
        ...


@dataclass(slots=True)
class Pace:
    """When to ask next, when to give up, when to believe that a log is complete. Pure.

    Args:
        poll_s: Between two looks while something happens.
        misses: Requests in a row that got no answer.
    """

    poll_s: float
    misses: int = 0
    _shown: tuple[str, str, str] | None = None
    _idle: int = 0
    _quiet: int = 0
    _last: int = 0

    def changed(self, state: JobState) -> bool:
        """Whether this state is another than the last that was shown."""
        shown = (state.status, state.secondary, state.message)
        changed, self._shown = shown != self._shown, shown
        self.misses, self._idle = 0, 0 if changed else self._idle + 1
        return changed

    def wait_s(self, new_lines: int) -> float:
        """How long until the next look: longer while nothing happens."""
        self._idle = 0 if new_lines else self._idle
        return self.poll_s * min(_SLOWEST, 1.1**self._idle)

    def missed(self) -> float | None:
        """How long to wait after a request without an answer; None to give up."""
        self.misses += 1
        return None if self.misses > _MISSES else min(_LONGEST_WAIT_S, self.poll_s * 2 ** (self.misses - 1))

    def settled(self, new_lines: int) -> bool:
        """After the end: whether the log may be taken as complete."""
        self._quiet, self._last = 0 if new_lines else self._quiet + 1, self._last + 1
        return self._quiet >= _QUIET_READS or self._last >= _LAST_READS

    @property
    def settling_s(self) -> float:
        """How long until the next read after the end."""
        return min(self.poll_s, _SETTLING_S)


class Following:
    """Follows one job; ``run`` may be interrupted and called again, and goes on where it was.

    Args:
        aws: Makes the clients.
        state: The job, as it was when it was found.
        told: Who is told.
        poll_s: Between two looks.
    """

    def __init__(self, aws: AwsSession, state: JobState, told: Listener, poll_s: float) -> None:
        self._aws, self._name, self._kind, self._told = aws, state.name, state.kind, told
        self._first: JobState | None = state
        self._pace = Pace(poll_s)
        self._log: LogReader | None = LogReader(aws, state.name, state.kind)

    def run(self) -> JobState:
        """Follow until the job has ended, however it ended.

        Raises:
            JobError: If it vanished.
            ConfigError: If credentials are missing, expired or refused.
            RemoteError: If AWS refuses, or cannot be reached for long; the job itself goes on.
        """
        while True:
            state, self._first = self._first or self._look(), None
            if self._pace.changed(state):
                self._told.status(state)
            lines = self._read()
            if state.ended:
                break
            time.sleep(self._pace.wait_s(lines))
        while not self._pace.settled(lines):
            time.sleep(self._pace.settling_s)
            lines = self._read()
        return state

    def _look(self) -> JobState:
        from botocore.exceptions import BotoCoreError, ClientError

        while True:
            try:
                state = describe(self._aws, self._name, self._kind)
            except (BotoCoreError, ClientError) as error:
                wait_s = self._pace.missed() if _passing(error) else None
                if wait_s is None:
                    raise _lost(error, self._name, self._aws) from None
                if self._pace.misses == 1:  # of an outage, once
                    self._told.trouble(f"AWS does not answer ({code_of(error) or type(error).__name__}); asking again")
                time.sleep(wait_s)
            else:
                if state is None:
                    hint = "was it deleted? `actorrec jobs ls` lists the rest"
                    raise JobError(f"the job {self._name} is gone", hint=hint)
                return state

    def _read(self) -> int:
        """Tell every new line; returns how many, or more where the rest must wait."""
        from botocore.exceptions import BotoCoreError, ClientError

        count = 0
        if self._log is None:
            return 0
        try:
            for line in self._log.read():
                count += 1
                self._told.line(line)
                if values := measures(line.text):
                    self._told.measured(line.host, values)
        except (BotoCoreError, ClientError) as error:
            if _passing(error):
                return count + 1  # there may be more: that was no quiet read
            self._log = None  # the job itself can be followed without
            self._told.trouble(_unreadable(error, self._aws))
        return count


def follow(aws: AwsSession, name: str, *, told: Listener, poll_s: float) -> JobState:
    """Follow a job until it is Completed.

    Args:
        aws: Makes the clients.
        name: Its whole name.
        told: Told of every change, line and measure.
        poll_s: Between two looks; longer while nothing happens.

    Raises:
        JobError: If there is no such job, or it failed or was stopped, with AWS's reason.
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses, or cannot be reached for long; the job itself goes on.
    """
    state = Following(aws, read_state(aws, name), told, poll_s).run()
    refuse_unless_completed(state)
    return state


def refuse_unless_completed(state: JobState) -> None:
    """Raise what there is to say of a job that ended without success.

    Raises:
        JobError: If it failed or was stopped.
    """
    if state.status == "Failed":
        hint = next((hint for part, hint in _HINTS if part.lower() in state.reason.lower()), "")
        hint = hint or f"its log says more: actorrec jobs logs {state.name}"
        raise JobError(f"the job {state.name} failed: {state.reason or 'AWS gives no reason'}", hint=hint)
    if state.status == "Stopped":
        kept = f"; its checkpoints stay in {state.checkpoint_uri}" if state.checkpoint_uri else ""
        raise JobError(f"the job {state.name} was stopped: {_why_stopped(state)}", hint=f"{_what_now(state)}{kept}")


def _why_stopped(state: JobState) -> str:
    match state.secondary:
        case "MaxRuntimeExceeded":
            return "it ran longer than it was allowed to"
        case "MaxWaitTimeExceeded":
            return "no spot machine was free for long enough"
    return state.reason or state.message or "somebody asked for it"


def _what_now(state: JobState) -> str:
    match state.secondary:
        case "MaxRuntimeExceeded":
            return "allow more with --max-hours, then start it again"
        case "MaxWaitTimeExceeded":
            return "start it again without --spot, or with a larger remote.max_wait_hours"
    return "the same command goes on from its checkpoints" if state.kind == "training" else "start it again"


def _passing(error: Exception) -> bool:
    """Whether the same request may succeed a moment later."""
    code, status = code_of(error), status_of(error)
    if not code and not status:
        kinds = {kind.__name__ for kind in type(error).__mro__}
        return bool(kinds & {"HTTPClientError", "ConnectionError", "ResponseStreamingError"})
    return "Throttl" in code or code in _PASSING or status == 429 or status >= 500


def _lost(error: Exception, name: str, aws: AwsSession) -> Exception:
    lost = told(error, f"follow the job {name}", aws.place(), "sagemaker:DescribeTrainingJob and …ProcessingJob")
    hint = f"{lost.hint}; the job itself goes on: actorrec jobs attach {name}".removeprefix("; ")
    return type(lost)(lost.message, hint=hint)


def _unreadable(error: Exception, aws: AwsSession) -> str:
    needs = "logs:DescribeLogStreams and logs:GetLogEvents"
    return told(error, "read the log of the job", aws.place(), needs).in_full
