"""The request of a training job over combinations of settings: valid by the service's own model, and as agreed."""

import itertools
import json
import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.plans import JobPlan
from actorrec.jobs.sourcedir import SourceDir
from actorrec.jobs.training import plan_training
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.jobs import HYPERPARAMETER_SECTIONS, METRIC_NAMES
from aws_shapes import faults
from explored import examples
from stored_chains import TEMPLATE

NOW = datetime(2026, 11, 23, 4, 22, 42, tzinfo=UTC)
CODE = SourceDir(Path("/nowhere/sourcedir.tar.gz"), "c0de" * 16, 1234)
SET = DatasetManifest(
    key="0123456789abcdef", created_at=NOW, template=TEMPLATE, detector_id="d", embedder_id="e", people=[], images=[],
    faces=[], files=[FileRecord(name=f"crops/{n}.jpg", sha256="ab" * 32, bytes=100) for n in range(3)],
)  # fmt: skip
ROLE = "arn:aws:iam::123456789012:role/jobs"
VPC = {"subnets": ("subnet-0a1b",), "security_groups": ("sg-0a1b", "sg-2c3d")}


def config(aws: dict[str, Any] | None = None, training: dict[str, Any] | None = None, **remote: Any) -> Config:
    base = {"bucket": "my-bucket", "role": ROLE}
    return Config.model_validate(
        {"aws": {"region": "eu-west-1", **(aws or {})}, "training": training or {}, "remote": base | remote}
    )


def plan(of: Config, code: SourceDir = CODE, dataset: DatasetManifest = SET, suffix: str = "ab12") -> JobPlan:
    return plan_training(dataset, of, code=code, now=NOW, suffix=suffix)


@cache
def service() -> Any:
    session = pytest.importorskip("botocore.session").get_session()
    return session.get_service_model("sagemaker").operation_model("CreateTrainingJob").input_shape


def assert_allowed(request: dict[str, Any]) -> None:
    assert list(faults(service(), request, "CreateTrainingJob")) == []
    json.dumps(request)


def test_the_smallest_plan_is_complete() -> None:
    made = plan(config())
    request = made.request
    assert_allowed(request)
    assert made.kind == "training"
    assert made.name == request["TrainingJobName"]
    work = request["CheckpointConfig"]["S3Uri"].rpartition("/")[2]
    assert made.name == f"actorrec-train-{work[:10]}-20261123-042242-ab12"  # the same work is found again by it
    assert request["RoleArn"] == ROLE
    algorithm = request["AlgorithmSpecification"]
    assert algorithm["TrainingImage"] == (
        "763104351884.dkr.ecr.eu-west-1.amazonaws.com/tensorflow-training:2.21.0-gpu-py312"
    )
    assert algorithm["TrainingInputMode"] == "File"
    assert algorithm["EnableSageMakerMetricsTimeSeries"] is True
    (train,) = request["InputDataConfig"]
    assert train["ChannelName"] == "train"
    assert train["DataSource"]["S3DataSource"] == {
        "S3DataType": "S3Prefix",
        "S3Uri": "s3://my-bucket/actorrec/dataset/0123456789abcdef/",
        "S3DataDistributionType": "FullyReplicated",
    }
    assert request["OutputDataConfig"] == {"S3OutputPath": "s3://my-bucket/actorrec/jobs"}
    assert request["ResourceConfig"] == {"InstanceType": "ml.g5.xlarge", "InstanceCount": 1, "VolumeSizeInGB": 50}
    assert request["StoppingCondition"] == {"MaxRuntimeInSeconds": 14400}
    assert request["EnableManagedSpotTraining"] is False
    assert request["CheckpointConfig"]["LocalPath"] == "/opt/ml/checkpoints"
    assert not {"VpcConfig", "RetryStrategy"} & request.keys()


