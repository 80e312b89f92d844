"""``build-dataset --remote``: planned without a network, looked at by two machines, one machine's data set."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from actorrec.artifacts.local import LocalStore
from actorrec.cli.app import app
from actorrec.config import Config
from actorrec.dataset.build import build_dataset
from containers import run_processing_job, why_not
from patience import PATIENCE_S
from s3_servers import client as s3_client
from s3_servers import new_bucket, settings
from sagemaker_jobs import Outcome, Says
from sagemaker_server import DENIED, SageMaker, sagemaker
from scraped_sets import scraped_set

__all__ = ["sagemaker"]
EXAMPLES = Path(__file__).parents[2] / "examples" / "people"
ROLE = "arn:aws:iam::123456789012:role/actorrec-jobs"
can_run = pytest.mark.skipif(bool(why_not()), reason=why_not())


@pytest.fixture(scope="module")
def photos(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The examples, with copies, a broken one and one of nobody's."""
    root = tmp_path_factory.mktemp("photos")
    shutil.copytree(EXAMPLES, root, dirs_exist_ok=True)
    for person in sorted(EXAMPLES.iterdir()):
        shutil.copy(next(person.iterdir()), root / person.name / "again ü.jpg")
    shutil.copy(root / "Hans_Gude" / "portrait.jpg", root / "Grace_Hopper" / "borrowed.JPG")
    shutil.copy(root / "Hans_Gude" / "portrait.jpg", root / "stray.jpg")
    (root / "Hans_Gude" / "empty.jpg").touch()
    (root / "Hans_Gude" / "gone.jpg").symlink_to("nowhere")
    (root / "Hans_Gude" / "text.jpg").write_text("no picture")
    return root


class Desk:
    """A user's folder, with the program and its settings."""

    def __init__(self, folder: Path, environ: Mapping[str, str], **remote: object) -> None:
        self.folder = folder
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "ACTORREC_"))}
        self.environ = {**kept, **environ, "XDG_CACHE_HOME": str(folder / "cache")}
        self.config = folder / "config.json"  # JSON is YAML
        self.config.write_text(json.dumps({"remote": {"role": ROLE, "poll_s": 0.2, **remote}}))

    def run(self, *arguments: str | Path, store: str = "store") -> "subprocess.CompletedProcess[str]":
        command = [sys.executable, "-m", "actorrec", "build-dataset", *map(str, arguments)]
        shared = ["--config", str(self.config), "--store", store]
        return subprocess.run(
            [*command, *shared], cwd=self.folder, env=self.environ, capture_output=True, text=True, timeout=PATIENCE_S
        )

    def json(self, *arguments: str | Path, store: str = "store") -> dict[str, Any]:
        done = self.run(*arguments, "--json", store=store)
        assert done.returncode == 0, done.stderr
        return dict(json.loads(done.stdout))


@pytest.fixture
def bucket(moto_url: str, aws_keys: None) -> str:
    return new_bucket(moto_url)


@pytest.fixture
def desk(sagemaker: SageMaker, bucket: str, tmp_path: Path) -> Desk:
    return Desk(tmp_path, sagemaker.environ, bucket=bucket)


@pytest.fixture
def quick_desk(sagemaker: SageMaker, bucket: str, tmp_path: Path) -> Desk:
    """Whose jobs install nothing: their image has it all."""
    return Desk(tmp_path, sagemaker.environ, bucket=bucket, isolated=True, image_uri="an/image:1")


@pytest.fixture
def run_jobs(sagemaker: SageMaker, moto_url: str) -> None:
    sagemaker.runner = lambda request, says: run_processing_job(request, s3_client(moto_url), says)


def keys(moto_url: str, bucket: str, prefix: str) -> list[str]:
    pages = s3_client(moto_url).get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
    return [each["Key"] for page in pages for each in page.get("Contents", ())]


