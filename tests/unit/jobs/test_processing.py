"""The request of a processing job over combinations of settings: valid by the service's own model, and as agreed."""

import json
import os
import re
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as bounds
from hypothesis import strategies as st

from actorrec.aws.places import CloudPlace
from actorrec.config import Config, load_config
from actorrec.errors import ConfigError
from actorrec.jobs.packing import PackedListing, pack_listing
from actorrec.jobs.plans import JobPlan
from actorrec.jobs.processing import plan_processing, shards_uri
from actorrec.jobs.sourcedir import SourceDir
from actorrec.manifests.shard import ListedPhoto, PhotoListing
from aws_shapes import faults
from explored import examples

NOW = datetime(2026, 11, 23, 4, 22, 42, tzinfo=UTC)
CODE = SourceDir(Path("/nowhere/sourcedir.tar.gz"), "c0de" * 16, 1234)
ROLE = "arn:aws:iam::123456789012:role/jobs"
KEY = "arn:aws:kms:eu-west-1:123456789012:key/1234abcd-12ab-34cd-56ef-1234567890ab"
OWN_DISKS = ("ml.g4dn.xlarge", "ml.r5d.large")


def config(**sections: dict[str, Any]) -> Config:
    remote = {"bucket": "my-bucket", "role": ROLE, **sections.pop("remote", {})}
    aws = {"region": "eu-west-1", **sections.pop("aws", {})}
    return Config.model_validate({"aws": aws, "remote": remote, **sections})


def photo(sha256: str, file: str | None, name: str = "Ada/1.jpg") -> ListedPhoto:
    return ListedPhoto(person_id="Ada", name=name, sha256=sha256 * 64, file=file, bytes=100)


LISTING = PhotoListing(
    photos=[
        photo("a", f"jobs/photos/{'a' * 64}"),
        photo("a", f"jobs/photos/{'a' * 64}", "Ada/copy.jpg"),
        photo("b", "images/abcd/Ada_Q1/ä ü.jpg"),
        ListedPhoto(person_id="Ada", name="Ada/empty.jpg", problem=("empty", "the file is empty", "")),
    ]
)


def packed(folder: Path, of: Config, listing: PhotoListing = LISTING) -> PackedListing:
    return pack_listing(listing, {"a" * 64: Path("/here/1.jpg")}, CloudPlace.of(of), folder)


def plan(folder: Path, of: Config) -> JobPlan:
    return plan_processing(packed(folder, of), of, code=CODE, now=NOW, suffix="ab12")


@cache
def shape() -> Any:
    session = pytest.importorskip("botocore.session").get_session()
    return session.get_service_model("sagemaker").operation_model("CreateProcessingJob").input_shape


def inputs(made: JobPlan) -> dict[str, dict[str, Any]]:
    return {each["InputName"]: each["S3Input"] for each in made.request["ProcessingInputs"]}


def test_a_plan_is_complete_and_says_what_goes_where(tmp_path: Path) -> None:
    made = plan(tmp_path, config(remote={"instances": 2, "max_hours": 0.5}))
    assert list(faults(shape(), made.request, "CreateProcessingJob")) == []
    assert re.fullmatch(r"actorrec-dataset-[0-9a-f]{10}-2-20261123-042242-ab12", made.name)
    assert "ExperimentConfig" not in made.request
    assert made.request["StoppingCondition"] == {"MaxRuntimeInSeconds": 1800}
    pictures = inputs(made)["pictures"]
    assert (pictures["S3DataType"], pictures["S3DataDistributionType"]) == ("ManifestFile", "ShardedByS3Key")
    assert inputs(made)["code"]["S3DataDistributionType"] == "FullyReplicated"
    assert {each.what: each.files for each in made.uploads} == {
        "code": 1, "listing": 1, "names of the pictures": 1, "pictures": 1,
    }  # fmt: skip
    assert made.uploads[-1].uri == "s3://my-bucket/actorrec/jobs/photos/" and made.uploads[-1].bytes == 100
    names = json.loads(made.uploads[2].path.read_bytes())  # type: ignore[union-attr]
    assert names == [
        {"prefix": "s3://my-bucket/actorrec/"}, "images/abcd/Ada_Q1/ä ü.jpg", f"jobs/photos/{'a' * 64}",
    ]  # fmt: skip
    output = made.request["ProcessingOutputConfig"]["Outputs"][0]["S3Output"]
    assert output["S3Uri"] == f"s3://my-bucket/actorrec/jobs/shards/{made.name}" == shards_uri(config(), made.name)
    assert output["S3UploadMode"] == "EndOfJob"
    assert (made.cost.instances, made.cost.bound_usd) == (2, 0.2)
    json.dumps(made.as_json())


