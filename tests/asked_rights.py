"""What a piece of work asks of AWS, as the permissions that it takes: for holding it against a policy."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from policies import ACCOUNT

IOT, GREENGRASS = f"arn:aws:iot:us-east-1:{ACCOUNT}", f"arn:aws:greengrass:us-east-1:{ACCOUNT}"
IAM = f"arn:aws:iam::{ACCOUNT}"
_S3 = {
    "GetObject": "GetObject", "HeadObject": "GetObject", "PutObject": "PutObject", "DeleteObject": "DeleteObject",
    "CreateMultipartUpload": "PutObject", "UploadPart": "PutObject", "CompleteMultipartUpload": "PutObject",
    "AbortMultipartUpload": "AbortMultipartUpload",
}  # fmt: skip
_OF_BUCKET = {
    "ListObjectsV2": "ListBucket",
    "HeadBucket": "ListBucket",
    "GetBucketNotificationConfiguration": "GetBucketNotification",
}
_FREE = {("sts", "GetCallerIdentity")}


@dataclass
class Rights:
    """Actions and the ARNs they were asked for."""

    found: set[tuple[str, str]] = field(default_factory=set)

    def lacking(self, statements: list[dict[str, Any]]) -> list[tuple[str, str]]:
        """Those that a policy does not allow."""
        from policies import allowed

        return sorted(one for one in self.found if not allowed(statements, *one))


@contextmanager
def recorded(rights: Rights) -> Iterator[None]:
    """Inside, every request of this process is written down; clients must be made inside, too."""
    from botocore import handlers

    def look(params: dict[str, Any], model: Any, **_: object) -> None:
        service, operation = model.service_model.signing_name, model.name
        if (service, operation) not in _FREE:
            rights.found |= set(_needed(service, operation, params))

    hook = ("provide-client-params", look)
    handlers.BUILTIN_HANDLERS.append(hook)
    try:
        yield
    finally:
        handlers.BUILTIN_HANDLERS.remove(hook)


def _needed(service: str, operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    match service:
        case "s3":
            yield _of_s3(operation, params)
        case "greengrass":
            yield from _of_greengrass(operation, params)
        case "iot":
            yield from ((f"iot:{operation}", arn) for arn in _of_iot(operation, params))
        case "iotdata":
            yield f"iot:{operation}", f"{IOT}:topic/{params['topic']}"
        case "iam":
            yield f"iam:{operation}", params.get("PolicyArn") or f"{IAM}:role/{params['RoleName']}"
        case "cloudformation":
            yield f"cloudformation:{operation}", f"arn:aws:cloudformation:us-east-1:{ACCOUNT}:stack/actorrec/0f0f"
        case _:
            raise AssertionError(f"not known: {service}:{operation}")


def _of_s3(operation: str, params: dict[str, Any]) -> tuple[str, str]:
    bucket = f"arn:aws:s3:::{params['Bucket']}"
    if "Key" not in params:
        return f"s3:{_OF_BUCKET.get(operation, operation)}", bucket
    action = "GetObjectVersion" if "VersionId" in params else _S3[operation]
    return f"s3:{action}", f"{bucket}/{params['Key']}"


def _of_greengrass(operation: str, params: dict[str, Any]) -> Iterator[tuple[str, str]]:
    arn = _greengrass_arn(operation, params)
    yield f"greengrass:{operation}", arn
    if params.get("tags"):
        made = f"{GREENGRASS}:deployments:0f0f" if operation == "CreateDeployment" else arn
        yield "greengrass:TagResource", made
    if operation == "CreateDeployment":  # which makes a job in the caller's name
        yield "iot:CreateJob", params["targetArn"]
        yield "iot:CreateJob", f"{IOT}:job/0f0f"
        yield from ((f"iot:{verb}", f"{IOT}:job/0f0f") for verb in ("CancelJob", "DescribeJob", "UpdateJob"))
        yield "iot:DescribeThingGroup", params["targetArn"]


def _greengrass_arn(operation: str, params: dict[str, Any]) -> str:
    if operation == "CreateComponentVersion":
        recipe = json.loads(params["inlineRecipe"])
        return f"{GREENGRASS}:components:{recipe['ComponentName']}:versions:{recipe['ComponentVersion']}"
    if "arn" in params:
        return str(params["arn"])
    if "deploymentId" in params:
        return f"{GREENGRASS}:deployments:{params['deploymentId']}"
    if "coreDeviceThingName" in params:
        return f"{GREENGRASS}:coreDevices:{params['coreDeviceThingName']}"
    return "*"


def _of_iot(operation: str, params: dict[str, Any]) -> Iterator[str]:
    """Resources as the service authorisation reference has them."""
    named = {
        "thingGroupName": "thinggroup", "thingName": "thing", "jobId": "job", "roleAlias": "rolealias",
        "certificateId": "cert", "policyName": "policy",
    }  # fmt: skip
    if operation in ("AttachPolicy", "DetachPolicy", "AttachThingPrincipal", "DetachThingPrincipal"):
        yield str(params.get("target") or params["principal"])
        return
    found = [f"{IOT}:{kind}/{params[name]}" for name, kind in named.items() if name in params]
    yield from found or ["*"]
