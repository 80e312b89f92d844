"""The request that makes a deployment, and what there is to say about it."""

import json
from collections.abc import Mapping
from typing import Any, Final, Literal

from actorrec.errors import ConfigError
from actorrec.greengrass.component_settings import content_of
from actorrec.greengrass.deployments import GONE, components_request
from actorrec.greengrass.group import GroupState, some_of
from actorrec.manifests.component import DeployedComponent
from actorrec.sections.cloud import GreengrassSection

Purpose = Literal["group", "canary", "rollback", "remove"]
_LITE_TIGHT_BYTES: Final = 2000
_LITE_MOST_BYTES: Final = 3200
"""Nucleus lite reads a deployment into 4,096 bytes, and cannot fetch a larger one (its source, 2.5).

Some 800 of them are for what is around the components: names, ARNs, policies, the job.
"""


def deployment_request(
    state: GroupState,
    components: Mapping[str, DeployedComponent],
    settings: GreengrassSection,
    *,
    purpose: Purpose,
    parent_arn: str | None = None,
    tags: Mapping[str, str] | None = None,
) -> dict[str, Any]:
    """Parameters of CreateDeployment, without the token.

    Args:
        state: The target.
        components: All that it will have.
        settings: Rollout, abort rule, timeout and policies.
        purpose: For the name, by which people find it in AWS's console.
        parent_arn: Group that the target is a part of, for a subdeployment.
        tags: Of the deployment.
    """
    parent = {} if parent_arn is None else {"parentTargetArn": parent_arn}
    return {
        "targetArn": state.arn,
        **parent,
        **({"tags": dict(tags)} if tags else {}),
        "deploymentName": f"{state.name} actorrec {purpose} {content_of(components)[:16]}",
        "components": components_request(components),
        "deploymentPolicies": _policies(settings),
        "iotJobConfiguration": {
            "jobExecutionsRolloutConfig": {"maximumPerMinute": settings.rate_per_minute},
            "abortConfig": {"criteriaList": [_abort_rule(settings)]},
            "timeoutConfig": {"inProgressTimeoutInMinutes": settings.timeout_minutes},
        },
    }


def _policies(settings: GreengrassSection) -> dict[str, Any]:
    return {
        "failureHandlingPolicy": settings.failure_policy,
        "componentUpdatePolicy": {"action": settings.update_policy, "timeoutInSeconds": settings.update_timeout_s},
        "configurationValidationPolicy": {"timeoutInSeconds": settings.validation_timeout_s},
    }


def _abort_rule(settings: GreengrassSection) -> dict[str, Any]:
    return {
        "failureType": "ALL",  # failed, rejected and timed out together
        "action": "CANCEL",
        "thresholdPercentage": max(0.01, round(settings.abort_percent, 2)),  # AWS takes two digits
        "minNumberOfExecutedThings": settings.abort_after,
    }


def notes_of(state: GroupState, components: Mapping[str, DeployedComponent], settings: GreengrassSection) -> list[str]:
    """What people should know before they agree."""
    notes = []
    if state.present is not None and state.present.status in GONE:
        ended = "cancelled" if state.present.status == "CANCELED" else "a failure"
        notes.append(f"the deployment that the group has now was {ended}; this one goes out all the same")
    if state.unseen:
        notes.append(
            f"{len(state.unseen)} of the {len(state.members)} things never reported as a core device "
            f"({some_of(state.unseen)}): they get it once they do"
        )
    if state.lite and settings.failure_policy == "ROLLBACK":
        notes.append("nucleus lite does not roll a failed installation back: the old version goes on where it can")
    size = len(json.dumps(components_request(components)))
    if state.lite and size > _LITE_TIGHT_BYTES:
        notes.append(f"{size} bytes are much for nucleus lite, which takes about {_LITE_MOST_BYTES}")
    return notes


def refuse_too_large(state: GroupState, components: Mapping[str, DeployedComponent]) -> None:
    """Stop before devices with nucleus lite are sent what they cannot read.

    Raises:
        ConfigError: If so.
    """
    size = len(json.dumps(components_request(components)))
    if state.lite and size > _LITE_MOST_BYTES:
        raise ConfigError(
            f"the components and their configuration are {size} bytes; nucleus lite takes about {_LITE_MOST_BYTES}",
            hint="put devices with nucleus lite into a group of their own, with fewer components",
        )
