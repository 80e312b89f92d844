"""``actorrec publish-component`` from end to end, on servers that imitate AWS."""

import ast
import io
import json
import os
import shutil
import subprocess
import sys
import threading
import time
import zipfile
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner

pytest.importorskip("moto")

from actor_models import trained_actors
from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.local import LocalStore
from actorrec.cli.app import app
from actorrec.config import Config
from actorrec.greengrass.public import INFERENCE, MODEL_STORE
from actorrec.manifests.component import ComponentManifest
from actorrec.recognition.bundle_zip import write_zip
from actorrec.recognition.stored_bundle import commit_bundle
from greengrass_server import ACCOUNT, Greengrass, greengrass
from s3_servers import client as s3_client
from s3_servers import new_bucket
from small_bundles import small_bundle, with_digests, write_small_bundle

__all__ = ["greengrass"]
NAME = "com.example.ActorRecognizer"


class Account:
    """An account with an empty bucket, a folder with a bundle, and the command."""

    def __init__(self, service: Greengrass, folder: Path, bundle: Path) -> None:
        self.service, self.folder, self.bucket = service, folder, new_bucket(service.aws_url)
        self.store = LocalStore(folder / "store")
        self.environ = {
            "ACTORREC_REMOTE__BUCKET": self.bucket, "ACTORREC_GREENGRASS__POLL_S": "0.001", "COLUMNS": "200",
            "ACTORREC_AWS__ATTEMPTS": "2", "XDG_CACHE_HOME": str(folder / "cache"),
        }  # fmt: skip
        self.bundle = str(shutil.copy(bundle, folder / "bundle.zip"))

    def run(self, *arguments: str, code: int = 0, environ: dict[str, str] | None = None) -> Any:
        command = ["publish-component", *arguments, "--store", self.store.uri, "--json"]
        done = CliRunner().invoke(app, command, env=self.environ | (environ or {}))
        assert done.exit_code == code, (done.output, done.exception)
        return json.loads(done.stdout)

    def recipe(self, name: str, version: str) -> Any:
        arn = f"arn:aws:greengrass:us-east-1:{ACCOUNT}:components:{name}:versions:{version}"
        return self.service.components[arn].recipe

    def objects(self) -> list[str]:
        answer = s3_client(self.service.aws_url).list_objects_v2(Bucket=self.bucket)
        return [each["Key"] for each in answer.get("Contents", ())]


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle.zip")


@pytest.fixture
def account(greengrass: Greengrass, tmp_path: Path, bundle: Path) -> Account:
    return Account(greengrass, tmp_path, bundle)


def versions(told: Any) -> list[tuple[str, str]]:
    return [(each["name"], each["version"]) for each in told["published"]]


def verbs(told: Any) -> list[str]:
    return [action["verb"] for action in told["actions"]]


def test_planned_published_and_repeated(account: Account) -> None:
    planned = account.run(account.bundle, "--dry-run")
    assert not account.service.asked and not account.objects()
    done = account.run(account.bundle, "--yes")
    assert done["components"] == planned["components"]
    assert versions(done) == [(f"{NAME}.Model", "1.0.0"), (NAME, "1.0.0")]
    for component in done["components"]:
        (stored,) = account.recipe(component["name"], "1.0.0")["Manifests"][0]["Artifacts"]
        assert [artifact["digest"] for artifact in component["artifacts"]] == [stored["Digest"]]
    assert verbs(account.run(account.bundle, "--yes")) == ["reuse", "reuse"]
    assert verbs(account.run(account.bundle, "--dry-run")) == ["reuse", "reuse"], "the store remembers"
    single = account.run(account.bundle, "--yes", "--single", "--recipe-format", "yaml")
    assert versions(single) == [(NAME, "1.0.1")]
    assert verbs(single) == ["keep", "keep", "create"], "no file is sent twice"
    sent = account.service.sent("CreateComponentVersion")[-1]["inlineRecipe"]
    assert not sent.startswith(b"{") and yaml.safe_load(sent) == single["components"][0]["recipe"]


