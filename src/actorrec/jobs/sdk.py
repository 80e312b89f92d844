"""The same plan through the ``sagemaker`` package (``--via sdk``), for those who live in it.

Its ``ModelTrainer`` does not run the toolkit of the container but a driver of its own, so parts of a plan are said in
other words: the script and its archive are a ``SourceCode`` instead of two hyperparameters, and no name of a
hyperparameter holds a dot, because the driver makes shell variables of them all.
"""

import importlib.util
import logging
import os
import re
import threading
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any, Final

from actorrec.aws.failures import aws_errors
from actorrec.aws.places import bucket_and_key
from actorrec.aws.session import AwsSession
from actorrec.errors import ConfigError, MissingExtraError
from actorrec.jobs.plans import JobPlan
from actorrec.jobs.sourcedir import ARCHIVE_NAME
from actorrec.manifests.jobs import TRAINING_PROGRAM

_NEEDS: Final = (
    "sagemaker:CreateTrainingJob, sagemaker:DescribeTrainingJob, iam:PassRole on the role of the job, "
    "s3:ListBucket and s3:PutObject"
)
_WITHOUT: Final = "leave out --via sdk: boto3 does it"
_TOOLKIT: Final = "sagemaker_"  # hyperparameters that only the toolkit of the container reads
_SDK_CODE_CHANNEL: Final = "code"
# In the place of the user's own defaults of the package: no telemetry, and nothing that the plan does not say.
_DEFAULTS: Final = {"SchemaVersion": "1.0", "SageMaker": {"PythonSDK": {"Modules": {"TelemetryOptOut": True}}}}
_CARRIED: Final = frozenset(
    {
        "TrainingJobName", "RoleArn", "AlgorithmSpecification", "HyperParameters", "InputDataConfig",
        "CheckpointConfig", "OutputDataConfig", "ResourceConfig", "StoppingCondition", "EnableManagedSpotTraining",
        "EnableNetworkIsolation", "EnableInterContainerTrafficEncryption", "RetryStrategy", "VpcConfig",
        "Environment", "Tags",
    }
)  # fmt: skip


def refuse_without_sdk(plan: JobPlan) -> None:
    """Stop before anything is sent if the package is missing, or cannot do what the plan says.

    Raises:
        MissingExtraError: If the ``sagemaker`` package (3.x) is not installed.
        ConfigError: If the plan needs what only the container's toolkit does.
    """
    instances = plan.request["ResourceConfig"]["InstanceCount"]
    if instances > 1:
        raise ConfigError(
            f"--via sdk trains on one machine, not on {instances}: the sagemaker package never sets TF_CONFIG, so each "
            "machine would train a model of its own",
            hint=_WITHOUT,
        )
    if lost := sorted(plan.request.keys() - _CARRIED):
        raise ConfigError(f"--via sdk cannot carry {', '.join(lost)}", hint=_WITHOUT)
    driver_hyperparameters(plan.request["HyperParameters"])
    try:
        there = importlib.util.find_spec("sagemaker.train") is not None
    except ModuleNotFoundError:
        there = False
    if not there:
        raise MissingExtraError("sagemaker", "sagemaker")


def driver_hyperparameters(parameters: Mapping[str, str]) -> dict[str, str]:
    """Hyperparameters as the driver of the ``sagemaker`` package can bear them.

    It writes ``export SM_HP_NAME='value'`` into a script: names become ``section__key``, and a value must not hold the
    mark that would end it. What only the container's toolkit reads is left out.

    Args:
        parameters: Name → JSON text, as in a plan.

    Raises:
        ConfigError: If a value holds a single quote.
    """
    kept = {name: text for name, text in parameters.items() if not name.startswith(_TOOLKIT)}
    for name, text in kept.items():
        if "'" in text:
            raise ConfigError(
                f"--via sdk cannot carry {name}: its value holds a ', which would break the sagemaker package's script",
                hint=f"rename it, or {_WITHOUT}",
            )
    return {name.replace(".", "__"): text for name, text in kept.items()}


def submit_with_sdk(plan: JobPlan, aws: AwsSession) -> str:
    """Start the job of a plan whose uploads are made; the package uploads its driver beside them.

    Args:
        plan: Of a training job.
        aws: Says which profile, region and endpoint.

    Returns:
        The job's name: the plan's.

    Raises:
        MissingExtraError: If the ``sagemaker`` package (3.x) is not installed.
        ConfigError: If it cannot do what the plan says, or credentials are missing, expired or refused.
        RemoteError: If AWS refuses or cannot be reached.
    """
    refuse_without_sdk(plan)
    aws.client("sagemaker")  # says what is wrong with the profile or the region
    started = threading.Event()
    with _role_taken_as_it_is(), _silent("sagemaker"), _boto_errors(plan, aws, started):
        boto = _boto_session(plan, aws, started)
        _trainer(plan, _session(plan, aws, boto)).train(wait=False, logs=False)
    return plan.name


