"""Where in S3 a job finds and leaves things."""

import importlib.util
import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Self

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.sections import PLACEHOLDER_BUCKET, PLACEHOLDER_ROLE

ASSUMED_REGION: Final = "us-east-1"
"""In a plan where no region is set anywhere; a job is not started with it."""

_PLACEHOLDERS: Final = (
    "`actorrec cloud init` makes both and prints them; `actorrec config init FILE` writes a file for them"
)


@dataclass(frozen=True, slots=True)
class CloudPlace:
    """Bucket and prefix of the store that jobs read from, and of what belongs to jobs alone.

    Attributes:
        bucket: Its name.
        prefix: Without '/' at either end; may be empty.
    """

    bucket: str
    prefix: str

    @classmethod
    def of(cls, config: Config) -> Self:
        """The store itself where it is in S3, else what ``remote.bucket`` and ``remote.prefix`` say."""
        scheme, _, rest = config.store.uri.partition("://")
        if scheme == "s3":
            bucket, _, prefix = rest.partition("/")
            return cls(bucket, prefix.strip("/"))
        return cls(config.remote.bucket, config.remote.prefix.strip("/"))

    @property
    def store_uri(self) -> str:
        """URI of the store that jobs read from."""
        return self.uri("").rstrip("/")

    def uri(self, name: str) -> str:
        """URI of something below the prefix."""
        return f"s3://{self.bucket}/{f'{self.prefix}/' if self.prefix else ''}{name}"

    @property
    def jobs_uri(self) -> str:
        """Prefix of all that is no artifact: code, outputs of jobs, checkpoints. ``artifacts gc`` never looks there."""
        return self.uri("jobs")


def bucket_and_key(uri: str) -> tuple[str, str]:
    """The two parts of ``s3://bucket/key``; the key may be empty."""
    bucket, _, key = uri.removeprefix("s3://").partition("/")
    return bucket, key


def set_region(config: Config, environ: Mapping[str, str] | None = None) -> str | None:
    """The region that settings, environment or AWS's own files of settings say; None where none does."""
    known = os.environ if environ is None else environ
    said = config.aws.region or known.get("AWS_REGION") or known.get("AWS_DEFAULT_REGION")
    return said or (_region_of_files(config.aws.profile) if environ is None else None)


def _region_of_files(profile: str | None) -> str | None:
    if importlib.util.find_spec("botocore") is None:
        return None
    import botocore.exceptions
    import botocore.session

    try:
        found: str | None = botocore.session.Session(profile=profile).get_config_variable("region")
    except botocore.exceptions.BotoCoreError:
        return None  # a profile that is not there is told of when somebody signs in with it
    return found


def refuse_placeholders(config: Config) -> None:
    """Stop before anything is sent while settings still hold what ``config init`` wrote.

    Raises:
        ConfigError: If so, naming the setting.
    """
    refuse_placeholder_bucket(config)
    if config.remote.role == PLACEHOLDER_ROLE:
        raise ConfigError(
            f"remote.role is still '{PLACEHOLDER_ROLE}': name a role of yours (--role)", hint=_PLACEHOLDERS
        )


def refuse_placeholder_bucket(config: Config) -> None:
    """Like ``refuse_placeholders``, for what needs a bucket and no role.

    Raises:
        ConfigError: If the bucket is still the one that ``config init`` wrote.
    """
    if CloudPlace.of(config).bucket == PLACEHOLDER_BUCKET:
        raise ConfigError(f"remote.bucket is still '{PLACEHOLDER_BUCKET}': name a bucket of yours", hint=_PLACEHOLDERS)
