"""What SageMaker, CloudFormation, IoT, CloudWatch Logs and IAM refuse, as one line and what to do next.

Their reasons are worth reading, so they are quoted, without what may open doors.
"""

import re
from typing import Final

from actorrec.aws.scrub import scrubbed
from actorrec.errors import ActorRecError, ConfigError, RemoteError

_LONGEST: Final = 300
_QUOTA: Final = re.compile(r"service limit '([^']{1,120})' is (\d+)")
_DENIED_ACTION: Final = re.compile(
    r"not authorized to perform: ([a-zA-Z0-9-]+:[a-zA-Z]+)(?: on resource: (\S{1,300}))?"
)
_ROLE: Final = re.compile(r"arn:aws[a-z-]*:iam::\d{0,12}:role/[\w+=,.@/-]+")
_QUOTAS: Final = frozenset({"ResourceLimitExceeded", "LimitExceeded", "LimitExceededException"})
_OF_SAGEMAKER: Final = "ResourceLimitExceeded"
"""Of these codes the one of SageMaker; others are IoT's, CloudFormation's, IAM's or those of CloudWatch Logs."""
_INVALID: Final = frozenset(
    {"ValidationException", "ValidationError", "InvalidParameterException", "InvalidInput", "InvalidRequestException"}
)
_EXISTING: Final = frozenset(
    {"ResourceInUse", "ResourceAlreadyExistsException", "AlreadyExistsException", "EntityAlreadyExists"}
)
_MISSING: Final = frozenset({"ResourceNotFound", "ResourceNotFoundException", "NoSuchEntity"})
# Parts of SageMaker's own sentences; the first that fits says what to do.
_REASONS: Final = (
    (
        re.compile(r"(?i)assume (?:the )?role|cross-account pass role|role.{0,200}(?:does not exist|is invalid)"),
        "remote.role must name a role of this account that sagemaker.amazonaws.com may assume: "
        "`actorrec cloud init` makes one, --role names another",
    ),
    (
        re.compile(r"(?i)\becr\b|requested image|find repository|image.{0,200}(?:not found|not exist|cannot)"),
        "the image must be in the job's region and open to the role: "
        "look at --framework-version and aws.region, or name one with --image-uri",
    ),
    (
        re.compile(r"(?i)no s3 objects found|s3 ?(?:url|uri|prefix).{0,200}(?:not found|not exist|not access)"),
        "was the data deleted meanwhile? run it again, what is missing is sent again",
    ),
    (re.compile(r"(?i)bucket.{0,200}region"), "a job reads only buckets of its own region: aws.region"),
    (re.compile(r"(?i)instance ?type"), "--instance-type names another machine; not every region has every one"),
    (
        re.compile(r"(?i)requested resource not found|not exist"),
        "is it the right region? `actorrec jobs ls` lists jobs, `actorrec cloud status` shows the stack",
    ),
)


def refusal(code: str, reason: str, doing: str, needs: str) -> ActorRecError | None:
    """The error for a refusal of one of these services; None if it is another's.

    Args:
        code: The service's own.
        reason: The service's sentence.
        doing: What was tried, as a verb with its object.
        needs: Permissions that it takes.
    """
    if code in _QUOTAS:
        return _above_quota(code, reason, doing)
    if code in _INVALID:
        hint = next((hint for pattern, hint in _REASONS if pattern.search(reason)), "")
        return RemoteError(f"cannot {doing}: AWS refuses it: {quoted(reason)}", hint=hint)
    if code in _EXISTING:
        hint = "run it again: it takes another name" if code == "ResourceInUse" else ""
        return RemoteError(f"cannot {doing}: there is one of that name already", hint=hint)
    if code in _MISSING:
        return RemoteError(
            f"cannot {doing}: there is no such thing",
            hint="is it another region's or account's? aws.region, AWS_PROFILE",
        )
    if code == "InsufficientCapabilitiesException":
        return ConfigError(f"cannot {doing}: the template makes roles, and that was not allowed")
    match = _DENIED_ACTION.search(reason)
    return _not_allowed(match[1], match[2] or "", doing, needs) if match else None


def quoted(reason: str) -> str:
    """A service's sentence, fit to be shown."""
    return scrubbed(reason, _LONGEST) or "it gave no reason"


def _above_quota(code: str, reason: str, doing: str) -> RemoteError:
    match = _QUOTA.search(reason)
    quota = f"the quota '{match[1]}' of your account is {match[2]}" if match else f"a quota: {quoted(reason)}"
    hint = "remove what is not needed any more, or ask for more in the console (Service Quotas)"
    if code == _OF_SAGEMAKER:
        hint = (
            "ask for more in the console (Service Quotas, Amazon SageMaker), wait for other jobs to end, "
            "or take another --instance-type"
        )
    return RemoteError(f"cannot {doing}: {quota}", hint=hint)


def _not_allowed(action: str, resource: str, doing: str, needs: str) -> RemoteError:
    if action == "iam:PassRole":
        role = _ROLE.search(resource)
        return RemoteError(
            f"cannot {doing}: you may not hand the role {role[0] if role else 'of the job'} to SageMaker",
            hint="you need iam:PassRole on that role, for sagemaker.amazonaws.com; an administrator can grant it",
        )
    on = f" on {quoted(resource)}" if resource else ""
    return RemoteError(f"cannot {doing}: you are not allowed {action}{on}", hint=f"you need {needs}")