def _trainer(plan: JobPlan, session: Any) -> Any:
    from sagemaker.core.shapes import Channel, CheckpointConfig, MetricDefinition, OutputDataConfig, RetryStrategy
    from sagemaker.core.training.configs import Compute, Networking, SourceCode, StoppingCondition, Tag
    from sagemaker.train.model_trainer import ModelTrainer

    request, algorithm = plan.request, plan.request["AlgorithmSpecification"]
    channels = [each for each in request["InputDataConfig"] if each["ChannelName"] != _SDK_CODE_CHANNEL]
    trainer = ModelTrainer(
        sagemaker_session=session,
        base_job_name=plan.name,
        role=request["RoleArn"],
        training_image=algorithm["TrainingImage"],
        training_input_mode=algorithm["TrainingInputMode"],
        source_code=SourceCode(
            source_dir=_code_uri(plan), entry_script=TRAINING_PROGRAM, requirements="requirements.txt"
        ),
        hyperparameters=driver_hyperparameters(request["HyperParameters"]),
        input_data_config=[Channel(**_snake(each)) for each in channels],
        compute=Compute(
            **_snake(request["ResourceConfig"]), enable_managed_spot_training=request["EnableManagedSpotTraining"]
        ),
        networking=Networking(
            **_snake(request.get("VpcConfig", {})),
            enable_network_isolation=request["EnableNetworkIsolation"],
            enable_inter_container_traffic_encryption=request["EnableInterContainerTrafficEncryption"],
        ),
        stopping_condition=StoppingCondition(**_snake(request["StoppingCondition"])),
        output_data_config=OutputDataConfig(**_snake(request["OutputDataConfig"])),
        checkpoint_config=CheckpointConfig(**_snake(request["CheckpointConfig"])),
        environment=request["Environment"],
        tags=[Tag(**_snake(each)) for each in request["Tags"]],
    )
    trainer.with_metric_definitions([MetricDefinition(**_snake(each)) for each in algorithm["MetricDefinitions"]])
    if "RetryStrategy" in request:
        trainer.with_retry_strategy(RetryStrategy(**_snake(request["RetryStrategy"])))
    return trainer


def _boto_session(plan: JobPlan, aws: AwsSession, started: threading.Event) -> Any:
    """A session of boto3 for the package, which keeps the plan's name and tells when the job is there."""
    import boto3

    boto = boto3.Session(profile_name=aws.settings.profile, region_name=aws.settings.region)

    def keep_name(params: dict[str, Any], **_: object) -> None:
        params["TrainingJobName"] = plan.name  # the package adds the time to every name

    def note(http_response: Any, **_: object) -> None:
        if http_response.status_code == HTTPStatus.OK:
            started.set()

    for operation in ("CreateTrainingJob", "DescribeTrainingJob"):
        boto.events.register(f"before-parameter-build.sagemaker.{operation}", keep_name)
    boto.events.register("after-call.sagemaker.CreateTrainingJob", note)
    return boto


def _session(plan: JobPlan, aws: AwsSession, boto: Any) -> Any:
    """The package's session: it sends no telemetry, and puts its driver below the plan's own prefix of jobs."""
    from sagemaker.core.helper.session_helper import Session

    bucket, key = bucket_and_key(_code_uri(plan))
    jobs = key.removesuffix(f"/{ARCHIVE_NAME}").rpartition("/")[0].rpartition("/")[0]
    session = Session(boto, default_bucket=bucket, default_bucket_prefix=jobs, sagemaker_config=_DEFAULTS)
    if aws.settings.endpoint_url:
        session.s3_resource = boto.resource("s3", endpoint_url=aws.settings.endpoint_url)
    return session


def _code_uri(plan: JobPlan) -> str:
    return next(each.uri for each in plan.uploads if each.uri.endswith(f"/{ARCHIVE_NAME}"))


def _snake(value: Any) -> Any:
    """``{"S3Uri": …}`` as ``{"s3_uri": …}``, at every depth, as the classes of the package want it."""
    if isinstance(value, Mapping):
        return {_snake_name(name): _snake(each) for name, each in value.items()}
    return [_snake(each) for each in value] if isinstance(value, list) else value


def _snake_name(name: str) -> str:
    return re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name).lower()


@contextmanager
def _boto_errors(plan: JobPlan, aws: AwsSession, started: threading.Event) -> Iterator[None]:
    """Errors of ours for what boto3 raises; none once the job is there, when the package only looks at it again."""
    from boto3.exceptions import Boto3Error
    from botocore.exceptions import BotoCoreError, ClientError

    with aws_errors(f"start the job {plan.name}", aws.place, _NEEDS):
        try:
            yield
        except Boto3Error as error:  # wraps what botocore raised while a file was sent
            raise error.__context__ or error from None
        except (BotoCoreError, ClientError):
            if not started.is_set():
                raise


@contextmanager
def _role_taken_as_it_is() -> Iterator[None]:
    """The service looks at the role itself; the package would ask IAM for rights that nobody else here needs."""
    name = "SAGEMAKER_VALIDATE_ROLE"
    before = os.environ.get(name)
    os.environ[name] = "false"
    try:
        yield
    finally:
        del os.environ[name]
        if before is not None:
            os.environ[name] = before


@contextmanager
def _silent(name: str) -> Iterator[None]:
    """What fails is said by us, once."""
    logger = logging.getLogger(name)
    before, logger.propagate = logger.propagate, False
    try:
        yield
    finally:
        logger.propagate = before
