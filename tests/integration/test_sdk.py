"""A job submitted through the ``sagemaker`` package: what it asks of AWS, and whether its driver runs our archive."""

import copy
import importlib.util
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import sagemaker_toolkit

from actorrec.manifests.jobs import METRIC_LINE
from actorrec.manifests.model import ModelManifest
from containers import private_namespace
from s3_servers import client, new_bucket
from sagemaker_server import DENIED, QUOTA, SageMaker, sagemaker

__all__ = ["sagemaker"]

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("sagemaker") is None, reason="the sagemaker package is not installed: actorrec[sagemaker]"
)

REPOSITORY = Path(__file__).resolve().parents[2]
DRIVER = "/opt/ml/input/data/sm_drivers/sm_train.sh"
# The command line, and every host that the process looks up or connects to; threads that the package leaves behind
# (its telemetry would be one) are waited for.
PROGRAM = """
import sys, threading

reached = set()

def watch(event, arguments):
    if event == "socket.getaddrinfo":
        reached.add(str(arguments[0]))
    elif event == "socket.connect" and isinstance(arguments[1], tuple):
        reached.add(str(arguments[1][0]))

sys.addaudithook(watch)
from actorrec.cli.app import main
try:
    main()
finally:
    for thread in threading.enumerate():
        if thread.name == "sagemaker-telemetry":
            thread.join()
    print("reached:", *sorted(reached), file=sys.stderr)
"""
EVERYTHING = {
    "REMOTE__SPOT": "true",
    "REMOTE__ATTEMPTS": "3",
    "REMOTE__SUBNETS": "subnet-1a,subnet-2b",
    "REMOTE__SECURITY_GROUPS": "sg-1a",
    "REMOTE__TAGS": "team=faces",
    "REMOTE__INPUT_MODE": "FastFile",
    "REMOTE__ENCRYPT_BETWEEN": "true",
    "REMOTE__OUTPUT_PATH": "s3://another-bucket/out",
    "REMOTE__INSTANCE_TYPE": "ml.c5.xlarge",
    "AWS__KMS_KEY": "arn:aws:kms:us-east-1:123456789012:key/01234567-89ab-cdef-0123-456789abcdef",
}
ISOLATED = {
    "REMOTE__ISOLATED": "true",
    "REMOTE__KEEP_ALIVE_S": "600",
    "REMOTE__IMAGE_URI": "123456789012.dkr.ecr.us-east-1.amazonaws.com/mine:1",
}

# What a user may keep as defaults of the package: a plan is complete without them.
DEFAULTS = """
SchemaVersion: "1.0"
SageMaker:
  PythonSDK:
    Modules:
      ModelTrainer: {inputS3KeyPrefix: elsewhere}
"""


