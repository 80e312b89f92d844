"""Publish one bundle without waiting for it: each call goes as far as it gets, the next goes on from there."""

import time
from dataclasses import dataclass
from typing import Final, Literal

from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.errors import ConfigError, ModelContractError
from actorrec.greengrass.component_calls import DEPLOYABLE, ComponentCalls, VersionState
from actorrec.greengrass.components import BundleFile, model_draft, runtime_part_of, single_draft
from actorrec.greengrass.drafts import ComponentDraft
from actorrec.greengrass.known_versions import look_up
from actorrec.greengrass.ota_landing import Bundle
from actorrec.greengrass.ota_live import Fleet
from actorrec.greengrass.publish import Publishing, artifact_uris, put_on_record, send_artifacts
from actorrec.greengrass.publish_plan import PlannedVersion, PublishPlan, plan_publish
from actorrec.manifests.base import digest_json
from actorrec.progress import SilentProgress

_PATIENCE_S: Final = 4.0


@dataclass(frozen=True, slots=True)
class Outcome:
    """How far it got.

    Attributes:
        is_: ``ready``: it can be deployed. ``making``: Greengrass is at it. ``taken``: another made a version of that
            number. ``failed``: it comes to nothing.
        reason: Of ``failed``.
    """

    is_: Literal["ready", "making", "taken", "failed"]
    reason: str = ""


class Publisher:
    """Publishes bundles for a group.

    Args:
        calls: Asks Greengrass.
        store: In S3: what devices fetch lies in it, and what was published is put on record there.
        config: Names and places.
        until_s: Of ``time.monotonic()``: nothing is waited for after it.
    """

    def __init__(self, calls: ComponentCalls, store: ArtifactStore, config: Config, until_s: float) -> None:
        self.calls, self._store, self._config, self._until_s = calls, store, config, until_s

    def draft(self, bundle: Bundle, fleet: Fleet) -> ComponentDraft | str:
        """The component that the group needs: the model alone, or with the program that is live; or why there is none.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        name, uri_of = self._config.greengrass.component_name, artifact_uris(self._config)
        file = BundleFile(bundle.model.content, bundle.model.bytes, bundle.card, bundle.path)
        try:
            if not fleet.single:
                draft = model_draft(name, file, uri_of)
            else:
                assert fleet.program is not None
                program = runtime_part_of(fleet.program_recipe or {}, fleet.program.tags)
                draft = single_draft(name, program, file, uri_of)
            plan_publish([draft], ())  # a recipe may be too large, whatever its version
        except (ConfigError, ModelContractError) as error:
            return error.in_full
        return draft

    def free_version(self, draft: ComponentDraft) -> str:
        """The version that the draft has already, or the one to make.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        return plan_publish([draft], look_up(self.calls, [draft], self._store)).versions[0].version

    def publish(self, draft: ComponentDraft, version: str) -> Outcome:
        """Make that version, or see how the making of it goes.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
            ArtifactError: If the store takes no more.
        """
        planned = PlannedVersion(draft, version, create=True)
        at = Publishing(self.calls, self._store, self._store, SilentProgress(), {}, provenance(self._config))
        if self.calls.describe(draft.name, version) is None:
            send_artifacts(PublishPlan((planned,), plan_publish([draft], (), version=version).actions), at)
            token = digest_json([draft.content_digest, version])
            self.calls.create(draft.name, version, planned.recipe, planned.tags, token)
        state = self._settled(draft.name, version)
        if state is None or state.state in ("REQUESTED", "INITIATED"):
            return Outcome("making")
        if any(state.tags.get(tag) != value for tag, value in draft.tags.items()):
            return Outcome("taken")
        if state.state != DEPLOYABLE:
            return Outcome("failed", f"{state.name} {version} is {state.state}: {state.reason or 'no reason is given'}")
        put_on_record(planned, at)
        return Outcome("ready")

    def _settled(self, name: str, version: str) -> VersionState | None:
        """The version, once it can be deployed or came to nothing; as it is where that takes longer than seconds."""
        until_s = min(time.monotonic() + _PATIENCE_S, self._until_s)
        while True:
            state = self.calls.describe(name, version)
            if state is not None and state.state not in ("REQUESTED", "INITIATED"):
                return state
            if time.monotonic() > until_s:
                return state
            time.sleep(self._config.greengrass.poll_s)
