"""Where a bucket is, and whether AWS's own services could read from it at all."""

from urllib.parse import urlsplit

from actorrec.aws.failures import aws_errors
from actorrec.aws.session import AwsSession


def bucket_region(aws: AwsSession, bucket: str, *, otherwise: str) -> str:
    """The region of a bucket.

    Args:
        aws: Makes the client.
        bucket: Its name.
        otherwise: What a server says that tells no region.

    Raises:
        RemoteError: If the bucket does not exist or is another account's.
    """
    with aws_errors(f"look at the bucket '{bucket}'", lambda: aws.place(bucket)):
        answer = aws.client("s3").head_bucket(Bucket=bucket)
    headers = answer["ResponseMetadata"]["HTTPHeaders"]
    return str(answer.get("BucketRegion") or headers.get("x-amz-bucket-region") or otherwise)


def keeps_objects_elsewhere(aws: AwsSession, service: str) -> bool:
    """Whether ``aws.endpoint_url`` is a server that merely speaks S3, while a service is AWS's own.

    Such a service cannot read from it.
    """
    endpoint = aws.settings.endpoint_url
    return bool(endpoint) and not _at_aws(str(endpoint)) and _at_aws(aws.client(service).meta.endpoint_url)


def _at_aws(url: str) -> bool:
    return ".amazonaws." in f"{urlsplit(url).hostname}."
