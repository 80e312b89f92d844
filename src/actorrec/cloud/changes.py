"""Change sets: what CloudFormation would do to a stack, seen before it is done."""

import secrets
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Any, Final

from actorrec.aws.scrub import scrubbed
from actorrec.cloud.calls import StackCalls
from actorrec.cloud.plans import Action, Verb
from actorrec.cloud.settings import NO_LAMBDA, StackSettings
from actorrec.cloud.state import StackState
from actorrec.cloud.template import template_resources
from actorrec.errors import ConfigError, RemoteError

_CAPABILITIES: Final = ["CAPABILITY_IAM"]  # the template makes roles, but names none itself
_NOTHING_NEW: Final = ("didn't contain changes", "no updates are to be performed")


@dataclass(frozen=True, slots=True)
class Proposal:
    """Changes that CloudFormation has worked out and waits with.

    Attributes:
        id: ARN of the change set.
        stack_id: ARN of the stack.
        new: Whether the stack does not exist yet.
        actions: What would be done; may be empty where only parameters or outputs change.
    """

    id: str
    stack_id: str
    new: bool
    actions: tuple[Action, ...]


def updated(settings: StackSettings, state: StackState) -> StackSettings:
    """Settings for a stack that exists: its bucket stays what it is, and its function if nothing is said of that.

    Raises:
        ConfigError: If another bucket was asked for.
    """
    if settings.bucket and state.bucket and settings.bucket != state.bucket:
        raise ConfigError(
            f"the stack '{state.name}' has the bucket '{state.bucket}', your settings say '{settings.bucket}'",
            hint=f"set remote.bucket to {state.bucket}, or name another stack (cloud.stack)",
        )
    if settings.existing_bucket and state.owns_bucket:
        raise ConfigError(
            f"the stack '{state.name}' made its bucket itself",
            hint="leave out --existing-bucket, or name another stack (cloud.stack)",
        )
    named = state.bucket if not state.owns_bucket else state.parameters.get("BucketName", "")
    code = settings.lambda_key or state.parameters.get("LambdaKey", NO_LAMBDA)
    return replace(settings, bucket=named, existing_bucket=not state.owns_bucket, lambda_key=code)


def propose(calls: StackCalls, settings: StackSettings, template: str, *, new: bool, poll_s: float) -> Proposal | None:
    """Have CloudFormation work out the changes; nothing is changed yet.

    Returns:
        The changes; None if there are none.

    Raises:
        RemoteError: If CloudFormation refuses the template or its parameters.
    """
    doing = f"work out the changes to the stack '{settings.stack}'"
    with calls.told(doing):
        made = calls.client.create_change_set(
            StackName=settings.stack,
            ChangeSetName=f"actorrec-{secrets.token_hex(8)}",
            ChangeSetType="CREATE" if new else "UPDATE",
            TemplateBody=template,
            Parameters=[{"ParameterKey": k, "ParameterValue": v} for k, v in settings.parameters().items()],
            Capabilities=_CAPABILITIES,
        )
    proposal = Proposal(made["Id"], made["StackId"], new, ())
    with ExitStack() as unless_good:
        unless_good.callback(discard, calls, proposal)
        status, reason, changes = _worked_out(calls, made["Id"], doing, poll_s)
        if status == "CREATE_COMPLETE":
            unless_good.pop_all()
            purposes = {resource.name: resource.purpose for resource in template_resources(template)}
            return replace(proposal, actions=tuple(_action(change["ResourceChange"], purposes) for change in changes))
    if any(words in reason.lower() for words in _NOTHING_NEW):
        return None
    raise RemoteError(f"cannot {doing}: {scrubbed(reason) or status}")


def carry_out(calls: StackCalls, proposal: Proposal) -> None:
    """Begin with the changes; ``follow`` sees to the end.

    What a failed creation had made is removed again, even what the stack would keep when it is deleted.
    """
    with calls.told(f"change the stack '{calls.name}'"):
        calls.client.execute_change_set(ChangeSetName=proposal.id, RetainExceptOnCreate=True)


def discard(calls: StackCalls, proposal: Proposal) -> None:
    """Drop changes that nobody wants, and the empty stack that holds them if it is new."""
    with calls.told(f"drop the changes to the stack '{calls.name}'"):
        if proposal.new:
            calls.client.delete_stack(StackName=proposal.stack_id)
        else:
            calls.client.delete_change_set(ChangeSetName=proposal.id)


def _worked_out(calls: StackCalls, change_set: str, doing: str, poll_s: float) -> tuple[str, str, list[dict[str, Any]]]:
    """Status, reason and changes, once CloudFormation is done thinking."""
    while True:
        with calls.told(doing):
            answer = calls.client.describe_change_set(ChangeSetName=change_set)
            if answer["Status"] not in ("CREATE_PENDING", "CREATE_IN_PROGRESS"):
                changes = list(answer.get("Changes", ()))
                while answer.get("NextToken"):
                    answer = calls.client.describe_change_set(ChangeSetName=change_set, NextToken=answer["NextToken"])
                    changes += answer.get("Changes", ())
                return answer["Status"], answer.get("StatusReason", ""), changes
        time.sleep(poll_s)


def _action(change: dict[str, Any], purposes: Mapping[str, str]) -> Action:
    verbs: dict[str, Verb] = {"Add": "create", "Remove": "remove"}
    verb = verbs.get(change["Action"]) or _how_changed(change.get("Replacement", "False"))
    name = scrubbed(change["LogicalResourceId"])
    changed = "" if verb in ("create", "remove") else ", ".join(change.get("Scope", ()))
    return Action(verb, name, change["ResourceType"], changed or purposes.get(name, ""))


def _how_changed(replacement: str) -> Verb:
    verbs: dict[str, Verb] = {"True": "replace", "Conditional": "may replace"}
    return verbs.get(replacement, "update")
