"""The plan of a processing job that looks at pictures: a complete ``create_processing_job`` request."""

import json
import math
from datetime import datetime
from typing import Any, Final

from actorrec import __version__
from actorrec.aws.places import ASSUMED_REGION, CloudPlace, set_region
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.hyperparameters import NetFile, net_files, net_uploads, nets_prefix
from actorrec.jobs.images import image_uri
from actorrec.jobs.machines import disk_key
from actorrec.jobs.packing import KEYS_NAME, PackedListing
from actorrec.jobs.plans import Cost, JobPlan, Upload
from actorrec.jobs.prices import bound
from actorrec.jobs.refusals import refuse_impossible, tags
from actorrec.jobs.sourcedir import ARCHIVE_NAME, BUILD_PROGRAM, SourceDir
from actorrec.jobs.uploads import code_prefix, code_upload
from actorrec.manifests.base import digest_json
from actorrec.manifests.shard import (
    CODE_FOLDER,
    LISTING_FOLDER,
    LISTING_NAME,
    NETS_FOLDER,
    PICTURES_FOLDER,
    SENT_PICTURES,
    SHARDS_FOLDER,
)

_PROCESSING: Final = "/opt/ml/processing"
# Of the section dataset, what decides what is seen; the machine uses all its cores whatever dataset.workers says.
_DATASET_KEYS: Final = ("max_bytes", "max_pixels", "previews")


def plan_processing(listing: PackedListing, config: Config, *, code: SourceDir, now: datetime, suffix: str) -> JobPlan:
    """Everything that is going to be sent to look at pictures in the cloud; nothing is sent yet.

    Args:
        listing: What there is to look at.
        config: Settings; placeholders for bucket and role may stand in it.
        code: The package, packed.
        now: For the name of the job.
        suffix: A few letters or digits that no other job of this second has.

    Returns:
        The plan. What stands before time and suffix in the job's name is the same for the same work.

    Raises:
        ConfigError: If settings are wrong, or do not go together.
    """
    _refuse(listing, config)
    place, remote = CloudPlace.of(config), config.remote
    nets = tuple(net for net in net_files(config) if net.setting == "detector.path")
    told = f"{place.jobs_uri}/listings/{listing.digest}/"
    environment = _environment(config, nets)
    work = digest_json([listing.digest, environment, [net.sha256 for net in nets], code.sha256, _output_root(config)])
    name = f"actorrec-dataset-{work[:10]}-{remote.instances}-{now:%Y%m%d-%H%M%S}-{suffix}"
    request = {
        "ProcessingJobName": name,
        "RoleArn": remote.role,
        "AppSpecification": _app(config),
        "ProcessingInputs": [
            _input("code", code_prefix(place, code), CODE_FOLDER),
            _input("listing", told + LISTING_NAME, LISTING_FOLDER),
            _input("pictures", told + KEYS_NAME, PICTURES_FOLDER, keys=True),
            *([_input("nets", nets_prefix(place.jobs_uri, nets), NETS_FOLDER)] if nets else []),
        ],
        "ProcessingOutputConfig": _output(config, shards_uri(config, name)),
        "ProcessingResources": {"ClusterConfig": _cluster(config)},
        "StoppingCondition": {"MaxRuntimeInSeconds": math.ceil(remote.max_hours * 3600)},
        "Environment": environment,
        "NetworkConfig": _network(config),
        "Tags": tags(remote.tags, {"actorrec:listing": listing.digest, "actorrec:version": __version__}),
    }
    uploads = (
        code_upload(place, code),
        _upload("listing", told + LISTING_NAME, listing.given),
        _upload("names of the pictures", told + KEYS_NAME, listing.keys),
        *net_uploads(nets_prefix(place.jobs_uri, nets), nets),
        *_pictures(listing, place),
    )
    return JobPlan("processing", name, request, uploads, _cost(config))


def shards_uri(config: Config, job: str) -> str:
    """The store that a job leaves its shares in."""
    return f"{_output_root(config)}/shards/{job}"


def _output_root(config: Config) -> str:
    return (config.remote.output_path or CloudPlace.of(config).jobs_uri).rstrip("/")


def _refuse(listing: PackedListing, config: Config) -> None:
    refuse_impossible(config)
    machines = config.remote.instances
    if machines > listing.files:
        raise ConfigError(
            f"{machines} machines are more than there are pictures to look at ({listing.files})",
            hint="lower --instances",
        )


