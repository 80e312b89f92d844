"""Plans carried out on loopback: what must be there is there before the job starts, or nothing starts."""

import hashlib
import io
import json
import logging
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.s3 import S3Store
from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.uri import open_store
from actorrec.aws.places import CloudPlace
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ActorRecError, ArtifactError, ConfigError, DataError, RemoteError
from actorrec.jobs.earlier import find_earlier
from actorrec.jobs.plans import JobPlan, Upload
from actorrec.jobs.prices import bound
from actorrec.jobs.sourcedir import SourceDir, build_sourcedir
from actorrec.jobs.submit import submit
from actorrec.jobs.training import plan_training
from actorrec.manifests.dataset import DatasetManifest, ImageRecord
from actorrec.progress import SilentProgress, Step
from job_requests import processing_request, start
from s3_servers import FAKE_KEYS, new_bucket
from s3_servers import client as s3_client
from sagemaker_server import DENIED, QUOTA, ROLE, SageMaker, sagemaker
from stored_chains import add_dataset, add_images, whole

__all__ = ["sagemaker"]
NOW = datetime(2026, 11, 23, 4, 22, 42, tzinfo=UTC)
JOB_ROLE = "arn:aws:iam::123456789012:role/jobs"


def _small_archive(folder: Path) -> SourceDir:
    path = folder / "sourcedir.tar.gz"
    path.write_bytes(b"small")
    return SourceDir(path, hashlib.sha256(b"small").hexdigest(), 5)


class Desk:
    """A local store with a data set, an empty bucket, and the settings that lead to both."""

    def __init__(self, service: SageMaker, folder: Path) -> None:
        self.service, self.folder = service, folder
        self.bucket = new_bucket(service.s3_url)
        self.code = _small_archive(folder)  # the true one has 16 MB
        self.store: ArtifactStore = LocalStore(folder / "store")
        self.dataset = add_dataset(self.store, "d0d0d0d0d0d0d0d0", 1, add_images(self.store, "1mages", 0))
        self.aws = {
            "region": "us-east-1", "endpoint_url": service.s3_url, "attempts": 2, "cache_dir": str(folder / "cache"),
        }  # fmt: skip

    def config(self, **remote: Any) -> Config:
        return Config.model_validate(
            {"aws": self.aws, "remote": {"bucket": self.bucket, "role": JOB_ROLE, "prefix": "a/b"} | remote}
        )

    def plan(self, config: Config) -> JobPlan:
        return plan_training(self.dataset, config, code=self.code, now=NOW, suffix="ab12")

    def target(self, config: Config) -> ArtifactStore:
        return open_store(CloudPlace.of(config).store_uri, config.aws)

    def submit(self, config: Config, plan: JobPlan | None = None, progress: Any = None) -> str:
        return submit(
            plan or self.plan(config), AwsSession(config.aws), source=self.store, target=self.target(config),
            config=config, progress=progress or SilentProgress(),
        )  # fmt: skip

    def objects(self) -> dict[str, datetime]:
        """What is in the bucket, and since when."""
        answer = s3_client(self.service.s3_url).list_objects_v2(Bucket=self.bucket)
        return {each["Key"]: each["LastModified"] for each in answer.get("Contents", ())}


@pytest.fixture
def desk(sagemaker: SageMaker, tmp_path: Path) -> Desk:
    return Desk(sagemaker, tmp_path)


def test_everything_is_there_before_the_job_starts(desk: Desk) -> None:
    config = desk.config()
    desk.code = build_sourcedir(desk.folder / "jobs")
    plan = desk.plan(config)
    assert desk.submit(config, plan) == f"arn:aws:sagemaker:us-east-1:123456789012:training-job/{plan.name}"
    (job,) = desk.service.jobs.values()
    assert job.request == json.loads(json.dumps(plan.request))
    target = desk.target(config)
    assert whole(target, desk.dataset)
    assert not list(target.names("images")), "the photos stay at home"
    (code,) = [each for each in plan.uploads if each.what == "code"]
    name = code.uri.removeprefix(f"{target.uri}/")
    with tarfile.open(fileobj=io.BytesIO(target.read_bytes(name))) as archive:
        assert "train.py" in archive.getnames()
    submitted = json.loads(job.request["HyperParameters"]["sagemaker_submit_directory"])
    assert submitted == f"s3://{desk.bucket}/a/b/{name}"
    train = job.request["InputDataConfig"][0]["DataSource"]["S3DataSource"]["S3Uri"]
    assert f"{train}manifest.json" == f"s3://{desk.bucket}/a/b/{desk.dataset.ref}/manifest.json"
    assert f"a/b/{desk.dataset.ref}/manifest.json" in desk.objects()


