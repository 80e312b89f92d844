"""Earlier deployments of a target, the last good one among them, and plans that go back or take away."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Final

from actorrec.artifacts.bulk import in_parallel
from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass.component_settings import content_of
from actorrec.greengrass.deploy_plan import DeploymentPlan, Intent, plan_set
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import BAD, STATUSES, Deployment, DeploymentRow, Execution, target_of
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.executions import abort_percent
from actorrec.greengrass.group import GroupState
from actorrec.manifests.base import Record
from actorrec.sections.cloud import GreengrassSection

_ASKERS: Final = 8


class HistoryEntry(Record):
    """A deployment of a target, with how it went.

    Attributes:
        counts: Devices per state; empty once AWS has forgotten its job.
        good: Whether ``rollback`` would take it for a good one.
    """

    deployment_id: str
    revision: int
    name: str
    status: str
    latest: bool
    created_at: str
    components: dict[str, str]
    counts: dict[str, int]
    good: bool


@dataclass(frozen=True, slots=True)
class Past:
    """A deployment with what its devices said.

    Attributes:
        executions: Empty once AWS has forgotten its job.
        reporting: Devices of the target that ever reported; what other things said of it does not count.
    """

    deployment: Deployment
    executions: tuple[Execution, ...]
    reporting: frozenset[str]

    @property
    def counts(self) -> dict[str, int]:
        """Devices per state, those without any left out."""
        found = Counter(execution.status for execution in self.executions)
        return {status: found[status] for status in STATUSES if found[status]}

    @property
    def good(self) -> bool:
        """Whether it is one to go back to.

        It is if more than half of the devices that were told of it succeeded, and fewer failed than its own abort rule
        allows (half, without one); of a deployment to a single thing, if it completed. Its status as a deployment does
        not count: AWS withdraws every one when the next is made. One that was cancelled early, or that was replaced
        while few devices had it, is not good.
        """
        if self.deployment.job_id is None:
            return self.deployment.status == "COMPLETED"
        told = [e.status for e in self.executions if e.device in self.reporting and e.status != "REMOVED"]
        succeeded, bad = told.count("SUCCEEDED"), sum(status in BAD for status in told)
        return 2 * succeeded > len(told) and 100 * bad < abort_percent(self.deployment, 50.0) * (succeeded + bad)


def entries(calls: DeploymentCalls, state: GroupState, limit: int) -> list[HistoryEntry]:
    """The newest deployments of a target, with what is in them and how they went.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    rows = calls.history(state.arn)[:limit]
    newest = rows[0].id if rows else ""
    return [_entry(past, newest) for past in _pasts(calls, state, rows)]


def last_good(calls: DeploymentCalls, state: GroupState) -> Deployment:
    """The newest earlier deployment of a target that went well and differs from the present one.

    Args:
        calls: Asks.
        state: The target.

    Raises:
        RemoteError: If there is none, or AWS refuses or cannot be reached.
    """
    if state.present is None:
        raise RemoteError(f"nothing was ever deployed to '{state.name}'", hint="`actorrec deploy` does")
    rows = [row for row in calls.history(state.arn) if row.id != state.present.id]
    now = content_of(state.present.components)
    for past in _pasts(calls, state, rows):
        differs = content_of(past.deployment.components) != now
        if past.good and differs:
            return past.deployment
    raise RemoteError(
        f"no earlier deployment to '{state.name}' went well with anything else than there is now",
        hint="`actorrec deploy history` shows them; --to DEPLOYMENT takes one all the same",
    )


def plan_rollback(state: GroupState, target: Deployment, settings: GreengrassSection) -> DeploymentPlan:
    """Plan to give a target what an earlier deployment gave it: a new revision with the very same components.

    Raises:
        ConfigError: If that deployment was to another target.
    """
    if target.target_arn != state.arn:
        raise ConfigError(
            f"the deployment {target.id} went to {target_of(target.target_arn)}, not to '{state.name}'",
            hint="`actorrec deploy history` lists those to the group",
        )
    differ = [name for name, each in target.components.items() if state.components.get(name) != each]
    why = dict.fromkeys(differ, f"as in revision {target.revision or target.id}")
    return plan_set(state, target.components, settings, Intent("rollback"), why)


def plan_removal(state: GroupState, settings: GreengrassSection) -> DeploymentPlan:
    """Plan to take our components from a target; those of others stay, and an empty list takes away the last."""
    ours = {settings.component_name, f"{settings.component_name}{MODEL_SUFFIX}"}
    kept = {name: component for name, component in state.components.items() if name not in ours}
    return plan_set(state, kept, settings, Intent("remove"))


def _pasts(calls: DeploymentCalls, state: GroupState, rows: Sequence[DeploymentRow]) -> Iterator[Past]:
    """In the order given; asked about several at a time, and only as far as they are looked at."""
    reporting = frozenset(device.name for device in state.devices)

    def read(row: DeploymentRow) -> Past | None:
        try:
            deployment = calls.deployment(row.id)
        except RemoteError:
            if any(each.id == row.id for each in calls.history(row.target_arn)):
                raise
            return None  # deleted meanwhile
        executions = calls.executions(deployment.job_id) if deployment.job_id else ()
        return Past(deployment, executions, reporting)

    return (past for past in in_parallel(read, rows, _ASKERS) if past is not None)


def _entry(past: Past, newest: str) -> HistoryEntry:
    deployment = past.deployment
    told: dict[str, Any] = {name: component.version for name, component in deployment.components.items()}
    return HistoryEntry(
        deployment_id=deployment.id,
        revision=deployment.revision,
        name=deployment.name,
        status=deployment.status,
        latest=deployment.id == newest,
        created_at=deployment.created_at.isoformat(),
        components=told,
        counts=past.counts,
        good=past.good,
    )