def _app(config: Config) -> dict[str, Any]:
    remote = config.remote
    return {
        "ImageUri": image_uri(config, set_region(config) or ASSUMED_REGION, remote.dataset_instance_type),
        "ContainerEntrypoint": ["bash", "-c"],
        "ContainerArguments": [_script(remote.isolated)],
    }


def _script(isolated: bool) -> str:
    """What the container runs; AWS takes 256 characters."""
    told = "echo pip cannot install requirements.txt >/opt/ml/output/message"
    install = "" if isolated else f"python -m pip install -q -r requirements.txt || {{ {told}; exit 1; }}; "
    unpack = f"tar -xzf {_PROCESSING}/{CODE_FOLDER}/{ARCHIVE_NAME}"
    return f"set -e; cd $(mktemp -d); {unpack}; {install}exec python {BUILD_PROGRAM}"


def _input(name: str, uri: str, folder: str, *, keys: bool = False) -> dict[str, Any]:
    """A channel: copied to every machine, or shared out by name where ``uri`` is a list of keys."""
    return {
        "InputName": name,
        "S3Input": {
            "S3Uri": uri,
            "LocalPath": f"{_PROCESSING}/{folder}",
            "S3DataType": "ManifestFile" if keys else "S3Prefix",
            "S3InputMode": "File",
            "S3DataDistributionType": "ShardedByS3Key" if keys else "FullyReplicated",
        },
    }


def _output(config: Config, uri: str) -> dict[str, Any]:
    output = {"S3Uri": uri, "LocalPath": f"{_PROCESSING}/{SHARDS_FOLDER}", "S3UploadMode": "EndOfJob"}
    key = {"KmsKeyId": config.aws.kms_key} if config.aws.kms_key else {}
    return {"Outputs": [{"OutputName": "shards", "S3Output": output}], **key}


def _cluster(config: Config) -> dict[str, Any]:
    remote = config.remote
    return {
        "InstanceCount": remote.instances,
        "InstanceType": remote.dataset_instance_type,
        "VolumeSizeInGB": remote.volume_gb,
        **disk_key(remote.dataset_instance_type, config.aws.kms_key),
    }


def _environment(config: Config, nets: tuple[NetFile, ...]) -> dict[str, str]:
    """The settings of looking, as variables; none of them is a secret."""
    values: dict[str, Any] = {f"DATASET__{key}": getattr(config.dataset, key) for key in _DATASET_KEYS}
    detector = config.detector.model_dump(mode="json", exclude_none=True)
    values |= {f"DETECTOR__{key}": value for key, value in detector.items()}
    if nets:
        values["DETECTOR__path"] = f"{_PROCESSING}/{NETS_FOLDER}/{nets[0].path.name}"
    variables = {f"ACTORREC_{name.upper()}": _text(value) for name, value in values.items()}
    return {"PYTHONUNBUFFERED": "1", "TF_CPP_MIN_LOG_LEVEL": "2", "PIP_DISABLE_PIP_VERSION_CHECK": "1", **variables}


def _text(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _network(config: Config) -> dict[str, Any]:
    remote = config.remote
    network: dict[str, Any] = {
        "EnableInterContainerTrafficEncryption": remote.encrypt_between,
        "EnableNetworkIsolation": remote.isolated,
    }
    if remote.subnets:
        network["VpcConfig"] = {"Subnets": list(remote.subnets), "SecurityGroupIds": list(remote.security_groups)}
    return network


def _upload(what: str, uri: str, file: SourceDir) -> Upload:
    return Upload(what, uri, file.bytes, path=file.path, sha256=file.sha256)


def _pictures(listing: PackedListing, place: CloudPlace) -> tuple[Upload, ...]:
    if not listing.sent:
        return ()
    members = tuple(sorted(listing.sent.items()))
    return (
        Upload("pictures", place.uri(f"{SENT_PICTURES}/"), listing.sent_bytes, files=len(members), members=members),
    )


def _cost(config: Config) -> Cost:
    on_demand = config.remote.model_copy(update={"spot": False})  # there are no spot machines for such jobs
    return bound(config.model_copy(update={"remote": on_demand}), config.remote.dataset_instance_type)
