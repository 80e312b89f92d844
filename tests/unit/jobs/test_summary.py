"""What a job has cost so far."""

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest

from actorrec.config import load_config
from actorrec.jobs.state import state_of
from actorrec.jobs.summary import JobSummary, summarise

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)


def summary(prices: tuple[str, ...] = (), **more: Any) -> JobSummary:
    told = {
        "TrainingJobName": "actorrec-x", "TrainingJobArn": "arn", "TrainingJobStatus": "InProgress",
        "CreationTime": NOON, "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 2}, **more,
    }  # fmt: skip
    config = load_config(None, flags={"remote.prices": prices}, environ={}).config
    return summarise(state_of("training", told), config, NOON + timedelta(hours=3))


def test_nothing_before_there_are_machines() -> None:
    assert (summary().cost_usd, summary().seconds, summary().price_as_of) == (0.0, 0, "2026-11")


def test_while_it_works_the_clock_counts() -> None:
    assert summary(TrainingStartTime=NOON + timedelta(hours=1)).cost_usd == pytest.approx(2 * 2 * 0.23)


def test_after_the_end_aws_s_own_seconds_count() -> None:
    ended = summary(TrainingStartTime=NOON, TrainingEndTime=NOON + timedelta(hours=1), BillableTimeInSeconds=900)
    assert ended.seconds == ended.billable_s == 900 and ended.cost_usd == pytest.approx(2 * 900 / 3600 * 0.23)


def test_a_price_of_one_s_own_and_none_at_all() -> None:
    mine = summary(("ml.m5.xlarge=10",), TrainingStartTime=NOON)
    assert mine.cost_usd == pytest.approx(60) and mine.price_as_of == "your settings"
    rare = {"InstanceType": "ml.p5.48xlarge", "InstanceCount": 1}
    assert summary(TrainingStartTime=NOON, ResourceConfig=rare).cost_usd is None


def test_times_are_written_in_utc() -> None:
    local = NOON.astimezone(timezone(timedelta(hours=5)))
    assert summary(CreationTime=local).model_dump(mode="json")["created_at"] == "2026-11-01T12:00:00Z"
