"""Creating a stack, or bringing it up to date."""

from actorrec.cloud.bucket import made_by
from actorrec.cloud.calls import StackCalls
from actorrec.cloud.changes import Proposal, carry_out, discard, propose, updated
from actorrec.cloud.desk import Desk
from actorrec.cloud.follow import follow
from actorrec.cloud.remove import refuse_change, remove_stack
from actorrec.cloud.settings import StackSettings
from actorrec.cloud.state import StackState
from actorrec.errors import ConfigError, RemoteError


def bring_up(calls: StackCalls, settings: StackSettings, template: str, desk: Desk, poll_s: float) -> StackState | None:
    """Create or update the stack; what would change is shown and agreed to before it is done.

    Returns:
        The stack as it is then; None if the person did not agree.

    Raises:
        ConfigError: If the settings do not fit what is there.
        RemoteError: If AWS refuses or fails, with its reason and the resource it is about.
    """
    state = calls.state()
    if state is not None:
        refuse_change(state)
    if state is not None and state.leftover:
        if not desk.agrees(f"the stack '{state.name}' is what a failed attempt left ({state.status}): delete it?"):
            return None
        remove_stack(calls, state, desk.hears, poll_s)
        state = None
    proposal = _proposal(calls, settings, template, state, poll_s)
    if proposal is None:
        return state
    if not _agreed(calls, proposal, desk):
        return None
    known: set[str] = set()
    calls.events(proposal.stack_id, known)
    carry_out(calls, proposal)
    follow(calls, proposal.stack_id, known, desk.hears, poll_s)
    return calls.state(proposal.stack_id)


def _proposal(
    calls: StackCalls, settings: StackSettings, template: str, state: StackState | None, poll_s: float
) -> Proposal | None:
    if state is None or not state.exists:
        _refuse_taken_bucket(calls, settings)
        return propose(calls, settings, template, new=True, poll_s=poll_s)
    if not state.sound:
        raise RemoteError(
            f"the stack '{state.name}' cannot be updated: it is {state.status}"
            + f" ({state.reason})" * bool(state.reason),
            hint=f"after a remedy: aws cloudformation continue-update-rollback --stack-name {state.name}",
        )
    return propose(calls, updated(settings, state), template, new=False, poll_s=poll_s)


def _refuse_taken_bucket(calls: StackCalls, settings: StackSettings) -> None:
    """A bucket that is there cannot be made; one that is not there cannot be used."""
    if not settings.bucket:
        return
    there = made_by(calls.aws, settings.bucket) is not None
    if there and not settings.existing_bucket:
        raise ConfigError(
            f"the bucket '{settings.bucket}' exists already",
            hint="--existing-bucket uses it as it is; or name another one in remote.bucket",
        )
    if settings.existing_bucket and not there:
        raise ConfigError(f"there is no bucket '{settings.bucket}'", hint="leave out --existing-bucket to have it made")


def _agreed(calls: StackCalls, proposal: Proposal, desk: Desk) -> bool:
    agreed = False
    try:
        desk.show(proposal.actions)
        agreed = desk.agrees("create these?" if proposal.new else "make these changes?")
    finally:  # an interrupt is a no
        if not agreed:
            discard(calls, proposal)
    return agreed