def test_a_dry_run_needs_neither_network_nor_account_nor_region(tmp_path: Path) -> None:
    bundle = write_small_bundle(tmp_path / "bundle.zip")
    environ = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "AWS_ENDPOINT_URL": "http://127.0.0.1:9"}
    command = [sys.executable, "-m", "actorrec", "publish-component", str(bundle), "--dry-run", "--json"]
    done = subprocess.run(command, cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    told = json.loads(done.stdout)
    assert [(each["name"], each["version"]) for each in told["components"]] == [
        (f"{NAME}.Model", "1.0.0"), (NAME, "1.0.0")
    ]  # fmt: skip
    for component in told["components"]:
        assert {"name", "version", "recipe", "artifacts"} <= set(component)
        for artifact in component["artifacts"]:
            assert {"path", "uri", "digest"} <= set(artifact) and Path(artifact["path"]).is_file()
            assert artifact["uri"].startswith("s3://replace-with-your-bucket/actorrec/components/")
    real = subprocess.run([*command[:-2], "--yes"], cwd=tmp_path, env=environ, capture_output=True, text=True)
    assert real.returncode == 2 and "remote.bucket is still 'replace-with-your-bucket'" in real.stderr
    assert "Traceback" not in real.stderr


@pytest.mark.parametrize("named", ["newest", "file"])
def test_what_a_component_was_made_from_is_on_record(account: Account, named: str) -> None:
    bundle = commit_bundle(account.store, *small_bundle())
    path = account.store.local_path(f"{bundle.ref}/bundle.zip")
    account.run("newest" if named == "newest" else str(path), "--yes")
    shown = {}
    for record in manifests(account.store, ComponentManifest):
        done = CliRunner().invoke(app, ["artifacts", "show", record.ref, "--store", account.store.uri, "--json"])
        shown[record.role] = json.loads(done.stdout)
    assert [each["ref"] for each in shown["model"]["lineage"]] == [bundle.ref] and not shown["runtime"]["lineage"]
    assert shown["model"]["manifest"]["arn"].endswith(f"components:{NAME}.Model:versions:1.0.0")
    sbom = ["sbom", shown["model"]["manifest"]["key"], "--store", account.store.uri, "--json"]
    assert json.loads(CliRunner().invoke(app, sbom).stdout)["nets"]


def test_a_version_with_other_content_is_refused(account: Account) -> None:
    account.run(account.bundle, "--yes", "--version", "2.0.0")
    before = account.objects()
    told = account.run(
        account.bundle, "--yes", "--version", "2.0.0", code=2, environ={"ACTORREC_GREENGRASS__HEALTH_S": "30"}
    )
    assert f"{NAME} 2.0.0 is already there with other content" in told["error"] and told["hint"]
    assert account.objects() == before and account.service.count("CreateComponentVersion") == 2


def test_nothing_is_sent_where_nobody_agrees(account: Account) -> None:
    told = account.run(account.bundle, code=2)
    assert "--yes" in told["hint"] and not account.objects() and not account.service.components


@pytest.mark.parametrize(
    ("changes", "code", "said"),
    [
        ({"schema_version": 2}, 1, "schema version 2; this version reads 1"),
        ({"restricted": {"All rights reserved": 2}}, 1, "2 × 'All rights reserved'"),
        ({"variants": [{"name": "int8", "bytes": 1, "chosen": True, "min_cosine": 0.5}]}, 1, "falls to 0.5000"),
    ],
)
def test_bundles_that_may_not_go_are_refused_before_anything(
    account: Account, changes: dict[str, Any], code: int, said: str
) -> None:
    card, files = small_bundle()
    given = json.loads(with_digests(card, files).model_dump_json()) | changes
    path = account.folder / "other.zip"
    with path.open("wb") as out:
        write_zip(out, {**files, "card.json": json.dumps(given).encode()})
    for arguments in (("--yes",), ("--dry-run",)):
        assert said in account.run(str(path), *arguments, code=code)["error"]
    assert not account.service.asked and not account.objects()
    if "restricted" in changes:
        assert versions(account.run(str(path), "--yes", "--single", "--allow-restricted")) == [(NAME, "1.0.0")]


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("--version", "1.2"), "it is written X.Y.Z"),
        (("--component-name", "a b"), "component_name"),
        (("--vendor-wheels", "windows"), "wheels for 'windows' cannot be fetched"),
        (("--flavor", "public", "--single"), "--single is an option of --flavor own"),
        (("--flavor", "public", "--version", "1.0.0"), "from 2.1.0 on, before 2.2.0"),
    ],
)
def test_wrong_options_are_told(account: Account, arguments: tuple[str, ...], said: str) -> None:
    assert said in account.run(account.bundle, "--dry-run", *arguments, code=2)["error"]


