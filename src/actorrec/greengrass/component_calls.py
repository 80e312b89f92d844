"""Requests about components of Greengrass; every failure comes out as an error of ours."""

import json
import time
from collections.abc import Iterable, Iterator, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.aws.failures import aws_errors, code_of, reason_of
from actorrec.aws.scrub import scrubbed
from actorrec.aws.service_failures import quoted
from actorrec.aws.session import AwsSession
from actorrec.errors import RemoteError
from actorrec.greengrass.names import component_arn
from actorrec.progress import Progress

DEPLOYABLE: Final = "DEPLOYABLE"
NEEDS: Final = (
    "greengrass:CreateComponentVersion, greengrass:DescribeComponent, greengrass:GetComponent, "
    "greengrass:ListComponentVersions, greengrass:TagResource, and s3:GetObject on the artifacts"
)
PATIENCE_S: Final = 600.0
"""For how long a version may be in the making; the service takes seconds."""
_ASKERS: Final = 8
_NOT_THERE: Final = "ResourceNotFoundException"
_REFUSED: Final = {
    "ValidationException": "nothing was made; is every file that the recipe names in S3, in this region?",
    "ServiceQuotaExceededException": "ask for more in the console (Service Quotas, AWS IoT Greengrass), "
    "or delete versions that no device needs (aws greengrassv2 delete-component)",
}
_TAKEN: Final = frozenset({"ConflictException", "RequestAlreadyInProgressException"})


@dataclass(frozen=True, slots=True)
class Account:
    """Whose components they are.

    Attributes:
        partition: ``aws``, or that of a region set apart.
    """

    id: str
    region: str
    partition: str = "aws"

    def arn(self, name: str, version: str | None = None) -> str:
        """ARN of a private component, or of one version of it."""
        return component_arn(self.region, self.id, name, version, self.partition)


@dataclass(frozen=True, slots=True)
class VersionState:
    """A version of a component at one moment.

    Attributes:
        state: ``REQUESTED``, ``INITIATED``, ``DEPLOYABLE``, ``FAILED`` or ``DEPRECATED``.
        reason: The service's words to that, fit to be shown; may be empty.
    """

    arn: str
    name: str
    version: str
    state: str
    reason: str
    tags: Mapping[str, str]


