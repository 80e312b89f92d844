"""Requests about one stack of CloudFormation; every failure comes out as an error of ours."""

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Any, Final

from actorrec.aws.failures import aws_errors, code_of, reason_of
from actorrec.aws.session import AwsSession
from actorrec.cloud.state import StackResource, StackState, state_of

NEEDS: Final = "the permissions of infra/policy-create.json (docs/cloud.md)"


class StackCalls:
    """What is asked about one stack.

    Args:
        aws: Makes the clients.
        name: Of the stack.
    """

    def __init__(self, aws: AwsSession, name: str) -> None:
        self.aws, self.name = aws, name

    @property
    def client(self) -> Any:
        """The boto3 client of CloudFormation."""
        return self.aws.client("cloudformation")

    def told(self, doing: str) -> AbstractContextManager[None]:
        """Inside, what botocore raises becomes an error of ours."""
        return aws_errors(doing, self.aws.place, NEEDS)

    def state(self, stack_id: str = "") -> StackState | None:
        """The stack as it is; None if there is none.

        Args:
            stack_id: Finds a stack that was deleted; by default the one of that name.
        """
        from botocore.exceptions import ClientError

        with self.told(f"look at the stack '{self.name}'"):
            try:
                found = self.client.describe_stacks(StackName=stack_id or self.name)["Stacks"]
            except ClientError as error:
                if code_of(error) == "ValidationError" and "does not exist" in reason_of(error):
                    return None
                raise
            state = state_of(found[0])
            return state if not state.exists else state_of(found[0], tuple(self._resources(state.id)))

    def events(self, stack_id: str, known: set[str]) -> list[dict[str, Any]]:
        """Events that are not known, the oldest first; they are known afterwards."""
        fresh: dict[str, dict[str, Any]] = {}  # by id: what happens meanwhile moves events to the next page again
        with self.told(f"follow the stack '{self.name}'"):
            for page in self.client.get_paginator("describe_stack_events").paginate(StackName=stack_id):
                new = {event["EventId"]: event for event in page["StackEvents"] if event["EventId"] not in known}
                fresh |= new
                if len(new) < len(page["StackEvents"]):
                    break  # the newest come first: all that follows is known
        known.update(fresh)
        return list(fresh.values())[::-1]

    def _resources(self, stack_id: str) -> Iterator[StackResource]:
        for page in self.client.get_paginator("list_stack_resources").paginate(StackName=stack_id):
            for found in page["StackResourceSummaries"]:
                if found["ResourceStatus"] != "DELETE_COMPLETE":
                    yield StackResource(
                        found["LogicalResourceId"],
                        found["ResourceType"],
                        found.get("PhysicalResourceId", ""),
                        found["ResourceStatus"],
                    )