class Desk:
    """The command line of a user who has the package, a store and a bucket."""

    def __init__(self, folder: Path, service: SageMaker) -> None:
        self.folder, self.service, self.bucket = folder, service, new_bucket(service.s3_url)
        defaults = folder / ".config" / "sagemaker" / "config.yaml"
        defaults.parent.mkdir(parents=True)
        defaults.write_text(DEFAULTS)
        self.run("build-dataset", REPOSITORY / "examples" / "people")

    def run(self, *arguments: object, code: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
        theirs = ("ACTORREC_", "AWS_", "SAGEMAKER_", "PYTHON")
        kept = {name: value for name, value in os.environ.items() if not name.startswith(theirs)}
        given = {
            "STORE__URI": str(self.folder / "store"), "REMOTE__BUCKET": self.bucket, "AWS__REGION": "us-east-1",
            "REMOTE__ROLE": "arn:aws:iam::123456789012:role/jobs", **settings,
        }  # fmt: skip
        environ = kept | self.service.environ | {f"ACTORREC_{name}": value for name, value in given.items()}
        # moto cannot simulate a policy; the package asks once and goes on, so it is not asked five times.
        environ |= {
            "AWS_MAX_ATTEMPTS": "1",
            "HOME": str(self.folder),
            "XDG_CONFIG_HOME": str(self.folder / ".config"),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
        }
        ended = subprocess.run(
            [sys.executable, "-c", PROGRAM, *map(str, arguments)],
            cwd=self.folder, env=environ, capture_output=True, text=True, timeout=120,
        )  # fmt: skip
        assert ended.returncode == code, ended.stderr
        return ended

    def plan(self, **settings: str) -> dict[str, Any]:
        """The request that boto3 would send."""
        request: dict[str, Any] = json.loads(self.run("train", "--remote", "--dry-run", "--json", **settings).stdout)
        return request["request"]

    def submit(self, *arguments: str, code: int = 0, **settings: str) -> subprocess.CompletedProcess[str]:
        command = ("train", "--remote", "--via", "sdk", "--detach", "--json", *arguments)
        return self.run(*command, code=code, **settings)


@pytest.fixture
def desk(tmp_path: Path, sagemaker: SageMaker) -> Desk:
    return Desk(tmp_path, sagemaker)


class DriverMachine(sagemaker_toolkit.Machine):
    """A container as the package starts it: its driver instead of the toolkit, and channels that may be written."""

    def start(self) -> "subprocess.Popen[bytes]":
        self._lay_out()
        command = [*private_namespace()[0], "bash", "-c", sagemaker_toolkit._INSIDE, "bash"]
        command += [str(self.root / "hosts"), str(self.ml), str(self.root / "opt"), "bash", "-c"]
        command += [f"mount -o remount,bind,rw /opt/ml/input/data && chmod +x {DRIVER} && {DRIVER}"]
        environ = {**self._environ(), "TRAINING_JOB_NAME": "the-job"}
        with (self.root / "log").open("wb") as log:
            return subprocess.Popen(
                command, stdout=log, stderr=subprocess.STDOUT, env=environ, cwd=self.root, start_new_session=True
            )


def brought(desk: Desk, uri: str, folder: Path) -> Path:
    """A channel as SageMaker fills it: everything below a prefix, or one object."""
    folder.mkdir(parents=True)
    s3, prefix = client(desk.service.s3_url), uri.removeprefix(f"s3://{desk.bucket}/")
    for key in (key for key in object_keys(desk) if key.startswith(prefix)):
        path = folder / (key.removeprefix(prefix).lstrip("/") or Path(key).name)
        path.parent.mkdir(parents=True, exist_ok=True)
        s3.download_file(desk.bucket, key, str(path))
    return folder


def in_other_words(planned: dict[str, Any], sent: dict[str, Any]) -> dict[str, Any]:
    """The plan as the package may say it; all that is not named here must be equal, name of the job aside."""
    told = copy.deepcopy(planned)
    told["TrainingJobName"] = sent["TrainingJobName"]
    told["HyperParameters"] = {
        name.replace(".", "__"): value
        for name, value in planned["HyperParameters"].items()
        if not name.startswith("sagemaker_")
    }
    algorithm = told["AlgorithmSpecification"]
    del algorithm["EnableSageMakerMetricsTimeSeries"]  # on by itself where there are definitions
    algorithm |= {"ContainerEntrypoint": ["/bin/bash"], "ContainerArguments": ["-c", f"chmod +x {DRIVER} && {DRIVER}"]}
    ours = [channel for channel in told["InputDataConfig"] if channel["ChannelName"] != "code"]
    theirs = sent["InputDataConfig"][len(ours) :]
    assert [channel["ChannelName"] for channel in theirs] == ["code", "sm_drivers"]
    told["InputDataConfig"] = [*ours, *theirs]
    return told


def object_keys(desk: Desk) -> list[str]:
    found = client(desk.service.s3_url).list_objects_v2(Bucket=desk.bucket)
    return [each["Key"] for each in found.get("Contents", ())]


@pytest.mark.parametrize("settings", [{}, EVERYTHING, ISOLATED], ids=["plain", "everything", "isolated"])
def test_the_request_is_the_plan_in_the_words_of_the_package(desk: Desk, settings: dict[str, str]) -> None:
    planned = desk.plan(**settings)
    ended = desk.submit(**settings)
    name = json.loads(ended.stdout)["job"]
    [job] = desk.service.jobs.values()
    assert job.name == name
    assert job.request == in_other_words(planned, dict(job.request))
    code, driver = (channel["DataSource"]["S3DataSource"]["S3Uri"] for channel in job.request["InputDataConfig"][-2:])
    prefix = f"s3://{desk.bucket}/actorrec/jobs/"
    assert re.fullmatch(re.escape(prefix) + r"code/[0-9a-f]{16}/sourcedir\.tar\.gz", code)
    assert driver.startswith(f"{prefix}{name}/")
    keys = object_keys(desk)
    assert code.removeprefix(f"s3://{desk.bucket}/") in keys
    assert f"{driver.removeprefix(f's3://{desk.bucket}/')}/sm_train.sh" in keys


def test_nobody_but_aws_hears_of_it_and_the_package_says_nothing(desk: Desk) -> None:
    ended = desk.submit()
    reached = ended.stderr.splitlines()[-1]
    assert reached == "reached: 127.0.0.1"
    assert "sagemaker.co" not in ended.stderr
    assert "telemetry" not in ended.stderr.lower()
    assert json.loads(ended.stdout)["job"] in desk.service.jobs
    left = {path.relative_to(desk.folder).parts[0] for path in desk.folder.rglob("*") if path.is_file()}
    assert left == {"store", "cache", ".config"}  # no settings or logs of the package's own


def test_jobs_finds_what_the_package_started(desk: Desk) -> None:
    name = json.loads(desk.submit().stdout)["job"]
    status = json.loads(desk.run("jobs", "status", name, "--json").stdout)
    assert status["name"] == name
    assert status["dataset"].startswith("dataset/")


def test_several_machines_are_refused_before_anything_is_sent(desk: Desk) -> None:
    ended = desk.submit("--instances", "2", code=2)
    assert "the sagemaker package never sets TF_CONFIG" in ended.stderr
    assert not desk.service.asked
    assert not object_keys(desk)


def test_a_refusal_of_aws_is_one_line(desk: Desk) -> None:
    desk.service.refuse("CreateTrainingJob", *QUOTA)
    ended = desk.submit(code=3)
    assert len([line for line in ended.stderr.splitlines() if line.startswith("error: ")]) == 1
    assert "Traceback" not in ended.stderr
    assert "servicequotas/home" not in ended.stderr  # the package's own advice, which says it twice


def test_a_job_that_cannot_be_looked_at_was_started_all_the_same(desk: Desk) -> None:
    desk.service.refuse("DescribeTrainingJob", *DENIED)
    assert json.loads(desk.submit().stdout)["job"] in desk.service.jobs


def test_a_bucket_that_is_gone_is_not_made_anew(desk: Desk) -> None:
    ended = desk.submit(code=3, REMOTE__BUCKET="nobody-has-this-one")
    assert "nobody-has-this-one" in ended.stderr
    names = [bucket["Name"] for bucket in client(desk.service.s3_url).list_buckets()["Buckets"]]
    assert "nobody-has-this-one" not in names
    assert not desk.service.jobs


@pytest.mark.skipif(bool(sagemaker_toolkit.why_not()), reason=sagemaker_toolkit.why_not() or "it can run")
def test_the_driver_of_the_package_runs_our_archive(desk: Desk) -> None:
    settings = ("epochs=3", "augmentations=1", "edge.variant=float32")
    desk.submit(*(word for each in settings for word in ("--hyperparameter", each)))
    [job] = desk.service.jobs.values()
    channels = {
        channel["ChannelName"]: brought(
            desk, channel["DataSource"]["S3DataSource"]["S3Uri"], desk.folder / "channels" / channel["ChannelName"]
        )
        for channel in job.request["InputDataConfig"]
    }
    root = desk.folder / "machine"
    root.mkdir()
    machine = DriverMachine(root, job.request["HyperParameters"], desk.service.s3_url, channels)
    ended = machine.run()
    assert ended.code == 0, ended.log[-3000:]
    assert "not a valid identifier" not in ended.log
    model = ModelManifest.model_validate_json((machine.model / "manifest.json").read_bytes())
    assert list(model.inputs) == [json.loads(job.request["HyperParameters"]["dataset"])]
    assert (machine.model / "bundle.zip").is_file()
    assert re.search(rf"^{METRIC_LINE} .*\bepoch=3\b", ended.log, re.MULTILINE)
    assert not re.search(rf"^{METRIC_LINE} .*\bepoch=4\b", ended.log, re.MULTILINE)
    assert not machine.failure
