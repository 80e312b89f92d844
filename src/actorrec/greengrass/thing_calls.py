"""Requests about things, their certificates and their groups; every failure comes out as an error of ours."""

import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any, Final, Literal

from actorrec.aws.failures import aws_errors, code_of, reason_of, unless_missing
from actorrec.aws.session import AwsSession

Endpoint = Literal["iot:Data-ATS", "iot:CredentialProvider"]
_ATTACHED_STILL: Final = frozenset({"DeleteConflictException", "InvalidRequestException"})
_TRIES: Final = 5
_PAUSE_S: Final = 1.0
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException"})


@dataclass(frozen=True, slots=True)
class NewCertificate:
    """A certificate that was just made. The service never tells the private key again.

    Attributes:
        id: 64 hex digits.
        pem: The certificate.
        private_key: PEM; a secret, which no message, log or ``repr`` may hold.
        public_key: PEM.
    """

    id: str
    arn: str
    pem: str
    public_key: str
    private_key: str = field(repr=False)


class ThingCalls:
    """What is asked and ordered about things.

    Args:
        aws: Makes the clients.

    Every method raises ``ConfigError`` if credentials are missing, expired or refused, and ``RemoteError`` if AWS
    refuses or cannot be reached; both name the permissions that it takes.
    """

    def __init__(self, aws: AwsSession) -> None:
        self.aws = aws

    @property
    def region(self) -> str:
        """Where things are made."""
        return str(self._iot.meta.region_name)

    # What is there

    def thing(self, name: str) -> bool:
        """Whether there is a thing of that name."""
        with self._told(f"look at the thing '{name}'", "iot:DescribeThing"):
            return unless_missing(lambda: self._iot.describe_thing(thingName=name)) is not None

    def certificates(self, thing: str) -> tuple[str, ...]:
        """ARNs of the certificates of a thing; none if there is no such thing."""
        with self._told(f"look for certificates of '{thing}'", "iot:ListThingPrincipals"):
            pages = self._iot.get_paginator("list_thing_principals").paginate(thingName=thing)
            found = unless_missing(lambda: [each for page in pages for each in page["principals"]])
        return tuple(each for each in found or () if ":cert/" in each)

    def groups(self, thing: str) -> tuple[str, ...]:
        """Names of the thing groups that a thing is in; none if there is no such thing."""
        with self._told(f"ask for the thing groups of '{thing}'", "iot:ListThingGroupsForThing"):
            pages = self._iot.get_paginator("list_thing_groups_for_thing").paginate(thingName=thing)
            found = unless_missing(lambda: [each["groupName"] for page in pages for each in page["thingGroups"]])
        return tuple(found or ())

    def group(self, name: str) -> Literal["static", "dynamic"] | None:
        """What kind of thing group it is; None if there is none of that name."""
        with self._told(f"look at the thing group '{name}'", "iot:DescribeThingGroup"):
            found = unless_missing(lambda: self._iot.describe_thing_group(thingGroupName=name))
        if found is None:
            return None
        return "dynamic" if found.get("queryString") else "static"

    def policy(self, name: str) -> bool:
        """Whether there is a policy of that name."""
        with self._told(f"look at the policy '{name}'", "iot:GetPolicy"):
            return unless_missing(lambda: self._iot.get_policy(policyName=name)) is not None

    def policies(self, certificate_arn: str) -> tuple[str, ...]:
        """Names of the policies that a certificate has; none if there is no such certificate."""
        with self._told("look at the policies of a certificate", "iot:ListAttachedPolicies"):
            pages = self._iot.get_paginator("list_attached_policies").paginate(target=certificate_arn)
            found = unless_missing(lambda: [each["policyName"] for page in pages for each in page["policies"]])
        return tuple(found or ())

    def role_alias(self, name: str) -> bool:
        """Whether there is a role alias of that name."""
        with self._told(f"look at the role alias '{name}'", "iot:DescribeRoleAlias"):
            return unless_missing(lambda: self._iot.describe_role_alias(roleAlias=name)) is not None

    def endpoint(self, kind: Endpoint) -> str:
        """Host that devices of the account speak to."""
        with self._told("ask where devices connect to", "iot:DescribeEndpoint"):
            return str(self._iot.describe_endpoint(endpointType=kind)["endpointAddress"])

    def certificate_status(self, certificate_id: str) -> str | None:
        """``ACTIVE``, ``INACTIVE``, …; None if there is no such certificate."""
        with self._told("look at a certificate", "iot:DescribeCertificate"):
            found = unless_missing(lambda: self._iot.describe_certificate(certificateId=certificate_id))
        return None if found is None else str(found["certificateDescription"]["status"])

    def stack_outputs(self, stack: str) -> Mapping[str, str]:
        """What a stack says of itself; nothing if there is none, or it may not be looked at."""
        from botocore.exceptions import ClientError

        with self._told(f"look at the stack '{stack}'", "cloudformation:DescribeStacks"):
            try:
                (found,) = self.aws.client("cloudformation").describe_stacks(StackName=stack)["Stacks"]
            except ClientError as error:
                if not _no_stack(error):
                    raise
                return {}
        return {each["OutputKey"]: each.get("OutputValue", "") for each in found.get("Outputs", ())}

    # What is made

    def create_thing(self, name: str) -> None:
        """Make a thing; one that is there already stays as it is."""
        with self._told(f"make the thing '{name}'", "iot:CreateThing"):
            self._iot.create_thing(thingName=name)

    def create_certificate(self) -> NewCertificate:
        """Make a certificate that opens nothing yet."""
        with self._told("make a certificate", "iot:CreateKeysAndCertificate"):
            made = self._iot.create_keys_and_certificate(setAsActive=False)
        keys = made["keyPair"]
        return NewCertificate(
            id=made["certificateId"],
            arn=made["certificateArn"],
            pem=made["certificatePem"],
            public_key=keys["PublicKey"],
            private_key=keys["PrivateKey"],
        )

    def attach_policy(self, policy: str, certificate_arn: str) -> None:
        """Let a certificate do what a policy says."""
        with self._told(f"attach the policy '{policy}'", "iot:AttachPolicy"):
            self._iot.attach_policy(policyName=policy, target=certificate_arn)

    def attach_certificate(self, thing: str, certificate_arn: str) -> None:
        """Make a certificate that of one thing alone.

        Only so does AWS know the thing by its certificate, whatever client id it connects with: a nucleus opens
        further connections as THING#2, for which the policy's variables would stand for nothing otherwise.
        """
        with self._told(f"give '{thing}' its certificate", "iot:AttachThingPrincipal"):
            self._iot.attach_thing_principal(
                thingName=thing, principal=certificate_arn, thingPrincipalType="EXCLUSIVE_THING"
            )

    def join(self, thing: str, group: str) -> None:
        """Put a thing into a group."""
        with self._told(f"put '{thing}' into '{group}'", "iot:AddThingToThingGroup"):
            self._iot.add_thing_to_thing_group(thingName=thing, thingGroupName=group)

    def activate(self, certificate_id: str) -> None:
        """Let a certificate be used."""
        with self._told("activate the certificate", "iot:UpdateCertificate"):
            self._iot.update_certificate(certificateId=certificate_id, newStatus="ACTIVE")

    # What is taken back; each does nothing where there is nothing to take back

    def leave(self, thing: str, group: str) -> None:
        """Take a thing out of a group."""
        self._taken_back(
            f"take '{thing}' out of '{group}'", "iot:RemoveThingFromThingGroup",
            lambda: self._iot.remove_thing_from_thing_group(thingName=thing, thingGroupName=group),
        )  # fmt: skip

    def detach_certificate(self, thing: str, certificate_arn: str) -> None:
        """Take a certificate from a thing."""
        self._taken_back(
            f"take the certificate from '{thing}'", "iot:DetachThingPrincipal",
            lambda: self._iot.detach_thing_principal(thingName=thing, principal=certificate_arn),
        )  # fmt: skip

    def detach_policy(self, policy: str, certificate_arn: str) -> None:
        """Take a policy from a certificate."""
        self._taken_back(
            f"take the policy '{policy}' from a certificate", "iot:DetachPolicy",
            lambda: self._iot.detach_policy(policyName=policy, target=certificate_arn),
        )  # fmt: skip

    def delete_certificate(self, certificate_id: str) -> None:
        """Deactivate a certificate and delete it."""

        def delete() -> None:
            self._iot.update_certificate(certificateId=certificate_id, newStatus="INACTIVE")
            self._iot.delete_certificate(certificateId=certificate_id, forceDelete=True)

        self._taken_back("delete a certificate", "iot:UpdateCertificate and iot:DeleteCertificate", delete)

    def delete_thing(self, name: str) -> None:
        """Delete a thing."""
        self._taken_back(
            f"delete the thing '{name}'", "iot:DeleteThing", lambda: self._iot.delete_thing(thingName=name)
        )

    @property
    def _iot(self) -> Any:
        return self.aws.client("iot")

    def _told(self, doing: str, needs: str) -> AbstractContextManager[None]:
        return aws_errors(doing, self.aws.place, needs)

    def _taken_back(self, doing: str, needs: str, act: Callable[[], object]) -> None:
        with self._told(doing, needs):
            _patiently(lambda: unless_missing(act))


def _patiently(act: Callable[[], object]) -> None:
    """What was detached a moment ago may still count as attached for seconds."""
    from botocore.exceptions import ClientError

    for again in range(_TRIES):
        try:
            act()
            return
        except ClientError as error:
            if code_of(error) not in _ATTACHED_STILL or again == _TRIES - 1:
                raise
        time.sleep(_PAUSE_S)


def _no_stack(error: Exception) -> bool:
    code = code_of(error)
    return code in _DENIED or (code == "ValidationError" and "does not exist" in reason_of(error))
