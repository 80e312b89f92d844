"""What the fake Greengrass keeps, and how it looks into moto's S3 and IoT."""

from __future__ import annotations

import itertools
import time
import urllib.error
import urllib.request
import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

from job_logs import RefusalError
from patience import PATIENCE_S
from s3_servers import FAKE_KEYS
from sites.server import Asked

if TYPE_CHECKING:
    from greengrass_components import ComponentVersion
    from greengrass_deployments import Deployment
    from greengrass_jobs import Fate, Job

ACCOUNT: Final = "123456789012"
PUBLIC: Final = {
    "aws.greengrass.Nucleus": ["2.12.0", "2.14.3", "2.16.0"], "aws.greengrass.NucleusLite": ["2.1.0", "2.3.0"],
    "aws.greengrass.Cli": ["2.14.3", "2.16.0"], "aws.greengrass.TokenExchangeService": ["2.0.3"],
    "aws.greengrass.LogManager": ["2.3.9"], "aws.greengrass.ShadowManager": ["2.3.9"],
    "aws.greengrass.clientdevices.Auth": ["2.5.3"], "aws.greengrass.clientdevices.mqtt.Moquette": ["2.3.7"],
    "aws.greengrass.clientdevices.mqtt.Bridge": ["2.3.2"], "aws.greengrass.clientdevices.IPDetector": ["2.2.1"],
    "aws.greengrass.TensorFlowLiteImageClassification": ["2.1.13"],
    "variant.TensorFlowLite.ImageClassification.ModelStore": ["2.1.12"],
}  # fmt: skip

NUMBERS: Final = itertools.count(1)
"""Things and groups of all tests have names of their own: moto is one for them all."""


@dataclass
class CoreDevice:
    """A device as it last told of itself.

    Attributes:
        roots: Target (``thinggroup/NAME``, ``thing/NAME``) → its components and their versions, as last applied.
        states: Component → lifecycle state, where it is not RUNNING.
        applied: Groups that it has once deployed with success; it is listed for them for ever.
        effective: Deployment → what the device says of it.
        clients: Things that may come to it as client devices, and since when.
    """

    name: str
    runtime: str
    architecture: str = "aarch64"
    platform: str = "linux"
    version: str = "2.16.0"
    status: str = "HEALTHY"
    seen: float = field(default_factory=time.time)
    tags: dict[str, str] = field(default_factory=dict)
    roots: dict[str, dict[str, str]] = field(default_factory=dict)
    states: dict[str, str] = field(default_factory=dict)
    applied: set[str] = field(default_factory=set)
    effective: dict[str, dict[str, Any]] = field(default_factory=dict)
    clients: dict[str, float] = field(default_factory=dict)


class World:
    """All state. ``region`` is that of the request being answered."""

    def __init__(self, aws_url: str) -> None:
        self.aws_url, self.region = aws_url, "us-east-1"
        self.component_steps: Sequence[str] = ("REQUESTED", "INITIATED", "DEPLOYABLE")
        self.components: dict[str, ComponentVersion] = {}
        self.deployments: dict[str, Deployment] = {}
        self.jobs: dict[str, Job] = {}
        self.devices: dict[str, CoreDevice] = {}
        self.fates: dict[str, Fate | Callable[[Deployment], Fate]] = {}
        self.public = {name: list(versions) for name, versions in PUBLIC.items()}
        self.service_role: tuple[str, str] | None = None
        self.virtual: dict[str, set[str]] = {}
        """Things that moto does not know: name → groups (a thousand of them would take moto seconds)."""
        self._tokens: dict[tuple[str, str], tuple[Mapping[str, Any], Any]] = {}
        self._clients: dict[tuple[str, str], Any] = {}
        self._members: dict[str, list[str]] = {}

    def client(self, service: str) -> Any:
        """A client of moto."""
        import boto3

        if (service, self.region) not in self._clients:
            self._clients[service, self.region] = boto3.client(
                service, endpoint_url=self.aws_url, region_name=self.region,
                aws_access_key_id=FAKE_KEYS["AWS_ACCESS_KEY_ID"],
                aws_secret_access_key=FAKE_KEYS["AWS_SECRET_ACCESS_KEY"],
            )  # fmt: skip
        return self._clients[service, self.region]

    def repeated(self, kind: str, given: Mapping[str, Any], act: Callable[[], Any]) -> Any:
        """What the same request with the same clientToken was answered before; else what it is answered now."""
        token = (kind, str(given.get("clientToken", uuid.uuid4())))
        if token in self._tokens and self._tokens[token][0] != given:
            raise RefusalError("ConflictException", "The clientToken was used with another request before.")
        if token not in self._tokens:
            self._tokens[token] = (given, act())
        return self._tokens[token][1]

    def read_object(self, uri: str) -> bytes | str:
        """An object of moto's S3 in this region, or what is wrong with it."""
        from botocore.exceptions import ClientError

        bucket, _, key = uri.removeprefix("s3://").partition("/")
        try:
            place = self.client("s3").get_bucket_location(Bucket=bucket)["LocationConstraint"] or "us-east-1"
            if place != self.region:
                return f"The bucket is in region {place}; artifacts must be in {self.region}."
            return bytes(self.client("s3").get_object(Bucket=bucket, Key=key)["Body"].read())
        except ClientError as error:
            return f"Artifact cannot be accessed: {error.response['Error']['Code']}"

    def thing_arn(self, name: str) -> str:
        """ARN of a thing."""
        return f"arn:aws:iot:{self.region}:{ACCOUNT}:thing/{name}"

    def group_arn(self, name: str) -> str:
        """ARN of a thing group."""
        return f"arn:aws:iot:{self.region}:{ACCOUNT}:thinggroup/{name}"

    def exists(self, kind: str, name: str) -> bool:
        """Whether a thing or a thing group exists."""
        from botocore.exceptions import ClientError

        if kind == "thing" and name in self.virtual:
            return True
        try:
            if kind == "thing":
                self.client("iot").describe_thing(thingName=name)
            else:
                self.client("iot").describe_thing_group(thingGroupName=name)
        except ClientError:
            return False
        return True

    def members(self, group: str) -> list[str]:
        """Things of a group, moto's and ours; none of a group that was deleted."""
        if not self.exists("group", group):
            return []
        if group not in self._members:
            pages = self.client("iot").get_paginator("list_things_in_thing_group").paginate(thingGroupName=group)
            known = [thing for each in pages for thing in each["things"]]
            ours = [name for name, groups in self.virtual.items() if group in groups]
            self._members[group] = [*known, *ours]
        return self._members[group]

    def changed(self) -> None:
        """Members of groups may be others now."""
        self._members.clear()

    def forward(self, asked: Asked) -> tuple[int, bytes, str]:
        """What moto answers: status, body, kind of error."""
        dropped = ("host", "content-length", "connection", "accept-encoding")
        passed = {key: value for key, value in asked.headers.items() if key not in dropped}
        query = f"?{asked.raw_query}" if asked.raw_query else ""
        request = urllib.request.Request(f"{self.aws_url}{asked.path}{query}", asked.body or None, passed)
        request.method = asked.method
        try:
            with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
                return answer.status, answer.read(), ""
        except urllib.error.HTTPError as error:
            with error:
                return error.code, error.read(), error.headers.get("x-amzn-ErrorType", "")
