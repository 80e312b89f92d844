"""What AWS says of a job, as plain data."""

import json
import math
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from actorrec.aws.failures import aws_errors, code_of
from actorrec.aws.scrub import scrubbed
from actorrec.aws.session import AwsSession
from actorrec.manifests.jobs import CHANNEL_TRAIN, DATASET_PARAMETER

Kind = Literal["training", "processing"]
KINDS: Final[tuple[Kind, ...]] = ("training", "processing")
ENDED: Final = frozenset({"Completed", "Failed", "Stopped"})
DATASET_TAG: Final = "actorrec:dataset"
"""Tag: ``dataset/KEY`` that a job learns from."""
DIGEST_TAG: Final = "actorrec:dataset-digest"
"""Tag: content digest of that data set."""
_NEEDS: Final = (
    "sagemaker:DescribeTrainingJob, sagemaker:DescribeProcessingJob, sagemaker:ListTrainingJobs, "
    "sagemaker:ListProcessingJobs and sagemaker:ListTags"
)
_NAME: Final = re.compile(r"[a-zA-Z0-9](-*[a-zA-Z0-9]){0,62}")
_NOT_THERE: Final = frozenset({"ValidationException", "ResourceNotFound", "ResourceNotFoundException"})


@dataclass(frozen=True, slots=True)
class JobState:
    """A job at one moment.

    Attributes:
        status: ``InProgress``, ``Completed``, ``Failed``, ``Stopping`` or ``Stopped``.
        secondary: What it is at: ``Starting``, ``Downloading``, ``Training``, …; of a processing job, the status.
        message: AWS's words to that; may be empty.
        reason: Why it failed, in AWS's words without secrets; empty while it did not.
        billable_s: Of each machine; None while AWS does not say.
        training_s: How long each machine worked; with ``billable_s`` it tells what spot saved. None for processing.
        model_uri: Of ``model.tar.gz``; None where there is none yet, and for processing.
        outputs: Prefixes in S3 where it leaves things.
        checkpoint_uri: Where its checkpoints are kept; None without.
        dataset: ``dataset/KEY`` that it learns from, as its tags or hyperparameters say; None if they do not.
        dataset_digest: Content digest of that, as its tags say.
        store_uri: The store that it reads that data set from; None if it reads something else.
        metrics: The last of each measure, as AWS read them off the log.
    """

    name: str
    kind: Kind
    arn: str
    status: str
    secondary: str
    message: str
    reason: str
    created_at: datetime
    started_at: datetime | None
    ended_at: datetime | None
    instance_type: str
    instances: int
    spot: bool
    billable_s: int | None
    training_s: int | None
    model_uri: str | None
    outputs: tuple[str, ...]
    checkpoint_uri: str | None
    dataset: str | None
    dataset_digest: str | None
    store_uri: str | None
    metrics: dict[str, float]

    @property
    def ended(self) -> bool:
        """Whether nothing more happens to it."""
        return self.status in ENDED

    def machine_s(self, now: datetime) -> float:
        """How long each machine has to be paid for: as AWS says, else since it began to work."""
        if self.billable_s is not None:
            return float(self.billable_s)
        begun = self.started_at
        return 0.0 if begun is None else max(0.0, ((self.ended_at or now) - begun).total_seconds())

    @property
    def spot_saving(self) -> float | None:
        """Share of the price that spot saved, in [0, 1]; None where it is not spot, or not known yet."""
        if not self.spot or self.billable_s is None or not self.training_s:
            return None
        return max(0.0, 1 - self.billable_s / self.training_s)


@contextmanager
def asking(aws: AwsSession, doing: str, needs: str = _NEEDS) -> Iterator[None]:
    """Turn what botocore raises inside into errors of ours that name the permissions it takes."""
    with aws_errors(doing, aws.place, needs):
        yield


def describe(aws: AwsSession, name: str, kind: Kind) -> JobState | None:
    """A job of one kind; None if there is none of that name. Errors are botocore's own."""
    from botocore.exceptions import ClientError

    if not _NAME.fullmatch(name):
        return None
    client = aws.client("sagemaker")
    try:
        if kind == "training":
            told = client.describe_training_job(TrainingJobName=name)
        else:
            told = client.describe_processing_job(ProcessingJobName=name)
    except ClientError as error:
        if code_of(error) in _NOT_THERE:
            return None
        raise
    return state_of(kind, told)


