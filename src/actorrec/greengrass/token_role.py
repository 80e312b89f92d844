"""Whether the role that devices exchange their certificates for may read what they are to fetch."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actorrec.aws.failures import aws_errors, code_of, status_of
from actorrec.aws.session import AwsSession
from actorrec.errors import RemoteError

_SERVICE: Final = "credentials.iot.amazonaws.com"
_READ: Final = "s3:GetObject"
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "UnauthorizedException", "ForbiddenException"})
_MISSING: Final = frozenset({"ResourceNotFoundException", "NoSuchEntity"})
_NEEDS: Final = (
    "iot:DescribeRoleAlias, iam:GetRole, iam:ListRolePolicies, iam:GetRolePolicy, iam:ListAttachedRolePolicies, "
    "iam:GetPolicy and iam:GetPolicyVersion"
)


@dataclass(frozen=True, slots=True)
class RoleRights:
    """What a role may do.

    Attributes:
        name: Of it.
        trusted: Whether devices may take it on.
        statements: Of all its policies.
    """

    name: str
    trusted: bool
    statements: tuple[Mapping[str, Any], ...]

    def may_read(self, resource: str) -> bool:
        """Whether it may read an object, by its own policies; conditions are taken to hold."""
        effects = {s["Effect"] for s in self.statements if _applies(s, _READ, resource)}
        # A denial with a condition (no TLS, say) need not hold for a device.
        denied = any(
            s["Effect"] == "Deny" and not s.get("Condition") and _applies(s, _READ, resource) for s in self.statements
        )
        return "Allow" in effects and not denied


def check_token_role(aws: AwsSession, alias: str, uris: Sequence[str]) -> str:
    """Look whether devices may read what a deployment lets them fetch.

    Args:
        aws: Makes the clients.
        alias: Of the role, as devices name it.
        uris: ``s3://bucket/key`` of artifacts.

    Returns:
        What could not be looked at, in a line for people; empty if all is well.

    Raises:
        RemoteError: If the role exists, and devices may not take it on or it may not read one of the artifacts.
    """
    from botocore.exceptions import ClientError

    with aws_errors("look at the role of the devices", aws.place, _NEEDS):
        try:
            rights = _rights(aws, alias)
        except ClientError as error:
            lack = _lack(error)
            if not lack:
                raise
            return f"whether devices may read the artifacts is not known: role alias '{alias}', {lack} (needs {_NEEDS})"
    if not rights.trusted:
        raise RemoteError(
            f"devices may not take on the role {rights.name}: it does not trust {_SERVICE}",
            hint="`actorrec cloud init` makes one that does; its alias is what devices are provisioned with",
        )
    for uri in uris:
        resource = f"arn:aws:s3:::{uri.removeprefix('s3://')}"
        if not rights.may_read(resource):
            raise RemoteError(
                f"the devices' role {rights.name} may not read {uri}; nothing was deployed",
                hint=f"`actorrec cloud init` brings it up to date; or allow it {_READ} on "
                f"{resource.rpartition('/')[0]}/*",
            )
    return ""


def _lack(error: Exception) -> str:
    """Why nothing is known about the role; empty for a failure that says nothing about it."""
    if status_of(error) in (401, 403) or code_of(error) in _DENIED:
        return "you may not look at it"
    return "it is not there" if code_of(error) in _MISSING else ""


def _rights(aws: AwsSession, alias: str) -> RoleRights:
    arn = aws.client("iot").describe_role_alias(roleAlias=alias)["roleAliasDescription"]["roleArn"]
    name = str(arn).rpartition("/")[2]
    iam = aws.client("iam")
    trust = iam.get_role(RoleName=name)["Role"]["AssumeRolePolicyDocument"]
    statements = [statement for document in _documents(iam, name) for statement in _listed(document.get("Statement"))]
    return RoleRights(name, _trusts(_listed(trust.get("Statement"))), tuple(statements))


def _documents(iam: Any, role: str) -> Iterator[Mapping[str, Any]]:
    """Policies of a role, those in it and those attached to it."""
    for page in iam.get_paginator("list_role_policies").paginate(RoleName=role):
        for name in page["PolicyNames"]:
            yield iam.get_role_policy(RoleName=role, PolicyName=name)["PolicyDocument"]
    for page in iam.get_paginator("list_attached_role_policies").paginate(RoleName=role):
        for attached in page["AttachedPolicies"]:
            version = iam.get_policy(PolicyArn=attached["PolicyArn"])["Policy"]["DefaultVersionId"]
            found = iam.get_policy_version(PolicyArn=attached["PolicyArn"], VersionId=version)
            yield found["PolicyVersion"]["Document"]


def _trusts(statements: Iterable[Mapping[str, Any]]) -> bool:
    return any(
        s.get("Effect") == "Allow"
        and isinstance(s.get("Principal"), Mapping)
        and _SERVICE in _listed(s["Principal"].get("Service"))
        for s in statements
    )


def _applies(statement: Mapping[str, Any], action: str, resource: str) -> bool:
    if "NotAction" in statement:
        acts = not any(_like(p.lower(), action.lower()) for p in _listed(statement["NotAction"]))
    else:
        acts = any(_like(p.lower(), action.lower()) for p in _listed(statement.get("Action")))
    if "NotResource" in statement:
        return acts and not any(_like(p, resource) for p in _listed(statement["NotResource"]))
    return acts and any(_like(p, resource) for p in _listed(statement.get("Resource")))


def _like(pattern: str, value: str) -> bool:
    """``*`` and ``?``, as IAM reads them; the partition does not matter here."""
    pattern = re.sub(r"^arn:[a-z-]+:s3:", "arn:aws:s3:", str(pattern))
    regex = "".join({"*": ".*", "?": "."}.get(c, re.escape(c)) for c in pattern)
    return re.fullmatch(regex, value, re.DOTALL) is not None


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]
