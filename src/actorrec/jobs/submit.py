"""Carry out a plan: look once more, upload, start."""

import logging
from typing import Any, Final

from actorrec.artifacts.copies import copy_alone
from actorrec.artifacts.lineage import find_artifact
from actorrec.artifacts.store import ArtifactStore
from actorrec.aws.failures import aws_errors, code_of
from actorrec.aws.places import ASSUMED_REGION, CloudPlace, refuse_placeholders, set_region
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ArtifactError, ConfigError
from actorrec.jobs.checks import refuse_other_cloud, refuse_other_region, refuse_unlicensed
from actorrec.jobs.plans import JobPlan, Upload
from actorrec.jobs.prices import refuse_above_limit
from actorrec.progress import Progress

logger = logging.getLogger(__name__)
NEEDS: Final = {
    "training": "sagemaker:CreateTrainingJob, sagemaker:AddTags and iam:PassRole on the role of the job",
    "processing": "sagemaker:CreateProcessingJob, sagemaker:AddTags and iam:PassRole on the role of the job",
}


def submit(
    plan: JobPlan,
    aws: AwsSession,
    *,
    source: ArtifactStore,
    target: ArtifactStore,
    config: Config,
    progress: Progress,
) -> str:
    """Upload what a plan needs, then start its job.

    Args:
        plan: What to do.
        aws: Makes the clients.
        source: Store of this machine.
        target: The store that jobs read from; it may be the same.
        config: The settings that the plan was made with.
        progress: Told of the uploads.

    Returns:
        The job's ARN.

    Raises:
        ConfigError: If placeholders are left, the cost may be above its limit, or regions differ.
        DataError: If pictures may not be learned from.
        ArtifactError: If something cannot be read or written.
        RemoteError: If AWS refuses or cannot be reached.
    """
    upload(plan, aws, source=source, target=target, config=config, progress=progress)
    return _start(plan, aws)


def upload(
    plan: JobPlan,
    aws: AwsSession,
    *,
    source: ArtifactStore,
    target: ArtifactStore,
    config: Config,
    progress: Progress,
) -> None:
    """The first half of ``submit``: refuse what must not be sent, then send the rest; nothing runs yet."""
    refuse_placeholders(config)
    refuse_above_limit(plan.cost, config.remote.max_cost_usd)
    refuse_unlicensed(plan, source, config)
    refuse_other_cloud(aws)
    refuse_other_region(set_region(config) or ASSUMED_REGION, aws, CloudPlace.of(config).bucket)
    for each in plan.uploads:
        _upload(each, source, target, progress)


def _upload(planned: Upload, source: ArtifactStore, target: ArtifactStore, progress: Progress) -> None:
    if planned.artifact is not None:
        copy_alone(find_artifact(source, planned.artifact), source, target, progress)
        return
    if planned.members:
        _upload_members(planned, target, progress)
        return
    assert planned.path is not None
    name = planned.uri.removeprefix(f"{target.uri}/")
    if name == planned.uri:
        raise ConfigError(f"the plan sends {planned.uri}, which is not in the store {target.uri}")
    with progress.step(f"sending {planned.what}", planned.files, "files") as step:
        if planned.sha256 is None or not target.holds(name, planned.sha256):
            record = target.put_file(name, planned.path)
            if planned.sha256 not in (None, record.sha256):
                raise ArtifactError(f"{planned.path} changed after the plan was made", hint="run it again")
        step.advance()


def _upload_members(planned: Upload, target: ArtifactStore, progress: Progress) -> None:
    """Many files, several at a time; those that are there are left as they are."""
    folder = planned.uri.removeprefix(f"{target.uri}/")
    if folder == planned.uri:
        raise ConfigError(f"the plan sends {planned.uri}, which is not in the store {target.uri}")
    with progress.step(f"sending {planned.what}", planned.files, "files") as step:
        records = target.put_files([(folder + name, path) for name, path in planned.members], step)
    for (sha256, path), record in zip(planned.members, records, strict=True):
        if record.sha256 != sha256:
            raise ArtifactError(f"{path} changed after the plan was made", hint="run it again")


def _start(plan: JobPlan, aws: AwsSession) -> str:
    """Start it once: a lost answer to the first try is no second job, nor an error."""
    from botocore.exceptions import ClientError

    client = aws.client("sagemaker")
    create = client.create_training_job if plan.kind == "training" else client.create_processing_job
    member = "TrainingJobArn" if plan.kind == "training" else "ProcessingJobArn"
    try:
        with aws_errors(f"start the job {plan.name}", aws.place, NEEDS[plan.kind]):
            try:
                answer = create(**plan.request)
            except ClientError as error:
                answer = _already_ours(plan, client) if code_of(error) == "ResourceInUse" else None
                if answer is None:
                    raise
    except KeyboardInterrupt:
        logger.warning("%s may have been started: `actorrec jobs stop %s` stops it", plan.name, plan.name)
        raise
    return str(answer[member])


def _already_ours(plan: JobPlan, client: Any) -> dict[str, Any] | None:
    """The job of that name, where it is the very one that was asked for."""
    if plan.kind == "training":
        there = client.describe_training_job(TrainingJobName=plan.name)
        same: tuple[str, ...] = ("HyperParameters", "RoleArn", "StoppingCondition")
    else:
        there = client.describe_processing_job(ProcessingJobName=plan.name)
        same = ("Environment", "RoleArn", "AppSpecification", "StoppingCondition")
    return there if all(there.get(each) == plan.request.get(each) for each in same) else None