def test_hyperparameters_are_json_in_strings_and_name_every_setting_that_travels() -> None:
    made = config(training={"epochs": 7, "preset": "cosine"})
    planned = plan(made)
    sent = {name: json.loads(text) for name, text in planned.request["HyperParameters"].items()}
    assert sent["sagemaker_program"] == "train.py"
    assert (
        sent["sagemaker_submit_directory"] == f"s3://my-bucket/actorrec/jobs/code/{CODE.sha256[:16]}/sourcedir.tar.gz"
    )
    assert sent["sagemaker_container_log_level"] == 20
    assert sent["sagemaker_region"] == "eu-west-1"
    assert sent["sagemaker_job_name"] == planned.name
    assert sent["dataset"] == SET.ref
    assert sent["rights.allow_restricted"] is False
    for section in HYPERPARAMETER_SECTIONS:
        for key, value in getattr(made, section).model_dump(mode="json").items():
            assert sent.get(f"{section}.{key}") == value
    assert sent["training.epochs"] == 7
    assert not [name for name in sent if name.startswith(("aws.", "remote.", "sources.", "store."))]
    assert "sagemaker_multi_worker_mirrored_strategy_enabled" not in sent


def test_metrics_are_read_from_a_line_of_the_log() -> None:
    definitions = plan(config()).request["AlgorithmSpecification"]["MetricDefinitions"]
    line = "metrics: epoch=3 loss=0.41 accuracy=0.9 val_loss=5e-05 val_accuracy=-1 faces_per_s=1234.5"
    found = {each["Name"]: re.findall(each["Regex"], line) for each in definitions}
    assert found == {
        "epoch": ["3"], "loss": ["0.41"], "accuracy": ["0.9"], "val_loss": ["5e-05"], "val_accuracy": ["-1"],
        "faces_per_s": ["1234.5"],
    }  # fmt: skip
    assert tuple(found) == METRIC_NAMES
    assert not [each for each in definitions if re.search(each["Regex"], "epoch=3 loss=0.4")]
    assert not [each for each in definitions if re.search(each["Regex"], "metrics: my_epoch=3 xloss=0.4")]


def test_several_machines_train_one_model() -> None:
    sent = plan(config(instances=3, encrypt_between=True)).request
    assert json.loads(sent["HyperParameters"]["sagemaker_multi_worker_mirrored_strategy_enabled"]) is True
    assert json.loads(sent["HyperParameters"]["sagemaker_distribution_instance_groups"]) == ["homogeneousCluster"]
    assert sent["EnableInterContainerTrafficEncryption"] is True
    assert_allowed(sent)


def test_without_a_network_the_container_finds_its_code_in_a_channel() -> None:
    sent = plan(config(isolated=True, image_uri="1.dkr.ecr.eu-west-1.amazonaws.com/mine:1")).request
    assert sent["EnableNetworkIsolation"] is True
    code = sent["InputDataConfig"][-1]
    assert code["DataSource"]["S3DataSource"]["S3Uri"].endswith(f"/jobs/code/{CODE.sha256[:16]}/")
    where = json.loads(sent["HyperParameters"]["sagemaker_submit_directory"])
    assert where == f"/opt/ml/input/data/{code['ChannelName']}/sourcedir.tar.gz"


def test_the_keys_of_users_encrypt_what_is_written_but_not_disks_of_the_machine() -> None:
    key = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
    for kind, wants in (
        ("ml.c5.xlarge", True),
        ("ml.p3.2xlarge", True),
        ("ml.g4dn.xlarge", False),
        ("ml.g5.xlarge", False),
    ):
        sent = plan(config({"kms_key": key}, instance_type=kind)).request
        assert sent["OutputDataConfig"]["KmsKeyId"] == key
        assert (sent["ResourceConfig"].get("VolumeKmsKeyId") == key) is wants, kind
        assert_allowed(sent)


def test_spot_waits_longer_than_it_runs() -> None:
    assert plan(config(spot=True, max_hours=1.5)).request["StoppingCondition"] == {
        "MaxRuntimeInSeconds": 5400,
        "MaxWaitTimeInSeconds": 10800,
    }
    given_wait = plan(config(spot=True, max_hours=1.5, max_wait_hours=2)).request["StoppingCondition"]
    assert given_wait["MaxWaitTimeInSeconds"] == 7200


