"""What is going to happen to a stack, as plain data: nothing in here touches the network."""

from dataclasses import asdict, dataclass
from typing import Any, Final, Literal

from actorrec.cloud.function_code import FunctionCode
from actorrec.cloud.settings import NO_LAMBDA, StackSettings
from actorrec.cloud.state import StackState
from actorrec.cloud.template import template_resources
from actorrec.errors import ConfigError

Verb = Literal["create", "update", "replace", "may replace", "remove", "empty", "keep", "send"]
STACK: Final = "AWS::CloudFormation::Stack"
BUCKET: Final = "AWS::S3::Bucket"
OBJECT: Final = "object in S3"
_OF_BUCKET: Final = frozenset({"Bucket", "BucketPolicy"})
_OF_FUNCTION: Final = "HasLambda"


@dataclass(frozen=True, slots=True)
class Action:
    """One change.

    Attributes:
        verb: What is done.
        name: Of the resource: in the template, or in the account where it is there already.
        type: As CloudFormation calls it.
        why: What it is for, or why it stays; for people.
    """

    verb: Verb
    name: str
    type: str
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def plan_init(settings: StackSettings, template: str) -> tuple[Action, ...]:
    """What a new stack is made of. A stack that is there already gets only what differs."""
    made = []
    for resource in template_resources(template):
        if settings.existing_bucket and resource.name in _OF_BUCKET:
            continue
        if resource.condition == _OF_FUNCTION and settings.lambda_key in (None, NO_LAMBDA):
            continue
        named = f" ({settings.bucket})" if resource.name == "Bucket" and settings.bucket else ""
        made.append(Action("create", resource.name, resource.type, resource.purpose + named))
    return tuple(made)


def plan_code(code: FunctionCode, prefix: str) -> Action:
    """What sends the code of the function."""
    return Action("send", code.key(prefix), OBJECT, f"the function's code, {code.bytes / 1e6:.1f} MB")


def plan_destroy(state: StackState, *, delete_data: bool) -> tuple[Action, ...]:
    """What goes and what stays, in that order.

    Args:
        state: Of the stack.
        delete_data: Whether the bucket goes too, with everything in it.

    Raises:
        ConfigError: If the bucket is to go that the stack did not make.
    """
    bucket = state.bucket
    if delete_data and not state.owns_bucket:
        raise ConfigError(
            f"the stack '{state.name}' did not make the bucket '{bucket}', and does not delete it",
            hint="leave out --delete-data; `actorrec artifacts gc` and your own tools clear it",
        )
    stack = Action("remove", state.name, STACK, "with all that follows")
    gone = tuple(
        Action("remove", resource.physical_name or resource.name, resource.type)
        for resource in state.resources
        if resource.name not in _OF_BUCKET  # the policy stays, or goes, with the bucket
    )
    if not bucket:
        return (stack, *gone)
    if delete_data:
        empty, remove = plan_delete_bucket(bucket)
        return (empty, stack, *gone, remove)
    why = "your data; --delete-data deletes it too" if state.owns_bucket else "the stack did not make it"
    return (stack, *gone, Action("keep", bucket, BUCKET, why))


def plan_delete_bucket(bucket: str) -> tuple[Action, Action]:
    """What it takes to delete a bucket: first everything in it."""
    return (
        Action("empty", bucket, BUCKET, "every object and version of it, and unfinished uploads: for good"),
        Action("remove", bucket, BUCKET),
    )
