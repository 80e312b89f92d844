"""How AWS is reached, where jobs run, what they may cost, and what the account holds for them."""

from pathlib import Path
from typing import Final, Literal

from pydantic import Field

from actorrec.sections.base import Section

PLACEHOLDER_BUCKET: Final = "replace-with-your-bucket"
PLACEHOLDER_ROLE: Final = "arn:aws:iam::000000000000:role/replace-with-your-role"
"""What stands in a fresh configuration; a real run refuses both by name."""


class AwsSection(Section):
    """How AWS is reached (or a service that speaks S3). Credentials are never set here: boto3's own chain finds them.

    ``endpoint_url`` is of S3 alone; another place for everything is boto3's own AWS_ENDPOINT_URL. ``kms_key`` encrypts
    what is written. ``cache_dir`` holds what was downloaded; it may be deleted.
    """

    region: str | None = Field(default=None, pattern=r"^[a-z0-9-]{4,30}$")
    endpoint_url: str | None = Field(default=None, pattern=r"^https?://[^/@\s]+/?$")
    profile: str | None = None
    kms_key: str | None = None
    connections: int = Field(default=32, ge=1, le=256)
    attempts: int = Field(default=8, ge=1, le=20)
    timeout_s: float = Field(default=60.0, gt=0)
    cache_dir: Path | None = None


class RemoteSection(Section):
    """Where jobs of SageMaker run, and what they may cost. ``bucket`` and ``role`` must be replaced by yours.

    A store that is in S3 serves as it is; else what jobs need lies under ``s3://bucket/prefix``. ``prices`` are
    ``ml.TYPE=USD an hour`` and go before the built-in estimates; ``tags`` are ``key=value``. ``keep_alive_s`` keeps the
    machines warm for the next job, at their price.
    """

    bucket: str = Field(
        default=PLACEHOLDER_BUCKET, examples=["my-bucket"], pattern=r"^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"
    )
    prefix: str = Field(default="actorrec", pattern=r"^([0-9A-Za-z!_.*'()-]+(/[0-9A-Za-z!_.*'()-]+)*)?$")
    role: str = Field(
        default=PLACEHOLDER_ROLE,
        examples=["arn:aws:iam::123456789012:role/jobs"],
        pattern=r"^arn:aws[a-z-]*:iam::\d{12}:role/[A-Za-z0-9+=,.@_/-]+$",
    )
    instance_type: str = Field(
        default="ml.g5.xlarge", examples=["ml.g5.xlarge"], pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"
    )
    instances: int = Field(default=1, ge=1, le=32)
    dataset_instance_type: str = Field(
        default="ml.c5.xlarge", examples=["ml.c5.xlarge"], pattern=r"^ml\.[a-z0-9-]+\.[a-z0-9]+$"
    )
    volume_gb: int = Field(default=50, ge=1, le=16384)
    spot: bool = False
    max_hours: float = Field(default=4.0, gt=0, le=120)
    max_wait_hours: float | None = Field(default=None, gt=0, le=240)
    max_cost_usd: float | None = Field(default=None, gt=0)
    attempts: int = Field(default=1, ge=1, le=30)
    keep_alive_s: int = Field(default=0, ge=0, le=3600)
    image_uri: str | None = Field(default=None, pattern=r"^\S{1,255}$")
    framework_version: str = Field(default="2.21.0", pattern=r"^\d+\.\d+(\.\d+)?$")
    py_version: str = Field(default="py312", pattern=r"^py3\d{1,2}$")
    output_path: str | None = Field(default=None, examples=["s3://my-bucket/jobs"], pattern=r"^s3://[^/\s]+(/\S*)?$")
    input_mode: Literal["File", "FastFile"] = "File"
    subnets: tuple[str, ...] = ()
    security_groups: tuple[str, ...] = ()
    isolated: bool = False  # no network inside the container
    encrypt_between: bool = False
    tags: tuple[str, ...] = ()
    prices: tuple[str, ...] = ()
    poll_s: float = Field(default=10.0, gt=0)


class CloudSection(Section):
    """The stack that ``cloud init`` makes in your account.

    Its bucket and prefix are those of ``remote`` (or of a store in S3), its key is ``aws.kms_key``. ``retention_days``
    is how long overwritten and deleted objects, and checkpoints, are kept.
    """

    stack: str = Field(default="actorrec", pattern=r"^[A-Za-z][A-Za-z0-9-]{0,99}$")
    thing_group: str = Field(default="pis", pattern=r"^[a-zA-Z0-9:_-]{1,128}$")
    component_prefix: str = Field(default="components", pattern=r"^[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*$")
    results_topic: str = Field(
        default="ml/tflite/image-classification",
        examples=["home/actors"],
        pattern=r"^[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*$",
        max_length=249,
    )  # with the topics below it, what AWS IoT Core takes
    retention_days: int = Field(default=30, ge=1, le=3650)
    poll_s: float = Field(default=3.0, gt=0)


class GreengrassSection(Section):
    """Components and their deployments. The group is ``cloud.thing_group``, the topic ``cloud.results_topic``.

    ``image_name`` … ``health_s`` (with ``events.heartbeat_s``) are the configuration that a published component starts
    with; a deployment may change it (``deploy --set``). ``canary_*`` and ``max_*`` bound what a canary may do before
    the group follows; ``margin`` is how much worse than the live model a new one may score to be shipped over the air.
    """

    component_name: str = Field(
        default="com.example.ActorRecognizer",
        examples=["com.example.ActorRecognizer"],
        pattern=r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,99}$",
    )
    vendor_pythons: tuple[str, ...] = ("3.11", "3.13")
    install_timeout_s: int = Field(default=1800, ge=60, le=86400)
    image_name: str = Field(default="", max_length=255)
    image_directory: str = Field(default="", max_length=4096)
    inference_interval_s: float = Field(default=10.0, ge=0.1, le=86400)
    use_camera: bool = False
    camera: str = Field(default="0", max_length=1024)
    health_s: float = Field(default=60.0, ge=1, le=86400)
    rate_per_minute: int = Field(default=50, ge=1, le=1000)
    abort_percent: float = Field(default=20.0, gt=0, le=100)
    abort_after: int = Field(default=5, ge=1)
    timeout_minutes: int = Field(default=60, ge=1, le=10080)
    failure_policy: Literal["ROLLBACK", "DO_NOTHING"] = "ROLLBACK"
    update_policy: Literal["NOTIFY_COMPONENTS", "SKIP_NOTIFY_COMPONENTS"] = "NOTIFY_COMPONENTS"
    update_timeout_s: int = Field(default=60, ge=1)
    validation_timeout_s: int = Field(default=60, ge=1)
    canary: str = Field(default="5%", examples=["10%"], pattern=r"^([1-9][0-9]?%|[a-zA-Z0-9:_-]{1,128})$")
    canary_minutes: float = Field(default=30.0, ge=0)
    canary_faces: int = Field(default=50, ge=0)
    max_disagreement: float = Field(default=0.05, ge=0, le=1)
    max_unreadable: float = Field(default=0.05, ge=0, le=1)
    margin: float = Field(default=0.01, ge=0, le=1)
    poll_s: float = Field(default=3.0, gt=0)
