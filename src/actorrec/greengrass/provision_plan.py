"""What making a device known to AWS is going to do, as plain data: nothing in here touches the network."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.device_folder import DeviceRecord

Runtime = Literal["java", "lite"]
Verb = Literal["create", "reuse", "attach", "join", "activate", "delete", "write"]
Type = Literal["thing", "certificate", "policy", "thing group", "files"]
_THING: Final = re.compile(r"[a-zA-Z0-9][a-zA-Z0-9_-]{0,127}")
_HOST: Final = re.compile(r"[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_NAMES: Final = re.compile(r"[\w+=,.@-]{1,128}", re.ASCII)
_INIT: Final = "`actorrec cloud init` makes what devices need; cloud.stack names another stack"


@dataclass(frozen=True, slots=True)
class Wanted:
    """A device that is to be made known.

    Attributes:
        group: Thing group that it joins.
        stack: Whose policy and role alias it gets.
        folder: On this machine, where its files go.
        new_certificate: Whether it gets a further certificate where it has one.
        clients: Whether it will take messages of client devices, for which its certificate may do more.
    """

    thing: str
    group: str
    stack: str
    folder: Path
    runtimes: tuple[Runtime, ...] = ("java", "lite")
    new_certificate: bool = False
    clients: bool = False


@dataclass(frozen=True, slots=True)
class Found:
    """What is there already.

    Attributes:
        thing: Whether there is such a thing.
        certificates: ARNs of its certificates.
        groups: Names of its thing groups.
        group: What kind the wanted group is; None if there is none.
        policies: Names of the policies for such a device.
        missing: Those of them that are not there.
        alias: Name of the role alias, with ``has_alias`` whether there is one.
        data_endpoint: Host that devices speak MQTT with.
        credential_endpoint: Host that gives them credentials.
        record: What the folder says of an earlier run; None if it says nothing.
        key: Whether the folder holds a private key.
        status: Of the certificate of ``record``, at AWS; None if it is not there.
        attached: Names of the policies that this certificate has.
    """

    region: str
    thing: bool
    certificates: tuple[str, ...]
    groups: tuple[str, ...]
    group: Literal["static", "dynamic"] | None
    policies: tuple[str, ...]
    missing: tuple[str, ...]
    alias: str
    has_alias: bool
    data_endpoint: str
    credential_endpoint: str
    record: DeviceRecord | None = None
    key: bool = False
    status: str | None = None
    attached: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that is done, or need not be done."""

    verb: Verb
    type: Type
    name: str
    why: str = ""

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def check_thing_name(name: str) -> None:
    """Refuse a name that a core device cannot have.

    Raises:
        ConfigError: If so; a nucleus does not take the ':' that AWS allows to other things.
    """
    if not _THING.fullmatch(name):
        raise ConfigError(
            f"'{name}' cannot be the name of a device",
            hint="1 to 128 of the letters a-z and A-Z, digits, '-' and '_', the first a letter or digit",
        )


def policies_of(wanted: Wanted, outputs: Mapping[str, str]) -> tuple[str, ...]:
    """Policies of such a device: as the stack names them, else as it would have named them."""
    device = outputs.get("DevicePolicy") or f"{wanted.stack}-core-device"
    clients = outputs.get("ClientsPolicy") or f"{wanted.stack}-core-of-clients"
    return (device, clients) if wanted.clients else (device,)


def alias_of(wanted: Wanted, outputs: Mapping[str, str]) -> str:
    """Role alias of devices, likewise."""
    return outputs.get("RoleAlias") or f"{wanted.stack}-token-exchange"


def plan_provision(wanted: Wanted, found: Found) -> tuple[Action, ...]:
    """What is going to be done, in this order.

    Raises:
        ConfigError: If the folder holds somebody else's key, or the thing has a certificate whose key is elsewhere.
        RemoteError: If group, policy or role alias are missing or not of a kind that serves.
    """
    _refuse_missing(wanted, found)
    return tuple(_actions(wanted, found))


