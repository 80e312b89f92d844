"""Take what landed as far as it gets now: write down, publish, try, judge. Nothing in here waits for a device.

Whatever is done outside can be done again without harm, and is written down before or after it, so a run that is cut
off anywhere is gone on with by the next.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from actorrec.aws.places import CloudPlace
from actorrec.config import Config
from actorrec.greengrass.deployments import Deployment
from actorrec.greengrass.drafts import MODEL_SUFFIX, ComponentDraft
from actorrec.greengrass.ota import Step, Verdict, next_step
from actorrec.greengrass.ota_events import ObjectEvent, not_for_us
from actorrec.greengrass.ota_landing import Bundle, Gate, NoBundle
from actorrec.greengrass.ota_live import Fleet, FleetReader
from actorrec.greengrass.ota_publish import Publisher
from actorrec.greengrass.ota_say import Speaker, in_short
from actorrec.greengrass.ota_state import Candidate, OtaLog, OtaState
from actorrec.manifests.component import Role
from actorrec.manifests.ota import (
    Claimed,
    Known,
    Landed,
    LandedModel,
    OtaEntry,
    Promoted,
    Published,
    Refused,
    RolledBack,
    Started,
    Superseded,
    Trying,
    Unusable,
)

_OTHER_FLAVOUR: Final = "somebody deployed program and model the other way (apart, or in one) meanwhile"
_OTHER_PROGRAM: Final = "somebody deployed another program meanwhile than the one that its version holds"
_MOST_STEPS: Final = 1000  # of one run; a model takes about ten


@dataclass(frozen=True, slots=True)
class Later:
    """Something that could not be done yet, and why."""

    reason: str


class Trials(Protocol):
    """Tries a model on some devices of the group. Every call may be made again after it was cut off."""

    def present(self) -> Deployment | None:
        """The newest deployment of the whole group."""
        ...

    def start(self, candidate: Candidate, role: Role) -> str | Later:
        """Deploy it to the canary; the deployment's id."""
        ...

    def judge(self, candidate: Candidate) -> Verdict:
        """How the canary does."""
        ...

    def promote(self, candidate: Candidate) -> str:
        """Deploy it to the whole group; the deployment's id."""
        ...

    def roll_back(self, candidate: Candidate) -> str:
        """Give the canary what the group has; the deployment's id, empty where nothing had to be deployed."""
        ...


@dataclass(frozen=True, slots=True)
class Parts:
    """What a run works with."""

    config: Config
    log: OtaLog
    gate: Gate
    publisher: Publisher
    trials: Trials
    speaker: Speaker
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)


