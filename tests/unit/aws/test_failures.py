"""Answers of AWS's services as errors of ours: the right class, one line, what to do, and no secrets."""

from typing import Any

import pytest

from actorrec.aws.failures import Place, aws_errors, told
from actorrec.errors import ActorRecError, ConfigError, RemoteError

pytest.importorskip("botocore")

PLACE = Place(bucket="", region="eu-west-1", endpoint="https://api.sagemaker.eu-west-1.amazonaws.com")
QUOTA = (
    "The account-level service limit 'ml.g5.xlarge for training job usage' is 0 Instances, with current utilization of "
    "0 Instances and a request delta of 1 Instances. Please use AWS Service Quotas to request an increase."
)
ROLE = "arn:aws:iam::123456789012:role/jobs/actorrec-x"
IMAGE = "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-training:9.9.9-gpu-py312"


def client_error(code: str, message: str, status: int = 400) -> Any:
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": code, "Message": message}, "ResponseMetadata": {"HTTPStatusCode": status}}
    return ClientError(answer, "CreateTrainingJob")


@pytest.mark.parametrize(
    ("code", "message", "kind", "says", "hints"),
    [
        (
            "ResourceLimitExceeded",
            QUOTA,
            RemoteError,
            ("ml.g5.xlarge for training job usage", "is 0"),
            ("Service Quotas",),
        ),
        ("ResourceLimitExceeded", "too many", RemoteError, ("too many",), ("Service Quotas", "--instance-type")),
        ("LimitExceededException", "Stack limit", RemoteError, ("Stack limit",), ("not needed", "(Service Quotas)")),
        (
            "ValidationException",
            f"Could not assume role {ROLE}. Please ensure that the role exists and allows principal "
            "'sagemaker.amazonaws.com' to assume the role.",
            RemoteError,
            (ROLE,),
            ("remote.role", "--role"),
        ),
        (
            "ValidationException",
            f"The role defined for the job does not exist: {ROLE}",
            RemoteError,
            (ROLE,),
            ("--role",),
        ),
        (
            "ValidationException",
            f"Cannot find repository: tensorflow-training in registry ID: 763104351884 Please check if your ECR "
            f"repository exists and role {ROLE} has proper pull permissions for SageMaker",
            RemoteError,
            ("tensorflow-training",),
            ("region", "--image-uri"),
        ),
        ("ValidationException", f"Requested image {IMAGE} not found.", RemoteError, (IMAGE,), ("--image-uri",)),
        (
            "ValidationException",
            'No S3 objects found under S3 URL "s3://b/d/" given',
            RemoteError,
            ("s3://b/d/",),
            ("sent again",),
        ),
        (
            "ValidationException",
            "1 validation error detected: Value 'ml.zz.large' at 'resourceConfig.instanceType' failed to satisfy "
            "constraint: Member must satisfy enum value set: [" + "ml.p2.xlarge, " * 200 + "]",
            RemoteError,
            ("ml.zz.large",),
            ("--instance-type",),
        ),
        ("ValidationException", "Requested resource not found.", RemoteError, ("not found",), ("jobs ls",)),
        ("ValidationError", "Stack with id actorrec does not exist", RemoteError, ("actorrec",), ()),
        ("ResourceInUse", "Training job names must be unique", RemoteError, ("already",), ("again",)),
        ("AlreadyExistsException", "Stack [actorrec] already exists", RemoteError, ("already",), ()),
        ("EntityAlreadyExists", "Role with name x already exists.", RemoteError, ("already",), ()),
        (
            "ResourceNotFoundException",
            "The specified log group does not exist.",
            RemoteError,
            ("no such",),
            ("aws.region",),
        ),
        ("NoSuchEntity", "The role with name x cannot be found.", RemoteError, ("no such",), ("AWS_PROFILE",)),
        ("InsufficientCapabilitiesException", "Requires capabilities : [CAPABILITY_IAM]", ConfigError, ("roles",), ()),
        (
            "AccessDeniedException",
            f"User: arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:PassRole on resource: {ROLE} "
            "because no identity-based policy allows the iam:PassRole action",
            RemoteError,
            (ROLE,),
            ("iam:PassRole", "administrator"),
        ),
        (
            "AccessDeniedException",
            "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: sagemaker:CreateTrainingJob on "
            "resource: arn:aws:sagemaker:eu-west-1:123456789012:training-job/x because …",
            RemoteError,
            ("sagemaker:CreateTrainingJob", "training-job/x"),
            ("what-it-needs",),
        ),
        ("AccessDeniedException", "no", RemoteError, ("denied",), ("what-it-needs",)),
        (
            "ExpiredTokenException",
            "The security token included in the request is expired",
            ConfigError,
            ("expired",),
            ("sign in",),
        ),
        ("UnrecognizedClientException", "The security token is invalid", ConfigError, ("credentials",), ("sign in",)),
        (
            "InvalidSignatureException",
            "Signature expired: 20261123T040000Z is now earlier than 20261123T041500Z",
            RemoteError,
            ("clock",),
            ("set the clock",),
        ),
        ("SignatureDoesNotMatch", "Signature not yet current: 2026", RemoteError, ("clock",), ("set the clock",)),
        ("InvalidSignatureException", "The request signature does not match", ConfigError, ("accept",), ("sign in",)),
        ("InvalidClientTokenId", "The security token is invalid", ConfigError, ("accept",), ("enable",)),
        ("ThrottlingException", "Rate exceeded", RemoteError, ("slow down",), ("wait",)),
        ("InternalFailure", "oops", RemoteError, ("InternalFailure",), ()),
    ],
)
def test_an_answer_becomes_one_line_and_what_to_do(
    code: str, message: str, kind: type[ActorRecError], says: tuple[str, ...], hints: tuple[str, ...]
) -> None:
    error = told(client_error(code, message), "start the job j", PLACE, "what-it-needs")
    assert type(error) is kind
    assert error.message.startswith("cannot start the job j: ")
    assert not [word for word in says if word not in error.message], error.message
    assert not [word for word in hints if word not in error.hint], error.hint
    assert "\n" not in error.in_full
    assert len(error.message) < 500


