"""What a stack is made with."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import Final, Self

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.sections import PLACEHOLDER_BUCKET

NO_BUCKET: Final = "-"
"""Parameter ``ExistingBucket`` of a stack that makes its own."""
NO_LAMBDA: Final = "-"
"""Parameter ``LambdaKey`` of a stack without the function."""
FLEET: Final[Mapping[str, str]] = MappingProxyType(
    {
        "ComponentName": "component_name",
        "Canary": "canary",
        "CanaryMinutes": "canary_minutes",
        "CanaryFaces": "canary_faces",
        "MaxDisagreement": "max_disagreement",
        "MaxUnreadable": "max_unreadable",
        "Margin": "margin",
        "RatePerMinute": "rate_per_minute",
        "AbortPercent": "abort_percent",
        "AbortAfter": "abort_after",
        "TimeoutMinutes": "timeout_minutes",
        "FailurePolicy": "failure_policy",
    }
)
"""Parameter → key of the section ``greengrass`` that the function works by."""
_PREFIX: Final = re.compile(r"[0-9A-Za-z!_.'()-]+(/[0-9A-Za-z!_.'()-]+)*")
_KEY_ARN: Final = re.compile(r"arn:aws[a-z-]*:kms:[a-z0-9-]+:\d{12}:key/[A-Za-z0-9-]+")


@dataclass(frozen=True, slots=True)
class StackSettings:
    """Name and parameters of a stack.

    Attributes:
        bucket: Empty where CloudFormation is to make a name up.
        prefix: Of the store inside the bucket.
        existing_bucket: ``bucket`` is there already, and the stack leaves it alone.
        kms_key: ARN of a key; empty for S3's own keys.
        in_vpc: Jobs run in a network of the user's.
        fleet: What the function that ships models works by: the parameters of ``FLEET``.
        lambda_key: Where its code lies in the bucket; ``NO_LAMBDA`` for a stack without it; None leaves that as it is.
    """

    stack: str
    bucket: str
    prefix: str
    existing_bucket: bool
    thing_group: str
    component_prefix: str
    results_topic: str
    kms_key: str
    retention_days: int
    in_vpc: bool
    fleet: Mapping[str, str]
    lambda_key: str | None = None

    @classmethod
    def of(cls, config: Config, bucket: str, prefix: str, *, existing_bucket: bool = False) -> Self:
        """From the configuration.

        Args:
            config: Sections ``cloud``, ``aws``, ``remote`` and ``greengrass``.
            bucket: Where artifacts and jobs live; the placeholder of a fresh configuration means none yet.
            prefix: Of the store inside it.
            existing_bucket: Whether that bucket is there already.

        Raises:
            ConfigError: If no stack can be made with these settings.
        """
        named = "" if bucket == PLACEHOLDER_BUCKET else bucket
        key = config.aws.kms_key or ""
        _check(named, prefix, key, existing_bucket)
        cloud = config.cloud
        return cls(
            stack=cloud.stack,
            bucket=named,
            prefix=prefix,
            existing_bucket=existing_bucket,
            thing_group=cloud.thing_group,
            component_prefix=cloud.component_prefix,
            results_topic=cloud.results_topic,
            kms_key=key,
            retention_days=cloud.retention_days,
            in_vpc=bool(config.remote.subnets),
            fleet={name: _told(getattr(config.greengrass, key)) for name, key in FLEET.items()},
        )

    def parameters(self) -> dict[str, str]:
        """Those of the template."""
        return {
            "BucketName": "" if self.existing_bucket else self.bucket,
            "ExistingBucket": self.bucket if self.existing_bucket else NO_BUCKET,
            "Prefix": self.prefix,
            "ComponentPrefix": self.component_prefix,
            "ThingGroupName": self.thing_group,
            "ResultsTopic": self.results_topic,
            "KmsKeyArn": self.kms_key,
            "RetentionDays": str(self.retention_days),
            "InVpc": str(self.in_vpc).lower(),
            "LambdaKey": self.lambda_key or NO_LAMBDA,
            **self.fleet,
        }


def _told(value: object) -> str:
    """As a parameter: a small number without an exponent, which CloudFormation takes for none."""
    return format(Decimal(repr(value)), "f") if isinstance(value, float) else str(value)


def _check(bucket: str, prefix: str, key: str, existing_bucket: bool) -> None:
    if existing_bucket and not bucket:
        raise ConfigError("--existing-bucket needs the bucket's name", hint="set remote.bucket to it")
    if not _PREFIX.fullmatch(prefix):
        raise ConfigError(
            f"roles cannot be bound to the prefix '{prefix}' of the bucket",
            hint="name one of letters, digits, '/', '-', '_' and '.' (remote.prefix, or in --store s3://BUCKET/PREFIX)",
        )
    if key and not _KEY_ARN.fullmatch(key):
        raise ConfigError(
            f"aws.kms_key is '{key}': roles can be bound to a key by its ARN alone",
            hint="`aws kms describe-key --key-id KEY --query KeyMetadata.Arn` prints it",
        )
