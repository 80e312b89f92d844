"""What CloudFormation says of a stack."""

import re
from dataclasses import dataclass
from typing import Any, Final

from actorrec.aws.scrub import scrubbed
from actorrec.cloud.settings import NO_BUCKET
from actorrec.errors import RemoteError

IN_REVIEW: Final = "REVIEW_IN_PROGRESS"
"""A change set was made for a stack that does not exist yet, and was not carried out."""
_LEFTOVER: Final = frozenset({"ROLLBACK_COMPLETE", "ROLLBACK_FAILED", "CREATE_FAILED", "DELETE_FAILED"})
_SOUND: Final = frozenset(
    {"CREATE_COMPLETE", "UPDATE_COMPLETE", "UPDATE_ROLLBACK_COMPLETE", "IMPORT_COMPLETE", "IMPORT_ROLLBACK_COMPLETE"}
)
_OURS: Final = frozenset({"ExistingBucket", "ComponentPrefix", "ThingGroupName"})
_ACCOUNT: Final = 4
"""Which part of an ARN is the account."""
_SHAPES: Final = {
    "BucketName": re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]"),
    "RoleArn": re.compile(r"arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+"),
}


@dataclass(frozen=True, slots=True)
class StackResource:
    """A resource that exists.

    Attributes:
        name: In the template.
        physical_name: In the account; may be empty.
    """

    name: str
    type: str
    physical_name: str
    status: str


@dataclass(frozen=True, slots=True)
class StackState:
    """A stack.

    Attributes:
        id: Its ARN, which also finds it after it was deleted.
        status: As CloudFormation calls it.
        reason: For the status, fit to be shown; may be empty.
        protected: Whether it may not be deleted.
    """

    name: str
    id: str
    status: str
    reason: str
    protected: bool
    parameters: dict[str, str]
    outputs: dict[str, str]
    resources: tuple[StackResource, ...] = ()

    @property
    def busy(self) -> bool:
        """Whether something is being changed right now."""
        return self.status.endswith("_IN_PROGRESS") and self.status != IN_REVIEW

    @property
    def exists(self) -> bool:
        """Whether there is more than the wish for a stack."""
        return self.status not in (IN_REVIEW, "DELETE_COMPLETE")

    @property
    def leftover(self) -> bool:
        """Whether nothing but deleting it helps."""
        return self.status in _LEFTOVER

    @property
    def sound(self) -> bool:
        """Whether it may be used and updated."""
        return self.status in _SOUND

    @property
    def foreign(self) -> bool:
        """Whether it was made from another template than ours."""
        return self.exists and not self.parameters.keys() >= _OURS

    @property
    def owns_bucket(self) -> bool:
        """Whether the stack made its bucket."""
        return self.parameters.get("ExistingBucket", NO_BUCKET) == NO_BUCKET

    @property
    def bucket(self) -> str:
        """Name of the bucket; empty where none was made yet."""
        physical = next((r.physical_name for r in self.resources if r.name == "Bucket"), "")
        return self.outputs.get("BucketName") or physical

    def output(self, key: str) -> str:
        """What goes into a configuration.

        Raises:
            RemoteError: If the stack does not say, or says what cannot be.
        """
        value = self.outputs.get(key, "")
        if not _SHAPES[key].fullmatch(value):
            hint = f"is '{self.name}' a stack of actorrec? cloud.stack names another"
            raise RemoteError(f"the stack '{self.name}' has no usable output {key}", hint=hint)
        return value


def _of_resources(stack_id: str, resources: tuple[StackResource, ...]) -> dict[str, str]:
    """Outputs as the resources tell them: a stack that is not done, or a server that imitates AWS, has none itself."""
    named = {resource.name: resource.physical_name for resource in resources if resource.physical_name}
    found = {"BucketName": named["Bucket"]} if "Bucket" in named else {}
    parts = stack_id.split(":")  # arn:PARTITION:cloudformation:REGION:ACCOUNT:stack/NAME/ID
    if "SageMakerRole" in named and len(parts) > _ACCOUNT:
        found["RoleArn"] = f"arn:{parts[1]}:iam::{parts[_ACCOUNT]}:role/{named['SageMakerRole']}"
    return found


def state_of(stack: dict[str, Any], resources: tuple[StackResource, ...] = ()) -> StackState:
    """From an answer of ``describe_stacks``."""
    stack_id = stack.get("StackId", stack["StackName"])
    told = {o["OutputKey"]: o.get("OutputValue", "") for o in stack.get("Outputs", ())}
    return StackState(
        name=stack["StackName"],
        id=stack_id,
        status=stack["StackStatus"],
        reason=scrubbed(stack.get("StackStatusReason", "")),
        protected=bool(stack.get("EnableTerminationProtection", False)),
        parameters={p["ParameterKey"]: p.get("ParameterValue", "") for p in stack.get("Parameters", ())},
        outputs=_of_resources(stack_id, resources) | told,
        resources=resources,
    )