@can_run
def test_two_machines_make_the_data_set_of_one(
    desk: Desk, sagemaker: SageMaker, run_jobs: None, photos: Path, moto_url: str, bucket: str
) -> None:
    one = desk.json(photos, store="alone")
    assert {each["reason"] for each in one["outcomes"]} >= {"empty", "unreadable", "not-a-picture", "no-person"}
    done = desk.run(photos, "--remote", "--instances", "2", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == one
    assert "[algo-2] finding faces" in done.stderr, "the log of every machine is shown"
    (job,) = sagemaker.jobs.values()
    shards = [key for key in keys(moto_url, bucket, f"actorrec/jobs/shards/{job.name}/") if key.endswith(".json")]
    assert len(shards) == 2
    sent = keys(moto_url, bucket, "actorrec/jobs/photos/")
    assert len(sent) == 7, "copies go up once"
    again = desk.run(photos, "--remote", "--instances", "2", "--json")
    assert json.loads(again.stdout) == one and len(sagemaker.jobs) == 1
    assert "no job was started" in again.stderr
    below = f"actorrec/jobs/shards/{job.name}"
    batch = next(key for key in keys(moto_url, bucket, f"{below}/") if not key.endswith(".json"))
    s3_client(moto_url).put_object(Bucket=bucket, Key=batch, Body=b"damaged")
    refused = desk.run(photos, "--remote", "--instances", "2", "--json", store="another")
    assert refused.returncode != 0 and len(sagemaker.jobs) == 1
    assert f"aws s3 rm --recursive s3://{bucket}/{below}, then run it again" in json.loads(refused.stdout)["hint"]


@can_run
def test_a_scraped_set_in_the_cloud_is_looked_at_where_it_is(
    quick_desk: Desk, sagemaker: SageMaker, run_jobs: None, photos: Path, moto_url: str, bucket: str
) -> None:
    pictures = {("Q7251", "Nikola Tesla"): sorted((photos / "Nikola_Tesla").iterdir())}
    alone = LocalStore(quick_desk.folder / "alone")
    scraped_set(alone, pictures)
    name = "images/abcd/Nikola_Tesla_Q7251/Nikola_Tesla_0001.jpg"
    (quick_desk.folder / "alone" / name).write_bytes(b"damaged")
    one = build_dataset([Path("images"), photos], Config(), store=alone)
    for path in sorted((quick_desk.folder / "alone" / "images").rglob("*.*")):
        key = f"pre/{path.relative_to(quick_desk.folder / 'alone').as_posix()}"
        s3_client(moto_url).upload_file(str(path), bucket, key)
    store = f"s3://{bucket}/pre"
    done = quick_desk.json("images", photos, "--remote", "--instances", "2", store=store)
    assert (done["dataset"], done["content_digest"]) == (one.ref, one.content_digest())
    assert any(image.reason == "changed" for image in one.images)
    (job,) = sagemaker.jobs.values()
    assert job.request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]["S3Uri"].startswith(f"{store}/jobs/")
    assert len(keys(moto_url, bucket, "pre/jobs/photos/")) == 7, "what was scraped did not go up again"
    cached = list((quick_desk.folder / "cache").rglob("Nikola_Tesla_000*.jpg"))
    assert cached == [], "nor did it come down"


@can_run
def test_detached_it_is_come_back_to_and_never_paid_for_twice(
    quick_desk: Desk, sagemaker: SageMaker, run_jobs: None, photos: Path
) -> None:
    one = quick_desk.json(photos, store="alone")
    started = quick_desk.json(photos, "--remote", "--detach", "--max-hours", "0.5", "--max-cost", "1")
    (job,) = sagemaker.jobs.values()
    assert job.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}
    back = quick_desk.run(photos, "--remote", "--max-hours", "2", "--json")
    assert json.loads(back.stdout) == one and len(sagemaker.jobs) == 1, back.stderr
    assert f"{job.name} does the same work" in back.stderr
    command = started["merge"].split()
    assert command[:2] == ["actorrec", "build-dataset"]
    assert quick_desk.json(*command[2:], store="another") == one
    attach = [sys.executable, "-m", "actorrec", "jobs", "attach", job.name, "--config", str(quick_desk.config)]
    attached = subprocess.run(
        attach, env=quick_desk.environ, capture_output=True, text=True, timeout=PATIENCE_S, check=True
    )
    assert started["merge"] in attached.stdout


