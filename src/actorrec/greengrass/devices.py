"""The devices of a group: what they run, how they are, and how the last deployment went on each."""

import re
from collections.abc import Collection, Iterable
from dataclasses import replace
from typing import Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.canary_names import CanaryNames
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import target_of
from actorrec.greengrass.device_rows import (
    DeviceDetails,
    DeviceRow,
    LastDeployment,
    deployments_of,
    installed_of,
    row_of,
)
from actorrec.greengrass.group import require_group
from actorrec.greengrass.thing_calls import ThingCalls

DETAILS_UP_TO: Final = 50
"""Devices of which each is asked by itself, unless more is wanted: it takes two requests a device."""
_THREADS: Final = 8
_THING: Final = re.compile(r"[a-zA-Z0-9:_-]{1,128}")


def list_devices(
    calls: DeploymentCalls, group: str, ours: Collection[str], *, details: bool = False
) -> tuple[DeviceRow, ...]:
    """Devices of a group, and of the ring of its canary, sorted by name.

    Args:
        calls: Asks.
        group: Name of the thing group.
        ours: Names of our components.
        details: Ask every device for its versions, however many there are.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If there is no such group, or AWS refuses or cannot be reached.
    """
    rows: list[DeviceRow] = []
    arns = {group: require_group(calls, group)}
    ring = CanaryNames.of(group).ring
    if ring_arn := calls.group_arn(ring):
        arns[ring] = ring_arn
    for name, arn in arns.items():
        members = calls.members(name)
        known = {device.name: device for device in calls.core_devices(members)}
        rows += _with_executions(calls, arn, (row_of(thing, name, known.get(thing)) for thing in members))
    if details or len(rows) <= DETAILS_UP_TO:
        rows = list(in_parallel(lambda row: _asked(calls, row, ours), rows, _THREADS))
    return tuple(sorted(rows, key=lambda row: row.thing))


def show_device(calls: DeploymentCalls, things: ThingCalls, thing: str, ours: Collection[str]) -> DeviceDetails:
    """One device.

    Raises:
        ConfigError: If no thing can be called so, or credentials are missing, expired or refused.
        RemoteError: If there is neither a thing nor a core device of that name, or AWS refuses or cannot be reached.
    """
    if not _THING.fullmatch(thing):
        raise ConfigError(f"{thing!r} cannot be the name of a device", hint="`actorrec devices ls` lists them")
    device = calls.core_device(thing)
    if device is None and not things.thing(thing):
        raise RemoteError(
            f"there is no device '{thing}' in {things.region}",
            hint="`actorrec devices ls` lists those of a group; `actorrec devices provision` makes one known",
        )
    groups = things.groups(thing)
    components = installed_of(calls.installed_components(thing) if device is not None else (), ours)
    deployments = deployments_of(calls.effective_deployments(thing) if device is not None else ())
    row = replace(
        row_of(thing, groups[0] if groups else "", device),
        versions={each.name: each.version for each in components if each.name in ours},
        last=deployments[0] if deployments else None,
    )
    return DeviceDetails(row, groups, len(things.certificates(thing)), components, deployments)


def _with_executions(calls: DeploymentCalls, target_arn: str, rows: Iterable[DeviceRow]) -> list[DeviceRow]:
    """How the target's present deployment went on each, from its job: few requests, however many devices."""
    present = calls.latest(target_arn)
    if present is None or present.job_id is None:
        return list(rows)
    about = {execution.device: execution for execution in calls.executions(present.job_id)}
    target = target_of(target_arn)
    return [
        replace(row, last=LastDeployment(present.id, present.name, target, each.status, at=each.updated_at))
        if (each := about.get(row.thing)) is not None
        else row
        for row in rows
    ]


def _asked(calls: DeploymentCalls, row: DeviceRow, ours: Collection[str]) -> DeviceRow:
    """With what the device itself told last."""
    if not row.status:
        return row
    installed = installed_of(calls.installed_components(row.thing), ours)
    deployments = deployments_of(calls.effective_deployments(row.thing))
    reasons = {each.id: each for each in deployments}
    last = row.last or (deployments[0] if deployments else None)
    if last is not None and last.id in reasons:
        last = replace(last, reason=reasons[last.id].reason, errors=reasons[last.id].errors)
    return replace(row, versions={each.name: each.version for each in installed if each.name in ours}, last=last)