def test_keeping_the_machines_warm_is_part_of_what_a_job_may_cost() -> None:
    cold, warm = (plan(config(instance_type="ml.c5.xlarge", max_hours=1, keep_alive_s=s)).cost for s in (0, 1800))
    assert cold.bound_usd and warm.bound_usd == pytest.approx(1.5 * cold.bound_usd)


def test_attempts_are_the_first_and_its_repetitions() -> None:
    assert plan(config(attempts=3)).request["RetryStrategy"] == {"MaximumRetryAttempts": 2}


def test_checkpoints_are_the_same_for_the_same_work_alone() -> None:
    def where(of: Config, **more: Any) -> str:
        return str(plan(of, **more).request["CheckpointConfig"]["S3Uri"])

    first = where(config())
    assert re.fullmatch(r"s3://my-bucket/actorrec/jobs/checkpoints/[0-9a-f]{16}", first)
    assert where(config(spot=True, instance_type="ml.g4dn.xlarge", max_hours=9), suffix="zz99") == first
    other_set = SET.model_copy(update={"detector_id": "another"})
    other_code = SourceDir(CODE.path, "beef" * 16, 1)
    others = {
        where(config(training={"epochs": 3})),
        where(config(), dataset=other_set),
        where(config(), code=other_code),
    }
    assert len(others | {first}) == 4


def test_nets_of_the_user_travel_by_name_and_content(tmp_path: Path) -> None:
    net = tmp_path / "my net.onnx"
    net.write_bytes(b"net")
    own = config().model_copy(update={"embedder": config().embedder.model_copy(update={"path": net})})
    made = plan(own)
    assert_allowed(made.request)
    assert [each["ChannelName"] for each in made.request["InputDataConfig"]] == ["train", "nets"]
    prefix = made.request["InputDataConfig"][1]["DataSource"]["S3DataSource"]["S3Uri"]
    sent = {each.uri: each for each in made.uploads}[f"{prefix}my net.onnx"]
    assert (sent.path, sent.bytes) == (net, 3)
    assert made.request["HyperParameters"]["embedder.path"] == '"my net.onnx"'
    assert str(tmp_path) not in json.dumps(made.request)
    before = made.request["CheckpointConfig"]
    net.write_bytes(b"another net")
    assert plan(own).request["CheckpointConfig"] != before


def test_uploads_are_the_code_and_the_set_unless_it_is_in_the_cloud() -> None:
    there, code = plan(config()).uploads[-1], plan(config()).uploads[0]
    assert (there.artifact, there.files, there.bytes) == (SET.ref, 3, 300)
    assert there.uri == "s3://my-bucket/actorrec/dataset/0123456789abcdef/"
    assert (code.what, code.sha256, code.bytes) == ("code", CODE.sha256, 1234)
    cloud = Config.model_validate({"store": {"uri": "s3://other/deep/er"}, "aws": {"region": "us-east-1"}})
    made = plan(cloud)
    assert [each.what for each in made.uploads] == ["code"]
    assert made.uploads[0].uri.startswith("s3://other/deep/er/jobs/code/")
    train = made.request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert train == "s3://other/deep/er/dataset/0123456789abcdef/"


def test_the_plan_as_json_is_the_request_the_uploads_and_the_cost() -> None:
    told = json.loads(json.dumps(plan(config()).as_json()))
    assert told.keys() == {"request", "uploads", "cost"}
    assert told["cost"]["estimate"] is True
    assert told["cost"]["bound_usd"] == pytest.approx(4 * 1.41)


def test_a_plan_needs_no_region_but_says_which_it_assumes(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION", "AWS_PROFILE"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_CONFIG_FILE", os.devnull)
    made = plan(config({"region": None}))
    assert ".us-east-1." in made.request["AlgorithmSpecification"]["TrainingImage"]
    assert "us-east-1 (aws.region sets one)" in made.cost.note
    monkeypatch.setenv("AWS_REGION", "eu-central-1")
    made = plan(config({"region": None}))
    assert ".eu-central-1." in made.request["AlgorithmSpecification"]["TrainingImage"]
    assert "assumes" not in made.cost.note


