"""Carrying out a plan that removes things."""

from collections.abc import Callable, Sequence

from actorrec.aws.session import AwsSession
from actorrec.cloud.bucket import delete_bucket, empty_bucket
from actorrec.cloud.calls import StackCalls
from actorrec.cloud.devices import refuse_while_used
from actorrec.cloud.follow import StackEvent, follow
from actorrec.cloud.plans import BUCKET, STACK, Action
from actorrec.cloud.state import StackState
from actorrec.errors import RemoteError
from actorrec.progress import Progress


def refuse_change(state: StackState) -> None:
    """Stop where a stack is not ours to change, or not now.

    Raises:
        RemoteError: If it was made from another template, or somebody else changes it.
    """
    if state.foreign:
        raise RemoteError(
            f"the stack '{state.name}' is there already, and is none of actorrec's",
            hint="cloud.stack names another (ACTORREC_CLOUD__STACK)",
        )
    if state.busy:
        raise RemoteError(
            f"the stack '{state.name}' is being changed by another command or person ({state.status})",
            hint="wait until `actorrec cloud status` says that it is done, then run it again",
        )


def refuse_removal(aws: AwsSession, state: StackState) -> None:
    """Stop before anything is deleted where AWS would refuse in the middle.

    Raises:
        RemoteError: If the stack is another's, busy or protected, or devices still use it.
    """
    refuse_change(state)
    if state.protected:
        raise RemoteError(
            f"the stack '{state.name}' is protected from being deleted",
            hint="aws cloudformation update-termination-protection --no-enable-termination-protection "
            f"--stack-name {state.name}",
        )
    refuse_while_used(aws, state)


def execute(
    actions: Sequence[Action],
    calls: StackCalls,
    state: StackState | None,
    *,
    hears: Callable[[StackEvent], None],
    progress: Progress,
    poll_s: float,
) -> None:
    """Carry out a plan of ``plan_destroy`` or ``plan_delete_bucket``, in its order.

    Args:
        actions: The plan.
        calls: Asks and orders.
        state: Of the stack; None where there is none.
        hears: Told of every resource that goes.
        progress: Told of every page of deleted objects.
        poll_s: Between two questions.

    Raises:
        RemoteError: If something cannot be deleted; the same again goes on.
    """
    for action in actions:
        match action:
            case Action(verb="empty"):
                empty_bucket(calls.aws, action.name, progress)
            case Action(verb="remove", type=type) if type == BUCKET:
                delete_bucket(calls.aws, action.name)
            case Action(verb="remove", type=type) if type == STACK and state is not None:
                remove_stack(calls, state, hears, poll_s)
            case _:
                continue  # goes with the stack, or stays


def remove_stack(calls: StackCalls, state: StackState, hears: Callable[[StackEvent], None], poll_s: float) -> None:
    """Delete a stack and wait until it is gone; its bucket stays.

    Raises:
        RemoteError: If something of it cannot be deleted, naming it.
    """
    known: set[str] = set()
    calls.events(state.id, known)
    try:
        with calls.told(f"delete the stack '{state.name}'"):
            calls.client.delete_stack(StackName=state.id)
    except RemoteError:
        now = calls.state(state.id)  # an answer that was lost or unreadable may have been a yes
        if now is None:
            return
        if now.status == state.status:
            raise
    follow(calls, state.id, known, hears, poll_s)
