"""What AWS answers and what botocore raises, as errors of ours: one line, and what to do next.

No message quotes the service or botocore as they are: their texts may hold key ids, signatures and presigned
addresses. Where a reason is worth reading it is scrubbed first.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, Final, TypeVar

from actorrec.aws.service_failures import refusal
from actorrec.errors import ActorRecError, ConfigError, RemoteError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Place:
    """What a message may name.

    Attributes:
        bucket: Empty where the request was about none.
        region: Empty where none is set.
        endpoint: Scheme, host and port.
    """

    bucket: str = ""
    region: str = ""
    endpoint: str = ""

    @property
    def called(self) -> str:
        """In words."""
        return f"the bucket '{self.bucket}'" if self.bucket else self.endpoint or "AWS"


_SIGN_IN: Final = (
    "sign in as for any AWS tool (aws configure, aws sso login, AWS_PROFILE or AWS_ACCESS_KEY_ID), then run it again"
)
_S3_RIGHTS: Final = "s3:ListBucket, s3:GetObject, s3:PutObject and s3:DeleteObject"
_NO_CREDENTIALS: Final = frozenset({"NoCredentialsError", "PartialCredentialsError", "CredentialRetrievalError"})
_SIGNED_OUT: Final = frozenset(
    {"TokenRetrievalError", "SSOTokenLoadError", "UnauthorizedSSOTokenError", "SSOError", "LoginRefreshRequired"}
)
_EXPIRED: Final = frozenset({"ExpiredToken", "ExpiredTokenException", "TokenRefreshRequired", "RequestExpired"})
_REFUSED_KEYS: Final = frozenset(
    {
        "InvalidAccessKeyId",
        "SignatureDoesNotMatch",
        "InvalidToken",
        "InvalidClientTokenId",
        "UnrecognizedClientException",
        "MissingAuthenticationToken",
        "AuthFailure",
        "InvalidSignatureException",
        "IncompleteSignature",
    }
)
_DENIED: Final = frozenset({"AccessDenied", "AccessDeniedException", "AllAccessDisabled", "UnauthorizedOperation"})
_ELSEWHERE: Final = frozenset(
    {"PermanentRedirect", "301", "307", "AuthorizationHeaderMalformed", "IllegalLocationConstraintException"}
)
_SKEWED: Final = frozenset({"RequestTimeTooSkewed", "RequestInTheFuture"})
_SKEWED_REASONS: Final = ("Signature expired", "Signature not yet current")  # of services other than S3
_UNKNOWN_TOKENS: Final = frozenset({"UnrecognizedClientException", "InvalidClientTokenId"})
_MISSING: Final = frozenset({"ResourceNotFound", "ResourceNotFoundException"})
_OPT_IN: Final = "; or is this a region that your account must first enable?"
_THROTTLED: Final = frozenset(
    {
        "SlowDown",
        "Throttling",
        "ThrottlingException",
        "ThrottledException",
        "RequestLimitExceeded",
        "RequestThrottled",
        "TooManyRequestsException",
        "BandwidthLimitExceeded",
        "ServiceUnavailable",
        "503",
        "429",
    }
)


@contextmanager
def aws_errors(doing: str, place: Callable[[], Place], needs: str = _S3_RIGHTS) -> Iterator[None]:
    """Turn what botocore raises inside into errors of ours.

    Args:
        doing: What was tried, as a verb with its object: ``read s3://bucket/name``.
        place: What messages may name; asked only when something failed.
        needs: Permissions that it takes, for the hint where access is denied.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If the service cannot be reached or refuses.
    """
    from botocore.exceptions import BotoCoreError, ClientError
    from botocore.parsers import ResponseParserError  # an answer of something else: a proxy, a sign-in page
    from urllib3.exceptions import HTTPError  # what breaks while an answer is read is not always botocore's

    try:
        yield
    except (BotoCoreError, ClientError, HTTPError, ResponseParserError) as error:
        raise told(error, doing, place(), needs) from None


def code_of(error: Exception) -> str:
    """The service's own code of a ``ClientError``; empty for other errors."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Code") or "")


def reason_of(error: Exception) -> str:
    """The service's own sentence; it may hold what must not be shown."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return str(response.get("Error", {}).get("Message") or "")


def status_of(error: Exception) -> int:
    """HTTP status of a ``ClientError``; 0 for other errors."""
    response: dict[str, Any] = getattr(error, "response", None) or {}
    return int(response.get("ResponseMetadata", {}).get("HTTPStatusCode", 0))


def unless_missing(ask: Callable[[], T]) -> T | None:
    """What a request answers; None where there is no such thing."""
    from botocore.exceptions import ClientError

    try:
        return ask()
    except ClientError as error:
        if code_of(error) not in _MISSING:
            raise
        return None


def told(error: Exception, doing: str, place: Place, needs: str = _S3_RIGHTS) -> ActorRecError:
    """An error of botocore's as one of ours."""
    code = code_of(error)
    if code or status_of(error):
        return _answered(error, code, doing, place, needs)
    return _unanswered(type(error).__name__, doing, place)


