"""From photos to names with the training elsewhere: plan, submit, a container that really runs, and the model is back.

S3 is moto's; SageMaker is the tests' own strict fake, which runs the container's command in a mount namespace.
"""

import importlib.util
import io
import json
import re
import shutil
import tarfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("boto3")

from tests.e2e.conftest import EXAMPLES, Ran, actorrec

from aws_shapes import faults
from containers import run_training, why_not
from s3_servers import FAKE_KEYS, client, new_bucket
from sagemaker_server import DENIED, LIFE, QUOTA, ROLE, SageMaker, Step, sagemaker

__all__ = ["sagemaker"]
ROLE_ARN = "arn:aws:iam::123456789012:role/service/jobs"
UNSEEN = EXAMPLES / "unseen" / "Nikola_Tesla" / "seated.jpg"
QUICK = ("--hyperparameter", "edge.variant=dynamic")
SECRETS = (FAKE_KEYS["AWS_ACCESS_KEY_ID"], FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], "planted-tmdb-key", "X-Amz-Signature")
needs_training = pytest.mark.skipif(
    importlib.util.find_spec("tensorflow") is None, reason="TensorFlow is not installed"
)


class Desk:
    """The machine of a person who trains elsewhere."""

    def __init__(self, service: SageMaker, folder: Path) -> None:
        self.service, self.folder = service, folder
        self.bucket = new_bucket(service.s3_url)
        self.config = folder / "actorrec.yaml"
        self.config.write_text(
            f"remote:\n  bucket: {self.bucket}\n  role: {ROLE_ARN}\n  poll_s: 0.2\n  instance_type: ml.c5.xlarge\n"
            "sources:\n  tmdb_key: planted-tmdb-key\n"
        )
        self.said = ""

    def __call__(self, *arguments: object, **environ: str) -> Ran:
        more = {"XDG_CACHE_HOME": str(self.folder / "cache"), **self.service.environ, **environ}
        ran = actorrec(*arguments, "--config", self.config, cwd=self.folder, **more)
        assert "Traceback" not in ran.stderr, ran.stderr
        self.said += ran.stdout + ran.stderr
        return ran

    def objects(self) -> dict[str, bytes]:
        """Everything in the bucket."""
        s3 = client(self.service.s3_url)
        pages = s3.get_paginator("list_objects_v2").paginate(Bucket=self.bucket)
        keys = [entry["Key"] for page in pages for entry in page.get("Contents", ())]
        return {key: s3.get_object(Bucket=self.bucket, Key=key)["Body"].read() for key in keys}


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store with a data set."""
    folder = tmp_path_factory.mktemp("built")
    made = actorrec("build-dataset", EXAMPLES / "people", "--quiet", cwd=folder)
    assert made.code == 0, made.stderr
    return folder / "actorrec-store"


@pytest.fixture
def desk(sagemaker: SageMaker, built: Path, tmp_path: Path) -> Desk:
    shutil.copytree(built, tmp_path / "actorrec-store")
    return Desk(sagemaker, tmp_path)


def texts(data: bytes) -> bytes:
    """Bytes of an object, with what a tar.gz holds."""
    if data[:2] != b"\x1f\x8b":
        return data
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return b"".join(archive.extractfile(member).read() for member in archive if member.isfile())


def test_a_dry_run_needs_no_network_and_prints_the_whole_request(desk: Desk) -> None:
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_ENDPOINT_URL_SAGEMAKER": "http://127.0.0.1:9"}
    ran = desk("train", "--remote", "--dry-run", "--json", "--spot", "--hyperparameter", "epochs=3", **nowhere)
    assert ran.code == 0, ran.stderr
    plan = ran.json
    assert set(plan) == {"request", "uploads", "cost"}
    assert desk.service.asked == [] and desk.objects() == {}
    assert list(faults(shape_of("CreateTrainingJob"), plan["request"], "request")) == []
    assert plan["request"]["RoleArn"] == ROLE_ARN and plan["request"]["EnableManagedSpotTraining"] is True
    assert json.loads(plan["request"]["HyperParameters"]["training.epochs"]) == 3
    assert {each["what"].split()[0] for each in plan["uploads"]} == {"code", "data"}
    assert plan["cost"]["bound_usd"] == pytest.approx(0.8) and plan["cost"]["estimate"] is True
    people = desk("train", "--remote", "--dry-run", **nowhere)
    assert "without --dry-run" not in people.stdout
    dear = desk("train", "--remote", "--dry-run", "--max-cost", "0.1", **nowhere)
    assert dear.code == 0 and "without --dry-run: nothing started: 1 × ml.c5.xlarge" in dear.stdout
    assert people.code == 0 and "at most 0.80 USD" in people.stdout and ROLE_ARN in people.stdout.replace("\n", "")


def shape_of(operation: str) -> Any:
    import botocore.session

    return botocore.session.get_session().get_service_model("sagemaker").operation_model(operation).input_shape


def test_what_config_init_wrote_is_refused_by_name(desk: Desk) -> None:
    placeholders = desk.folder / "fresh.yaml"
    assert actorrec("config", "init", placeholders, cwd=desk.folder).code == 0
    desk.config = placeholders
    assert desk("train", "--remote", "--dry-run", "--json").code == 0
    refused = desk("train", "--remote", "--json")
    assert refused.code == 2 and "remote.bucket is still 'replace-with-your-bucket'" in refused.json["error"]
    refused = desk("train", "--remote", ACTORREC_REMOTE__BUCKET=desk.bucket)
    assert refused.code == 2 and "remote.role is still" in refused.stderr
    assert desk.service.asked == [] and desk.objects() == {}


@pytest.mark.parametrize(
    ("arguments", "code", "told"),
    [
        (["--max-cost", "0.1"], 2, "nothing started: 1 × ml.c5.xlarge for 4 h may cost 0.80 USD, more than the 0.10"),
        (["--instance-type", "ml.p5.48xlarge", "--max-cost", "5"], 2, "price of ml.p5.48xlarge is not known"),
        (["--framework-version", "2.18.0", "--py-version", "py310"], 2, "needs Python 3.11"),
        (["--role", "me"], 2, "remote.role"),
        (["--hyperparameter", "epoch=3"], 2, "unknown key 'training.epoch'"),
        (["--via", "pigeon"], 2, "--via pigeon: it is boto3 or sdk"),
        (["--image-uri", "mine:1", "--framework-version", "2.19.0"], 2, "--image-uri excludes --framework-version"),
        (["--hyperparameter", "embedder.name=nonsense"], 2, "no embedder 'nonsense'"),
        (["--instances", "2", "--hyperparameter", "preset=original"], 2, "one machine"),
    ],
)
def test_what_cannot_be_is_refused_before_anything_is_sent(
    desk: Desk, arguments: list[str], code: int, told: str
) -> None:
    ran = desk("train", "--remote", *arguments)
    assert ran.code == code and told in ran.stderr, ran.stderr
    assert desk.service.asked == [] and desk.objects() == {}


@pytest.mark.parametrize(
    ("refusal", "told"),
    [(QUOTA, "quota"), (ROLE, "role"), (DENIED, "iam:PassRole")],
    ids=["quota", "role", "denied"],
)
def test_what_aws_refuses_is_one_line(desk: Desk, refusal: tuple[str, str], told: str) -> None:
    desk.service.refuse("CreateTrainingJob", *refusal)
    ran = desk("train", "--remote", "--json")
    assert ran.code in (2, 3) and told in ran.json["error"] + ran.json["hint"], ran.stdout
    assert len([line for line in ran.stderr.splitlines() if line.startswith(("error:", "hint:"))]) <= 2
    assert desk.service.jobs == {}


def test_a_failed_job_shows_its_reason_and_the_log(desk: Desk) -> None:
    reason = "AlgorithmError: error: only Ada has a usable face https://bucket.s3/x?X-Amz-Signature=abc"
    desk.service.timeline = [Step("Starting"), Step("Training", lines=("it begins",)), Step("Failed", reason=reason)]
    ran = desk("train", "--remote")
    assert ran.code == 3 and "only Ada has a usable face" in ran.stderr and "it begins" in ran.stderr
    assert "Signature=abc" not in ran.stderr
    [name] = desk.service.jobs
    state = desk("jobs", "status", name, "--json")
    assert state.code == 0 and state.json["status"] == "Failed"


def test_the_same_command_again_comes_back_to_the_job_that_is_under_way(desk: Desk) -> None:
    desk.service.timeline = [Step("Starting"), Step("Training", polls=0)]
    first = desk("train", "--remote", "--detach", "--json")
    again = desk("train", "--remote", "--detach", "--json")
    other = desk("train", "--remote", "--detach", "--json", "--epochs", "7")
    assert first.code == again.code == other.code == 0, again.stderr
    assert again.json == first.json and other.json["job"] != first.json["job"]
    assert desk.service.count("CreateTrainingJob") == 2


def test_two_of_the_same_command_at_once_start_one_job(desk: Desk) -> None:
    desk.service.timeline = [Step("Starting"), Step("Training", polls=0)]
    with ThreadPoolExecutor(2) as pool:
        both = [pool.submit(desk, "train", "--remote", "--detach", "--json") for _ in range(2)]
    assert both[0].result().json == both[1].result().json and desk.service.count("CreateTrainingJob") == 1


def test_after_a_damaged_model_the_hint_leads_to_another_job(desk: Desk) -> None:
    desk.service.artifact = b"junk"
    spoilt = desk("train", "--remote", "--json")
    uri = re.search(r"aws s3 rm (s3://\S+/model.tar.gz)", spoilt.json["hint"])
    assert spoilt.code == 1 and uri, spoilt.stdout
    bucket, _, key = uri[1].removeprefix("s3://").partition("/")
    client(desk.service.s3_url).delete_object(Bucket=bucket, Key=key)
    assert desk("train", "--remote", "--detach", "--json").code == 0
    assert desk.service.count("CreateTrainingJob") == 2


def test_a_data_set_of_nobody_starts_nothing(desk: Desk) -> None:
    (manifest,) = desk.folder.glob("actorrec-store/dataset/*/manifest.json")
    told = json.loads(manifest.read_text())
    manifest.write_text(json.dumps({**told, "faces": [{**face, "split": "test"} for face in told["faces"]]}))
    ran = desk("train", "--remote", "--json")
    assert ran.code == 1 and "at least two people" in ran.json["error"]
    assert desk.service.asked == [] and desk.objects() == {}


def test_a_cache_that_takes_nothing_names_another_way(desk: Desk) -> None:
    ran = desk("train", "--remote", "--dry-run", "--json", XDG_CACHE_HOME=str(desk.config))
    assert ran.code == 4 and "XDG_CACHE_HOME" in ran.json["hint"]


def test_detached_then_completed_without_an_archive_is_said(desk: Desk) -> None:
    desk.service.timeline = LIFE
    started = desk("train", "--remote", "--detach", "--json")
    assert started.code == 0 and started.json["attach"] == f"actorrec jobs attach {started.json['job']}"
    attached = desk("jobs", "attach", started.json["job"], "--json")
    assert attached.code == 3 and "model.tar.gz" in attached.json["error"]


@needs_training
@pytest.mark.skipif(bool(why_not()), reason=why_not() or "it may")
def test_trained_elsewhere_is_as_trained_here(desk: Desk, built: Path) -> None:
    s3 = client(desk.service.s3_url)
    desk.service.runner = lambda request, says: run_training(request, s3, says)
    trained = desk("train", "--remote", "--json", "--epochs", "5", "--max-cost", "1", *QUICK)
    assert trained.code == 0, trained.stderr
    shutil.copytree(built, desk.folder / "another")
    here = desk("train", "--json", "--epochs", "5", "--store", "another")
    assert trained.json["content_digest"] == here.json["content_digest"]
    listed = {row["kind"]: row for row in desk("artifacts", "ls", "--json").json}
    assert set(listed) == {"dataset", "model", "bundle"}
    assert listed["model"]["made_from"] == [f"dataset/{listed['dataset']['key']}"]
    assert desk("artifacts", "verify", "--json").code == 0
    named = desk("infer", UNSEEN, "--json")
    assert named.code == 0 and "Tesla" in named.stdout
    jobs = desk.service.count("CreateTrainingJob")
    again = desk("train", "--remote", "--json", "--epochs", "5")
    assert again.code == 0 and again.json["model"] == trained.json["model"]
    assert desk.service.count("CreateTrainingJob") == jobs == 1

    # Nothing secret is in anything that was said, sent or kept.
    everything = desk.said.encode() + b"".join(map(texts, desk.objects().values()))
    everything += json.dumps(desk.service.asked).encode()
    kept = [path for path in desk.folder.rglob("*") if path.is_file() and path != desk.config]
    everything += b"".join(texts(path.read_bytes()) for path in kept)
    for secret in SECRETS:
        assert secret.encode() not in everything, secret
