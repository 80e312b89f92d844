"""The model of a job comes back like one that was trained here, or one line says why not."""

import hashlib
import logging
import os
import random
import shutil
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.catalog import commit_manifest, find_manifest
from actorrec.artifacts.copies import copy_with_lineage
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.s3 import S3Store
from actorrec.errors import ArtifactError, JobError, ModelContractError
from actorrec.jobs.bring_back import bring_back
from actorrec.manifests.base import FileRecord
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from actorrec.progress import Step as Progressed
from job_requests import NAME, aws_session, processing_request, start, training_request
from s3_servers import client, new_bucket, settings
from sagemaker_server import SageMaker, Step, sagemaker
from stored_chains import add_dataset, add_images, whole
from trained_archives import MODEL_FILES, contents, entry, made_bundle, made_model, packed

__all__ = ["sagemaker"]


class Place:
    """A cloud with a data set, and a job that has learned from it."""

    def __init__(self, sagemaker: SageMaker, folder: Path) -> None:
        self.sagemaker, self.folder = sagemaker, folder
        self.bucket = new_bucket(sagemaker.s3_url)
        self.cloud = S3Store(self.bucket, "team", settings(sagemaker.s3_url, folder / "cache"))
        self.dataset = add_dataset(
            self.cloud, "abcdabcdabcdabcd", 1, add_images(self.cloud, "aaaabbbbccccdddd", 0, files=1), files=1
        )
        self.model = made_model({self.dataset.ref: self.dataset.content_digest()})
        self.bundle = made_bundle(self.model)
        self.store = LocalStore(folder / "store")
        self.aws = aws_session(cache_dir=folder / "cache", attempts=3)

    def ended(self, archive: bytes | None = None, *, digest: str | None = None, **more: Any) -> str:
        """A job that is Completed and left the archive; by default the whole and true one."""
        tags = {
            "actorrec:dataset": self.dataset.ref,
            "actorrec:dataset-digest": digest or self.dataset.content_digest(),
        }
        self.sagemaker.artifact = packed(contents(self.model, self.bundle)) if archive is None else archive
        self.sagemaker.timeline = [Step("Completed")]
        request = training_request(
            OutputDataConfig={"S3OutputPath": f"s3://{self.bucket}/team/jobs"},
            Tags=[{"Key": key, "Value": value} for key, value in tags.items()], **more,
        )  # fmt: skip
        return start(self.aws, request)

    def bring(self, name: str = NAME, store: LocalStore | None = None) -> tuple[ModelManifest, BundleManifest | None]:
        return bring_back(
            self.aws, name, store=store or self.store, cloud=self.cloud, progress=SilentProgress()
        )  # fmt: skip

    def nothing_came(self) -> bool:
        return not list(self.store.names("model")) and not list(self.store.names("bundle")) and not self.leftovers()

    def leftovers(self) -> list[Path]:
        return list((self.folder / "cache" / "jobs").glob("*"))


@pytest.fixture
def place(sagemaker: SageMaker, tmp_path: Path) -> Iterator[Place]:
    yield Place(sagemaker, tmp_path)


def test_model_bundle_and_lineage_come_back(place: Place) -> None:
    place.ended()
    model, bundle = place.bring()
    assert model == place.model and bundle == place.bundle
    store = place.store
    assert whole(store, model) and whole(store, bundle)
    dataset = find_manifest(store, DatasetManifest, place.dataset.key)
    assert dataset == place.dataset and whole(store, dataset), "evaluate needs it"
    assert [name for name in store.names("images") if name.endswith("manifest.json")]
    assert not [name for name in store.names("model") if "saved_model" in name], "the SavedModel stays where it is"
    assert not place.leftovers()
    before = sorted(store.names(""))
    assert place.bring() == (model, bundle) and sorted(store.names("")) == before


def test_a_model_without_a_bundle(place: Place) -> None:
    place.ended(packed(contents(place.model, None)))
    assert place.bring() == (place.model, None)


def test_another_machine_with_another_store_gets_the_same(place: Place, tmp_path: Path) -> None:
    place.ended()
    other = LocalStore(tmp_path / "other")
    assert place.bring() == place.bring(store=other)
    assert sorted(place.store.names("")) == sorted(other.names(""))


def test_into_the_cloud_store_itself(place: Place) -> None:
    place.ended()
    model, bundle = bring_back(
        place.aws, NAME, store=place.cloud, cloud=place.cloud, progress=SilentProgress()
    )  # fmt: skip
    assert whole(place.cloud, model) and bundle is not None and whole(place.cloud, bundle)