def tagged(aws: AwsSession, arn: str) -> dict[str, str]:
    """Tags of a job. Errors are botocore's own."""
    pages = aws.client("sagemaker").get_paginator("list_tags").paginate(ResourceArn=arn)
    return {tag["Key"]: tag["Value"] for page in pages for tag in page["Tags"]}


def state_of(kind: Kind, told: Mapping[str, Any], tags: Mapping[str, str] | None = None) -> JobState:
    """Read an answer of DescribeTrainingJob or DescribeProcessingJob.

    Args:
        kind: Which of them.
        told: The answer.
        tags: Of the job, if they were asked for.
    """
    title = kind.capitalize()
    cluster = told.get("ResourceConfig") or told.get("ProcessingResources", {}).get("ClusterConfig", {})
    moves = told.get("SecondaryStatusTransitions") or [{}]
    tags = tags or {}
    dataset = tags.get(DATASET_TAG) or _dataset(told.get("HyperParameters", {}))
    return JobState(
        name=told[f"{title}JobName"],
        kind=kind,
        arn=told[f"{title}JobArn"],
        status=told[f"{title}JobStatus"],
        secondary=told.get("SecondaryStatus", told[f"{title}JobStatus"]),
        message=scrubbed(moves[-1].get("StatusMessage", "")),
        reason=scrubbed(_reason(told[f"{title}JobStatus"], told)),
        created_at=told["CreationTime"],
        started_at=told.get(f"{title}StartTime"),
        ended_at=told.get(f"{title}EndTime"),
        instance_type=cluster.get("InstanceType", ""),
        instances=cluster.get("InstanceCount", 1),
        spot=bool(told.get("EnableManagedSpotTraining")),
        billable_s=told.get("BillableTimeInSeconds"),
        training_s=told.get("TrainingTimeInSeconds"),
        model_uri=told.get("ModelArtifacts", {}).get("S3ModelArtifacts") or None,
        outputs=tuple(_outputs(told)),
        checkpoint_uri=told.get("CheckpointConfig", {}).get("S3Uri"),
        dataset=dataset,
        dataset_digest=tags.get(DIGEST_TAG),
        store_uri=_store(told, dataset),
        metrics={name: value for name, value in _measures(told) if math.isfinite(value)},  # JSON knows no other
    )


def _measures(told: Mapping[str, Any]) -> Iterator[tuple[str, float]]:
    for each in told.get("FinalMetricDataList", ()):
        yield each["MetricName"], float(each["Value"])


def _reason(status: str, told: Mapping[str, Any]) -> str:
    """What a failed processing container said itself goes before AWS's own word, which is always the same."""
    said = told.get("ExitMessage", "") if status == "Failed" else ""  # one that succeeded may say something too
    return said or told.get("FailureReason", "")


def _outputs(told: Mapping[str, Any]) -> Iterator[str]:
    if uri := told.get("OutputDataConfig", {}).get("S3OutputPath"):
        yield uri
    for output in told.get("ProcessingOutputConfig", {}).get("Outputs", ()):
        if uri := output.get("S3Output", {}).get("S3Uri"):
            yield uri


def _store(told: Mapping[str, Any], dataset: str | None) -> str | None:
    for channel in told.get("InputDataConfig", ()):
        uri = str(channel.get("DataSource", {}).get("S3DataSource", {}).get("S3Uri", "")).rstrip("/")
        if dataset and channel.get("ChannelName") == CHANNEL_TRAIN and uri.endswith(f"/{dataset}"):
            return uri.removesuffix(f"/{dataset}")
    return None


def _dataset(hyperparameters: Mapping[str, str]) -> str | None:
    """Hyperparameters are JSON inside strings; those of a job that is not ours may be anything."""
    try:
        value = json.loads(hyperparameters.get(DATASET_PARAMETER, "null"))
    except ValueError:
        return None
    return value if isinstance(value, str) else None
