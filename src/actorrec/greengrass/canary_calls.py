"""Requests that make thing groups and move things between them; every failure comes out as an error of ours."""

import time
from contextlib import AbstractContextManager
from typing import Any, Final

from actorrec.aws.failures import aws_errors, code_of
from actorrec.aws.session import AwsSession
from actorrec.errors import ConfigError, RemoteError

_LOOKS: Final = 20
"""How often to look whether a thing has left a group: IoT answers from copies that lag behind by seconds."""
_OWNER: Final = "actorrec-group"


class MemberCalls:
    """What is asked and ordered about members of thing groups.

    Args:
        aws: Makes the clients.
        poll_s: Between two looks at whether a thing has left a group.

    Every method raises ``ConfigError`` if credentials are missing, expired or refused, and ``RemoteError`` if AWS
    refuses or cannot be reached.
    """

    def __init__(self, aws: AwsSession, poll_s: float) -> None:
        self.aws, self._poll_s = aws, poll_s

    def refuse_dynamic(self, group: str) -> None:
        """Stop where members of a group follow a query.

        Raises:
            ConfigError: If so: nothing can be taken out of such a group.
        """
        with self._told(f"look at the thing group '{group}'", "iot:DescribeThingGroup"):
            found = self._iot.describe_thing_group(thingGroupName=group)
        if found.get("queryString"):
            raise ConfigError(
                f"'{group}' is a dynamic thing group: no device can be taken out of it for a trial",
                hint="a static group of the same devices can have a canary; without one, leave out --canary",
            )

    def ensure(self, name: str, group: str) -> str:
        """ARN of the thing group of that name, made if there is none; ``group`` is whom it serves.

        Raises:
            RemoteError: Also if there is one that somebody else made for something else.
        """
        from botocore.exceptions import ClientError

        properties = {
            "thingGroupDescription": f"Devices of {group} that try deployments first. Made by actorrec.",
            "attributePayload": {"attributes": {_OWNER: group}},
        }
        with self._told(f"make the thing group '{name}'", "iot:CreateThingGroup and iot:DescribeThingGroup"):
            try:
                found = self._iot.describe_thing_group(thingGroupName=name)
            except ClientError as error:
                if code_of(error) != "ResourceNotFoundException":
                    raise
                made = self._iot.create_thing_group(thingGroupName=name, thingGroupProperties=properties)
                return str(made["thingGroupArn"])
        attributes = found.get("thingGroupProperties", {}).get("attributePayload", {}).get("attributes", {})
        if attributes.get(_OWNER) != group:
            raise RemoteError(
                f"there is a thing group '{name}' that was not made for the canary of '{group}'",
                hint="give it another name, or delete it",
            )
        return str(found["thingGroupArn"])

    def groups_of(self, thing: str) -> frozenset[str]:
        """Names of the groups that a thing is in."""
        with self._told(f"ask which groups '{thing}' is in", "iot:ListThingGroupsForThing"):
            pages = self._iot.get_paginator("list_thing_groups_for_thing").paginate(thingName=thing)
            return frozenset(each["groupName"] for page in pages for each in page["thingGroups"])

    def add(self, group: str, thing: str) -> None:
        """Put a thing into a group; nothing happens if it is there."""
        with self._told(f"put '{thing}' into '{group}'", "iot:AddThingToThingGroup"):
            self._iot.add_thing_to_thing_group(thingGroupName=group, thingName=thing)

    def remove(self, group: str, thing: str) -> None:
        """Take a thing out of a group; nothing happens if it is not there."""
        with self._told(f"take '{thing}' out of '{group}'", "iot:RemoveThingFromThingGroup"):
            self._iot.remove_thing_from_thing_group(thingGroupName=group, thingName=thing)

    def move(self, thing: str, source: str, target: str) -> None:
        """Take a thing from one group to another, never seen in both; one that is in neither is only put in.

        Raises:
            RemoteError: If IoT still shows it in the first group after a while; it is in neither then, and the same
                call goes on from there.
        """
        if source in self.groups_of(thing):
            self.remove(source, thing)
            for look in range(_LOOKS):
                if source not in self.groups_of(thing):
                    break
                if look == _LOOKS - 1:
                    raise RemoteError(
                        f"'{thing}' still shows in '{source}' after it was taken out", hint="run it again: it goes on"
                    )
                time.sleep(self._poll_s)
        self.add(target, thing)

    @property
    def _iot(self) -> Any:
        return self.aws.client("iot")

    def _told(self, doing: str, needs: str) -> AbstractContextManager[None]:
        return aws_errors(doing, self.aws.place, needs)
