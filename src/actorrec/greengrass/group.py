"""A thing group as deployments see it: who is in it, what they run, and what was deployed last."""

from collections import Counter
from collections.abc import Callable, Mapping
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Final, TypeVar

from actorrec.errors import RemoteError
from actorrec.greengrass.deployment_calls import ONE_BY_ONE, DeploymentCalls
from actorrec.greengrass.deployments import CoreDevice, Deployment, target_of
from actorrec.manifests.component import DeployedComponent

T = TypeVar("T")
_SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class GroupState:
    """A target of deployments at one moment.

    Attributes:
        name: Of the thing group.
        arn: Of it.
        members: Names of its things, sorted; not every one need run a nucleus.
        devices: Those of them that run one and have reported once, sorted by name.
        present: The newest deployment to it; None before the first.
    """

    name: str
    arn: str
    members: tuple[str, ...]
    devices: tuple[CoreDevice, ...]
    present: Deployment | None

    @property
    def components(self) -> Mapping[str, DeployedComponent]:
        """What the present deployment holds; empty before the first."""
        return {} if self.present is None else self.present.components

    @property
    def lite(self) -> tuple[CoreDevice, ...]:
        """Devices that run nucleus lite."""
        return tuple(device for device in self.devices if device.lite)

    @property
    def unseen(self) -> tuple[str, ...]:
        """Members of which AWS has never heard that they run a nucleus."""
        seen = {device.name for device in self.devices}
        return tuple(name for name in self.members if name not in seen)

    @property
    def runtimes(self) -> Mapping[str, int]:
        """Devices per runtime."""
        return Counter(device.runtime for device in self.devices)

    @property
    def architectures(self) -> Mapping[str, int]:
        """Devices per architecture, as the nucleus calls it; those that do not say are left out."""
        return Counter(device.architecture for device in self.devices if device.architecture)


def read_group(calls: DeploymentCalls, group: str) -> GroupState:
    """Look at a thing group.

    Args:
        calls: Asks.
        group: Its name.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If there is no such group, or AWS refuses or cannot be reached.
    """
    return read_group_and(calls, group, lambda present: None)[0]


def read_group_and(calls: DeploymentCalls, group: str, ask: Callable[[Deployment | None], T]) -> tuple[GroupState, T]:
    """Like ``read_group``, with what else is asked about the present deployment while devices are still listed."""
    arn = require_group(calls, group)
    with ThreadPoolExecutor(3) as pool:
        present = pool.submit(calls.latest, arn)
        more = pool.submit(lambda: ask(present.result()))
        members, devices = _fleet(calls, group, pool)
        return GroupState(group, arn, members, devices, present.result()), more.result()


def _fleet(
    calls: DeploymentCalls, group: str, pool: ThreadPoolExecutor
) -> tuple[tuple[str, ...], tuple[CoreDevice, ...]]:
    """Things and core devices; of a large group, the latter are listed while the former still are."""
    members: set[str] = set()
    listing: Future[list[CoreDevice]] | None = None
    for page in calls.member_pages(group):
        members |= set(page)
        if listing is None and len(members) > ONE_BY_ONE:
            listing = pool.submit(lambda: list(calls.all_core_devices()))
    if listing is None:
        return tuple(sorted(members)), calls.core_devices(members)
    devices = (device for device in listing.result() if device.name in members)
    return tuple(sorted(members)), tuple(sorted(devices, key=lambda device: device.name))


def read_target(calls: DeploymentCalls, group: str) -> GroupState:
    """Like ``read_group``, without its things and devices: fewer requests.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If there is no such group, or AWS refuses or cannot be reached.
    """
    arn = require_group(calls, group)
    return GroupState(group, arn, (), (), calls.latest(arn))


def read_target_of(calls: DeploymentCalls, deployment: Deployment) -> GroupState:
    """Look at the target of a deployment, be it a group or one thing; raises as ``read_group``."""
    kind, _, name = target_of(deployment.target_arn).partition("/")
    if kind == "thinggroup":
        return read_group(calls, name)
    return GroupState(name, deployment.target_arn, (name,), calls.core_devices((name,)), deployment)


def require_group(calls: DeploymentCalls, group: str) -> str:
    """ARN of a thing group.

    Raises:
        RemoteError: If there is none of that name.
    """
    arn = calls.group_arn(group)
    if arn is None:
        raise RemoteError(
            f"there is no thing group '{group}' in {calls.region}",
            hint="is it another region's, or misspelt? --thing-group names another; `actorrec cloud init` makes "
            "the one of cloud.thing_group",
        )
    return arn


def some_of(names: "list[str] | tuple[str, ...]") -> str:
    """A few names, and whether there are more."""
    return ", ".join(names[:_SHOWN]) + (f" and {len(names) - _SHOWN} more" if len(names) > _SHOWN else "")
