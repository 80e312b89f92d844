"""Devices without Greengrass that talk to a broker on a core device: AWS's components for it, set up for our topics.

They are plug-ins of the Java nucleus: nucleus lite has nothing of the kind. A client device may read results and name
pictures to look at, on one topic each, and nothing else.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from actorrec.aws.failures import aws_errors, code_of
from actorrec.aws.session import AwsSession
from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.deploy_plan import Wanted
from actorrec.greengrass.group import GroupState, some_of
from actorrec.greengrass.names import component_arn, parse_version
from actorrec.manifests.events import REQUEST_SUBTOPIC

AUTH: Final = "aws.greengrass.clientdevices.Auth"
BROKER: Final = "aws.greengrass.clientdevices.mqtt.Moquette"
OTHER_BROKER: Final = "aws.greengrass.clientdevices.mqtt.EMQX"
BRIDGE: Final = "aws.greengrass.clientdevices.mqtt.Bridge"
IP_DETECTOR: Final = "aws.greengrass.clientdevices.IPDetector"
_PORT: Final = "8883"  # of MQTT over TLS; texts, as numbers may come back from a device as others
_OURS: Final = "actorrec"
_THING: Final = re.compile(r"[a-zA-Z0-9_-]{1,127}\*?|\*")
_FORMAT: Final = "2021-03-05"  # of Auth's device groups; the only one there is


def client_device_components(
    topic: str, versions: Mapping[str, str], things: Sequence[str] = ("*",)
) -> dict[str, Wanted]:
    """AWS's components with what they need to know of our topics; what others set up in them stays.

    Args:
        topic: Of the results.
        versions: Of each component that is wanted.
        things: Client devices that may connect: names, each may end in ``*``. They must also be associated with the
            core device, by hand or by an application of yours: without that, none of them can connect.

    Raises:
        ConfigError: If a name cannot be one.
    """
    merges: dict[str, dict[str, Any]] = {
        AUTH: {"deviceGroups": _device_groups(topic, things)},
        BROKER: {"moquette": {"ssl_port": _PORT}},
        BRIDGE: {"mqttTopicMapping": _mapping(topic)},
        IP_DETECTOR: {"defaultPort": _PORT},
    }
    return {name: Wanted(versions[name], merge=merge) for name, merge in merges.items() if name in versions}


def wanted_components(state: GroupState) -> tuple[str, ...]:
    """Which of AWS's components a group needs: a broker that is there already serves.

    Raises:
        ConfigError: If devices of the group cannot have client devices.
    """
    if state.lite:
        names = some_of([device.name for device in state.lite])
        raise ConfigError(
            f"devices with nucleus lite cannot have client devices, and '{state.name}' has some: {names}",
            hint="put devices with the Java nucleus into a group of their own; those with nucleus lite can talk to "
            "a broker of your own instead (docs/edge.md)",
        )
    brokers = () if OTHER_BROKER in state.components else (BROKER,)
    return (AUTH, *brokers, BRIDGE, IP_DETECTOR)


def choose_versions(
    names: Iterable[str], given: Mapping[str, str], state: GroupState, newest: Mapping[str, str]
) -> dict[str, str]:
    """Which version of each: the one asked for, else the one that the group has, else the newest.

    Raises:
        ConfigError: If a version is given for what is not deployed, or is none.
        RemoteError: If the region has no such component.
    """
    wanted = tuple(names)
    for name, version in given.items():
        if name not in wanted or parse_version(version) is None:
            raise ConfigError(
                f"{name}={version} is no version of a component for client devices",
                hint=f"NAME=X.Y.Z with one of {', '.join(wanted)}",
            )
    present = {name: component.version for name, component in state.components.items()}
    found = {name: given.get(name) or present.get(name) or newest.get(name, "") for name in wanted}
    if missing := [name for name, version in found.items() if not version]:
        raise RemoteError(
            f"AWS offers no {some_of(missing)} in this region",
            hint="aws.region names another; without client devices, leave the option out",
        )
    return found


def newest_public_versions(aws: AwsSession, names: Iterable[str]) -> dict[str, str]:
    """The newest version of each of AWS's own components that this region has; others are left out.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    found = {}
    for name in names:
        numbers = [each for version in _versions(aws, name) if (each := parse_version(version)) is not None]
        if numbers:
            found[name] = ".".join(map(str, max(numbers)))
    return found


def notes_of_client_devices(topic: str, state: GroupState) -> tuple[str, ...]:
    """What people should know before they agree."""
    unseen = (f"{len(state.unseen)} things never reported: one with nucleus lite would fail",) if state.unseen else ()
    return (
        f"client devices may read {topic} and write {topic}/{REQUEST_SUBTOPIC}, and nothing else",
        "the nucleus restarts once on every device that did not have these components",
        "each client device must be associated with its core device (docs/edge.md)",
        *unseen,
    )


def _device_groups(topic: str, things: Sequence[str]) -> dict[str, Any]:
    for thing in things:
        if not _THING.fullmatch(thing):
            raise ConfigError(f"{thing!r} names no client devices", hint="a thing's name, or its beginning and *")
    rule = " OR ".join(f"thingName: {thing}" for thing in things)
    policy = {
        # A broker checks the certificate against the thing; which client id it takes beyond that harms nobody.
        "connect": _statement("Connect.", "mqtt:connect", "*"),
        "results": _statement("Read results.", "mqtt:subscribe", f"mqtt:topicfilter:{topic}"),
        "request": _statement("Name pictures.", "mqtt:publish", f"mqtt:topic:{topic}/{REQUEST_SUBTOPIC}"),
    }
    return {
        "formatVersion": _FORMAT,
        "definitions": {_OURS: {"selectionRule": rule, "policyName": _OURS}},
        "policies": {_OURS: policy},
    }


def _statement(description: str, operation: str, resource: str) -> dict[str, Any]:
    return {"statementDescription": description, "operations": [operation], "resources": [resource]}


def _mapping(topic: str) -> dict[str, dict[str, str]]:
    """Results of this device alone go to its broker; those of others, at IoT Core, do not come back down."""
    request = f"{topic}/{REQUEST_SUBTOPIC}"
    return {
        f"{_OURS}-results": {"topic": topic, "source": "Pubsub", "target": "LocalMqtt"},
        f"{_OURS}-request": {"topic": request, "source": "LocalMqtt", "target": "Pubsub"},
    }


def _versions(aws: AwsSession, name: str) -> list[str]:
    from botocore.exceptions import ClientError

    with aws_errors(f"list the versions of {name}", aws.place, "greengrass:ListComponentVersions"):
        client = aws.client("greengrassv2")
        partition = client.meta.partition
        arn = component_arn(client.meta.region_name, "aws", name, partition=partition)
        try:
            pages = client.get_paginator("list_component_versions").paginate(
                arn=arn, PaginationConfig={"PageSize": 100}
            )
            return [each["componentVersion"] for page in pages for each in page.get("componentVersions", ())]
        except ClientError as error:
            if code_of(error) != "ResourceNotFoundException":
                raise
            return []