def test_a_data_set_that_is_nowhere_is_a_warning(place: Place, caplog: pytest.LogCaptureFixture) -> None:
    for name in list(place.cloud.names("dataset")):
        place.cloud.delete(name)
    place.ended()
    with caplog.at_level(logging.WARNING):
        assert place.bring()[0] == place.model
    (warning,) = caplog.messages
    assert place.dataset.ref in warning and "evaluate" in warning


@pytest.mark.parametrize("changed", ["model.keras", "bundle.zip", "gallery.npz"])
def test_a_changed_archive_is_refused_and_nothing_comes(place: Place, changed: str) -> None:
    files = contents(place.model, place.bundle)
    place.ended(packed({**files, changed: files[changed][:-1] + b"X"}))
    with pytest.raises(ModelContractError, match=f"{changed} that was changed"):
        place.bring()
    assert place.nothing_came()


def test_a_cut_archive_is_refused_and_nothing_comes(place: Place) -> None:
    whole_archive = packed(contents(place.model, place.bundle))
    place.ended(whole_archive[: len(whole_archive) // 2])
    with pytest.raises(ModelContractError, match="damaged or cut"):
        place.bring()
    assert place.nothing_came()


def test_an_empty_archive_is_refused(place: Place) -> None:
    place.ended(b"")
    with pytest.raises(ModelContractError):
        place.bring()
    assert place.nothing_came()


def test_an_archive_that_climbs_is_refused(place: Place) -> None:
    place.ended(packed(contents(place.model, None), [(entry("../../evil"), b"x")]))
    with pytest.raises(ModelContractError, match="unsafe name"):
        place.bring()
    assert place.nothing_came() and not list(place.folder.rglob("evil"))


def test_a_model_of_another_data_set_is_refused(place: Place) -> None:
    place.ended(digest="1" * 64)
    with pytest.raises(ModelContractError, match=f"another content of {place.dataset.ref}"):
        place.bring()
    assert place.nothing_came()


def test_a_model_of_a_data_set_that_was_not_given_is_refused(place: Place) -> None:
    place.ended(packed(contents(made_model({"dataset/ffffffffffff": "1" * 64}), None)))
    with pytest.raises(ModelContractError, match="made from dataset/ffffffffffff, not from the dataset/abcd"):
        place.bring()
    assert place.nothing_came()


def test_another_model_of_that_name_stays_as_it_is(place: Place) -> None:
    mine = {name: data[::-1] for name, data in MODEL_FILES.items()}
    records = [place.store.put_bytes(f"{place.model.ref}/{name}", data) for name, data in sorted(mine.items())]
    there = commit_manifest(place.store, place.model.model_copy(update={"files": records}))
    place.ended()
    with pytest.raises(ArtifactError, match="holds another model/") as caught:
        place.bring()
    assert "--store" in caught.value.hint and whole(place.store, there)


def test_a_model_that_is_not_in_s3_although_the_job_is_completed(place: Place) -> None:
    name = place.ended()
    client(place.sagemaker.s3_url).delete_object(Bucket=place.bucket, Key=f"team/jobs/{name}/output/model.tar.gz")
    with pytest.raises(JobError, match="is Completed, but its model is not in S3") as caught:
        place.bring()
    assert f"s3://{place.bucket}/team/jobs/{name}/output/model.tar.gz" in caught.value.message
    assert place.nothing_came()


def test_a_job_that_goes_on_or_failed_or_is_of_another_kind(place: Place) -> None:
    place.sagemaker.timeline = [Step("Training", polls=0)]
    for name, request, said in [
        ("actorrec-train-on", training_request("actorrec-train-on"), "has not ended"),
        ("actorrec-build-x", processing_request("actorrec-build-x"), "has not ended"),
    ]:
        start(place.aws, request)
        with pytest.raises(JobError, match=said):
            place.bring(name)
    place.sagemaker.timeline = [Step("Failed", reason="AlgorithmError: no faces")]
    start(place.aws, training_request("actorrec-train-failed"))
    with pytest.raises(JobError, match="failed: AlgorithmError: no faces"):
        place.bring("actorrec-train-failed")
    place.sagemaker.timeline = [Step("Completed")]
    start(place.aws, processing_request("actorrec-build-done"))
    with pytest.raises(JobError, match="processing job: it leaves no model"):
        place.bring("actorrec-build-done")
    with pytest.raises(JobError, match="no job 'actorrec-nobody'"):
        place.bring("actorrec-nobody")


def test_a_job_that_was_stopped_may_have_left_a_model(place: Place) -> None:
    place.ended()
    place.sagemaker.jobs[NAME].steps = [Step("Stopped")]
    assert place.bring()[0] == place.model
    client(place.sagemaker.s3_url).delete_object(Bucket=place.bucket, Key=f"team/jobs/{NAME}/output/model.tar.gz")
    with pytest.raises(JobError, match="was stopped"):
        place.bring()


def test_a_bucket_that_is_gone(place: Place) -> None:
    place.ended()
    place.sagemaker.jobs[NAME].request["OutputDataConfig"]["S3OutputPath"] = "s3://no-bucket-of-ours-at-all/x"
    with pytest.raises(JobError, match="not in S3: there is no s3://no-bucket-of-ours-at-all/x/"):
        place.bring()


class Killed(BaseException):
    """The power goes."""


class KilledAt(SilentProgress):
    """Ends the program after so many bytes."""

    def __init__(self, limit: int) -> None:
        self.amounts: list[int] = []
        self._limit = limit

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Any:
        del title, total, unit
        yield self

    def advance(self, amount: int = 1) -> None:
        self.amounts.append(amount)
        if sum(self.amounts) > self._limit:
            raise Killed


def test_a_download_that_was_cut_goes_on_where_it_was(place: Place) -> None:
    noise = random.Random(7).randbytes(5 << 20)  # so that it stays large when packed
    model = made_model(place.model.inputs)
    place.ended(packed({**contents(model, None), "1/noise": noise}))
    with pytest.raises(Killed):
        bring_back(place.aws, NAME, store=place.store, cloud=place.cloud, progress=KilledAt(2 << 20))
    (partial,) = place.leftovers()
    size = partial.stat().st_size
    assert size > 2 << 20
    again = KilledAt(1 << 40)
    assert bring_back(place.aws, NAME, store=place.store, cloud=place.cloud, progress=again)[0] == model
    assert again.amounts[0] == size and not place.leftovers()


class Dying(LocalStore):
    """Stops while the files that were unpacked are put into it; what ``kill -9`` would leave of them lies aside."""

    unpacked: Path

    def put_files(self, items: Iterable[tuple[str, bytes | Path]], step: Progressed) -> list[FileRecord]:
        del step
        paths = [content for _, content in items if isinstance(content, Path)]
        self.unpacked = paths[0].parent
        shutil.copytree(self.unpacked, self.aside)
        raise Killed

    @property
    def aside(self) -> Path:
        return Path(self.uri).parent / "aside"


def test_what_a_killed_command_had_unpacked_goes_with_the_next(place: Place) -> None:
    place.ended()
    copy_with_lineage(place.dataset, place.cloud, place.store, SilentProgress())
    dying = Dying(Path(place.store.uri))
    with pytest.raises(Killed):
        place.bring(store=dying)
    dying.aside.rename(dying.unpacked)
    assert {path.name for path in dying.unpacked.iterdir()} == {"0000", "0001", "0002"}
    assert place.bring() == (place.model, place.bundle)
    assert not place.leftovers()


def test_a_beginning_that_was_spoilt_is_seen_and_forgotten(place: Place) -> None:
    place.ended()
    model, _ = place.bring(store=LocalStore(place.folder / "first"))
    folder = place.folder / "cache" / "jobs"
    folder.mkdir(parents=True, exist_ok=True)
    remote = client(place.sagemaker.s3_url).head_object(
        Bucket=place.bucket, Key=f"team/jobs/{NAME}/output/model.tar.gz"
    )
    uri = f"s3://{place.bucket}/team/jobs/{NAME}/output/model.tar.gz"
    name = hashlib.sha256(f"{uri} {remote['ETag']}".encode()).hexdigest()[:16]
    (folder / f"{NAME}-{name}.tar.gz").write_bytes(os.urandom(500))
    with pytest.raises(ModelContractError):
        place.bring()
    assert place.nothing_came()
    assert place.bring()[0] == model


def test_an_archive_that_is_written_anew_meanwhile_is_never_mixed(place: Place) -> None:
    place.ended(packed({**contents(place.model, None), "1/noise": b"old"}))
    other = packed({**contents(place.model, None), "1/noise": b"new"})

    class Replacing(SilentProgress):
        @contextmanager
        def step(self, title: str, total: int | None, unit: str = "") -> Any:
            key = f"team/jobs/{NAME}/output/model.tar.gz"
            client(place.sagemaker.s3_url).put_object(Bucket=place.bucket, Key=key, Body=other)
            with super().step(title, total, unit) as step:
                yield step

    with pytest.raises(JobError, match="was written anew while it was read"):
        bring_back(place.aws, NAME, store=place.store, cloud=place.cloud, progress=Replacing())
    assert place.nothing_came()
    assert place.bring()[0] == place.model
