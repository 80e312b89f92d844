"""The plan of a training job: a complete ``create_training_job`` request, made without the network."""

import math
from datetime import datetime
from typing import Any, Final

from actorrec import __version__
from actorrec.aws.places import ASSUMED_REGION, CloudPlace, set_region
from actorrec.config import Config
from actorrec.jobs.hyperparameters import (
    checkpoint_key,
    encoded,
    net_files,
    net_uploads,
    nets_prefix,
    settings_parameters,
)
from actorrec.jobs.images import image_uri
from actorrec.jobs.machines import disk_key
from actorrec.jobs.plans import JobPlan
from actorrec.jobs.prices import bound
from actorrec.jobs.refusals import refuse_impossible_training, tags
from actorrec.jobs.sourcedir import ARCHIVE_NAME, SourceDir
from actorrec.jobs.uploads import artifact_uploads, code_prefix, code_upload
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.jobs import CHANNEL_NETS, CHANNEL_TRAIN, METRIC_LINE, METRIC_NAMES, TRAINING_PROGRAM

CHANNEL_CODE: Final = "code"
"""Channel with the archive, for a container without a network, which cannot fetch it itself."""
_CHECKPOINTS: Final = "/opt/ml/checkpoints"
_INPUT: Final = "/opt/ml/input/data"
_NUMBER: Final = r"([-+0-9.eE]+)"
_LOG_LEVEL: Final = 20  # logging.INFO


def plan_training(dataset: DatasetManifest, config: Config, *, code: SourceDir, now: datetime, suffix: str) -> JobPlan:
    """Everything that is going to be sent to train on a data set in the cloud; nothing is sent yet.

    Args:
        dataset: What is trained on.
        config: Settings; placeholders for bucket and role may stand in it.
        code: The package, packed.
        now: For the name of the job.
        suffix: A few letters or digits that no other job of this second has.

    Returns:
        The plan. What stands before time and suffix in the job's name is the same for the same work.

    Raises:
        ConfigError: If settings are wrong, or do not go together.
    """
    refuse_impossible_training(config)
    place, nets = CloudPlace.of(config), net_files(config)
    region = set_region(config) or ASSUMED_REGION
    channels = {CHANNEL_TRAIN: place.uri(f"{dataset.ref}/")}
    channels |= {CHANNEL_NETS: nets_prefix(place.jobs_uri, nets)} if nets else {}
    channels |= {CHANNEL_CODE: code_prefix(place, code)} if config.remote.isolated else {}
    parameters = settings_parameters(config, dataset.ref, nets)
    work = checkpoint_key(dataset.content_digest(), parameters, nets, code.sha256)
    name = f"actorrec-train-{work[:10]}-{now:%Y%m%d-%H%M%S}-{suffix}"
    request = {
        "TrainingJobName": name,
        "RoleArn": config.remote.role,
        "AlgorithmSpecification": _algorithm(config, region),
        "HyperParameters": parameters | _toolkit(config, place, code, region, name),
        "InputDataConfig": [_channel(channel, uri) for channel, uri in channels.items()],
        "CheckpointConfig": {"S3Uri": f"{place.jobs_uri}/checkpoints/{work}", "LocalPath": _CHECKPOINTS},
        **_machines(config, place),
        "Environment": {"PYTHONUNBUFFERED": "1"},  # a line of the log is there when it was written
        "Tags": tags(config.remote.tags, _tags(dataset)),
    }
    uploads = (
        code_upload(place, code),
        *net_uploads(channels.get(CHANNEL_NETS, ""), nets),
        *artifact_uploads(config, place, dataset),
    )
    return JobPlan("training", name, request, uploads, bound(config, keep_alive_s=config.remote.keep_alive_s))


def _algorithm(config: Config, region: str) -> dict[str, Any]:
    metrics = [{"Name": name, "Regex": f"{METRIC_LINE}.* {name}={_NUMBER}"} for name in METRIC_NAMES]
    return {
        "TrainingImage": image_uri(config, region),
        "TrainingInputMode": config.remote.input_mode,
        "MetricDefinitions": metrics,
        "EnableSageMakerMetricsTimeSeries": True,
    }


def _toolkit(config: Config, place: CloudPlace, code: SourceDir, region: str, name: str) -> dict[str, str]:
    """What the container's own toolkit reads: which script of which archive, and whether machines work together."""
    fetched = code_prefix(place, code) + ARCHIVE_NAME
    values: dict[str, Any] = {
        "sagemaker_program": TRAINING_PROGRAM,
        "sagemaker_submit_directory": f"{_INPUT}/{CHANNEL_CODE}/{ARCHIVE_NAME}" if config.remote.isolated else fetched,
        "sagemaker_container_log_level": _LOG_LEVEL,
        "sagemaker_region": region,
        "sagemaker_job_name": name,
    }
    if config.remote.instances > 1:  # without these each machine would train a model of its own
        values["sagemaker_multi_worker_mirrored_strategy_enabled"] = True
        values["sagemaker_distribution_instance_groups"] = ["homogeneousCluster"]
    return encoded(values)


def _channel(name: str, uri: str) -> dict[str, Any]:
    source = {"S3DataType": "S3Prefix", "S3Uri": uri, "S3DataDistributionType": "FullyReplicated"}
    channel: dict[str, Any] = {"ChannelName": name, "DataSource": {"S3DataSource": source}}
    return channel if name == CHANNEL_TRAIN else channel | {"InputMode": "File"}


def _machines(config: Config, place: CloudPlace) -> dict[str, Any]:
    """Where it runs, for how long, and what is encrypted."""
    remote, key = config.remote, config.aws.kms_key
    resources: dict[str, Any] = {
        "InstanceType": remote.instance_type,
        "InstanceCount": remote.instances,
        "VolumeSizeInGB": remote.volume_gb,
    }
    if remote.keep_alive_s:
        resources["KeepAlivePeriodInSeconds"] = remote.keep_alive_s
    resources |= disk_key(remote.instance_type, key)
    output = {"S3OutputPath": remote.output_path or place.jobs_uri} | ({"KmsKeyId": key} if key else {})
    parts: dict[str, Any] = {
        "OutputDataConfig": output,
        "ResourceConfig": resources,
        "StoppingCondition": _limits(config),
        "EnableManagedSpotTraining": remote.spot,
        "EnableNetworkIsolation": remote.isolated,
        "EnableInterContainerTrafficEncryption": remote.encrypt_between,
    }
    if remote.attempts > 1:
        parts["RetryStrategy"] = {"MaximumRetryAttempts": remote.attempts - 1}
    if remote.subnets:
        parts["VpcConfig"] = {"Subnets": list(remote.subnets), "SecurityGroupIds": list(remote.security_groups)}
    return parts


def _limits(config: Config) -> dict[str, int]:
    """Seconds; a wait is only for spot machines, AWS refuses it of others."""
    remote = config.remote
    limits = {"MaxRuntimeInSeconds": math.ceil(remote.max_hours * 3600)}
    if remote.spot:
        wait_hours = remote.max_wait_hours or 2 * remote.max_hours
        limits["MaxWaitTimeInSeconds"] = math.ceil(wait_hours * 3600)
    return limits


def _tags(dataset: DatasetManifest) -> dict[str, str]:
    return {
        "actorrec:dataset": dataset.ref,
        "actorrec:dataset-digest": dataset.content_digest(),
        "actorrec:version": __version__,
    }
