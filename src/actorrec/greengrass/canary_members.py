"""Which devices of a group try something first, and how a deployment reaches them alone."""

import hashlib
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from actorrec.errors import ConfigError
from actorrec.greengrass.deployments import CLASSIC, CoreDevice

Mode = Literal["part", "ring"]
"""``part``: a subdeployment of the group's, devices stay where they are. ``ring``: a group of their own meanwhile."""
SUBDEPLOYMENTS_SINCE: Final = (2, 9)
"""Version of the Java nucleus that knows deployments to a part of a group; nucleus lite knows none."""
_VERSION: Final = re.compile(r"(\d{1,6})\.(\d{1,6})(\.|$)")
_SHARE: Final = re.compile(r"([1-9][0-9]?)%")


@dataclass(frozen=True, slots=True)
class Choice:
    """Devices that try first.

    Attributes:
        mode: How a deployment reaches them alone.
        devices: Their names, sorted.
        why: Of the mode, in words.
    """

    mode: Mode
    devices: tuple[str, ...]
    why: str


def shortlist(
    group: str,
    wanted: str,
    things: Sequence[str],
    devices: Mapping[str, CoreDevice],
    earlier: Collection[str] = (),
) -> tuple[str, ...]:
    """The devices that try first.

    Those that were chosen earlier go first, then healthy ones, then those with the Java nucleus (which can stay in the
    group for a trial); among equals, an order that looks like chance and is the same each time.

    Args:
        group: The thing group.
        wanted: Name of a thing, or ``N%`` of the group (rounded to the nearest, at least one).
        things: Members of the group.
        devices: What is known of those that ever reported.
        earlier: Chosen by an earlier canary: a retry takes the same.

    Raises:
        ConfigError: If the group is empty, has no thing of that name, or that thing or all of them never reported.
    """
    if not things:
        raise ConfigError(f"the thing group '{group}' is empty", hint="`actorrec devices provision` adds devices")
    share = _SHARE.fullmatch(wanted)
    if share is None:
        return (_single(group, wanted, things, devices),)
    reported = [thing for thing in things if thing in devices]
    if not reported:
        raise ConfigError(
            f"no device of '{group}' has ever reported, so none can try anything",
            hint="is the nucleus installed and running there? `actorrec devices ls` shows them",
        )
    many = max(1, (len(things) * int(share[1]) + 50) // 100)
    order = sorted(reported, key=lambda thing: _order(group, devices[thing], thing in earlier))
    return tuple(sorted(order[:many]))


def choice(devices: Iterable[str], known: Mapping[str, CoreDevice]) -> Choice:
    """How a deployment reaches these devices alone.

    Args:
        devices: Their names.
        known: What is known of them, versions included; a device that is not in it is taken for one that can least.
    """
    names = tuple(sorted(devices))
    unable = [name for name in names if not takes_part(known.get(name))]
    if not unable:
        return Choice("part", names, "every one of them takes a deployment to a part of its group")
    return Choice("ring", names, f"{unable[0]} {_lack(known.get(unable[0]))}, so they leave the group for the trial")


def takes_part(device: CoreDevice | None) -> bool:
    """Whether a device takes a deployment to a part of its group."""
    if device is None or device.runtime != CLASSIC:
        return False
    found = _VERSION.match(device.version)
    return found is not None and (int(found[1]), int(found[2])) >= SUBDEPLOYMENTS_SINCE


def _single(group: str, wanted: str, things: Sequence[str], devices: Mapping[str, CoreDevice]) -> str:
    if wanted not in things and wanted.endswith("%"):
        raise ConfigError(
            f"'{wanted}' is no share of a group that could try something first",
            hint="1% to 99%, in whole numbers; or the name of a device",
        )
    if wanted not in things:
        raise ConfigError(
            f"'{wanted}' is not in the thing group '{group}'",
            hint=f"it holds {', '.join(list(things)[:5])}{' …' if len(things) > 5 else ''}; N% takes a share of it",
        )
    if wanted not in devices:
        raise ConfigError(
            f"'{wanted}' has never reported, so it cannot try anything",
            hint="is the nucleus installed and running there? `actorrec devices ls` shows those that reported",
        )
    return wanted


def _order(group: str, device: CoreDevice, earlier: bool) -> tuple[bool, bool, bool, str]:
    chance = hashlib.sha256(f"{group}/{device.name}".encode()).hexdigest()
    return (not earlier, device.status != "HEALTHY", device.runtime != CLASSIC, chance)


def _lack(device: CoreDevice | None) -> str:
    if device is None:
        return "has never reported"
    if device.lite:
        return "runs nucleus lite, which knows no deployments to a part of a group"
    return f"runs nucleus {device.version or 'of an unknown version'}, which is older than 2.9"
