"""What to do next about the models that landed for a group: pure, from the log, what is live, and the time.

The rules, in the order in which they are asked:

- One model at a time is under way. A newer one that lands meanwhile waits until the canary is judged, so that no canary
  is broken off half-way and every comparison is with a model that the whole group has.
- A model must be newer (by its card's own time) than what is live and than every model that was ever tried, also one
  that failed, or seen live, also where somebody went back: an older one is never deployed over a newer, in whatever
  order they land.
- Of several that wait, the newest that passes the checks is tried; those not newer than it are out.
- It must be readable by the program that the group's devices have, and be measured on the same evaluation set as the
  live one, on no fewer pictures of known people, for the same rate of strangers named, and be no worse by more than the
  margin. That is asked again until the canary has it: somebody may deploy by hand meanwhile.
- What cannot be published, begun or judged in seven days ends as if it had failed: others wait behind it.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal

from actorrec.greengrass.ota_state import Candidate, OtaState
from actorrec.manifests.bundle import CardScore
from actorrec.manifests.model import Rate
from actorrec.manifests.ota import LandedModel

_CLOCKS_DIFFER: Final = timedelta(hours=24)
_ROUNDING: Final = 1e-9
_PATIENCE: Final = timedelta(days=7)


@dataclass(frozen=True, slots=True)
class Live:
    """What the group's present deployment holds.

    Attributes:
        model: The live bundle; None where there is none that a new one could be compared with.
        schema_version, preprocess_version: What the program on the devices reads.
        lacks: Why nothing can be shipped over the air to this group; empty where it can.
    """

    model: LandedModel | None = None
    schema_version: int = 0
    preprocess_version: int = 0
    lacks: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """How the canary does."""

    is_: Literal["open", "good", "bad"]
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Step:
    """What to do next about one model.

    Attributes:
        do: ``refuse``, ``supersede`` and ``settle`` (the group has it already) only write it down. ``claim`` sets a
            version aside, ``publish`` makes it, ``start`` deploys it to the canary. ``judge``: ask how the canary does,
            and decide again. ``wait``: nothing for now.
        reason: Of ``refuse``, ``roll-back`` and ``wait``.
        by: Content of the newer model, for ``supersede``.
    """

    do: Literal["refuse", "supersede", "settle", "claim", "publish", "start", "judge", "wait", "promote", "roll-back"]
    candidate: Candidate
    reason: str = ""
    by: str = ""


def next_step(
    state: OtaState, live: Live, *, margin: float, now: datetime, verdict: Verdict | None = None
) -> Step | None:
    """Decide.

    Args:
        state: Of the log.
        live: What the group has.
        margin: How much lower a rate may be than that of the live model (``greengrass.margin``).
        now: With a time zone.
        verdict: How the canary does; None where that was not asked yet.

    Returns:
        None where there is nothing left to do.
    """
    tried = [model for model in state.tried if model.created_at <= now + _CLOCKS_DIFFER]  # by hand anything goes
    tried += [live.model] if live.model else []
    newest = max(tried, key=lambda model: model.created_at, default=None)
    for candidate in state.waiting:
        if live.model is not None and candidate.model.content == live.model.content:
            return Step("settle", candidate)
        if newest is not None and candidate.model.created_at <= newest.created_at:
            return Step("supersede", candidate, by=newest.content)
    under_way = state.under_way
    if under_way is not None:
        return _go_on(under_way, live, margin, now, verdict)
    if not state.waiting:
        return None
    first = state.waiting[0]
    problem = _problem(first.model, live, margin, now)
    return Step("refuse", first, reason=problem) if problem else Step("claim", first)


def _go_on(candidate: Candidate, live: Live, margin: float, now: datetime, verdict: Verdict | None) -> Step:
    """With the model that is under way; somebody may have deployed by hand meanwhile."""
    deployed = candidate.stage in ("trying", "started")
    if live.model is not None and live.model.content == candidate.model.content:
        return Step("promote" if deployed else "settle", candidate)
    if live.model is None or live.lacks:
        reason = f"the group changed meanwhile: {live.lacks}"
        return Step("roll-back" if deployed else "refuse", candidate, reason=reason)
    if live.model.created_at >= candidate.model.created_at:
        if not deployed:
            return Step("supersede", candidate, by=live.model.content)
        return Step("roll-back", candidate, reason="a newer model was deployed to the group meanwhile")
    if candidate.stage == "started":
        return _judged(candidate, now, verdict)
    problem = _problem(candidate.model, live, margin, now) or _stuck(candidate, now)
    if problem:
        return Step("roll-back" if deployed else "refuse", candidate, reason=problem)
    return Step("publish" if candidate.stage == "claimed" else "start", candidate)


def _stuck(candidate: Candidate, now: datetime) -> str:
    if now - candidate.since <= _PATIENCE:
        return ""
    what = "published" if candidate.stage == "claimed" else "deployed to the canary"
    return f"it could not be {what} in {_PATIENCE.days} days"


def _judged(candidate: Candidate, now: datetime, verdict: Verdict | None) -> Step:
    if verdict is None:
        return Step("judge", candidate)
    if verdict.is_ != "open":
        return Step("promote" if verdict.is_ == "good" else "roll-back", candidate, reason=verdict.reason)
    if now - candidate.since > _PATIENCE:
        reason = f"the canary could not be judged in {_PATIENCE.days} days: {verdict.reason}"
        return Step("roll-back", candidate, reason=reason)
    return Step("wait", candidate, reason=verdict.reason)


def _problem(model: LandedModel, live: Live, margin: float, now: datetime) -> str:
    """Why a model may not be shipped to the group as it is now; empty where it may."""
    if live.lacks or live.model is None:
        return live.lacks or "nothing is live in the group: publish and deploy by hand once"
    if model.created_at > now + _CLOCKS_DIFFER:
        return f"its card says that it was made in the future ({model.created_at:%Y-%m-%d}): nothing would go after it"
    if model.schema_version != live.schema_version:
        return (
            f"its card has schema version {model.schema_version}, the program on the devices reads "
            f"{live.schema_version}: deploy a runtime that fits it first"
        )
    if model.preprocess_version != live.preprocess_version:
        return (
            f"it was made for preprocessing {model.preprocess_version}, the program on the devices does "
            f"{live.preprocess_version}: deploy a runtime that fits it first"
        )
    return _worse(model.score, live.model.score, margin)


def _worse(new: CardScore | None, live: CardScore | None, margin: float) -> str:
    """Why a score does not allow it to go after the live one; what was not measured allows nothing."""
    if new is None:
        return "it was never measured: evaluate it before it is converted"
    if live is None:
        return "the live model was never measured, there is nothing to compare with: deploy this one by hand"
    if new.set_digest != live.set_digest:
        return (
            f"it was measured on another evaluation set than the live model ({new.set_digest[:16]}, "
            f"not {live.set_digest[:16]}): measure both on the same one, or deploy it by hand"
        )
    if not abs(new.target_fpir - live.target_fpir) <= _ROUNDING:  # also when it is not a number
        return (
            f"it was calibrated to name {new.target_fpir:.1%} of strangers, the live model {live.target_fpir:.1%}: "
            "their rates say nothing about each other; deploy it by hand"
        )
    for name, ours, theirs in (("top1", new.top1, live.top1), ("tpir", new.tpir, live.tpir)):
        if ours.n < theirs.n:  # the set is the same, so it knows fewer of those that are on it
            return f"it knows fewer people than the live model: {name} of {ours.n} pictures, not {theirs.n}"
        if not ours.value >= theirs.value - margin - _ROUNDING:  # also when it is not a number
            return f"it is worse than the live model: {name} {_told(ours)}, not {_told(theirs)} (margin {margin:.1%})"
    return _names_strangers(new.fpir, live, margin)


def _names_strangers(new: Rate | None, live: CardScore, margin: float) -> str:
    if live.fpir is None and new is None:
        return ""
    most = max(live.target_fpir, live.fpir.value if live.fpir is not None else 0.0) + margin
    if new is None or not new.n:
        return "it was not measured on strangers, the live model was"
    if not new.value <= most + _ROUNDING:
        return f"it names strangers too often: fpir {_told(new)}, at most {most:.1%} is allowed"
    return ""


def _told(rate: Rate) -> str:
    return f"{rate.value:.1%} of {rate.n}"
