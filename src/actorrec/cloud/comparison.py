"""Whether the settings in use are those of the stack."""

from dataclasses import dataclass

from actorrec.cloud.settings import FLEET, StackSettings
from actorrec.cloud.state import StackState
from actorrec.config import Config
from actorrec.sections import PLACEHOLDER_BUCKET


@dataclass(frozen=True, slots=True)
class Difference:
    """A setting that is not what the stack has.

    Attributes:
        setting: ``section.key``.
        here: Its value in the configuration.
        stack: What the stack has.
    """

    setting: str
    here: str
    stack: str


def differences(config: Config, settings: StackSettings, state: StackState) -> tuple[Difference, ...]:
    """What of the configuration does not fit the stack.

    Args:
        config: Of this run.
        settings: Made from it.
        state: A stack that is there.
    """
    here = {
        "remote.bucket": settings.bucket or PLACEHOLDER_BUCKET,
        "remote.role": config.remote.role,
        "remote.prefix": settings.prefix,
        "cloud.thing_group": settings.thing_group,
        "cloud.component_prefix": settings.component_prefix,
        "cloud.results_topic": settings.results_topic,
        "cloud.retention_days": str(settings.retention_days),
        "aws.kms_key": settings.kms_key,
    }
    here |= {f"greengrass.{key}": settings.fleet[name] for name, key in FLEET.items()}
    parameters, outputs = state.parameters, state.outputs
    there = {
        "remote.bucket": outputs.get("BucketName", ""),
        "remote.role": outputs.get("RoleArn", ""),
        "remote.prefix": parameters.get("Prefix", ""),
        "cloud.thing_group": parameters.get("ThingGroupName", ""),
        "cloud.component_prefix": parameters.get("ComponentPrefix", ""),
        "cloud.results_topic": parameters.get("ResultsTopic", ""),
        "cloud.retention_days": parameters.get("RetentionDays", ""),
        "aws.kms_key": parameters.get("KmsKeyArn", ""),
    }
    there |= {f"greengrass.{key}": parameters.get(name, "") for name, key in FLEET.items()}
    return tuple(Difference(name, here[name], there[name]) for name in here if here[name] != there[name])
