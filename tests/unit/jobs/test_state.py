"""Answers of AWS about jobs, as they come: whole, sparse, odd."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from actorrec.jobs.state import state_of

NOON = datetime(2026, 11, 1, 12, tzinfo=UTC)
TRAINING: dict[str, Any] = {
    "TrainingJobName": "actorrec-train-x", "TrainingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:training-job/x",
    "TrainingJobStatus": "InProgress", "SecondaryStatus": "Starting", "CreationTime": NOON,
    "ResourceConfig": {"InstanceType": "ml.g5.xlarge", "InstanceCount": 2, "VolumeSizeInGB": 1},
}  # fmt: skip
PROCESSING: dict[str, Any] = {
    "ProcessingJobName": "actorrec-build-x", "ProcessingJobArn": "arn:aws:sagemaker:us-east-1:123456789012:y/x",
    "ProcessingJobStatus": "Failed", "CreationTime": NOON, "FailureReason": "AlgorithmError: exit code: 4",
    "ProcessingResources": {"ClusterConfig": {"InstanceType": "ml.c5.xlarge", "InstanceCount": 5}},
    "ProcessingOutputConfig": {"Outputs": [{"OutputName": "a", "S3Output": {"S3Uri": "s3://bucket/shard"}}]},
}  # fmt: skip


def test_a_job_that_has_just_begun() -> None:
    state = state_of("training", TRAINING)
    assert (state.status, state.secondary, state.ended) == ("InProgress", "Starting", False)
    assert (state.instances, state.instance_type, state.model_uri) == (2, "ml.g5.xlarge", None)
    assert (state.reason, state.message, state.metrics, state.outputs) == ("", "", {}, ())
    assert state.spot_saving is None and state.machine_s(NOON + timedelta(hours=1)) == 0


def test_a_job_that_has_ended() -> None:
    told = {
        **TRAINING, "TrainingJobStatus": "Completed", "SecondaryStatus": "Completed", "TrainingStartTime": NOON,
        "TrainingEndTime": NOON + timedelta(seconds=900), "EnableManagedSpotTraining": True,
        "TrainingTimeInSeconds": 900, "BillableTimeInSeconds": 300,
        "ModelArtifacts": {"S3ModelArtifacts": "s3://b/j/output/model.tar.gz"},
        "OutputDataConfig": {"S3OutputPath": "s3://b"}, "CheckpointConfig": {"S3Uri": "s3://b/c"},
        "FinalMetricDataList": [{"MetricName": "loss", "Value": 0.5, "Timestamp": NOON}],
        "SecondaryStatusTransitions": [{"Status": "Completed", "StartTime": NOON, "StatusMessage": "Training done"}],
    }  # fmt: skip
    state = state_of("training", told, {"actorrec:dataset": "dataset/abcd", "actorrec:dataset-digest": "1" * 64})
    assert state.ended and state.model_uri == "s3://b/j/output/model.tar.gz" and state.metrics == {"loss": 0.5}
    assert state.spot_saving == pytest.approx(2 / 3) and state.machine_s(NOON) == 300
    assert (state.dataset, state.dataset_digest) == ("dataset/abcd", "1" * 64)
    assert (state.message, state.outputs, state.checkpoint_uri) == ("Training done", ("s3://b",), "s3://b/c")


def test_a_measure_that_is_no_number_is_left_out_of_what_becomes_json() -> None:
    values = {"loss": float("nan"), "val_loss": float("inf"), "accuracy": 0.5}
    listed = [{"MetricName": name, "Value": value, "Timestamp": NOON} for name, value in values.items()]
    assert state_of("training", {**TRAINING, "FinalMetricDataList": listed}).metrics == {"accuracy": 0.5}


def test_time_runs_while_a_machine_works() -> None:
    running = {**TRAINING, "TrainingStartTime": NOON}
    assert state_of("training", running).machine_s(NOON + timedelta(seconds=90)) == 90
    ended = {**running, "TrainingEndTime": NOON + timedelta(seconds=30)}
    assert state_of("training", ended).machine_s(NOON + timedelta(hours=9)) == 30


def test_a_processing_job() -> None:
    state = state_of("processing", PROCESSING)
    assert (state.status, state.secondary, state.ended) == ("Failed", "Failed", True)
    assert (state.reason, state.instances) == ("AlgorithmError: exit code: 4", 5)
    assert (state.outputs, state.model_uri) == (("s3://bucket/shard",), None)


@pytest.mark.parametrize(
    ("given", "dataset"),
    [
        ({"dataset": '"dataset/abcd"'}, "dataset/abcd"), ({"dataset": "dataset/abcd"}, None), ({"dataset": "7"}, None),
        ({"dataset": ""}, None), ({"epochs": "3"}, None),
    ],
)  # fmt: skip
def test_hyperparameters_of_anybody(given: dict[str, str], dataset: str | None) -> None:
    assert state_of("training", {**TRAINING, "HyperParameters": given}).dataset == dataset


def test_reasons_come_without_secrets() -> None:
    reason = (
        "ClientError: https://b.s3.amazonaws.com/k?X-Amz-Signature=0123abcd&X-Amz-Credential=AKIAABCDEFGHIJKLMNOP/x"
    )
    state = state_of("training", {**TRAINING, "FailureReason": f"{reason}\nline two \x1b[31mred"})
    assert "0123abcd" not in state.reason and "AKIA" not in state.reason
    assert "\n" not in state.reason and "\x1b" not in state.reason and "ClientError" in state.reason


@pytest.mark.parametrize(
    ("uri", "store"),
    [
        ("s3://bucket/team/store/dataset/abcd/", "s3://bucket/team/store"), ("s3://bucket/dataset/abcd/", "s3://bucket"),
        ("s3://bucket/dataset/other/", None), ("s3://bucket/some.npz", None),
    ],
)  # fmt: skip
def test_a_job_knows_the_store_of_its_data_set(uri: str, store: str | None) -> None:
    channel = {"ChannelName": "train", "DataSource": {"S3DataSource": {"S3Uri": uri, "S3DataType": "S3Prefix"}}}
    nets = {"ChannelName": "nets", "DataSource": {"S3DataSource": {"S3Uri": "s3://b/dataset/abcd/"}}}
    told = {**TRAINING, "HyperParameters": {"dataset": '"dataset/abcd"'}, "InputDataConfig": [nets, channel]}
    assert state_of("training", told).store_uri == store
    assert state_of("training", {**told, "HyperParameters": {}}).store_uri is None