def test_a_second_job_sends_nothing_again(desk: Desk) -> None:
    config = desk.config()
    desk.submit(config)
    before = desk.objects()
    again = desk.plan(config)
    renamed = {**again.request, "TrainingJobName": "another"}
    desk.submit(config, replace(again, name="another", request=renamed))
    assert desk.objects() == before
    assert set(desk.service.jobs) == {again.name, "another"}


def test_a_store_in_the_cloud_is_used_as_it_is(desk: Desk) -> None:
    cloud = S3Store(desk.bucket, "mine", desk.config().aws)
    desk.store = cloud
    desk.dataset = add_dataset(cloud, "d0d0d0d0d0d0d0d0", 1, add_images(cloud, "1mages", 0))
    config = desk.config().model_copy(update={"store": Config().store.model_copy(update={"uri": cloud.uri})})
    plan = desk.plan(config)
    assert [each.what for each in plan.uploads] == ["code"]
    desk.submit(config, plan)
    assert desk.service.count("CreateTrainingJob") == 1
    assert not [key for key in desk.objects() if not key.startswith("mine/")]


def test_placeholders_send_nothing(desk: Desk) -> None:
    config = Config.model_validate({"aws": desk.aws})
    with pytest.raises(ConfigError, match=r"remote\.bucket"):
        submit(
            desk.plan(config), AwsSession(config.aws), source=desk.store, target=desk.store, config=config,
            progress=SilentProgress(),
        )  # fmt: skip
    _nothing_happened(desk)


@pytest.mark.parametrize("remote", [{"max_cost_usd": 5.63}, {"max_cost_usd": 99, "instance_type": "ml.g6.xlarge"}])
def test_above_the_limit_or_of_unknown_price_nothing_is_sent(desk: Desk, remote: dict[str, Any]) -> None:
    with pytest.raises(ConfigError, match="nothing started"):
        desk.submit(desk.config(**remote))
    _nothing_happened(desk)


def test_pictures_that_may_not_be_used_are_not_sent(desk: Desk) -> None:
    picture = ImageRecord(
        path="p.jpg", person_id="Ada", sha256="ab" * 32, outcome="kept", licence="all rights reserved"
    )
    fields = desk.dataset.model_dump() | {"key": "7e57" * 4, "images": [picture]}
    desk.dataset = DatasetManifest.model_validate(fields)
    for record in desk.dataset.files:
        desk.store.put_bytes(
            f"{desk.dataset.ref}/{record.name}", desk.store.read_bytes(f"dataset/d0d0d0d0d0d0d0d0/{record.name}")
        )
    desk.store.commit(f"{desk.dataset.ref}/manifest.json", desk.dataset.model_dump_json().encode())
    config = desk.config()
    with pytest.raises(DataError, match="licence"):
        desk.submit(config)
    _nothing_happened(desk)
    insisting = config.model_copy(update={"rights": config.rights.model_copy(update={"allow_restricted": True})})
    desk.submit(insisting)
    (job,) = desk.service.jobs.values()
    assert job.request["HyperParameters"]["rights.allow_restricted"] == "true"


