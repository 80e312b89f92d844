"""Whether what some devices try is fit for all of them: counts and times in, a verdict out; nothing is asked here."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime, timedelta
from typing import Any, Final, Literal, Self

from actorrec.greengrass.health_counts import Counts, Heard, counts_of
from actorrec.sections.cloud import GreengrassSection

Outcome = Literal["wait", "pass", "fail"]
_FEWEST_PICTURES: Final = 20
"""Of fewer, a share that cannot be looked at says nothing before the time is up."""
_STARTS: Final = 3
"""A program is started once by the deployment and perhaps by a reboot or two; more, beyond one an hour, is a crash."""
_MISSED: Final = 3
"""Health messages that may be lost before a device counts as silent."""
_WORDS: Final = {
    "FAILED": "the deployment failed",
    "REJECTED": "the device rejected the deployment",
    "TIMED_OUT": "the deployment took too long",
    "CANCELED": "the deployment was cancelled",
    "REMOVED": "it left the group of those that try",
}


@dataclass(frozen=True, slots=True)
class Bounds:
    """How much is asked of a trial.

    Attributes:
        time_s: For how long each device must have run it.
        patience_s: After which a device that says nothing has failed.
        faces: That both models must have decided about, all devices together.
        disagreement: Greatest share of them that may differ.
        unreadable: Greatest share of pictures that may not be read, on each device.
    """

    time_s: float
    patience_s: float
    faces: int
    disagreement: float
    unreadable: float

    @classmethod
    def of(cls, settings: GreengrassSection) -> Self:
        """As the settings say."""
        time_s = settings.canary_minutes * 60
        return cls(
            time_s=time_s,
            patience_s=max(time_s, _MISSED * settings.health_s),
            faces=settings.canary_faces,
            disagreement=settings.max_disagreement,
            unreadable=settings.max_unreadable,
        )


@dataclass(frozen=True, slots=True)
class DeviceTrial:
    """One device of those that try.

    Attributes:
        status: Of its execution of the job; None where it was not handed to it yet.
        at: When that status came about, by AWS's clock.
        reason: Why it failed, fit to be shown.
        heard: What it said since, about what is being tried, the oldest first.
    """

    device: str
    status: str | None
    at: datetime | None = None
    reason: str = ""
    heard: tuple[Heard, ...] = ()


@dataclass(frozen=True, slots=True)
class Trial:
    """A trial as it stands.

    Attributes:
        started_at: When it was asked for, by AWS's clock.
        compared: SHA-256 of the bundle that the devices had before, which runs beside the new one; None without one.
    """

    started_at: datetime
    compared: str | None
    devices: tuple[DeviceTrial, ...]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What is to be done.

    Attributes:
        outcome: ``wait``, ``pass`` or ``fail``.
        missing: What is waited for; empty otherwise.
        reasons: Why it failed, each with the device that it is about; empty otherwise.
        devices: How many try.
        counts: What they saw, all together.
    """

    outcome: Outcome
    missing: tuple[str, ...]
    reasons: tuple[str, ...]
    devices: int
    counts: Counts

    @property
    def told(self) -> str:
        """In one line."""
        if self.outcome == "wait":
            return f"not yet: {'; '.join(self.missing)}"
        if self.outcome == "fail":
            return "; ".join(self.reasons)
        return f"{self.devices} device(s) passed: {self.counts.told}"

    def as_json(self) -> dict[str, Any]:
        """For ``--json``."""
        return asdict(self)


def judge(trial: Trial, bounds: Bounds, now: datetime) -> Verdict:
    """Judge a trial.

    It fails as soon as a bound is broken for good; it passes once every device has run long enough and enough faces
    were compared.

    Args:
        trial: As it stands.
        bounds: Of it.
        now: By a clock that agrees with AWS's.
    """
    every = [counts_of(device.heard, trial.compared) for device in trial.devices]
    total = sum(every, Counts())
    reasons = [reason for device in trial.devices for reason in _faults(device, trial, bounds, now)]
    reasons += _too_different(trial, every, bounds)
    missing = () if reasons else tuple(_lacks(trial, total, bounds, now))
    outcome: Outcome = "fail" if reasons else "wait" if missing else "pass"
    return Verdict(outcome, missing, tuple(reasons), len(trial.devices), total)