def test_killed_on_the_way_it_goes_on(account: Account) -> None:
    environ = {**os.environ, **account.service.environ, **account.environ}
    command = [sys.executable, "-m", "actorrec", "publish-component", account.bundle, "--yes", "--single", "--store",
               account.store.uri]  # fmt: skip
    account.service.held["CreateComponentVersion"] = threading.Event()
    with subprocess.Popen(command, env=environ, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
        while not account.service.count("CreateComponentVersion") and process.poll() is None:
            time.sleep(0.01)
        process.kill()
    account.service.held.pop("CreateComponentVersion").set()
    assert process.returncode == -9 and not list(manifests(account.store, ComponentManifest))
    again = subprocess.run([*command, "--json"], env=environ, capture_output=True, text=True, check=True)
    assert versions(json.loads(again.stdout)) == [(NAME, "1.0.0")]
    assert len(account.service.components) == 1


def test_a_net_for_awss_own_component(account: Account) -> None:
    """The archive, taken apart and run as AWS's program does: a picture's bytes in BGR, the best byte's label."""
    pytest.importorskip("tensorflow")
    import cv2
    import numpy as np

    from actorrec.edge.convert import convert
    from actorrec.edge.faces import trial_faces
    from actorrec.faces.litert import LiteRtNet
    from actorrec.progress import SilentProgress
    from actorrec.sections import EdgeSection

    trained, dataset, model = trained_actors()
    for kind in ("dataset", "model"):
        shutil.copytree(Path(trained.uri) / kind, Path(account.store.uri) / kind)
    convert(model, Config(edge=EdgeSection(variant="dynamic")), store=account.store, progress=SilentProgress())
    environ = {"ACTORREC_EDGE__MAX_ACCURACY_LOSS": "0.1"}
    told = account.run("newest", "--yes", "--flavor", "public", environ=environ)
    assert versions(told) == [(MODEL_STORE, "2.1.1000")]
    merged = told["configuration"][INFERENCE]["merge"]
    assert merged["ModelResourceKey"] == {"model": "TensorFlowLite-actor-recognizer"} and told["limits"]

    (artifact,) = account.recipe(MODEL_STORE, "2.1.1000")["Manifests"][0]["Artifacts"]
    key = artifact["Uri"].removeprefix(f"s3://{account.bucket}/")
    assert key.endswith("/model/tflite/TensorFlowLite-actor-recognizer.zip")
    data = s3_client(account.service.aws_url).get_object(Bucket=account.bucket, Key=key)["Body"].read()
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        net, names = (
            LiteRtNet(archive.read("model.tflite"), name="n"),
            ast.literal_eval(archive.read("labels.txt").decode()),
        )
    faces = trial_faces(trained, dataset, model.embedder, model.classes)
    right = 0
    for crop, person in zip(faces.crops, faces.person_ids, strict=True):
        picture = cv2.resize(crop[..., ::-1], (224, 224))  # as cv2.imread gives it, shrunk
        (scores,) = net.run(picture[None]).values()
        assert scores.dtype == np.uint8
        right += names[int(scores[0].argmax())].replace(" ", "_") == person
    assert right >= 0.8 * len(faces.person_ids)
    enrolled = account.run(account.bundle, "--dry-run", "--flavor", "public", code=1)
    assert "has no labels" in enrolled["error"]