def test_the_settings_of_looking_arrive_as_they_were(tmp_path: Path) -> None:
    net = tmp_path / "my net.xml"
    net.write_bytes(b"net")
    sent = config(
        detector={"name": "haar", "path": str(net), "score_threshold": 0.5, "max_side_px": 640},
        dataset={"max_pixels": 1000, "previews": False, "workers": 3, "seed": 9},
    )
    made = plan(tmp_path, sent)
    got = load_config(None, environ=made.request["Environment"]).config
    there = {"path": Path("/opt/ml/processing/input/nets/my net.xml")}
    assert got.detector == sent.detector.model_copy(update=there)
    assert (got.dataset.max_pixels, got.dataset.previews, got.dataset.workers) == (1000, False, 0)
    assert got.dataset.seed == 0, "what is decided is decided here"
    upload = next(each for each in made.uploads if each.what == "net my net.xml")
    assert upload.uri.startswith(inputs(made)["nets"]["S3Uri"])
    assert load_config(None, environ=plan(tmp_path, config()).request["Environment"]).config == Config()


def test_the_same_pictures_go_to_the_same_place_and_others_to_another(tmp_path: Path) -> None:
    one, again = packed(tmp_path, config()), packed(tmp_path, config())
    assert one == again
    fewer = LISTING.model_copy(update={"photos": LISTING.photos[:2]})
    assert packed(tmp_path, config(), fewer).digest != one.digest
    assert packed(tmp_path, config(remote={"prefix": "x"})).digest != one.digest


def test_the_same_work_has_the_same_beginning_of_a_name(tmp_path: Path) -> None:
    def work(of: Config) -> str:
        return plan(tmp_path, of).name.rsplit("-", 3)[0]

    assert work(config()) == work(config(dataset={"seed": 5}, remote={"max_hours": 1, "volume_gb": 9}))
    others = [
        config(dataset={"previews": False}),
        config(detector={"name": "haar"}),
        config(remote={"instances": 2}),
        config(remote={"output_path": "s3://other/x"}),
        config(remote={"bucket": "other"}),
    ]
    assert len({work(config()), *map(work, others)}) == 6


def test_a_store_in_s3_is_read_where_it_is(tmp_path: Path) -> None:
    made = plan(tmp_path, config(store={"uri": "s3://mine/pre/fix"}))
    assert all(each.uri.startswith("s3://mine/pre/fix/jobs/") for each in made.uploads)
    assert json.loads(made.uploads[2].path.read_bytes())[0] == {"prefix": "s3://mine/pre/fix/"}  # type: ignore[union-attr]


def test_no_network_is_no_pip_and_no_vpc_by_halves(tmp_path: Path) -> None:
    script = plan(tmp_path, config()).request["AppSpecification"]["ContainerArguments"][0]
    assert "pip install" in script and len(script) <= 256
    isolated = plan(tmp_path, config(remote={"isolated": True, "image_uri": "mine/image:1"})).request
    assert "pip" not in isolated["AppSpecification"]["ContainerArguments"][0]
    assert isolated["NetworkConfig"]["EnableNetworkIsolation"] is True
    with pytest.raises(ConfigError, match="security_groups is empty"):
        plan(tmp_path, config(remote={"subnets": ("subnet-0a1b",)}))


def test_more_machines_than_pictures_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"3 machines are more than there are pictures to look at \(2\)"):
        plan(tmp_path, config(remote={"instances": 3}))


def test_nothing_of_the_environment_gets_into_a_plan(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "do-not-tell")
    monkeypatch.setenv("ACTORREC_SOURCES__TMDB_KEY", "do-not-tell-either")
    loaded = load_config(None, flags={"aws.region": "eu-west-1", "remote.bucket": "my-bucket", "remote.role": ROLE})
    assert "do-not-tell" not in json.dumps(plan(tmp_path, loaded.config).as_json())
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "do-not-tell"


@given(
    remote=st.fixed_dictionaries(
        {
            "instances": st.integers(1, 2),
            "dataset_instance_type": st.sampled_from(
                ["ml.c5.xlarge", "ml.m5.4xlarge", "ml.g4dn.xlarge", "ml.r5d.large"]
            ),
            "volume_gb": st.integers(1, 16384),
            "max_hours": st.floats(0.01, 120),
            "spot": st.booleans(),
            "encrypt_between": st.booleans(),
            "tags": st.sampled_from([(), ("team=faces",), ("team=faces", "cost centre=ä 1")]),
            "output_path": st.sampled_from([None, "s3://other-bucket/out/"]),
        },
        optional={"subnets": st.just(("subnet-0a1b",)), "security_groups": st.just(("sg-0a1b",))},
    ).filter(lambda each: ("subnets" in each) == ("security_groups" in each)),
    key=st.sampled_from([None, KEY]),
)
@bounds(max_examples=examples(60), suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_every_combination_is_a_request_that_the_service_takes(
    remote: dict[str, Any], key: str | None, tmp_path: Path
) -> None:
    of = config(remote=remote, aws={"kms_key": key})
    made = plan(tmp_path, of)
    assert list(faults(shape(), made.request, "CreateProcessingJob")) == []
    cluster = made.request["ProcessingResources"]["ClusterConfig"]
    own_disks = remote["dataset_instance_type"] in OWN_DISKS
    assert ("VolumeKmsKeyId" in cluster) == (key is not None and not own_disks)
    assert made.request["ProcessingOutputConfig"].get("KmsKeyId") == key
    assert "spot" not in made.cost.note
