"""The bucket of a stack: whether it is one, and deleting it with everything in it."""

from collections.abc import Iterator
from typing import Any, Final

from actorrec.aws.failures import aws_errors, code_of, status_of
from actorrec.aws.scrub import scrubbed
from actorrec.aws.session import AwsSession
from actorrec.errors import RemoteError
from actorrec.progress import Progress, Step

STACK_TAG: Final = "actorrec-stack"
"""Tag that the template gives to its bucket; it stays when the stack is gone."""
_NEEDS: Final = (
    "s3:ListBucketVersions, s3:ListBucketMultipartUploads, s3:DeleteObject, s3:DeleteObjectVersion, "
    "s3:AbortMultipartUpload and s3:DeleteBucket"
)
_ROUNDS: Final = 5


def made_by(aws: AwsSession, bucket: str) -> str | None:
    """Name of the stack that once made a bucket; None if there is no such bucket, empty if it says nothing."""
    from botocore.exceptions import ClientError

    with aws_errors(f"look at the bucket '{bucket}'", lambda: aws.place(bucket), "s3:GetBucketTagging"):
        try:
            tags = aws.client("s3").get_bucket_tagging(Bucket=bucket)["TagSet"]
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                return None
            if code_of(error) == "NoSuchTagSet":
                return ""
            raise
    return next((tag["Value"] for tag in tags if tag["Key"] == STACK_TAG), "")


def tells_event_bridge(aws: AwsSession, bucket: str) -> bool:
    """Whether a bucket tells EventBridge of what lands in it.

    Raises:
        RemoteError: If it cannot be asked.
    """
    with aws_errors(f"look at the bucket '{bucket}'", lambda: aws.place(bucket), "s3:GetBucketNotification"):
        answer = aws.client("s3").get_bucket_notification_configuration(Bucket=bucket)
    return "EventBridgeConfiguration" in answer


def empty_bucket(aws: AwsSession, bucket: str, progress: Progress) -> int:
    """Delete every version of every object, every delete marker and every unfinished upload.

    Args:
        aws: Makes the client.
        bucket: Its name; one that is gone is empty.
        progress: Told of every page.

    Returns:
        How many were deleted.

    Raises:
        RemoteError: If something cannot be deleted, or others keep writing.
    """
    from botocore.exceptions import ClientError

    client, total = aws.client("s3"), 0
    with (
        aws_errors(f"empty the bucket '{bucket}'", lambda: aws.place(bucket), _NEEDS),
        progress.step(f"empty {bucket}", None, "versions") as step,
    ):
        try:
            for _ in range(_ROUNDS):
                deleted = _delete_versions(client, bucket, step) + _abort_uploads(client, bucket, step)
                if not deleted:
                    return total
                total += deleted
        except ClientError as error:
            if code_of(error) == "NoSuchBucket":
                return total
            raise
    raise RemoteError(f"the bucket '{bucket}' does not get empty: others keep writing", hint="stop them, run it again")


def delete_bucket(aws: AwsSession, bucket: str) -> None:
    """Delete an empty bucket; nothing happens if it is gone."""
    from botocore.exceptions import ClientError

    with aws_errors(f"delete the bucket '{bucket}'", lambda: aws.place(bucket), _NEEDS):
        try:
            aws.client("s3").delete_bucket(Bucket=bucket)
        except ClientError as error:
            if status_of(error) != 404:
                raise


def _delete_versions(client: Any, bucket: str, step: Step) -> int:
    deleted = 0
    for page in client.get_paginator("list_object_versions").paginate(Bucket=bucket):
        found = [*page.get("Versions", ()), *page.get("DeleteMarkers", ())]
        objects = [{"Key": each["Key"], "VersionId": each["VersionId"]} for each in found]
        if objects:
            answer = client.delete_objects(Bucket=bucket, Delete={"Objects": objects, "Quiet": True})
            _refuse_leftovers(bucket, answer.get("Errors", ()))
            deleted += len(objects)
            step.advance(len(objects))
    return deleted


def _abort_uploads(client: Any, bucket: str, step: Step) -> int:
    aborted = 0
    for upload in _uploads(client, bucket):
        client.abort_multipart_upload(Bucket=bucket, Key=upload["Key"], UploadId=upload["UploadId"])
        aborted += 1
        step.advance()
    return aborted


def _uploads(client: Any, bucket: str) -> Iterator[dict[str, Any]]:
    for page in client.get_paginator("list_multipart_uploads").paginate(Bucket=bucket):
        yield from page.get("Uploads", ())


def _refuse_leftovers(bucket: str, errors: Any) -> None:
    for error in errors:
        reason = f"{error.get('Code', '')} {error.get('Message', '')}"
        raise RemoteError(
            f"cannot empty the bucket '{bucket}': {scrubbed(error.get('Key', ''))}: {scrubbed(reason)}",
            hint=f"you need {_NEEDS}; a locked object must be unlocked first",
        )
