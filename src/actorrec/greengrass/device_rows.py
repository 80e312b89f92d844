"""Devices as they are listed and shown, as plain data: nothing in here touches the network."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any

from actorrec.aws.scrub import scrubbed
from actorrec.greengrass.deployments import LITE, CoreDevice, target_of


@dataclass(frozen=True, slots=True)
class LastDeployment:
    """What a device made of a deployment.

    Attributes:
        status: As the job behind it says: ``SUCCEEDED``, ``FAILED``, …; of a thing's own also ``COMPLETED``.
        reason: The device's own, fit to be shown; nucleus lite gives none.
        errors: Kinds of error, the outermost first.
    """

    id: str
    name: str
    target: str
    status: str
    reason: str = ""
    errors: tuple[str, ...] = ()
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class InstalledComponent:
    """A component on a device.

    Attributes:
        state: ``RUNNING``, ``FINISHED``, ``ERRORED``, ``BROKEN``, …
        details: What the device says about it; may be empty.
        root: Whether a deployment named it, and not only another component.
    """

    name: str
    version: str
    state: str
    details: str
    root: bool


@dataclass(frozen=True, slots=True)
class DeviceRow:
    """A device in a list.

    Attributes:
        group: The thing group by which it is listed.
        status: ``HEALTHY`` or ``UNHEALTHY``; empty for a thing that never reported as a core device.
        runtime: ``java`` or ``lite``; likewise.
        nucleus: Version of it; empty where a listing does not say.
        versions: Of our components; None where the device was not asked.
        last: The newest deployment that it was handed; None if there is none.
    """

    thing: str
    group: str
    status: str = ""
    runtime: str = ""
    platform: str = ""
    architecture: str = ""
    nucleus: str = ""
    seen_at: datetime | None = None
    versions: Mapping[str, str] | None = None
    last: LastDeployment | None = None

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        told: dict[str, Any] = _json_ready(asdict(self))
        return told


@dataclass(frozen=True, slots=True)
class DeviceDetails:
    """All that is known of one device.

    Attributes:
        groups: Thing groups that it is in.
        certificates: How many it has.
        components: What is installed, ours first.
        deployments: That it was handed, the newest first.
    """

    row: DeviceRow
    groups: tuple[str, ...]
    certificates: int
    components: tuple[InstalledComponent, ...] = field(default=())
    deployments: tuple[LastDeployment, ...] = field(default=())

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        told: dict[str, Any] = _json_ready(asdict(self))
        return told


def row_of(thing: str, group: str, device: CoreDevice | None) -> DeviceRow:
    """A thing, with what is known of its nucleus."""
    if device is None:
        return DeviceRow(thing, group)
    return DeviceRow(
        thing=thing,
        group=group,
        status=device.status,
        runtime="lite" if device.runtime == LITE else "java",
        platform=device.platform,
        architecture=device.architecture,
        nucleus=device.version,
        seen_at=device.seen_at,
    )


def installed_of(told: Iterable[Mapping[str, Any]], ours: Collection[str]) -> tuple[InstalledComponent, ...]:
    """Entries of ListInstalledComponents: ours first, then what deployments named, then the rest."""
    found = [
        InstalledComponent(
            name=each["componentName"],
            version=each.get("componentVersion", ""),
            state=each.get("lifecycleState", ""),
            details=scrubbed(" ".join([each.get("lifecycleStateDetails", ""), *each.get("lifecycleStatusCodes", ())])),
            root=bool(each.get("isRoot")),
        )
        for each in told
    ]
    return tuple(sorted(found, key=lambda each: (each.name not in ours, not each.root, each.name)))


def deployments_of(told: Iterable[Mapping[str, Any]]) -> tuple[LastDeployment, ...]:
    """Entries of ListEffectiveDeployments, the newest first."""
    newest = sorted(told, key=lambda each: each["creationTimestamp"].timestamp(), reverse=True)
    return tuple(
        LastDeployment(
            id=each["deploymentId"],
            name=each.get("deploymentName", ""),
            target=target_of(each["targetArn"]),
            status=each["coreDeviceExecutionStatus"],
            reason=scrubbed(each.get("reason", "")),
            errors=tuple(scrubbed(error) for error in each.get("statusDetails", {}).get("errorStack", ())),
            at=each.get("modifiedTimestamp"),
        )
        for each in newest
    )


def _json_ready(value: Any) -> Any:
    match value:
        case datetime():
            return value.isoformat()
        case Mapping():
            return {key: _json_ready(each) for key, each in value.items()}
        case list() | tuple():
            return [_json_ready(each) for each in value]
    return value
