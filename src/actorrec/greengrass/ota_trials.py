"""Models over the air are tried on the group's canary, as ``deploy --canary`` does it."""

from typing import Final

from actorrec.config import Config
from actorrec.errors import ConfigError, JobError
from actorrec.greengrass.canary import follow_group, judge_canary, plan_trial, promote, roll_back_canary
from actorrec.greengrass.canary_desk import CanaryDesk
from actorrec.greengrass.canary_start import start_canary
from actorrec.greengrass.canary_state import CanaryState
from actorrec.greengrass.deploy_plan import Wanted, plan_deployment
from actorrec.greengrass.deployments import Deployment
from actorrec.greengrass.group import require_group
from actorrec.greengrass.ota import Verdict
from actorrec.greengrass.ota_run import Later
from actorrec.greengrass.ota_state import Candidate
from actorrec.manifests.component import Role

_OVER: Final = "the trial is over: somebody deployed to the group or its canary meanwhile"


class GroupTrials:
    """The canary of ``cloud.thing_group``.

    Args:
        desk: What it takes to deal with it.
        config: Names, and who tries.
    """

    def __init__(self, desk: CanaryDesk, config: Config) -> None:
        self._desk, self._config, self._group = desk, config, config.cloud.thing_group

    def present(self) -> Deployment | None:
        """The newest deployment of the whole group."""
        return self._desk.calls.latest(require_group(self._desk.calls, self._group))

    def start(self, candidate: Candidate, role: Role) -> str | Later:
        """Deploy it to the canary; the deployment's id.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        state, settings = self._desk.look(self._group), self._config.greengrass
        if state.trial is not None and not _is_tried(state, candidate):
            return Later(f"something else is being tried: {state.trial.id}")
        wanted = {candidate.component: Wanted(candidate.version, role)}
        try:
            plan = plan_deployment(state.group, wanted, settings)
            begun = start_canary(self._desk, plan_trial(self._desk, plan, settings.canary))
        except (ConfigError, JobError) as error:  # nobody to try it, for one: people can do something about it
            return Later(error.in_full)
        if begun.missing or begun.state.trial is None:
            return Later(begun.missing or "the canary's deployment is not to be seen yet")
        return begun.state.trial.id

    def judge(self, candidate: Candidate) -> Verdict:
        """How the canary does.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        state = self._desk.look(self._group)
        if not _is_tried(state, candidate):
            return Verdict("bad", _OVER)
        found = judge_canary(self._desk, state).verdict
        match found.outcome:
            case "pass":
                return Verdict("good", found.told)
            case "fail":
                return Verdict("bad", found.told)
        return Verdict("open", found.told)

    def promote(self, candidate: Candidate) -> str:
        """Deploy it to the whole group; the deployment's id.

        Raises:
            ConfigError: If it is not being tried.
            RemoteError: If AWS refuses or cannot be reached.
        """
        state = self._desk.look(self._group)
        present = state.group.present
        has = self._desk.bundle_of(state.group.components)
        if present is not None and has == candidate.model.content:  # cut off before it was written down; or by hand
            follow_group(self._desk, self._group)
            return present.id
        return promote(self._desk, state).deployment_id

    def roll_back(self, candidate: Candidate) -> str:
        """Give the canary what the group has; the deployment's id, empty where nothing had to be deployed.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
        """
        state = self._desk.look(self._group)
        if state.trial is None or _is_tried(state, candidate):
            made = roll_back_canary(self._desk, state)
            if made is not None:
                return made.deployment_id
            follow_group(self._desk, self._group)
        return ""


def _is_tried(state: CanaryState, candidate: Candidate) -> bool:
    return state.trial is not None and _has(state.trial, candidate)


def _has(deployment: Deployment, candidate: Candidate) -> bool:
    found = deployment.components.get(candidate.component)
    return found is not None and found.version == candidate.version
