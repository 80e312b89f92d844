"""Following a deployment until every device is done with it, or nothing more can come."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Protocol

from actorrec.errors import JobError, RemoteError
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import Deployment
from actorrec.greengrass.executions import NOT_SENT, Standing
from actorrec.greengrass.group import GroupState, some_of
from actorrec.greengrass.report import DeviceFailure, read_standing

_MISSES: Final = 12
"""Looks in a row that AWS refused or left without an answer, until we give up."""
_LONGEST_WAIT_S: Final = 60.0
_SLOWEST: Final = 3.0  # times ``poll_s``, while nothing happens
_SHARE: Final = 4.0
"""A look at thousands of devices takes a while: at most this share of the time goes to looking."""


class Listener(Protocol):
    """Who is told of what happens to a deployment."""

    def moved(self, standing: Standing) -> None:
        """The counts are others than before, or are told for the first time."""
        ...

    def trouble(self, text: str) -> None:
        """AWS does not answer; following goes on."""
        ...


@dataclass(slots=True)
class Rhythm:
    """When to look next, and when to give up. Pure.

    Args:
        poll_s: Between two looks while something happens.
    """

    poll_s: float
    misses: int = 0
    _idle: int = 0
    _shown: object = None

    def moved(self, standing: Standing) -> bool:
        """Whether the counts are others than at the last look."""
        shown = (standing.counts, standing.outcome)
        moved, self._shown = shown != self._shown, shown
        self.misses, self._idle = 0, 0 if moved else self._idle + 1
        return moved

    def wait_s(self, look_s: float) -> float:
        """How long until the next look, by what the last one took."""
        return max(self.poll_s * min(_SLOWEST, 1.1**self._idle), _SHARE * look_s)

    def missed(self) -> float | None:
        """How long to wait after a look without an answer; None to give up."""
        self.misses += 1
        return None if self.misses > _MISSES else min(_LONGEST_WAIT_S, self.poll_s * 2 ** (self.misses - 1))


def follow(
    calls: DeploymentCalls, state: GroupState, deployment: Deployment, told: Listener, poll_s: float
) -> Standing:
    """Follow a deployment until it is over, however, or late.

    Args:
        calls: Asks.
        state: The target.
        deployment: What is followed.
        told: Told of every change.
        poll_s: Between two looks; longer while nothing happens.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses, or cannot be reached for long; the deployment itself goes on.
    """
    rhythm = Rhythm(poll_s)
    while True:
        started = time.monotonic()
        try:
            standing = read_standing(calls, state, deployment)
        except RemoteError as error:
            wait_s = rhythm.missed()
            if wait_s is None:
                hint = f"{error.hint}; the deployment itself goes on: actorrec deploy status".removeprefix("; ")
                raise RemoteError(error.message, hint=hint) from None
            if rhythm.misses == 1:  # of an outage, once
                told.trouble(f"{error.message}; asking again")
            time.sleep(wait_s)
            continue
        if rhythm.moved(standing):
            told.moved(standing)
        if standing.outcome != "running" or standing.overdue(datetime.now(UTC)):
            return standing
        time.sleep(rhythm.wait_s(time.monotonic() - started))


def refuse_unless_succeeded(standing: Standing, failures: Sequence[DeviceFailure] = ()) -> None:
    """Raise what there is to say of a deployment that did not come to a good end.

    Args:
        standing: As it was last seen.
        failures: Why, device by device.

    Raises:
        JobError: If it was cancelled, replaced or stopped by its abort rule, if it failed on more devices than that
            rule puts up with, or if devices have not taken it in time.
    """
    counts, bad = standing.counts, len(standing.bad)
    done, name = counts["SUCCEEDED"], f"the deployment {standing.deployment.id}"
    have = f"{done} of {_devices(len(standing.members))} {'has' if done == 1 else 'have'} it"
    why = f"{failures[0].device}: {failures[0].reason}" if failures else ""
    match standing.outcome:
        case "cancelled":
            raise JobError(
                f"{name} was cancelled; {have}",
                hint="devices that have it keep it; `actorrec deploy` deploys again, `deploy rollback` goes back",
            )
        case "superseded":
            raise JobError(
                f"{name} was replaced by a newer one; {have}",
                hint="`actorrec deploy history` shows it; `actorrec deploy` plans anew from what is there now",
            )
        case "aborted":
            raise JobError(
                f"{name} was stopped by its abort rule: it failed on {bad} of {_devices(done + bad)} "
                f"(limit {standing.abort_percent:g} %)" + (f"; first, {why}" if why else ""),
                hint="`actorrec deploy rollback` goes back to the last good one",
            )
        case "failed":
            raise JobError(
                f"{name} failed on {bad} of {_devices(done + bad)}" + (f"; first, {why}" if why else ""),
                hint="`actorrec deploy rollback` goes back to the last good one",
            )
        case "running":
            late = standing.waiting
            told = f"{_devices(len(late))} did not take it in time: {some_of(late)}"
            waiting = f" ({counts[NOT_SENT]} never told of it)" if counts[NOT_SENT] else ""
            raise JobError(
                f"{name}: {told}{waiting}; {have}",
                hint="are they switched on and online? It goes on by itself: `actorrec deploy status` looks again",
            )


def _devices(count: int) -> str:
    return f"{count} device{'' if count == 1 else 's'}"
