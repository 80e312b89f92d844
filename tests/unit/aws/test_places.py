"""Where in S3; which region; and that placeholders never leave this machine."""

from typing import Any

import pytest

from actorrec.aws.places import CloudPlace, refuse_placeholder_bucket, refuse_placeholders, set_region
from actorrec.config import Config
from actorrec.errors import ConfigError


def config(store: str = "folder", **remote: Any) -> Config:
    return Config.model_validate({"store": {"uri": store}, "remote": remote})


@pytest.mark.parametrize(
    ("of", "store", "jobs"),
    [
        (config(bucket="b-1", prefix=""), "s3://b-1", "s3://b-1/jobs"),
        (config(bucket="b-1", prefix="a/b"), "s3://b-1/a/b", "s3://b-1/a/b/jobs"),
        (config("s3://other", bucket="b-1"), "s3://other", "s3://other/jobs"),
        (config("s3://other/", bucket="b-1"), "s3://other", "s3://other/jobs"),
        (config("s3://other/a/b/", bucket="b-1"), "s3://other/a/b", "s3://other/a/b/jobs"),
        (config("file:///x", bucket="b-1"), "s3://b-1/actorrec", "s3://b-1/actorrec/jobs"),
    ],
)
def test_a_store_in_the_cloud_serves_as_it_is(of: Config, store: str, jobs: str) -> None:
    assert CloudPlace.of(of).store_uri == store
    assert CloudPlace.of(of).jobs_uri == jobs


@pytest.mark.parametrize(
    ("setting", "environ", "region"),
    [
        (None, {}, None),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1"}, "eu-west-1"),
        (None, {"AWS_DEFAULT_REGION": "eu-west-1", "AWS_REGION": "eu-west-2"}, "eu-west-2"),
        ("eu-west-3", {"AWS_REGION": "eu-west-2"}, "eu-west-3"),
        (None, {"AWS_REGION": ""}, None),
    ],
)
def test_the_setting_goes_before_the_environment(setting: str | None, environ: dict[str, str], region: str) -> None:
    assert set_region(Config.model_validate({"aws": {"region": setting}}), environ) == region


def test_placeholders_are_refused_by_name() -> None:
    role = "arn:aws:iam::123456789012:role/x"
    with pytest.raises(ConfigError, match=r"remote\.bucket"):
        refuse_placeholders(config(role=role))
    with pytest.raises(ConfigError, match=r"remote\.role"):
        refuse_placeholders(config(bucket="mine"))
    with pytest.raises(ConfigError, match=r"remote\.role"):
        refuse_placeholders(config("s3://mine/x"))
    refuse_placeholders(config("s3://mine/x", role=role))


def test_what_needs_no_role_is_not_refused_for_one() -> None:
    with pytest.raises(ConfigError, match=r"remote\.bucket"):
        refuse_placeholder_bucket(config())
    refuse_placeholder_bucket(config(bucket="mine"))
    refuse_placeholder_bucket(config("s3://mine/x"))
