"""Creating a stack, or bringing it up to date."""

from contextlib import ExitStack
from dataclasses import replace

from actorrec.cloud.bucket import made_by
from actorrec.cloud.calls import StackCalls
from actorrec.cloud.changes import Proposal, carry_out, discard, propose, updated
from actorrec.cloud.desk import Desk
from actorrec.cloud.follow import follow
from actorrec.cloud.function_code import FunctionCode
from actorrec.cloud.plans import Action, plan_code
from actorrec.cloud.remove import refuse_change, remove_stack
from actorrec.cloud.settings import NO_LAMBDA, StackSettings
from actorrec.cloud.state import StackState
from actorrec.errors import ConfigError, RemoteError


def bring_up(
    calls: StackCalls,
    settings: StackSettings,
    template: str,
    desk: Desk,
    poll_s: float,
    code: FunctionCode | None = None,
) -> StackState | None:
    """Create or update the stack; what would change is shown and agreed to before it is done.

    Args:
        calls: Asks and orders.
        settings: What it is to be.
        template: Of it.
        desk: Is shown the changes, and agrees.
        poll_s: Between two questions.
        code: Of the function; it is sent to the bucket first. A stack that is to make its bucket itself is made
            without the function before, and gets it in a second step.

    Returns:
        The stack as it is then; None if the person did not agree.

    Raises:
        ConfigError: If the settings do not fit what is there.
        RemoteError: If AWS refuses or fails, with its reason and the resource it is about.
    """
    if code is None:
        return _step(calls, settings, template, desk, poll_s)
    state = calls.state()
    has_bucket = settings.existing_bucket or (state is not None and state.sound and bool(state.bucket))
    if not has_bucket:
        plain = replace(settings, lambda_key=NO_LAMBDA)
        state = _step(calls, plain, template, desk, poll_s)
        if state is None:
            return None
    wanted = replace(settings, lambda_key=code.key(settings.prefix))
    return _step(calls, wanted, template, desk, poll_s, code)


def _step(
    calls: StackCalls,
    settings: StackSettings,
    template: str,
    desk: Desk,
    poll_s: float,
    code: FunctionCode | None = None,
) -> StackState | None:
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
    sent = () if code is None else (plan_code(code, settings.prefix),)
    if not _agreed(calls, proposal, desk, sent):
        return None
    if code is not None:
        _send(calls, proposal, code, (settings.bucket or (state.bucket if state else ""), settings.prefix))
    known: set[str] = set()
    calls.events(proposal.stack_id, known)
    carry_out(calls, proposal)
    follow(calls, proposal.stack_id, known, desk.hears, poll_s)
    return calls.state(proposal.stack_id)


def _send(calls: StackCalls, proposal: Proposal, code: FunctionCode, place: tuple[str, str]) -> None:
    with ExitStack() as unless_sent:
        unless_sent.callback(discard, calls, proposal)
        code.send(calls.aws, *place)
        unless_sent.pop_all()


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


def _agreed(calls: StackCalls, proposal: Proposal, desk: Desk, first: tuple[Action, ...]) -> bool:
    agreed = False
    try:
        desk.show((*first, *proposal.actions))
        agreed = desk.agrees("create these?" if proposal.new else "make these changes?")
    finally:  # an interrupt is a no
        if not agreed:
            discard(calls, proposal)
    return agreed
