"""Devices that still use a stack."""

from collections.abc import Iterator
from typing import Any

from actorrec.aws.failures import aws_errors, code_of
from actorrec.aws.session import AwsSession
from actorrec.cloud.state import StackState
from actorrec.errors import RemoteError


def refuse_while_used(aws: AwsSession, state: StackState) -> None:
    """Stop before anything is deleted while devices hold certificates with a policy of the stack.

    Raises:
        RemoteError: If so; AWS would refuse in the middle.
    """
    for output in ("DevicePolicy", "ClientsPolicy"):
        if policy := state.outputs.get(output, ""):
            _refuse_while_held(aws, policy, state.outputs.get("ThingGroup", ""))


def _refuse_while_held(aws: AwsSession, policy: str, group: str) -> None:
    needs = "iot:ListTargetsForPolicy and iot:ListThingsInThingGroup"
    with aws_errors("look for devices of the stack", aws.place, needs):
        client = aws.client("iot")
        targets = _targets(client, policy)
        things = list(_things(client, group)) if targets else []
    if targets:
        who = f" ({', '.join(things[:5])}{', …' if len(things) > 5 else ''})" if things else ""
        raise RemoteError(
            f"{len(targets)} certificate(s) of devices still have the policy '{policy}'{who}",
            hint=f"take it from each first: aws iot detach-policy --policy-name {policy} --target {targets[0]}",
        )


def _targets(client: Any, policy: str) -> list[str]:
    from botocore.exceptions import ClientError

    found: list[str] = []
    more: dict[str, str] = {}
    while True:
        try:
            answer = client.list_targets_for_policy(policyName=policy, **more)
        except ClientError as error:
            if code_of(error) == "ResourceNotFoundException":
                return []
            raise
        found += answer.get("targets", ())
        if not answer.get("nextMarker"):
            return found
        more = {"marker": answer["nextMarker"]}


def _things(client: Any, group: str) -> Iterator[str]:
    from botocore.exceptions import ClientError

    try:
        for page in client.get_paginator("list_things_in_thing_group").paginate(thingGroupName=group):
            yield from page.get("things", ())
    except ClientError as error:
        if code_of(error) != "ResourceNotFoundException":
            raise
