"""What it takes to deal with canaries."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from actorrec.artifacts.store import ArtifactStore
from actorrec.aws.session import AwsSession
from actorrec.config import Config, provenance
from actorrec.greengrass.canary_calls import MemberCalls
from actorrec.greengrass.canary_state import CanaryState, read_canary
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.deploy import execute
from actorrec.greengrass.deploy_plan import DeploymentPlan
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.drafts import MODEL_SUFFIX
from actorrec.greengrass.health_log import HealthLog
from actorrec.manifests.component import BUNDLE_TAG, DeployedComponent, DeploymentManifest


@dataclass(frozen=True, slots=True)
class CanaryDesk:
    """What it takes to deal with canaries.

    Attributes:
        config: Names and bounds.
        store: Where deployments are recorded.
        calls: About deployments and devices.
        components: About components.
        members: Of thing groups.
        health: What devices say.
    """

    config: Config
    store: ArtifactStore
    calls: DeploymentCalls
    components: ComponentCalls
    members: MemberCalls
    health: HealthLog

    @classmethod
    def of(cls, aws: AwsSession, config: Config, store: ArtifactStore) -> Self:
        """Everything over one session."""
        poll_s = config.greengrass.poll_s
        calls, components = DeploymentCalls(aws), ComponentCalls(aws, poll_s)
        return cls(config, store, calls, components, MemberCalls(aws, poll_s), HealthLog(aws, config))

    @property
    def program(self) -> str:
        """Name of our component that holds the program."""
        return self.config.greengrass.component_name

    def look(self, group: str) -> CanaryState:
        """The canary of a thing group."""
        return read_canary(self.calls, group)

    def deploy(self, plan: DeploymentPlan, group: str) -> DeploymentManifest:
        """Make a deployment of a canary's, and record it."""
        return execute(plan, self.calls, self.store, group=group, made_by=provenance(self.config))

    def bundle_of(self, components: Mapping[str, DeployedComponent]) -> str | None:
        """SHA-256 of the bundle that a set brings; None where that is not known."""
        for name in (self.program, f"{self.program}{MODEL_SUFFIX}"):
            if name in components:
                found = self.components.describe(name, components[name].version)
                if found is not None and found.tags.get(BUNDLE_TAG):
                    return found.tags[BUNDLE_TAG]
        return None
