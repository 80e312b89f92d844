"""What this package says of itself: from its project file in a checkout, else from its installed description."""

import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import PackageNotFoundError, distribution
from typing import Any, Final

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from actorrec.artifacts.own_package import PACKAGE
from actorrec.errors import ConfigError

DEVICE_EXTRAS: Final = ("edge", "greengrass")
"""What a device has beside the core."""
_PROJECT: Final = PACKAGE.parents[1] / "pyproject.toml"
_INSTALL_AGAIN: Final = "install actorrec again"


@dataclass(frozen=True, slots=True)
class OwnDescription:
    """What pip wants to know of the package.

    Attributes:
        requires_python: In its normal form.
        requirements: What core and ``DEVICE_EXTRAS`` ask for, by name, without conditions.
    """

    summary: str
    requires_python: str
    requirements: tuple[Requirement, ...]


@cache
def own_description() -> OwnDescription:
    """Read it: an editable installation may be older than its project file, which is believed.

    Raises:
        ConfigError: If there is none, or it lacks what devices need.
    """
    if _PROJECT.is_file():
        return _from_project(tomllib.loads(_PROJECT.read_text(encoding="utf-8"))["project"])
    try:
        installed = distribution(PACKAGE.name)
    except PackageNotFoundError:
        raise ConfigError("actorrec is not installed, only its files are here", hint=_INSTALL_AGAIN) from None
    if missing := set(DEVICE_EXTRAS) - set(installed.metadata.get_all("Provides-Extra") or ()):
        raise ConfigError(f"this installation does not know the extra '{min(missing)}'", hint=_INSTALL_AGAIN)
    known = installed.metadata
    lines = [line for line in installed.requires or () if _for_devices(Requirement(line))]
    return _described(known["Summary"], known["Requires-Python"], lines)


def licence_text(name: str) -> bytes:
    """``LICENSE`` or ``NOTICE``, word for word.

    Raises:
        ConfigError: If it is not there.
    """
    try:
        if _PROJECT.is_file():
            return _PROJECT.with_name(name).read_bytes()
        text = distribution(PACKAGE.name).read_text(f"licenses/{name}")
    except (OSError, PackageNotFoundError):
        text = None
    if text is None:
        raise ConfigError(f"this installation lacks its {name}", hint=_INSTALL_AGAIN)
    return text.encode()


def _from_project(project: Mapping[str, Any]) -> OwnDescription:
    extras = project["optional-dependencies"]
    lines = [*project["dependencies"], *(line for extra in DEVICE_EXTRAS for line in extras[extra])]
    return _described(project["description"], project["requires-python"], lines)


def _described(summary: str, requires_python: str, lines: Iterable[str]) -> OwnDescription:
    found = {canonicalize_name(r.name): Requirement(f"{r.name}{r.specifier}") for r in map(Requirement, lines)}
    return OwnDescription(summary, str(SpecifierSet(requires_python)), tuple(found[name] for name in sorted(found)))


def _for_devices(requirement: Requirement) -> bool:
    marker = requirement.marker
    return marker is None or any(marker.evaluate({"extra": extra}) for extra in DEVICE_EXTRAS)
