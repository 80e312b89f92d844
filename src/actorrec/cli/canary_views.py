"""A trial on a part of a group, as people and ``--json`` see it."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import typer

from actorrec.aws.scrub import scrubbed
from actorrec.cli.following import say_aside
from actorrec.cli.interrupts import insistent_interrupts
from actorrec.cli.session import Session, write_json

if TYPE_CHECKING:
    from actorrec.errors import RemoteError
    from actorrec.greengrass.canary import Judgement
    from actorrec.greengrass.canary_plan import CanaryPlan
    from actorrec.greengrass.canary_state import CanaryState
    from actorrec.greengrass.health_log import DeviceHealth

_LONGEST: Final = 120
_MISSES: Final = 12
"""Looks in a row without an answer, until we give up."""


def show_canary_plan(session: Session, canary: "CanaryPlan") -> None:
    """What is done on the way to the trial, and what people should know."""
    rows = [(action.verb, action.name, action.why) for action in canary.actions]
    session.table("first, on a part of it", ("what", "name", "why"), rows)
    for note in canary.notes:
        session.say(f"note: {note}")


def show_judgement(session: Session, judgement: "Judgement") -> None:
    """What every device that tries has seen, and the verdict."""
    from actorrec.greengrass.health_counts import counts_of

    rows: list[tuple[object, ...]] = []
    lines: list[str] = []
    for name in () if judgement.state.target is None else judgement.state.target.members:
        health = judgement.health.get(name)
        counts = counts_of(() if health is None else health.heard, judgement.state.compared)
        differ = f"{counts.disagreements} of {counts.faces}" if counts.faces else ""
        rows.append((name, counts.frames, counts.unreadable or "", differ, counts.starts or ""))
        lines += [] if health is None else _asides(health)
    columns = ("device", "pictures", "unreadable", "differ", "starts")
    session.table(f"what is tried on a part of '{judgement.state.names.group}'", columns, rows)
    for line in lines:
        session.say(line)
    session.say(f"{judgement.verdict.outcome}: {judgement.verdict.told}")


def _asides(health: "DeviceHealth") -> Iterator[str]:
    """What is wrong on a device by its own words, and how much of what it said is not understood."""
    if health.heard and (trouble := "; ".join(health.heard[-1].event.trouble)):
        yield f"{health.device} says: {scrubbed(trouble, _LONGEST)}"
    if wrong := sum(health.wrong.values()):
        yield f"{health.device}: {wrong} message{'' if wrong == 1 else 's'} not understood"


def judgement_json(judgement: "Judgement") -> dict[str, Any]:
    """For ``--json``."""
    wrong = {name: dict(health.wrong) for name, health in judgement.health.items() if health.wrong}
    return told_canary(judgement.state) | {"verdict": judgement.verdict.as_json(), "not_understood": wrong}


def told_canary(state: "CanaryState") -> dict[str, Any]:
    """Where a trial stands, for ``--json``."""
    trial, target = state.trial, state.target
    return {
        "phase": state.phase,
        "mode": state.mode,
        "deployment_id": None if trial is None else trial.id,
        "started_at": None if trial is None else trial.created_at.isoformat(),
        "devices": [] if target is None else list(target.members),
        "away": list(state.away),
    }


class CanaryTeller:
    """Tells on stderr how a trial goes on, each thing once.

    Args:
        session: Where to print.
        group: The thing group.
    """

    def __init__(self, session: Session, group: str) -> None:
        self._session, self._group = session, group
        self._said, self._misses = "", 0

    def waits(self, missing: str) -> None:
        """Tell what has to happen first."""
        if missing != self._said:
            self._said = missing
            say_aside(self._session, f"{datetime.now(UTC):%H:%M:%S}  {missing}")

    def sees(self, judgement: "Judgement") -> None:
        """Tell what the devices saw."""
        self._misses = 0
        self.waits(f"{judgement.verdict.counts.told}; {judgement.verdict.told}")

    def missed(self, error: "RemoteError") -> None:
        """Tell of a look without an answer; too many in a row end it.

        Raises:
            RemoteError: That error.
        """
        self._misses += 1
        if self._misses > _MISSES:
            raise error
        self.waits(f"{error.message}; asking again")

    @contextmanager
    def left_running(self) -> Iterator[None]:
        """Ctrl-C ends the command, not the trial."""
        try:
            with insistent_interrupts():
                yield
        except KeyboardInterrupt:
            line = f"actorrec deploy promote --thing-group {self._group}"
            print(f"\nleft running: the trial goes on. Come back with: {line}", file=sys.stderr)
            if self._session.as_json:
                write_json({"error": "left running", "hint": line, "exit_code": 130})
            raise typer.Exit(130) from None