SECRETS = {
    "key id": "AKIAIOSFODNN7EXAMPLE",
    "signature": "https://b.s3.amazonaws.com/k?X-Amz-Signature=f00d5ea1f00d5ea1",
    "token": "FwoGZXIvYXdzE" + "Ab3/+xY9" * 20,
}


@pytest.mark.parametrize("code", ["ValidationException", "ResourceLimitExceeded", "AccessDeniedException", "Whatever"])
@pytest.mark.parametrize("secret", SECRETS.values(), ids=SECRETS)
def test_a_reason_is_shown_without_secrets(code: str, secret: str) -> None:
    error = told(
        client_error(code, f"not authorized to perform: s3:GetObject on resource: {secret} or {secret}"), "go", PLACE
    )
    assert secret.rpartition("=")[2] not in error.in_full


def test_a_failure_without_a_code_is_told_by_its_status() -> None:
    from botocore.exceptions import ClientError

    answer = {"Error": {"Code": None, "Message": None}, "ResponseMetadata": {"HTTPStatusCode": 502}}
    error = told(ClientError(answer, "PutObject"), "write it", PLACE)  # type: ignore[arg-type]
    assert "answered 502" in error.message and "None" not in error.in_full


def test_a_reason_that_was_empty_is_not_an_empty_sentence() -> None:
    assert told(client_error("ValidationException", ""), "go", PLACE).message.endswith("it gave no reason")


def test_a_region_that_does_not_exist_is_asked_about() -> None:
    from botocore.exceptions import EndpointConnectionError

    place = Place(region="eu-wst-1", endpoint="https://api.sagemaker.eu-wst-1.amazonaws.com")
    error = told(EndpointConnectionError(endpoint_url=place.endpoint), "list jobs", place)
    assert isinstance(error, RemoteError)
    assert "'eu-wst-1'" in error.hint


def test_inside_the_block_errors_are_ours_and_say_nothing_of_botocore() -> None:
    with pytest.raises(RemoteError) as caught, aws_errors("start it", lambda: PLACE, "x"):
        raise client_error("ValidationException", "no")
    assert caught.value.__cause__ is None
    assert caught.value.__suppress_context__