def test_a_bucket_of_another_region_is_named_with_its_region(desk: Desk) -> None:
    s3 = s3_client(desk.service.s3_url)
    desk.bucket = f"{desk.bucket}-eu"
    s3.create_bucket(Bucket=desk.bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    with pytest.raises(ConfigError, match="is in eu-west-1, the job would run in us-east-1") as caught:
        desk.submit(desk.config())
    assert "aws.region: eu-west-1" in caught.value.hint
    _nothing_happened(desk)


def test_a_plan_for_another_region_than_that_of_the_session_is_not_carried_out(desk: Desk) -> None:
    config = desk.config()
    elsewhere = AwsSession(config.aws.model_copy(update={"region": "eu-central-1"}))
    with pytest.raises(ConfigError, match="for the region us-east-1, but AWS is set to eu-central-1"):
        submit(
            desk.plan(config), elsewhere, source=desk.store, target=desk.target(config), config=config,
            progress=SilentProgress(),
        )  # fmt: skip
    _nothing_happened(desk)


def test_a_server_that_merely_speaks_s3_is_none_that_jobs_read_from(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("AWS_ENDPOINT_URL", "AWS_ENDPOINT_URL_SAGEMAKER"):
        monkeypatch.delenv(name)
    with pytest.raises(ConfigError, match=r"aws\.endpoint_url is another server"):
        desk.submit(desk.config())
    _nothing_happened(desk)


def test_a_bucket_that_is_gone_is_named(desk: Desk) -> None:
    with pytest.raises(RemoteError, match="there is no bucket 'no-such-bucket-here'"):
        desk.submit(desk.config(bucket="no-such-bucket-here"))
    assert desk.service.jobs == {}


@pytest.mark.parametrize(
    ("refusal", "says", "hint"),
    [
        (QUOTA, "ml.g5.xlarge for training job usage", "Service Quotas"),
        (ROLE, "arn:aws:iam::123456789012:role/jobs", "remote.role"),
        (DENIED, "denied", "sagemaker:CreateTrainingJob"),
        (("ValidationException", "Requested image x:1 not found."), "x:1", "--image-uri"),
        (
            ("AccessDeniedException", f"User: u is not authorized to perform: iam:PassRole on resource: {JOB_ROLE}"),
            JOB_ROLE, "iam:PassRole",
        ),
    ],
)  # fmt: skip
def test_what_sagemaker_refuses_is_one_line_and_what_to_do(
    desk: Desk, refusal: tuple[str, str], says: str, hint: str
) -> None:
    desk.service.refuse("CreateTrainingJob", *refusal)
    with pytest.raises(RemoteError) as caught:
        desk.submit(desk.config())
    assert caught.value.exit_code == 3
    assert says in caught.value.message
    assert hint in caught.value.hint
    assert desk.service.jobs == {}


def test_an_answer_that_was_lost_starts_no_second_job(desk: Desk) -> None:
    config = desk.config()
    plan = desk.plan(config)
    arn = desk.submit(config, plan)
    assert desk.submit(config, plan) == arn  # as botocore's own second try sends it
    assert len(desk.service.jobs) == 1
    different = {**plan.request["HyperParameters"], "training.epochs": "1"}
    other = replace(plan, request={**plan.request, "HyperParameters": different})
    with pytest.raises(RemoteError, match="already"):
        desk.submit(config, other)


def test_ctrl_c_between_the_uploads_and_the_start_leaves_nothing_running(desk: Desk) -> None:
    class Interrupted(SilentProgress):
        @contextmanager
        def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
            with super().step(title, total, unit) as step:
                yield step
            if f"copying {desk.dataset.ref}" in title:
                raise KeyboardInterrupt

    config = desk.config()
    with pytest.raises(KeyboardInterrupt):
        desk.submit(config, progress=Interrupted())
    assert desk.service.count("CreateTrainingJob") == 0
    desk.submit(config)
    assert whole(desk.target(config), desk.dataset)
    assert desk.service.count("CreateTrainingJob") == 1


def test_a_file_that_changed_after_the_plan_is_refused(desk: Desk) -> None:
    net = desk.folder / "net.onnx"
    net.write_bytes(b"net")
    config = desk.config()
    config = config.model_copy(update={"embedder": config.embedder.model_copy(update={"path": net})})
    plan = desk.plan(config)
    net.write_bytes(b"changed")
    with pytest.raises(ArtifactError, match="changed after the plan"):
        desk.submit(config, plan)
    assert desk.service.jobs == {}


def test_a_processing_job_starts_the_same_way(desk: Desk) -> None:
    config = desk.config()
    listing = desk.folder / "listing.json"
    listing.write_text("{}")
    request = {
        "ProcessingJobName": "actorrec-build-1",
        "RoleArn": JOB_ROLE,
        "AppSpecification": {"ImageUri": "image:1"},
        "ProcessingResources": {
            "ClusterConfig": {"InstanceCount": 2, "InstanceType": "ml.c5.xlarge", "VolumeSizeInGB": 5}
        },
    }
    sent = Upload("pictures", f"s3://{desk.bucket}/a/b/jobs/x/listing.json", 2, path=listing)
    plan = JobPlan("processing", "actorrec-build-1", request, (sent,), bound(config, "ml.c5.xlarge", 2))
    assert desk.submit(config, plan).endswith(":processing-job/actorrec-build-1")
    assert desk.submit(config, plan).endswith(":processing-job/actorrec-build-1")
    assert list(desk.objects()) == ["a/b/jobs/x/listing.json"]


def test_secrets_are_in_no_archive_request_object_or_log(
    desk: Desk, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """Planted where a user has them; then everything that left this machine, and all that was written, is searched."""
    planted = {
        "tmdb": "tmdb-secret-1f2e3d", "token": "session-token-9a8b7c", "file": "secret-of-a-file-5d4c",
        "keys": FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], "id": FAKE_KEYS["AWS_ACCESS_KEY_ID"],
    }  # fmt: skip
    home = desk.folder / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws" / "credentials").write_text(f"[default]\naws_secret_access_key = {planted['file']}\n")
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("AWS_SESSION_TOKEN", planted["token"])
    monkeypatch.setenv("ACTORREC_SOURCES__TMDB_KEY", planted["tmdb"])
    caplog.set_level(logging.DEBUG, logger="actorrec")
    desk.code = build_sourcedir(desk.folder / "jobs")
    config = desk.config(tags=("team=faces",), spot=True)
    config = config.model_copy(
        update={"sources": config.sources.model_copy(update={"tmdb_key": _secret(planted["tmdb"])})}
    )
    plan = desk.plan(config)
    presigned = f"https://b.s3.amazonaws.com/k?X-Amz-Credential={planted['id']}&X-Amz-Signature=f00d5ea1"
    desk.service.refuse("CreateTrainingJob", "ValidationException", f"cannot read {presigned} {planted['token']}=")
    with pytest.raises(ActorRecError) as caught:
        desk.submit(config, plan)
    assert "f00d5ea1" not in caught.value.in_full
    assert planted["id"] not in caught.value.in_full
    desk.submit(config, plan)
    bodies = [json.dumps(plan.as_json()), caplog.text, json.dumps([request for _, request in desk.service.asked])]
    s3 = s3_client(desk.service.s3_url)
    for key in desk.objects():
        body = s3.get_object(Bucket=desk.bucket, Key=key)["Body"].read()
        bodies.append(body.decode("latin-1"))
        if key.endswith(".tar.gz"):
            with tarfile.open(fileobj=io.BytesIO(body)) as archive:
                bodies += [archive.extractfile(each).read().decode("latin-1") for each in archive.getmembers()]
    assert sum("team" in body for body in bodies) > 1, "what is no secret is found"
    found = {name for name, secret in planted.items() for body in bodies if secret in body}
    assert found == set()


def _secret(text: str) -> Any:
    from pydantic import SecretStr

    return SecretStr(text)


def _nothing_happened(desk: Desk) -> None:
    assert desk.service.count("CreateTrainingJob") == 0
    assert desk.objects() == {}


def test_a_picture_that_changed_after_the_plan_starts_no_job(desk: Desk) -> None:
    config, picture = desk.config(), desk.folder / "ada.jpg"
    picture.write_bytes(b"another")
    sha256 = hashlib.sha256(b"a picture").hexdigest()
    sent = Upload("pictures", f"s3://{desk.bucket}/a/b/jobs/photos/", 9, members=((sha256, picture),))
    plan = JobPlan("processing", "actorrec-dataset-1", {}, (sent,), bound(config, "ml.c5.xlarge", 2))
    with pytest.raises(ArtifactError, match="changed after the plan"):
        desk.submit(config, plan)
    assert desk.service.jobs == {}


def test_a_job_of_another_number_of_machines_is_other_work(desk: Desk) -> None:
    config = desk.config()
    aws = AwsSession(config.aws)
    plan = JobPlan("processing", "actorrec-dataset-c0de-1-20261123-042242-ab12", {}, (), bound(config))
    start(aws, processing_request("actorrec-dataset-c0de-10-20261123-042242-ab12"))
    assert find_earlier(aws, plan) is None
    start(aws, processing_request("actorrec-dataset-c0de-1-20261123-040000-cd34"))
    assert find_earlier(aws, plan) == ("actorrec-dataset-c0de-1-20261123-040000-cd34", False)
