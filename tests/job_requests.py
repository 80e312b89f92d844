"""Small, valid requests of jobs, and a listener that keeps what it is told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from actorrec.aws.session import AwsSession
from actorrec.jobs.logs import LogLine
from actorrec.jobs.state import JobState
from actorrec.sections import AwsSection

NAME = "actorrec-train-abcdabcd-20261101-120000-ab12"


def aws_session(**settings: Any) -> AwsSession:
    """Where the test's environment leads."""
    return AwsSession(AwsSection(region="us-east-1", **{"attempts": 1, **settings}))


def training_request(name: str = NAME, **more: Any) -> dict[str, Any]:
    """Of CreateTrainingJob."""
    metrics = [{"Name": each, "Regex": f"metrics:.* {each}=([-+0-9.eE]+)"} for each in ("epoch", "loss")]
    return {
        "TrainingJobName": name,
        "RoleArn": "arn:aws:iam::123456789012:role/jobs",
        "AlgorithmSpecification": {
            "TrainingImage": "image", "TrainingInputMode": "File", "MetricDefinitions": metrics
        },
        "HyperParameters": {"dataset": '"dataset/abcdabcdabcdabcd"'},
        "OutputDataConfig": {"S3OutputPath": "s3://bucket/jobs"},
        "ResourceConfig": {"InstanceType": "ml.m5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 10},
        "StoppingCondition": {"MaxRuntimeInSeconds": 3600},
        "CheckpointConfig": {"S3Uri": "s3://bucket/jobs/checkpoints/x"},
        **more,
    }  # fmt: skip


def processing_request(name: str = "actorrec-build-abcd-1", hosts: int = 2, **more: Any) -> dict[str, Any]:
    """Of CreateProcessingJob."""
    cluster = {"InstanceType": "ml.c5.xlarge", "InstanceCount": hosts, "VolumeSizeInGB": 10}
    output = {"S3Uri": "s3://bucket/shards", "LocalPath": "/opt/ml/processing/output", "S3UploadMode": "EndOfJob"}
    return {
        "ProcessingJobName": name,
        "RoleArn": "arn:aws:iam::123456789012:role/jobs",
        "AppSpecification": {"ImageUri": "image", "ContainerEntrypoint": ["python3", "-c", "pass"]},
        "ProcessingResources": {"ClusterConfig": cluster},
        "ProcessingOutputConfig": {"Outputs": [{"OutputName": "shards", "S3Output": output}]},
        **more,
    }


def start(aws: AwsSession, request: dict[str, Any] | None = None) -> str:
    """Start a job; returns its name."""
    request = request or training_request()
    client = aws.client("sagemaker")
    if "TrainingJobName" in request:
        client.create_training_job(**request)
        return str(request["TrainingJobName"])
    client.create_processing_job(**request)
    return str(request["ProcessingJobName"])


@dataclass
class Heard:
    """A listener."""

    states: list[str] = field(default_factory=list)
    lines: list[str] = field(default_factory=list)
    hosts: list[str] = field(default_factory=list)
    measures: list[tuple[str, dict[str, float]]] = field(default_factory=list)
    troubles: list[str] = field(default_factory=list)

    def status(self, state: JobState) -> None:
        self.states.append(state.secondary)

    def line(self, line: LogLine) -> None:
        self.lines.append(line.text)
        self.hosts.append(line.host)

    def measured(self, host: str, values: Mapping[str, float]) -> None:
        self.measures.append((host, dict(values)))

    def trouble(self, text: str) -> None:
        self.troubles.append(text)