@can_run
def test_a_machine_that_fails_says_why(quick_desk: Desk, sagemaker: SageMaker, photos: Path, moto_url: str) -> None:
    def spoiled(request: Mapping[str, Any], says: Says) -> Outcome:
        s3 = s3_client(moto_url)
        uri = request["ProcessingInputs"][1]["S3Input"]["S3Uri"]
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        s3.put_object(Bucket=bucket, Key=key, Body=b'{"photos": 1}')
        return run_processing_job(request, s3, says)

    sagemaker.runner = spoiled
    done = quick_desk.run(photos, "--remote", "--instances", "2")
    assert done.returncode == 3 and "Traceback" not in done.stderr
    (error,) = [line for line in done.stderr.splitlines() if line.startswith("error:")]
    assert "given.json is no listing that this version understands: photos: Input should be a valid array" in error
    sagemaker.runner = None
    quick_desk.json(photos, "--remote", "--instances", "2", "--detach")
    assert len(sagemaker.jobs) == 2, "a failed job is no earlier one"


def test_a_dry_run_needs_no_network_and_shows_the_whole_request(photos: Path, tmp_path: Path) -> None:
    nowhere = {"AWS_ENDPOINT_URL": "http://127.0.0.1:9", "AWS_CONFIG_FILE": os.devnull, "HTTP_PROXY": ""}
    desk = Desk(tmp_path, nowhere)
    plan = desk.json(photos, "--remote", "--instances", "3", "--dry-run", "--instance-type", "ml.m5.xlarge")
    assert plan["request"]["ProcessingResources"]["ClusterConfig"]["InstanceCount"] == 3
    assert plan["cost"]["instance_type"] == "ml.m5.xlarge" and plan["cost"]["instances"] == 3
    assert [each["what"] for each in plan["uploads"]] == ["code", "listing", "names of the pictures", "pictures"]
    assert not (tmp_path / "store").exists()


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--remote", "--shard", "1/2"], "--shard and --remote exclude each other"),
        (["--remote", "--merge"], "--merge and --remote exclude each other"),
        (["--instances", "2"], "--instances is an option of --remote"),
        (["--detach"], "--detach is an option of --remote"),
        (["--max-cost", "2"], "--max-cost is an option of --remote"),
        (["--remote", "--instances", "0"], "remote.instances"),
        (["--remote", "--instances", "30"], "30 machines are more than there are pictures"),
        (["--remote"], "remote.bucket is still 'replace-with-your-bucket'"),
        (["--remote", "--max-cost", "0.1", "--dry-run", "--instance-type", "x"], "remote.dataset_instance_type"),
        (["faces.npz", "--remote"], "not faces.npz"),
        (["--remote", "--detach", "--export-npz", "x.npz"], "--export-npz: this makes no data set yet"),
    ],
)
def test_what_makes_no_sense_is_refused_by_name(
    arguments: list[str], complaint: str, photos: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    more = {"bucket": "a-bucket"} if "30" in arguments else {}
    desk = Desk(tmp_path, {}, **more)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")
    line = ["build-dataset", str(photos), *arguments, "--config", str(desk.config), "--store", "store"]
    done = CliRunner().invoke(app, line, env={"COLUMNS": "300"})
    assert isinstance(done.exception, SystemExit), done.exception
    assert done.exit_code == 2 and complaint in done.stderr, done.stderr
    assert not list(tmp_path.glob("store/dataset/*"))


def test_what_costs_too_much_or_is_denied_starts_nothing(
    desk: Desk, sagemaker: SageMaker, photos: Path, moto_url: str, bucket: str
) -> None:
    done = desk.run(photos, "--remote", "--instances", "2", "--max-cost", "0.01")
    assert done.returncode == 2 and "nothing started: 2 × ml.c5.xlarge" in done.stderr
    assert keys(moto_url, bucket, "") == []
    sagemaker.refuse("CreateProcessingJob", *DENIED)
    denied = desk.run(photos, "--remote", "--instances", "2")
    assert denied.returncode == 3 and "sagemaker:CreateProcessingJob" in denied.stderr
    assert sagemaker.jobs == {} and settings(moto_url, desk.folder).region in desk.environ["AWS_DEFAULT_REGION"]
