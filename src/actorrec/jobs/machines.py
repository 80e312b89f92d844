"""What the name of an instance type says of the machine."""

import re
from typing import Final

from actorrec.errors import ConfigError

_OWN_DISKS: Final = re.compile(r"(?:[a-z]+\d+[a-z]*d[a-z]*|g[5-9]\w*|p[5-9][\w-]*|trn\d\w*|i\d\w*)")
"""Families with disks of their own (NVMe): a ``d`` behind the number, and the newer accelerated ones."""


def family_of(instance_type: str) -> str:
    """``g5`` of ``ml.g5.xlarge``."""
    return instance_type.split(".")[1]


def processor_of(instance_type: str) -> str:
    """``cpu`` or ``gpu``.

    Raises:
        ConfigError: If it is a machine with chips that TensorFlow's containers do not use.
    """
    family = family_of(instance_type)
    if family.startswith(("trn", "inf")):
        raise ConfigError(
            f"{instance_type} has AWS's own chips, which this package does not use",
            hint="take a GPU (ml.g5.xlarge, ml.g4dn.xlarge) or a CPU (ml.c5.xlarge)",
        )
    return "gpu" if family.startswith(("p", "g")) else "cpu"


def disk_key(instance_type: str, kms_key: str | None) -> dict[str, str]:
    """The key of a machine's disk, as a part of a request; nothing for a machine that encrypts disks of its own.

    Raises:
        ConfigError: If the key is named by an alias, which SageMaker takes for what a job leaves, not for disks.
    """
    if kms_key is None or has_own_disks(instance_type):
        return {}
    if "alias/" in kms_key:
        raise ConfigError(
            f"aws.kms_key {kms_key!r} is an alias: the disk of {instance_type} takes a key by its id or ARN alone",
            hint=f"`aws kms describe-key --key-id {kms_key} --query KeyMetadata.Arn` prints the ARN",
        )
    return {"VolumeKmsKeyId": kms_key}


def has_own_disks(instance_type: str) -> bool:
    """Whether its storage is its own: SageMaker adds no volume then, and takes no key for one."""
    return _OWN_DISKS.fullmatch(family_of(instance_type)) is not None
