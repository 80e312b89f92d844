"""What ``actorrec jobs`` tells of a job."""

from datetime import UTC, datetime
from typing import Literal

from actorrec.config import Config
from actorrec.jobs.prices import bound
from actorrec.jobs.state import JobState
from actorrec.manifests.base import Record


class JobSummary(Record):
    """A job, as ``jobs status --json`` writes it and ``jobs ls --json`` lists it.

    Attributes:
        status: ``InProgress``, ``Completed``, ``Failed``, ``Stopping`` or ``Stopped``.
        secondary_status: What it is at: ``Starting``, ``Downloading``, ``Training``, …
        message: AWS's words to that; may be empty.
        reason: Why it failed, in AWS's words; empty while it did not.
        created_at, started_at, ended_at: When it was asked for, got its machines, and ended.
        seconds: For how long each machine has to be paid so far.
        billable_s: The same in AWS's words, once it ended; None before, and for processing.
        spot_saving: Share of the price that spot saved, in [0, 1]; None where it is not spot, or not known yet.
        cost_usd: ``seconds`` × machines × price: an estimate; None if the price is not known.
        price_as_of: When that price was noted: ``2026-11``, or ``your settings``.
        dataset: ``dataset/KEY`` that it learns from; None if the job does not say.
        model_uri: Of ``model.tar.gz``; None where there is none yet.
        outputs: Prefixes in S3 where it leaves things.
        checkpoint_uri: Where its checkpoints are kept; None without.
        metrics: The last of each measure, as AWS read them off the log.
    """

    name: str
    kind: Literal["training", "processing"]
    status: str
    secondary_status: str
    message: str
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    instance_type: str
    instances: int
    spot: bool
    seconds: int
    billable_s: int | None
    spot_saving: float | None
    cost_usd: float | None
    price_as_of: str
    dataset: str | None
    model_uri: str | None
    outputs: tuple[str, ...]
    checkpoint_uri: str | None
    metrics: dict[str, float]


def summarise(state: JobState, config: Config, now: datetime) -> JobSummary:
    """A job with what it has cost so far.

    Args:
        state: What AWS says of it.
        config: ``remote.prices`` go before the built-in estimates.
        now: With a time zone.

    Raises:
        ConfigError: If an entry of ``remote.prices`` is malformed.
    """
    seconds = state.machine_s(now)
    price = bound(config, state.instance_type, state.instances)
    cost = None if price.hourly_usd is None else round(seconds / 3600 * state.instances * price.hourly_usd, 4)
    return JobSummary(
        name=state.name,
        kind=state.kind,
        status=state.status,
        secondary_status=state.secondary,
        message=state.message,
        reason=state.reason,
        created_at=state.created_at.astimezone(UTC),
        started_at=_utc(state.started_at),
        ended_at=_utc(state.ended_at),
        instance_type=state.instance_type,
        instances=state.instances,
        spot=state.spot,
        seconds=round(seconds),
        billable_s=state.billable_s,
        spot_saving=state.spot_saving,
        cost_usd=cost,
        price_as_of=price.as_of,
        dataset=state.dataset,
        model_uri=state.model_uri,
        outputs=state.outputs,
        checkpoint_uri=state.checkpoint_uri,
        metrics=state.metrics,
    )


def _utc(moment: datetime | None) -> datetime | None:
    return None if moment is None else moment.astimezone(UTC)
