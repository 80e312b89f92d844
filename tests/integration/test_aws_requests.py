"""The watch over requests to AWS sees what moto would let pass."""

import pytest

pytest.importorskip("boto3")

from aws_requests import InvalidRequestError
from s3_servers import client, new_bucket


def test_a_value_outside_the_services_enum_is_seen(moto_url: str, aws_keys: None) -> None:
    bucket = new_bucket(moto_url)
    with pytest.raises(InvalidRequestError, match="StorageClass"):
        client(moto_url).put_object(Bucket=bucket, Key="name", Body=b"x", StorageClass="COLDEST")
