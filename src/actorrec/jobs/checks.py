"""A last look before anything is sent: licences, regions, and whether a job could read what is sent."""

import json

from actorrec.artifacts.catalog import load_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.aws.regions import bucket_region, keeps_objects_elsewhere
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.plans import JobPlan
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.jobs import DATASET_PARAMETER
from actorrec.rights.restricted import refuse_restricted_dataset


def refuse_unlicensed(plan: JobPlan, source: ArtifactStore, config: Config) -> None:
    """Pictures that may not be learned from are not even sent.

    Raises:
        DataError: If the data set of a training holds some and the user does not insist.
    """
    if plan.kind == "training":
        reference = json.loads(plan.request["HyperParameters"][DATASET_PARAMETER])
        dataset = load_manifest(source, DatasetManifest, reference)
        refuse_restricted_dataset(dataset, allow=config.rights.allow_restricted)


def refuse_other_cloud(aws: AwsSession) -> None:
    """A job at AWS cannot read from a server that merely speaks S3.

    Raises:
        ConfigError: If ``aws.endpoint_url`` is such a server's.
    """
    if keeps_objects_elsewhere(aws, "sagemaker"):
        raise ConfigError(
            "nothing started: aws.endpoint_url is another server than AWS's, which jobs of SageMaker cannot read from",
            hint="leave aws.endpoint_url out for a job; what they need is copied to a bucket of S3 then",
        )


def refuse_other_region(planned: str, aws: AwsSession, bucket: str) -> None:
    """SageMaker reads only buckets of its own region; and the plan's image is of the plan's region.

    Args:
        planned: Region of the plan.
        aws: Makes the clients.
        bucket: That jobs read from.

    Raises:
        ConfigError: If one of the regions differs.
        RemoteError: If the bucket does not exist or is another account's.
    """
    region = aws.client("sagemaker").meta.region_name
    if planned != region:
        raise ConfigError(
            f"nothing started: the plan is for the region {planned}, but AWS is set to {region} on this machine",
            hint=f"set aws.region: {region} (ACTORREC_AWS__REGION={region})",
        )
    there = bucket_region(aws, bucket, otherwise=region)
    if there != region:
        raise ConfigError(
            f"nothing started: the bucket '{bucket}' is in {there}, the job would run in {region}",
            hint=f"a job reads only buckets of its own region: set aws.region: {there}, or name another bucket",
        )