class ComponentCalls:
    """What is asked about components.

    Args:
        aws: Makes the clients.
        poll_s: Between two questions about a version in the making.
    """

    def __init__(self, aws: AwsSession, poll_s: float) -> None:
        self.aws, self._poll_s = aws, poll_s

    @cached_property
    def account(self) -> Account:
        """Of whoever is signed in, in the region that is set."""
        with self._told("ask who is signed in", "sts:GetCallerIdentity"):
            who = self.aws.client("sts").get_caller_identity()
        region = self.aws.client("greengrassv2").meta.region_name
        return Account(str(who["Account"]), str(region), str(who["Arn"]).split(":")[1])

    def versions(self, name: str) -> list[str]:
        """Every version of a private component, in no order; none where there is no such component."""
        from botocore.exceptions import ClientError

        found: list[str] = []
        asked: dict[str, Any] = {"arn": self.account.arn(name), "maxResults": 100}
        with self._told(f"list the versions of {name}"):
            try:
                while True:
                    answer = self._client.list_component_versions(**asked)
                    found += [each["componentVersion"] for each in answer.get("componentVersions", ())]
                    if not answer.get("nextToken"):
                        return found
                    asked["nextToken"] = answer["nextToken"]
            except ClientError as error:
                if code_of(error) == _NOT_THERE:
                    return []
                raise

    def describe(self, name: str, version: str) -> VersionState | None:
        """A version; None where there is none."""
        from botocore.exceptions import ClientError

        with self._told(f"look at {name} {version}"):
            try:
                return _state(self._client.describe_component(arn=self.account.arn(name, version)))
            except ClientError as error:
                if code_of(error) == _NOT_THERE:
                    return None
                raise

    def describe_all(self, name: str, versions: Iterable[str]) -> Iterator[VersionState]:
        """Versions in the order given, several asked about at a time; those that are gone meanwhile are left out."""
        found = in_parallel(lambda version: self.describe(name, version), versions, _ASKERS)
        return (state for state in found if state is not None)

    def recipe(self, name: str, version: str) -> dict[str, Any] | None:
        """The recipe as the service keeps it, with the digests that it filled in; None where there is no such version.

        Raises:
            RemoteError: If it is none.
        """
        from botocore.exceptions import ClientError

        with self._told(f"read the recipe of {name} {version}"):
            try:
                answer = self._client.get_component(arn=self.account.arn(name, version), recipeOutputFormat="JSON")
            except ClientError as error:
                if code_of(error) == _NOT_THERE:
                    return None
                raise
        try:
            found = json.loads(answer["recipe"])
        except ValueError:
            found = None
        if not isinstance(found, dict):
            raise RemoteError(f"the recipe that Greengrass keeps of {name} {version} is none", hint="run it again")
        return found

    def create(self, name: str, version: str, recipe: bytes, tags: Mapping[str, str], token: str) -> bool:
        """Ask for a version to be made.

        Args:
            name: Of the component, for messages.
            version: Likewise.
            recipe: JSON or YAML.
            tags: Of the version.
            token: The same request with the same token makes nothing twice.

        Returns:
            Whether it was accepted; False if there is one of that number, or somebody makes it at this moment.

        Raises:
            RemoteError: If the service refuses it, with its reason.
        """
        from botocore.exceptions import ClientError

        with self._told(f"create {name} {version}"):
            try:
                self._client.create_component_version(inlineRecipe=recipe, tags=dict(tags), clientToken=token)
            except ClientError as error:
                if code_of(error) in _TAKEN:
                    return False
                if code_of(error) in _REFUSED:
                    raise _refused(f"{name} {version}", error) from None
                raise
        return True

    def wait(self, name: str, version: str, progress: Progress, patience_s: float = PATIENCE_S) -> VersionState:
        """Wait until a version can be deployed.

        Raises:
            RemoteError: If it came to nothing, with the service's reason, or takes too long.
        """
        started = time.monotonic()
        with progress.step(f"waiting for {name} {version}", None, "questions") as step:
            while True:
                state = self.describe(name, version)
                if state is not None and state.state == DEPLOYABLE:
                    return state
                if state is not None and state.state in ("FAILED", "DEPRECATED"):
                    raise failure(state)
                if time.monotonic() - started > patience_s:
                    now = state.state if state is not None else "not to be seen yet"
                    raise RemoteError(
                        f"{name} {version} is still {now} after {patience_s:.0f} s",
                        hint="run it again: it goes on waiting for the same version",
                    )
                time.sleep(self._poll_s)
                step.advance()

    @property
    def _client(self) -> Any:
        return self.aws.client("greengrassv2")

    def _told(self, doing: str, needs: str = NEEDS) -> AbstractContextManager[None]:
        return aws_errors(doing, self.aws.place, needs)


def _refused(what: str, error: Exception) -> RemoteError:
    return RemoteError(
        f"cannot create {what}: Greengrass refuses it: {quoted(reason_of(error))}", hint=_REFUSED[code_of(error)]
    )


def failure(state: VersionState) -> RemoteError:
    """The error for a version that came to nothing."""
    why = state.reason or "Greengrass gives no reason"
    return RemoteError(
        f"{state.name} {state.version} is {state.state}: {why}",
        hint="nothing can be deployed of it; after a remedy, run it again: the next version is made",
    )


def _state(answer: Mapping[str, Any]) -> VersionState:
    status = answer.get("status", {})
    message = status.get("message", "")
    errors = "; ".join(f"{code}: {text}" for code, text in status.get("errors", {}).items())
    return VersionState(
        arn=answer["arn"],
        name=answer["componentName"],
        version=answer["componentVersion"],
        state=status.get("componentState", ""),
        reason=scrubbed(" ".join(part for part in (message, errors) if part not in ("", "NONE"))),
        tags=answer.get("tags", {}),
    )