def _unanswered(kind: str, doing: str, place: Place) -> ActorRecError:
    """Nobody answered, or nothing was asked."""
    if kind in _NO_CREDENTIALS:
        return ConfigError(f"cannot {doing}: no AWS credentials were found", hint=_SIGN_IN)
    if kind in _SIGNED_OUT:
        return ConfigError(f"cannot {doing}: your AWS sign-in has expired", hint=_SIGN_IN)
    if kind == "ProfileNotFound":
        return ConfigError(
            f"cannot {doing}: the AWS profile is not known on this machine",
            hint="`aws configure list-profiles` lists those that are; aws.profile or AWS_PROFILE names one",
        )
    if kind == "NoRegionError":
        return ConfigError(f"cannot {doing}: no AWS region is set", hint="set aws.region, or AWS_DEFAULT_REGION")
    if kind in ("ParamValidationError", "ValueError", "InvalidRegionError", "UnknownServiceError"):
        return ConfigError(
            f"cannot {doing}: the bucket, region or endpoint is not a possible one",
            hint="look at store.uri and the section aws: actorrec config show",
        )
    where = place.endpoint or "AWS"
    region = (
        f", and is '{place.region}' a region of AWS's" if kind == "EndpointConnectionError" and place.region else ""
    )
    return RemoteError(
        f"cannot {doing}: {where} cannot be reached or broke off ({kind})",
        hint=f"is there a network{region}? aws.endpoint_url and aws.region say where; "
        "run it again, it goes on where it was",
    )


def _answered(error: Exception, code: str, doing: str, place: Place, needs: str) -> ActorRecError:
    status = status_of(error)
    if code in _EXPIRED:
        return ConfigError(f"cannot {doing}: your AWS credentials have expired", hint=_SIGN_IN)
    if code in _SKEWED or reason_of(error).startswith(_SKEWED_REASONS):
        minutes = 15 if code in _SKEWED else 5
        return RemoteError(
            f"cannot {doing}: the clock of this machine is wrong by more than {minutes} minutes",
            hint="set the clock (timedatectl set-ntp true), then run it again",
        )
    if code in _REFUSED_KEYS:
        hint = _SIGN_IN + (_OPT_IN if code in _UNKNOWN_TOKENS else "")
        return ConfigError(f"cannot {doing}: AWS does not accept your credentials ({code})", hint=hint)
    if code in _ELSEWHERE:
        return _elsewhere(error, doing, place)
    if code == "NoSuchBucket" or (status == 404 and getattr(error, "operation_name", "") == "HeadBucket"):
        return RemoteError(
            f"cannot {doing}: there is no bucket '{place.bucket}'",
            hint="was it deleted, or is its name misspelt? --store s3://BUCKET/PREFIX names another",
        )
    if code in _THROTTLED or status in (429, 503):
        return RemoteError(
            f"cannot {doing}: {place.called} asks to slow down, and still did after every retry",
            hint="wait a minute and run it again, it goes on where it was; fewer aws.connections help too",
        )
    if code.startswith("KMS."):
        return RemoteError(
            f"cannot {doing}: the key of aws.kms_key cannot be used ({code})",
            hint="it must exist in the bucket's region, be enabled, and let you encrypt and decrypt",
        )
    refused = refusal(code, reason_of(error), doing, needs)
    if refused is not None:
        return refused
    if code in _DENIED or status in (401, 403):
        return RemoteError(
            f"cannot {doing}: access to {place.called} is denied",
            hint=f"is it another account's? you need {needs}",
        )
    return RemoteError(
        f"cannot {doing}: the service answered {code or status}" + (f" (HTTP {status})" if code else ""),
        hint="run it again, it goes on where it was" if status >= 500 else "",
    )


def _elsewhere(error: Exception, doing: str, place: Place) -> RemoteError:
    response: dict[str, Any] = getattr(error, "response", {})
    headers = response.get("ResponseMetadata", {}).get("HTTPHeaders", {})
    right = str(headers.get("x-amz-bucket-region") or response.get("Error", {}).get("Region") or "")
    here = f", not in {place.region}" if place.region else ""
    if not right:
        return RemoteError(
            f"cannot {doing}: {place.called} is in another region{here}",
            hint="`aws s3api get-bucket-location` names it; set aws.region to it",
        )
    return RemoteError(
        f"cannot {doing}: {place.called} is in the region {right}{here}",
        hint=f"set aws.region: {right} (ACTORREC_AWS__REGION={right})",
    )
