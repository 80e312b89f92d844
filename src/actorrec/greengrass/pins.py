"""Which versions a device gets: those that are installed here, for what a device of some kind needs."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from typing import Final

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from actorrec.errors import ConfigError, MissingExtraError
from actorrec.greengrass.own_description import DEVICE_EXTRAS, own_description

MACHINES: Final = ("aarch64", "x86_64")


@dataclass(frozen=True, slots=True)
class Target:
    """A kind of device: Linux on a machine with a Python.

    Attributes:
        python: ``3.11``.
        machine: One of ``MACHINES``.
    """

    python: str
    machine: str

    @property
    def markers(self) -> dict[str, str]:
        """What conditions of requirements ask about, as it is there and not here."""
        return {
            "implementation_name": "cpython",
            "implementation_version": f"{self.python}.0",
            "os_name": "posix",
            "platform_machine": self.machine,
            "platform_python_implementation": "CPython",
            "platform_release": "",
            "platform_system": "Linux",
            "platform_version": "",
            "python_full_version": f"{self.python}.0",
            "python_version": self.python,
            "sys_platform": "linux",
        }


@dataclass(frozen=True, slots=True)
class Pin:
    """A package in the one version that devices get.

    Attributes:
        name: In its normal form (``pydantic-core``).
        pythons: Pythons that need it, in the order that was given.
    """

    name: str
    version: str
    pythons: tuple[str, ...]


def pins(
    pythons: Sequence[str], machines: Sequence[str] = MACHINES, roots: Sequence[Requirement] | None = None
) -> list[Pin]:
    """All that a device needs, to the last package, in the versions that are installed here.

    Args:
        pythons: As ``greengrass.vendor_pythons``.
        machines: Kinds of devices; what any of them needs is named.
        roots: What is asked for; by default, what our own package asks for on a device.

    Returns:
        By name; our own package is not among them.

    Raises:
        ConfigError: If something is not installed here, so that no version of it is known to work.
    """
    versions: dict[str, str] = {}
    needed: dict[str, list[str]] = {}
    for python in pythons:
        closure: dict[str, str] = {}
        for machine in machines:
            closure |= _closure(Target(python, machine), own_description().requirements if roots is None else roots)
        versions |= closure
        for name in closure:
            needed.setdefault(name, []).append(python)
    return [Pin(name, versions[name], tuple(needed[name])) for name in sorted(versions)]


def requirements_text(wanted: Sequence[Pin], pythons: Sequence[str], hashes: Mapping[str, Sequence[str]]) -> str:
    """The pins as a file for pip.

    Args:
        wanted: From ``pins``.
        pythons: All that are served: a package that some do not need has a condition.
        hashes: Package → SHA-256 (hex) of each wheel of it; empty where pip fetches them itself.
    """
    lines = []
    for pin in wanted:
        condition = "" if set(pin.pythons) >= set(pythons) else f' ; python_version in "{" ".join(pin.pythons)}"'
        digests = "".join(f" --hash=sha256:{digest}" for digest in hashes.get(pin.name, ()))
        lines.append(f"{pin.name}=={pin.version}{condition}{digests}\n")
    return "".join(lines)


def _closure(target: Target, roots: Sequence[Requirement]) -> dict[str, str]:
    """Package → version of all that these need on such a device."""
    found: dict[str, str] = {}
    seen: set[tuple[str, str]] = set()
    waiting = [(requirement, "") for requirement in roots]
    while waiting:
        requirement, wanted_by = waiting.pop()
        name = canonicalize_name(requirement.name)
        version, lines = _installed(requirement, wanted_by)
        found[name] = version
        for extra in ("", *requirement.extras):
            if (name, extra) not in seen:
                seen.add((name, extra))
                waiting += [(r, name) for r in _parsed(lines) if _asked(r, target, (extra,))]
    return found


def _asked(requirement: Requirement, target: Target, extras: Sequence[str]) -> bool:
    """Whether one of the extras asks for it there; "" is the package without extras."""
    marker = requirement.marker
    return marker is None or any(marker.evaluate({**target.markers, "extra": extra}) for extra in extras)


def _parsed(lines: Sequence[str]) -> Iterator[Requirement]:
    return (Requirement(line) for line in lines)


def _installed(requirement: Requirement, wanted_by: str) -> tuple[str, Sequence[str]]:
    try:
        package = distribution(requirement.name)
    except PackageNotFoundError:
        if wanted_by:
            raise ConfigError(
                f"{wanted_by} needs {requirement.name} on a device, but it is not installed here",
                hint=f"pip install '{requirement.name}{requirement.specifier}': devices get the versions that are here",
            ) from None
        raise MissingExtraError(",".join(DEVICE_EXTRAS), requirement.name) from None
    return package.version, package.requires or ()
