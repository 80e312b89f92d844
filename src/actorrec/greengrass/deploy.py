"""Carry out a planned deployment, with a guard against two at once, and record it in the store."""

import logging
import time
from collections.abc import Mapping
from typing import Any, Final

from actorrec.artifacts.catalog import commit_manifest, manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError, RemoteError
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployments import Created, DeploymentRow
from actorrec.manifests.base import ProducedBy, Sha256, digest_json
from actorrec.manifests.component import ComponentManifest, DeployedComponent, DeploymentManifest
from actorrec.passwords import without_passwords

logger = logging.getLogger(__name__)
_TOKEN_LENGTH: Final = 64
_LOOKS: Final = 5
_PAUSE_S: Final = 0.1


def execute(
    plan: DeploymentPlan,
    calls: DeploymentCalls,
    store: ArtifactStore,
    *,
    group: str = "",
    made_by: ProducedBy | None = None,
) -> DeploymentManifest:
    """Make a deployment.

    AWS knows no condition on a deployment: of two at once the later takes the place of the earlier. So commands on one
    store wait for each other here, the target is looked at again just before, and once more afterwards.

    Args:
        plan: Made from the target as it was when people agreed.
        calls: Asks and orders.
        store: Where the deployment is recorded; its lock keeps others on the same store waiting.
        group: The thing group that it is about, where the target is but a part of it.
        made_by: Code and settings.

    Returns:
        The record, which is in the store. Where this very deployment was made before (an answer was lost, a command
        was killed), it is the record of that one.

    Raises:
        ConfigError: If credentials are missing, expired or refused.
        RemoteError: If somebody else deployed meanwhile, or AWS refuses or cannot be reached.
        ArtifactError: If the store takes no more.
    """
    with store.lock(f"deployments/{plan.target_arn.rpartition('/')[2]}"):
        _refuse_overtaken(plan, calls)
        try:
            created, now = _created(plan, calls)
            try:
                manifest = commit_manifest(store, _manifest(plan, created, store, group or plan.group, made_by))
            except (ArtifactError, RemoteError) as error:
                message = f"the deployment {created.id} was made and goes on, but is not on record: {error.message}"
                raise type(error)(message, hint="`actorrec deploy status` shows it all the same") from None
            _tell_overtaken(plan, now, created)
        except KeyboardInterrupt:
            logger.warning("the deployment may have been made: `actorrec deploy status` shows the latest")
            raise
    return manifest


def token_of(plan: DeploymentPlan, deleted: str = "") -> str:
    """The same for the same request after the same deployment: sent twice it makes one.

    Args:
        plan: What is asked for.
        deleted: A deployment that came of the very same once, and that somebody deleted.
    """
    before = None if plan.before is None else plan.before.id
    return digest_json([before, plan.request, *([deleted] if deleted else [])])[:_TOKEN_LENGTH]


def _created(plan: DeploymentPlan, calls: DeploymentCalls) -> tuple[Created, DeploymentRow | None]:
    """Make it; with the latest deployment of the target afterwards, as ``_seen`` says it."""
    created = calls.create({**plan.request, "clientToken": token_of(plan)})
    now = _seen(plan, calls, created)
    if now is None and calls.find_deployment(created.id) is None:  # the service remembers tokens longer than that
        created = calls.create({**plan.request, "clientToken": token_of(plan, created.id)})
        now = _seen(plan, calls, created)
    return created, now


def _manifest(
    plan: DeploymentPlan, created: Created, store: ArtifactStore, group: str, made_by: ProducedBy | None
) -> DeploymentManifest:
    """The record of a deployment; it comes from the components that the store knows."""
    return DeploymentManifest(
        key=created.id.lower(),
        produced_by=made_by or ProducedBy(),
        deployment_id=created.id,
        job_id=created.job_id,
        target_arn=plan.target_arn,
        group=group,
        purpose=plan.purpose,
        components={name: _on_record(component) for name, component in plan.components.items()},
        previous_id=None if plan.before is None else plan.before.id,
        inputs=_inputs(plan.components, store),
    )


def _on_record(component: DeployedComponent) -> DeployedComponent:
    """The password of a camera is the service's and the device's to keep: others read the store."""
    return component.model_copy(update={"merge": without_passwords(component.merge)})


def _inputs(components: Mapping[str, DeployedComponent], store: ArtifactStore) -> dict[str, Sha256]:
    wanted = {(name, component.version) for name, component in components.items()}
    known = (each for each in manifests(store, ComponentManifest) if (each.name, each.version) in wanted)
    return {each.ref: each.content_digest() for each in known}


def _refuse_overtaken(plan: DeploymentPlan, calls: DeploymentCalls) -> None:
    now = _latest(plan, calls)
    before = None if plan.before is None else plan.before.id
    if now is None or now.id == before:
        return
    same = now.name == plan.request["deploymentName"]
    raise RemoteError(
        f"somebody deployed {'the very same' if same else 'something else'} to '{plan.group}' meanwhile "
        f"({now.id}); nothing was changed",
        hint="run it again: the plan is made anew from what is there then",
    )


def _tell_overtaken(plan: DeploymentPlan, now: DeploymentRow | None, created: Created) -> None:
    if now is None:
        return
    if now.id != created.id:
        raise RemoteError(
            f"the deployment {created.id} was made, but another took its place at the same moment: {now.id}",
            hint="is that the one that is wanted? If not, run it again: the plan is made anew",
        )
    if _between(plan, now):
        raise RemoteError(
            f"the deployment {created.id} was made, but it replaced one that somebody else made at the same moment",
            hint="`actorrec deploy history` shows both; what was new in the other must be deployed again",
        )


def _seen(plan: DeploymentPlan, calls: DeploymentCalls, created: Created) -> DeploymentRow | None:
    """The latest deployment, once the service lists ours or a newer one; None if it does not in time."""
    before = None if plan.before is None else plan.before.id
    for attempt in range(_LOOKS):
        now = _latest(plan, calls)
        if now is not None and (now.id == created.id or now.id != before):
            return now
        time.sleep(_PAUSE_S * 2**attempt)  # its lists may lag behind
    return None


def _between(plan: DeploymentPlan, now: DeploymentRow) -> bool:
    """Whether revisions were made between the one of the plan and ours."""
    if plan.before is None or not plan.before.revision or not now.revision:
        return False
    return now.revision > plan.before.revision + 1


def _latest(plan: DeploymentPlan, calls: DeploymentCalls) -> DeploymentRow | None:
    parent: Any = plan.request.get("parentTargetArn")
    return calls.latest_row(plan.target_arn, parent)