def test_placeholders_are_enough_for_a_plan() -> None:
    sent = plan(Config.model_validate({"aws": {"region": "eu-west-1"}})).request
    assert_allowed(sent)
    assert "replace-with-your-role" in sent["RoleArn"]
    assert sent["OutputDataConfig"]["S3OutputPath"].startswith("s3://replace-with-your-bucket/")


def test_output_and_tags_of_the_users_own() -> None:
    sent = plan(config(output_path="s3://elsewhere/out", tags=("team=faces", "owner = Ada Lovelace"))).request
    assert sent["OutputDataConfig"]["S3OutputPath"] == "s3://elsewhere/out"
    told = {tag["Key"]: tag["Value"] for tag in sent["Tags"]}
    assert told["team"] == "faces"
    assert told["owner"] == "Ada Lovelace"
    assert told["actorrec:dataset"] == SET.ref
    assert told["actorrec:dataset-digest"] == SET.content_digest()
    assert "actorrec:version" in told


COMBINATIONS = list(itertools.product(
    (True, False), ({}, VPC), (None, "1234abcd-12ab"), (0, 600), ("ml.g5.xlarge", "ml.c5.xlarge", "ml.p3.2xlarge"),
    (1, 4), ("File", "FastFile"),
))  # fmt: skip


@pytest.mark.parametrize(("spot", "vpc", "key", "warm", "kind", "machines", "mode"), COMBINATIONS)
def test_every_combination_is_allowed_or_refused_by_name(
    spot: bool, vpc: dict[str, Any], key: str | None, warm: int, kind: str, machines: int, mode: str
) -> None:
    asked = config(
        {"kms_key": key}, spot=spot, keep_alive_s=warm, instance_type=kind, instances=machines, input_mode=mode, **vpc
    )
    if spot and warm:
        with pytest.raises(ConfigError, match="keep_alive_s"):
            plan(asked)
        return
    sent = plan(asked).request
    assert_allowed(sent)
    assert ("VpcConfig" in sent) is bool(vpc)
    assert ("KeepAlivePeriodInSeconds" in sent["ResourceConfig"]) is bool(warm)
    assert ("MaxWaitTimeInSeconds" in sent["StoppingCondition"]) is spot
    assert ("-gpu-" in sent["AlgorithmSpecification"]["TrainingImage"]) is (kind != "ml.c5.xlarge")


@given(
    remote=st.fixed_dictionaries({
        "spot": st.booleans(), "attempts": st.integers(1, 30), "volume_gb": st.integers(1, 16384),
        "max_hours": st.floats(0.001, 120), "max_wait_hours": st.none() | st.floats(0.001, 240),
        "prefix": st.from_regex(r"^([0-9A-Za-z!_.*'()-]{1,9}(/[0-9A-Za-z!_.*'()-]{1,9}){0,2})?$", fullmatch=True),
        "instances": st.integers(1, 32), "tags": st.lists(st.text(max_size=20), max_size=3).map(tuple),
        "framework_version": st.sampled_from(["2.21.0", "2.19.0", "2.18.0", "3.0"]),
    }),
    training=st.fixed_dictionaries({"epochs": st.integers(1, 999), "preset": st.sampled_from(["cosine", "original"])}),
)  # fmt: skip
@settings(max_examples=examples(150), deadline=None)
def test_any_settings_make_an_allowed_request_or_one_clear_error(
    remote: dict[str, Any], training: dict[str, Any]
) -> None:
    try:
        sent = plan(config(training=training, **remote)).request
    except ConfigError as error:
        assert "\n" not in error.in_full
        assert re.search(r"remote\.|training\.|image of", error.message)
        return
    assert_allowed(sent)
    limits = sent["StoppingCondition"]
    assert limits.get("MaxWaitTimeInSeconds", limits["MaxRuntimeInSeconds"]) >= limits["MaxRuntimeInSeconds"]
