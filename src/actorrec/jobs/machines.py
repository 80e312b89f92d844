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


def has_own_disks(instance_type: str) -> bool:
    """Whether its storage is its own: SageMaker adds no volume then, and takes no key for one."""
    return _OWN_DISKS.fullmatch(family_of(instance_type)) is not None