class Run:
    """One run.

    Args:
        parts: What it works with.
        until_s: Of ``time.monotonic()``: nothing new is begun after it.
    """

    def __init__(self, parts: Parts, until_s: float) -> None:
        self._parts, self._until_s = parts, until_s
        self._fleet = FleetReader(parts.publisher.calls, parts.config.greengrass.component_name, self._model_of)
        self._bundles: dict[str, Bundle] = {}
        self._live: dict[str, LandedModel] = {}

    def land(self, event: ObjectEvent) -> str:
        """Look at an object, and write down what is in it. May be called for the same object again, and at once.

        Returns:
            What became of it, in a word or a reason.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
            ArtifactError: If the log cannot be read or written.
        """
        parts, place = self._parts, CloudPlace.of(self._parts.config)
        why = not_for_us(event, place, parts.config.cloud.component_prefix)
        if not why and event.object.one in parts.log.state().objects:
            why = "it was looked at before"
        if why:
            parts.speaker.log("ignored", object=event.uri, reason=why)
            return why
        found = parts.gate.fetch(event)
        if found is None:
            parts.speaker.log("ignored", object=event.uri, reason="that version of it is not there any more")
            return "gone"
        while event.object.one not in (state := parts.log.state()).objects:
            if self._wrote(state, _landed(event, found)):
                break
        if isinstance(found, NoBundle):
            return in_short(found.reason)
        self._bundles[found.model.content] = found
        return "landed"

    def go_on(self) -> int:
        """Do whatever can be done now.

        Returns:
            Number of the last entry that it decided on.

        Raises:
            RemoteError: If AWS refuses or cannot be reached.
            ArtifactError: If the log cannot be read or written.
        """
        for _ in range(_MOST_STEPS):
            state = self._parts.log.state()
            if state.idle:
                return state.seq
            if time.monotonic() > self._until_s:
                self._parts.speaker.log("stopped", reason="the function's time is up; its next call goes on")
                return state.seq
            if not self._step(state):
                return state.seq
        return state.seq

    def _step(self, state: OtaState) -> bool:
        """One step; False where there is no more to do for now."""
        parts = self._parts
        fleet = self._fleet.read(parts.trials.present())
        decided: dict[str, Any] = {"margin": parts.config.greengrass.margin, "now": parts.clock()}
        step = next_step(state, fleet.live, **decided)
        if step is not None and step.do == "judge":
            step = next_step(state, fleet.live, **decided, verdict=parts.trials.judge(step.candidate))
        return step is not None and self._act(step, state, fleet)

    def _act(self, step: Step, state: OtaState, fleet: Fleet) -> bool:
        candidate, content = step.candidate, step.candidate.model.content
        match step.do:
            case "refuse":
                return self._add(state, (Refused, {"content": content, "reason": step.reason}))
            case "supersede":
                return self._add(state, (Superseded, {"content": content, "by": step.by}))
            case "settle":
                return self._add(state, (Promoted, {"content": content}))
            case "claim" | "publish":
                return self._publish(candidate, state, fleet)
            case "start":
                return self._start(candidate, state, fleet)
            case "promote":
                return self._done(candidate, Promoted, deployment_id=self._parts.trials.promote(candidate))
            case "roll-back":
                return self._take_back(candidate, step.reason)
        self._parts.speaker.log("waiting", content=content, reason=step.reason)
        return False

    def _publish(self, candidate: Candidate, state: OtaState, fleet: Fleet) -> bool:
        """Set a version aside, or make the one that is set aside."""
        content, publisher = candidate.model.content, self._parts.publisher
        draft = self._draft(candidate, fleet)
        if isinstance(draft, str):
            return self._add(state, (Refused, {"content": content, "reason": draft}))
        claim = (Claimed, {"content": content, "component": draft.name, "version": ""})
        if candidate.stage == "waiting" or candidate.component != draft.name:
            claim[1]["version"] = publisher.free_version(draft)
            return self._add(state, claim)
        outcome = publisher.publish(draft, candidate.version)
        match outcome.is_:
            case "ready":
                return self._done(candidate, Published)
            case "failed":
                return self._add(state, (Refused, {"content": content, "reason": outcome.reason}))
            case "taken":
                claim[1]["version"] = publisher.free_version(draft)
                return self._add(state, claim)
        self._parts.speaker.log("waiting", content=content, reason=f"{draft.name} {candidate.version} is being made")
        return False

    def _start(self, candidate: Candidate, state: OtaState, fleet: Fleet) -> bool:
        content = candidate.model.content
        changed = self._changed(candidate, fleet)
        if candidate.stage == "published":
            if changed:
                return self._add(state, (Refused, {"content": content, "reason": changed}))
            return self._add(state, (Trying, {"content": content}))
        if changed:
            return self._take_back(candidate, changed)
        made = self._parts.trials.start(candidate, fleet.role)
        if isinstance(made, Later):
            self._parts.speaker.log("waiting", content=content, reason=made.reason)
            return False
        return self._done(candidate, Started, deployment_id=made)

    def _changed(self, candidate: Candidate, fleet: Fleet) -> str:
        """Why the version that was made no longer goes with what the group has; empty where it does."""
        if candidate.component.endswith(MODEL_SUFFIX) == fleet.single:
            return _OTHER_FLAVOUR
        if fleet.single and not self._fleet.has_program(fleet, candidate.component, candidate.version):
            return _OTHER_PROGRAM
        return ""

    def _take_back(self, candidate: Candidate, reason: str) -> bool:
        made = self._parts.trials.roll_back(candidate)
        return self._done(candidate, RolledBack, reason=reason, deployment_id=made or None)

    def _draft(self, candidate: Candidate, fleet: Fleet) -> ComponentDraft | str:
        """The component of a candidate, or why there is none."""
        content = candidate.model.content
        if content not in self._bundles:
            place = CloudPlace.of(self._parts.config)
            found = self._parts.gate.fetch(ObjectEvent(place.bucket, candidate.object))
            if found is None:
                return "the object it came in is not there any more"
            if isinstance(found, NoBundle):
                return found.reason
            if found.model.content != content:
                return "the object it came in holds something else now"
            self._bundles[content] = found
        return self._parts.publisher.draft(self._bundles[content], fleet)

    def _model_of(self, content: str, uri: str) -> LandedModel | str:
        if content in self._live:
            return self._live[content]
        state = self._parts.log.state()
        found = state.models.get(content) or self._parts.gate.model_at(uri, content)
        if not isinstance(found, str):
            self._live[content] = found
            if all(content != each.content for each in state.tried):
                self._add(state, (Known, {"model": found}))
        return found

    def _done(self, candidate: Candidate, kind: type[OtaEntry], **about: Any) -> bool:
        """Write down what was done; always True. What landed meanwhile does not undo it."""
        content = candidate.model.content
        while (state := self._parts.log.state()).candidates[content].stage == candidate.stage:
            if self._wrote(state, (kind, {"content": content, **about})):
                break
        return True

    def _add(self, state: OtaState, what: tuple[type[OtaEntry], dict[str, Any]]) -> bool:
        """Write down what follows from a state; always True: if another was faster, it is decided again."""
        self._wrote(state, what)
        return True

    def _wrote(self, state: OtaState, what: tuple[type[OtaEntry], dict[str, Any]]) -> bool:
        kind, about = what
        if "reason" in about:
            about = about | {"reason": in_short(about["reason"])}
        entry = kind(seq=state.seq + 1, at=self._parts.clock(), **about)
        added = self._parts.log.add(entry)
        if added:
            self._parts.speaker.entry(entry)
        return added


def _landed(event: ObjectEvent, found: Bundle | NoBundle) -> tuple[type[OtaEntry], dict[str, Any]]:
    if isinstance(found, NoBundle):
        return Unusable, {"object": event.object, "content": found.sha256, "reason": found.reason}
    return Landed, {"object": event.object, "model": found.model}
