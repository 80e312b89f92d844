"""How deployments are told to people: states, counts and ends in words."""

from typing import TYPE_CHECKING, Final

from actorrec.cli.session import Session

if TYPE_CHECKING:
    from actorrec.greengrass.report import DeploymentReport

_STATES: Final = {
    "IN_PROGRESS": "in progress",
    "QUEUED": "waiting",
    "TIMED_OUT": "timed out",
    "CANCELED": "cancelled",
    "REMOVED": "left the group",
    "NOT_SENT": "not reached yet",
}
_ENDS: Final = {
    "running": "under way",
    "aborted": "stopped by its abort rule",
    "superseded": "replaced by a newer one",
}


def in_words(status: str) -> str:
    """A state of a device, or of a deployment, for people."""
    return _STATES.get(status, status.lower())


def counts_in_words(told: "DeploymentReport") -> str:
    """How many devices took it, of how many, and what became of the others."""
    there = sum(count for status, count in told.counts.items() if status != "REMOVED")
    took = told.counts.get("SUCCEEDED", 0)
    others = [f"{n} {in_words(status)}" for status, n in told.counts.items() if n and status != "SUCCEEDED"]
    return ", ".join([f"{took} of {there} took it", *others])


def end_in_words(told: "DeploymentReport") -> str:
    """What became of it; one that went well as far as its abort rule goes is no success where it failed."""
    if told.outcome == "succeeded" and not any(told.counts.values()):
        return "the group is empty; who joins it gets it"
    if told.outcome == "succeeded" and told.failures:
        return "ended, not on every device"
    return _ENDS.get(told.outcome, told.outcome)


def show_report(session: Session, told: "DeploymentReport") -> None:
    """Counts and failures as tables."""
    rows = [(in_words(status), count) for status, count in told.counts.items() if count]
    if rows:
        session.say(f"'{told.thing_group}': {end_in_words(told)}")
    session.table("", ("devices", "how many"), rows)
    failed = [(failure.device, in_words(failure.status), failure.reason) for failure in told.failures]
    session.table("failed", ("device", "how", "why"), failed)


def report_line(told: "DeploymentReport") -> str:
    """A report in a line."""
    counts = f": {counts_in_words(told)}" if any(told.counts.values()) else ""
    never = f"; {len(told.never_reported)} never reported as core devices" if told.never_reported else ""
    return f"{told.deployment_id} to '{told.thing_group}': {end_in_words(told)}{counts}{never}"
