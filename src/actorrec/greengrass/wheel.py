"""This package as a wheel for devices: the same bytes from a checkout as from an installed wheel."""

import base64
import hashlib
import io
from dataclasses import dataclass
from functools import cache
from typing import Final

from actorrec import __version__
from actorrec.artifacts.own_package import PACKAGE, package_files
from actorrec.greengrass.own_description import licence_text, own_description
from actorrec.recognition.bundle_zip import write_zip

_LICENCES: Final = ("LICENSE", "NOTICE")
_INFO: Final = f"{PACKAGE.name}-{__version__}.dist-info"
_ENTRY: Final = f"[console_scripts]\n{PACKAGE.name} = {PACKAGE.name}.__main__:main\n"
_WHEEL: Final = f"Wheel-Version: 1.0\nGenerator: {PACKAGE.name}\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
_TRAINING_ONLY: Final = ".npz"  # weights that Keras starts from: more than half of the package


@dataclass(frozen=True, slots=True)
class Wheel:
    """A wheel as bytes, and the file name that tells pip what it is."""

    name: str
    data: bytes


@cache
def build_wheel() -> Wheel:
    """Pack what a device runs, with the requirements that a device has; once a run.

    Raises:
        ConfigError: If this package is not installed as files, or without its own description.
    """
    contents = {name: data for name, data in package_files() if not name.endswith(_TRAINING_ONLY)}
    contents |= {f"{_INFO}/licenses/{name}": licence_text(name) for name in _LICENCES}
    contents |= {
        f"{_INFO}/METADATA": _metadata().encode(),
        f"{_INFO}/WHEEL": _WHEEL.encode(),
        f"{_INFO}/entry_points.txt": _ENTRY.encode(),
    }
    contents[f"{_INFO}/RECORD"] = _record(contents)
    packed = io.BytesIO()
    write_zip(packed, contents)
    return Wheel(f"{PACKAGE.name}-{__version__}-py3-none-any.whl", packed.getvalue())


def _metadata() -> str:
    """Without extras: what core, edge and greengrass ask for is what a device must have."""
    own = own_description()
    lines = [
        "Metadata-Version: 2.1",
        f"Name: {PACKAGE.name}",
        f"Version: {__version__}",
        f"Summary: {own.summary}",
        "License: MIT",
        *(f"License-File: {name}" for name in _LICENCES),
        f"Requires-Python: {own.requires_python}",
        *(f"Requires-Dist: {requirement}" for requirement in own.requirements),
    ]
    return "\n".join(lines) + "\n"


def _record(contents: dict[str, bytes]) -> bytes:
    lines = [f"{name},sha256={_digest(contents[name])},{len(contents[name])}" for name in sorted(contents)]
    return "\n".join([*lines, f"{_INFO}/RECORD,,", ""]).encode()


def _digest(data: bytes) -> str:
    return base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
