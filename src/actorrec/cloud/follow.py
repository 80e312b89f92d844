"""Waiting until a stack is what it was asked to be, and telling of every resource on the way."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from actorrec.aws.scrub import scrubbed
from actorrec.cloud.calls import StackCalls
from actorrec.cloud.plans import STACK
from actorrec.errors import RemoteError

_DONE: Final = frozenset({"CREATE_COMPLETE", "UPDATE_COMPLETE", "DELETE_COMPLETE"})


@dataclass(frozen=True, slots=True)
class StackEvent:
    """Something that happened to a resource.

    Attributes:
        resource: Its name in the template; of the stack itself, the stack's.
        type: As CloudFormation calls it.
        reason: Fit to be shown; may be empty.
    """

    resource: str
    type: str
    status: str
    reason: str

    @property
    def failed(self) -> bool:
        """Whether this is why something failed; what was only called off because of another failure is not."""
        return self.status.endswith("_FAILED") and "cancelled" not in self.reason.lower()

    @property
    def told(self) -> str:
        """In words."""
        return f"{self.resource} ({self.type}) {self.status}" + (f": {self.reason}" if self.reason else "")


def follow(
    calls: StackCalls, stack_id: str, known: set[str], report: Callable[[StackEvent], None], poll_s: float
) -> None:
    """Wait until the stack has come to rest.

    Args:
        calls: Asks.
        stack_id: ARN of the stack; it also finds one that is gone.
        known: Ids of the events that were there before.
        report: Told of each new event, the oldest first.
        poll_s: Between two questions.

    Raises:
        RemoteError: If it came to rest otherwise than it was asked to.
    """
    failures: list[StackEvent] = []
    while True:
        for raw in calls.events(stack_id, known):
            event = _event(raw)
            report(event)
            of_stack = event.type == STACK and raw.get("PhysicalResourceId") == stack_id
            if event.failed and not of_stack:
                failures.append(event)
            if of_stack and _at_rest(event.status):
                if event.status in _DONE:
                    return
                raise _failure(calls.name, event, failures)
        time.sleep(poll_s)


def _event(raw: dict[str, Any]) -> StackEvent:
    return StackEvent(
        resource=scrubbed(raw.get("LogicalResourceId", "")),
        type=raw.get("ResourceType", ""),
        status=raw.get("ResourceStatus", ""),
        reason=scrubbed(raw.get("ResourceStatusReason", "")),
    )


def _at_rest(status: str) -> bool:
    return status.endswith(("_COMPLETE", "_FAILED"))


def _failure(name: str, last: StackEvent, failures: list[StackEvent]) -> RemoteError:
    why = failures[0].told if failures else last.reason or last.status
    hints = {
        "ROLLBACK_COMPLETE": "what was made is removed again; after a remedy `actorrec cloud init` clears the rest",
        "UPDATE_ROLLBACK_COMPLETE": "the stack is again as it was",
        "DELETE_FAILED": "after a remedy, `actorrec cloud destroy` goes on where it was",
        "UPDATE_ROLLBACK_FAILED": f"after a remedy: aws cloudformation continue-update-rollback --stack-name {name}",
    }
    return RemoteError(
        f"the stack '{name}' ended as {last.status}: {why}",
        hint=hints.get(last.status, "`actorrec cloud status` shows what there is"),
    )
