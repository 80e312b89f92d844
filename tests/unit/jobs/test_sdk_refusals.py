import contextlib
import importlib.util
import json
import re
from datetime import UTC, datetime
from pathlib import Path

import pytest

from actorrec.config import load_config
from actorrec.errors import ConfigError, MissingExtraError
from actorrec.jobs.hyperparameters import settings_parameters
from actorrec.jobs.plans import Cost, JobPlan
from actorrec.jobs.sdk import driver_hyperparameters, refuse_without_sdk
from actorrec.jobs.sourcedir import SourceDir
from actorrec.jobs.training import plan_training
from actorrec.manifests.dataset import DatasetManifest
from actorrec.training.container_settings import read_settings
from stored_chains import TEMPLATE


def a_plan(**request: object) -> JobPlan:
    request = {"ResourceConfig": {"InstanceCount": 1}, "HyperParameters": {}, **request}
    cost = Cost("ml.c5.xlarge", 1, 1.0, None, None, "2026-11", "")
    return JobPlan("training", "actorrec-train-1", request, (), cost)


def test_no_name_holds_a_dot_and_what_the_toolkit_reads_is_left_out() -> None:
    parameters = {"dataset": '"dataset/1"', "training.batch_size": "8", "sagemaker_program": '"train.py"'}
    assert driver_hyperparameters(parameters) == {"dataset": '"dataset/1"', "training__batch_size": "8"}


def test_the_entry_point_reads_the_same_settings_from_both_ways_of_writing_them(tmp_path: Path) -> None:
    flags = {
        "training.epochs": 7, "training.fine_tune": True, "embedder.mean": (1.0, 2.0, 3.0), "edge.variant": "int8",
        "calibration.target_fpir": 0.02, "rights.allow_restricted": True, "training.fine_tune_learning_rate": 3e-5,
    }  # fmt: skip
    parameters = settings_parameters(load_config(environ={}, flags=flags).config, "dataset/1")
    sent = driver_hyperparameters(parameters)
    read = [
        read_settings([], {"SM_HPS": json.dumps({name: json.loads(text) for name, text in each.items()})}, None)
        for each in (parameters, sent)
    ]
    assert read[0] == read[1]
    assert read[1].dataset == "dataset/1"
    assert read[1].config.training.epochs == 7
    assert read[1].config.embedder.mean == (1.0, 2.0, 3.0)


def test_what_would_break_the_script_of_the_package_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match=r"embedder\.path.*holds a '") as caught:
        driver_hyperparameters({"embedder.path": json.dumps("o'brien.onnx")})
    assert "leave out --via sdk" in caught.value.hint


def test_several_machines_are_refused() -> None:
    with pytest.raises(ConfigError, match=r"one machine, not on 2.*TF_CONFIG"):
        refuse_without_sdk(a_plan(ResourceConfig={"InstanceCount": 2}))


def test_what_the_package_cannot_carry_is_refused_by_name() -> None:
    with pytest.raises(ConfigError, match="cannot carry ExperimentConfig, ProfilerConfig"):
        refuse_without_sdk(a_plan(ProfilerConfig={}, ExperimentConfig={}))


@pytest.mark.skipif(importlib.util.find_spec("sagemaker") is not None, reason="the sagemaker package is installed here")
def test_without_the_package_the_line_that_installs_it_is_named() -> None:
    with pytest.raises(MissingExtraError) as caught:
        refuse_without_sdk(a_plan())
    assert "actorrec[sagemaker]" in caught.value.hint


def test_every_part_of_a_plan_can_be_carried() -> None:
    flags = {
        "remote.bucket": "my-bucket", "remote.subnets": ("subnet-1a",), "remote.security_groups": ("sg-1a",),
        "remote.spot": True, "remote.attempts": 3, "remote.tags": ("a=b",), "aws.kms_key": "alias/mine",
    }  # fmt: skip
    now = datetime(2026, 11, 23, tzinfo=UTC)
    dataset = DatasetManifest(
        key="0" * 16, created_at=now, template=TEMPLATE, detector_id="d", embedder_id="e", people=[], images=[],
        faces=[], files=[],
    )  # fmt: skip
    code = SourceDir(Path("/nowhere/sourcedir.tar.gz"), "c0de" * 16, 1)
    plan = plan_training(dataset, load_config(environ={}, flags=flags).config, code=code, now=now, suffix="ab12")
    with contextlib.suppress(MissingExtraError):  # anything else that is refused is a part that nobody thought of
        refuse_without_sdk(plan)
    names = driver_hyperparameters(plan.request["HyperParameters"])
    assert all(re.fullmatch(r"[A-Za-z_]\w*", name) for name in names)
