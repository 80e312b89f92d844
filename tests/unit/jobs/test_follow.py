"""When following asks again, gives up, and believes that it has heard all."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from actorrec.errors import JobError
from actorrec.jobs.follow import Pace, refuse_unless_completed
from actorrec.jobs.state import JobState, state_of


def state(status: str, secondary: str = "", **more: Any) -> JobState:
    return state_of(
        "training",
        {
            "TrainingJobName": "actorrec-x", "TrainingJobArn": "arn", "TrainingJobStatus": status,
            "SecondaryStatus": secondary or status, "CreationTime": datetime(2026, 11, 1, tzinfo=UTC), **more,
        },
    )  # fmt: skip


def test_only_changes_are_told() -> None:
    pace = Pace(10)
    told = [pace.changed(state("InProgress", each)) for each in ("Starting", "Starting", "Training", "Training")]
    assert told == [True, False, True, False]
    interrupted = state("InProgress", "Training", SecondaryStatusTransitions=[{"StatusMessage": "again"}])
    assert pace.changed(interrupted)


def test_it_asks_less_often_while_nothing_happens() -> None:
    pace = Pace(10)
    pace.changed(state("InProgress"))
    assert pace.wait_s(0) == 10
    for _ in range(100):
        pace.changed(state("InProgress"))
    assert pace.wait_s(0) == 30
    assert pace.wait_s(new_lines=1) == 10


def test_it_gives_up_after_minutes_and_an_answer_starts_anew() -> None:
    pace = Pace(10)
    waits = [pace.missed() for _ in range(13)]
    assert waits[:4] == [10, 20, 40, 60] and waits[-2] == 60 and waits[-1] is None
    pace = Pace(10)
    for _ in range(12):
        pace.missed()
    pace.changed(state("InProgress"))
    assert pace.missed() == 10


def test_the_log_is_complete_after_some_quiet_reads() -> None:
    pace = Pace(10)
    assert [pace.settled(lines) for lines in (3, 0, 0, 1, 0, 0, 0, 0)] == [False] * 7 + [True]
    endless = Pace(10)
    assert sum(1 for _ in iter(lambda: endless.settled(1), True)) < 100
    assert Pace(10).settling_s == 2 and Pace(0.5).settling_s == 0.5


@pytest.mark.parametrize(
    ("ended", "said", "hint"),
    [
        (state("Failed", FailureReason="AlgorithmError: bad data, exit code: 1"), "failed: AlgorithmError: bad data",
         "actorrec jobs logs actorrec-x"),
        (state("Failed"), "AWS gives no reason", "actorrec jobs logs"),
        (state("Failed", FailureReason="CapacityError: none free"), "CapacityError", "another --instance-type"),
        (state("Failed", FailureReason="AlgorithmError: , exit code: 137"), "137", "more memory"),
        (state("Failed", FailureReason="InternalServerError: x"), "InternalServerError", "AWS's own fault"),
        (state("Stopped"), "was stopped: somebody asked for it", "same command"),
        (replace(state("Stopped"), kind="processing"), "was stopped", "start it again"),
        (state("Stopped", "MaxRuntimeExceeded"), "longer than it was allowed", "--max-hours"),
        (state("Stopped", "MaxWaitTimeExceeded"), "no spot machine", "without --spot"),
        (state("Stopped", CheckpointConfig={"S3Uri": "s3://b/c"}), "stopped", "checkpoints stay in s3://b/c"),
    ],
)  # fmt: skip
def test_an_end_without_success_says_why_and_what_next(ended: JobState, said: str, hint: str) -> None:
    with pytest.raises(JobError) as caught:
        refuse_unless_completed(ended)
    assert said in caught.value.message and hint in caught.value.hint and "\n" not in caught.value.in_full


def test_success_is_nothing_to_raise() -> None:
    refuse_unless_completed(state("Completed"))
    refuse_unless_completed(state("InProgress", "Training"))