def resumes(wanted: Wanted, found: Found) -> bool:
    """Whether the folder holds the key of a certificate of this very device that AWS still has."""
    record = found.record
    if wanted.new_certificate or record is None or not found.key or found.status is None:
        return False
    return (record.thing, record.region) == (wanted.thing, found.region)


def _actions(wanted: Wanted, found: Found) -> Iterator[Action]:
    orphan = _orphan(wanted, found)
    if not resumes(wanted, found):
        _refuse_taken(wanted, found)
    if orphan:
        yield Action("delete", "certificate", orphan, "an earlier run was cut off before its key was written")
    why = "" if not found.thing else "there is one already"
    yield Action("reuse" if found.thing else "create", "thing", wanted.thing, why)
    yield from _certificate(wanted, found)
    joined = wanted.group in found.groups
    why = "it is in it already" if joined else "deployments to the group reach it from then on"
    yield Action("reuse" if joined else "join", "thing group", wanted.group, why)
    yield Action("write", "files", str(wanted.folder), f"configuration and install lines: {', '.join(wanted.runtimes)}")
    if not (resumes(wanted, found) and found.status == "ACTIVE"):
        yield Action("activate", "certificate", wanted.thing, "last of all: until then it opens nothing")


def _certificate(wanted: Wanted, found: Found) -> Iterator[Action]:
    record = found.record if resumes(wanted, found) else None
    if record is not None:
        yield Action("reuse", "certificate", record.certificate_id, f"its key is in {wanted.folder}")
    else:
        aside = "; the earlier one is set aside" if found.key else ""
        where = f"with a private key in {wanted.folder}, mode 0600{aside}"
        yield Action("create", "certificate", wanted.thing, where)
    for policy in found.policies:
        attached = record is not None and policy in found.attached
        yield Action("reuse" if attached else "attach", "policy", policy, "what the certificate may do")
    if record is None or record.certificate_arn not in found.certificates:
        yield Action("attach", "certificate", wanted.thing, "to this thing alone")


def _orphan(wanted: Wanted, found: Found) -> str:
    """Certificate of a run that was cut off between making it and writing its key: nobody can ever use it."""
    record = found.record
    if record is None or found.key or found.status != "INACTIVE" or record.thing != wanted.thing:
        return ""
    return "" if record.certificate_arn in found.certificates else record.certificate_id


def _refuse_missing(wanted: Wanted, found: Found) -> None:
    if found.group is None:
        raise RemoteError(
            f"there is no thing group '{wanted.group}' in {found.region}", hint=f"--group names another; {_INIT}"
        )
    if found.group == "dynamic":
        raise RemoteError(
            f"the thing group '{wanted.group}' is a dynamic one: its query says who is in it",
            hint="--group names a static group",
        )
    if found.missing:
        raise RemoteError(f"there is no policy '{found.missing[0]}' for devices in {found.region}", hint=_INIT)
    if not found.has_alias:
        raise RemoteError(f"there is no role alias '{found.alias}' for devices in {found.region}", hint=_INIT)
    for host in (found.data_endpoint, found.credential_endpoint):
        if not _HOST.fullmatch(host):
            raise RemoteError("AWS names no usable address for devices to connect to", hint="run it again")
    for name in (*found.policies, found.alias):
        if not _NAMES.fullmatch(name):
            raise RemoteError(f"the stack '{wanted.stack}' names no usable policy and role alias", hint=_INIT)


def _refuse_taken(wanted: Wanted, found: Found) -> None:
    if wanted.new_certificate:
        return
    if found.key:
        whose = f"of '{found.record.thing}'" if found.record is not None else "of something else"
        own = found.record is not None and found.record.thing == wanted.thing
        gone = f", whose certificate is not in {found.region}" if own else ""
        raise ConfigError(
            f"{wanted.folder} holds a private key already, {whose}{gone}",
            hint="--out names another folder; --new-certificate puts a new key in its place",
        )
    if found.certificates:
        raise ConfigError(
            f"'{wanted.thing}' has a certificate already, and its key is not in {wanted.folder}",
            hint="--out names the folder that holds it; --new-certificate makes a further certificate",
        )
