"""A CloudFormation on loopback that tells a story: which moto cannot, for its stacks never fail."""

import itertools
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from sites.server import Asked, Reply, serve

STACK = "AWS::CloudFormation::Stack"
STACK_ID = "arn:aws:cloudformation:us-east-1:123456789012:stack/actorrec/0f0f"
CHANGE_SET_ID = "arn:aws:cloudformation:us-east-1:123456789012:changeSet/actorrec-1/0f0f"
PARAMETERS = {"ExistingBucket": "-", "ComponentPrefix": "components", "ThingGroupName": "pis"}
_numbers = itertools.count()


def event(resource: str, type: str, status: str, reason: str = "") -> dict[str, Any]:
    """An event of a resource."""
    return {
        "StackId": STACK_ID,
        "StackName": "actorrec",
        "EventId": f"event-{next(_numbers)}",
        "LogicalResourceId": resource,
        "PhysicalResourceId": STACK_ID if type == STACK else resource,
        "ResourceType": type,
        "ResourceStatus": status,
        "Timestamp": "2026-11-23T04:00:00Z",
        **({"ResourceStatusReason": reason} if reason else {}),
    }


def of_stack(status: str, reason: str = "") -> dict[str, Any]:
    """An event of the stack itself."""
    return event("actorrec", STACK, status, reason)


@dataclass
class Story:
    """What CloudFormation says.

    Attributes:
        status: Of the stack; None while there is none.
        reason: For it.
        parameters, outputs, resources: What the stack has.
        protected: Whether it may not be deleted.
        changes: What a change set would do.
        change_set: Its status and the reason for it.
        executed, deleted: What happens after the change set is carried out, or the stack deleted: each question for
            events tells one more group of them; the last event's status becomes the stack's.
        page_size: Of every list.
        thinking: So often a change set is still being worked out.
        refusals: Operation → code, message and HTTP status of its answer.
    """

    status: str | None = None
    reason: str = ""
    parameters: dict[str, str] = field(default_factory=lambda: dict(PARAMETERS))
    outputs: dict[str, str] = field(default_factory=dict)
    resources: list[dict[str, str]] = field(default_factory=list)
    protected: bool = False
    changes: list[dict[str, Any]] = field(default_factory=list)
    change_set: tuple[str, str] = ("CREATE_COMPLETE", "")
    executed: Sequence[Sequence[dict[str, Any]]] = ()
    deleted: Sequence[Sequence[dict[str, Any]]] = ()
    page_size: int = 2
    thinking: int = 0
    refusals: dict[str, tuple[str, str, int]] = field(default_factory=dict)
    told: list[dict[str, Any]] = field(default_factory=list)
    coming: list[Sequence[dict[str, Any]]] = field(default_factory=list)
    asked: list[str] = field(default_factory=list)
    url: str = ""

    def handle(self, asked: Asked) -> Reply:
        given = dict(parse_qsl(asked.body.decode(), keep_blank_values=True))
        operation = given["Action"]
        self.asked.append(operation)
        if operation in self.refusals:
            return _refused(*self.refusals[operation])
        if operation in ("DescribeStacks", "DescribeStackEvents") and self.status is None:
            return _refused("ValidationError", f"Stack with id {given['StackName']} does not exist", 400)
        return _answer(operation, getattr(self, f"_{operation}")(given))

    def _DescribeStacks(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        stack = {
            "StackId": STACK_ID,
            "StackName": "actorrec",
            "StackStatus": self.status,
            "CreationTime": "2026-11-23T04:00:00Z",
            "EnableTerminationProtection": str(self.protected).lower(),
            "Parameters": [{"ParameterKey": k, "ParameterValue": v} for k, v in self.parameters.items()],
            "Outputs": [{"OutputKey": k, "OutputValue": v} for k, v in self.outputs.items()],
        }
        return {"Stacks": [stack | ({"StackStatusReason": self.reason} if self.reason else {})]}

    def _DescribeStackEvents(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        if "NextToken" not in given and self.coming:
            group = self.coming.pop(0)
            self.told[:0] = group[::-1]  # the newest first
            self.status = next((e["ResourceStatus"] for e in group[::-1] if e["ResourceType"] == STACK), self.status)
        return self._page("StackEvents", self.told, given)

    def _ListStackResources(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        rows = [{"LastUpdatedTimestamp": "2026-11-23T04:00:00Z", **resource} for resource in self.resources]
        return self._page("StackResourceSummaries", rows, given)

    def _CreateChangeSet(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        self.status = self.status or "REVIEW_IN_PROGRESS"
        return {"Id": CHANGE_SET_ID, "StackId": STACK_ID}

    def _DescribeChangeSet(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        if self.thinking:
            self.thinking -= 1
            return {"Status": "CREATE_IN_PROGRESS"}
        status, reason = self.change_set
        changes = [{"Type": "Resource", "ResourceChange": change} for change in self.changes]
        return {"Status": status, "StatusReason": reason, **self._page("Changes", changes, given)}

    def _ExecuteChangeSet(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        assert given["RetainExceptOnCreate"] == "true"
        self.coming = list(self.executed)
        return {}

    def _DeleteChangeSet(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        return {}

    def _DeleteStack(self, given: dict[str, str]) -> dict[str, Any]:  # noqa: N802
        if self.status == "REVIEW_IN_PROGRESS":
            self.status = None
        self.coming = list(self.deleted)
        return {}

    def _page(self, name: str, rows: list[Any], given: dict[str, str]) -> dict[str, Any]:
        start = int(given.get("NextToken", "0"))
        end = start + self.page_size
        return {name: rows[start:end]} | ({"NextToken": str(end)} if end < len(rows) else {})


@contextmanager
def told(story: Story) -> Iterator[Story]:
    """The story, at an address."""
    with serve({"/": story.handle}) as site:
        story.url = site.url
        yield story


def _answer(operation: str, content: dict[str, Any]) -> Reply:
    inner = f"<{operation}Result>{_xml(content)}</{operation}Result>"
    return Reply(f"<{operation}Response>{inner}</{operation}Response>".encode(), content_type="text/xml")


def _refused(code: str, message: str, status: int) -> Reply:
    error = f"<Error><Type>Sender</Type><Code>{escape(code)}</Code><Message>{escape(message)}</Message></Error>"
    return Reply(f"<ErrorResponse>{error}</ErrorResponse>".encode(), status, "text/xml")


def _xml(value: Any) -> str:
    match value:
        case dict():
            return "".join(f"<{key}>{_xml(inner)}</{key}>" for key, inner in value.items())
        case list():
            return "".join(f"<member>{_xml(inner)}</member>" for inner in value)
        case _:
            return escape(str(value))