def _faults(device: DeviceTrial, trial: Trial, bounds: Bounds, now: datetime) -> Iterator[str]:
    """What cannot become right any more, of one device."""
    name, patience = device.device, timedelta(seconds=bounds.patience_s)
    if device.status in _WORDS:
        yield f"{name}: {_WORDS[device.status]}" + (f": {device.reason}" if device.reason else "")
    elif device.status in (None, "QUEUED"):
        waited = now - max(trial.started_at, device.at or trial.started_at)  # it may have joined later
        if waited > patience:
            yield f"{name}: has not taken the deployment in {_minutes(waited)}; is it off?"
    elif device.status == "SUCCEEDED":
        last = max((moment for moment in (device.at, *(m.at for m in device.heard)) if moment is not None), default=now)
        if now - last > patience:
            since = f" for {_minutes(now - last)}" if device.heard else ""
            yield f"no health message from {name}{since}"
        yield from _troubles(device, bounds, now)


def _troubles(device: DeviceTrial, bounds: Bounds, now: datetime) -> Iterator[str]:
    """What a device itself says."""
    counts, ran_s = counts_of(device.heard), _ran_s(device, now)
    enough = counts.frames >= _FEWEST_PICTURES or ran_s >= bounds.time_s
    if counts.frames and enough and counts.unreadable > bounds.unreadable * counts.frames:
        yield f"{device.device}: {counts.unreadable} of {counts.frames} pictures could not be read"
    if counts.starts > _STARTS + ran_s / 3600:
        yield f"{device.device}: its program started {counts.starts} times in {_minutes(timedelta(seconds=ran_s))}"


def _too_different(trial: Trial, every: Sequence[Counts], bounds: Bounds) -> Iterator[str]:
    """Faces of all devices together, as one alone may see too few; and of each that has seen enough by itself.

    It fails early where no later agreement could help.
    """
    total = sum(every, Counts())
    if trial.compared is None or not any(
        each.disagreements > bounds.disagreement * max(each.faces, bounds.faces) for each in (total, *every)
    ):
        return
    pairs = zip(trial.devices, every, strict=True)
    differing = [
        f"{device.device} {counts.disagreements} of {counts.faces}" for device, counts in pairs if counts.faces
    ]
    yield (
        f"the new model and the old one differ on {total.disagreements} of {total.faces} faces "
        f"({', '.join(differing)}), which is more than {bounds.disagreement:.0%}"
    )


def _lacks(trial: Trial, total: Counts, bounds: Bounds, now: datetime) -> Iterator[str]:
    if not trial.devices:
        yield "no device tries it yet"
    waiting = [device.device for device in trial.devices if device.status != "SUCCEEDED"]
    if waiting:
        yield f"{_named(waiting)} {'is' if len(waiting) == 1 else 'are'} still to install it"
    ready = [device for device in trial.devices if device.status == "SUCCEEDED"]
    silent = [device.device for device in ready if not device.heard]
    if silent:
        yield f"no health message from {_named(silent)} yet"
    left_s = max((bounds.time_s - _ran_s(device, now) for device in ready), default=0.0)
    if left_s > 0:
        yield f"{_minutes(timedelta(seconds=left_s))} more"
    if trial.compared is not None and total.faces < bounds.faces:
        yield f"{bounds.faces - total.faces} more faces of {bounds.faces}"
        others = [device.device for device in ready if _beside_the_point(device, trial.compared)]
        if others:
            yield f"{_named(others)} must compare with the model that the group has: another runs beside the new one"


def _beside_the_point(device: DeviceTrial, compared: str) -> bool:
    """Whether its last message tells of a second model, but of another one."""
    last = device.heard[-1].event.shadow if device.heard else None
    return last is not None and last.bundle != compared


def _ran_s(device: DeviceTrial, now: datetime) -> float:
    return 0.0 if device.at is None else (now - device.at).total_seconds()


def _minutes(time: timedelta) -> str:
    minutes = time.total_seconds() / 60
    return f"{minutes:.0f} min" if minutes >= 1 else f"{time.total_seconds():.0f} s"


def _named(devices: Iterable[str], most: int = 3) -> str:
    names = list(devices)
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
