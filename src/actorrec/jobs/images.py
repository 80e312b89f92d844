"""Which container image a job runs in."""

from typing import Final

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.machines import processor_of

# Accounts that publish the AWS deep learning containers, by region; from `tensorflow.json` (training, 2.21.0) of the
# package sagemaker-core 2.27.0, 2026-10-21. Regions that are not for the public (us-iso…) are left out.
_ACCOUNT: Final = "763104351884"
_MOST_REGIONS: Final = (
    "ap-northeast-1", "ap-northeast-2", "ap-south-1", "ap-southeast-1", "ap-southeast-2", "ca-central-1",
    "eu-central-1", "eu-north-1", "eu-west-1", "eu-west-2", "eu-west-3", "sa-east-1",
    "us-east-1", "us-east-2", "us-west-1", "us-west-2",
)  # fmt: skip
ACCOUNTS: Final[dict[str, str]] = dict.fromkeys(_MOST_REGIONS, _ACCOUNT) | {
    "af-south-1": "626614931356",
    "ap-east-1": "871362719292",
    "ap-east-2": "975050140332",
    "ap-northeast-3": "364406365360",
    "ap-south-2": "772153158452",
    "ap-southeast-3": "907027046896",
    "ap-southeast-4": "457447274322",
    "ap-southeast-5": "550225433462",
    "ap-southeast-6": "633930458069",
    "ap-southeast-7": "590183813437",
    "ca-west-1": "204538143572",
    "cn-north-1": "727897471807",
    "cn-northwest-1": "727897471807",
    "eu-central-2": "380420809688",
    "eu-south-1": "692866216735",
    "eu-south-2": "503227376785",
    "eusc-de-east-1": "204133271717",
    "il-central-1": "780543022126",
    "me-central-1": "914824155844",
    "me-south-1": "217643126080",
    "me-west-1": "124382933778",
    "mx-central-1": "637423239942",
    "us-gov-east-1": "446045086412",
    "us-gov-west-1": "442386744353",
}
_DOMAINS: Final = {"cn-": "amazonaws.com.cn", "eusc-": "amazonaws.eu"}
KNOWN_VERSIONS: Final = {"2.21.0": "py312", "2.19.0": "py312"}
"""Versions of the image that this package runs in, with their Python. Older ones have a Python that is too old."""
_OLDEST_PYTHON: Final = 311


def image_uri(config: Config, region: str, instance_type: str | None = None) -> str:
    """URI of the image: the user's own, or the AWS deep learning container for TensorFlow.

    Args:
        config: Section ``remote``.
        region: Where the job runs; the image must be there too.
        instance_type: Says whether it is the image for a GPU; ``remote.instance_type`` by default.

    Raises:
        ConfigError: If no image is known for the region, the version or the kind of machine.
    """
    remote = config.remote
    processor = processor_of(instance_type or remote.instance_type)
    if remote.image_uri:
        return remote.image_uri
    _refuse_unknown_version(remote.framework_version, remote.py_version)
    account = ACCOUNTS.get(region)
    if account is None:
        raise ConfigError(
            f"no image of AWS is known for the region {region!r}",
            hint="is it misspelt (aws.region)? else name the image yourself: remote.image_uri (--image-uri)",
        )
    domain = next((domain for start, domain in _DOMAINS.items() if region.startswith(start)), "amazonaws.com")
    tag = f"{remote.framework_version}-{processor}-{remote.py_version}"
    return f"{account}.dkr.ecr.{region}.{domain}/tensorflow-training:{tag}"


def _refuse_unknown_version(version: str, python: str) -> None:
    known = ", ".join(f"{v} with {p}" for v, p in KNOWN_VERSIONS.items())
    if int(python.removeprefix("py")) < _OLDEST_PYTHON:
        raise ConfigError(
            f"the image of TensorFlow {version} with {python} is too old: this package needs Python 3.11 or newer",
            hint=f"remote.framework_version and remote.py_version: {known}",
        )
    if KNOWN_VERSIONS.get(version) != python:
        raise ConfigError(
            f"no image of AWS is known for TensorFlow {version} with {python}",
            hint=f"known are {known}; another one by its whole address: remote.image_uri (--image-uri)",
        )
