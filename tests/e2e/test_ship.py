"""From photos to a name that a device says: bundle, component, cloud, deployment, installed and started by its recipe.

S3, IAM and IoT are moto's, Greengrass is the tests' own strict fake, and the device does what a nucleus does: another
user, no network, nothing but what the cloud gives it.
"""

import json
import platform
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("boto3")

from tests.e2e.conftest import EXAMPLES, Ran, actorrec

from greengrass_device import Device, device_root, system_python, why_not
from greengrass_server import Greengrass, greengrass
from nucleus_server import NucleusServer
from patience import PATIENCE_S
from s3_servers import FAKE_KEYS, client, new_bucket

__all__ = ["greengrass"]
NAME = "com.example.ActorRecognizer"
TOPIC = "ml/tflite/image-classification"
SECRETS = (FAKE_KEYS["AWS_SECRET_ACCESS_KEY"], "X-Amz-Signature")
pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())


class Desk:
    """The machine of a person who ships."""

    def __init__(self, cloud: Greengrass, folder: Path) -> None:
        self.cloud, self.folder, self.said = cloud, folder, ""
        self.bucket, self.group = new_bucket(cloud.aws_url), cloud.group()
        self.config = folder / "actorrec.yaml"
        self.config.write_text(
            f"remote:\n  bucket: {self.bucket}\naws:\n  region: us-east-1\ncloud:\n  thing_group: {self.group}\n"
            f"greengrass:\n  poll_s: 0.1\n  vendor_pythons: ['{system_python()}']\n"
        )

    def __call__(self, *arguments: object, code: int = 0) -> Ran:
        ran = actorrec(*arguments, "--config", self.config, cwd=self.folder, **self.cloud.environ)
        self.said += ran.stdout + ran.stderr
        assert ran.code == code, ran.stderr + ran.stdout
        return ran

    def install(self, device: Device, components: dict[str, Any]) -> None:
        """What a device does with a deployment: recipes from the cloud, artifacts from S3."""
        for name, given in components.items():
            recipe = self._recipe(name, given["componentVersion"])
            (manifest,) = recipe["Manifests"]
            digests = {artifact["Uri"]: artifact["Digest"] for artifact in manifest["Artifacts"]}
            device.fetch(recipe, {uri: self._object(uri) for uri in digests}, digests)
        for name in components:
            if device.has(name, "install"):
                done = device.run(name, "install")
                assert done.returncode == 0, done.stdout + done.stderr
        for name in components:
            if device.has(name, "startup"):
                done = device.run(name, "startup")
                assert done.returncode == 0, done.stderr

    def _recipe(self, name: str, version: str) -> dict[str, Any]:
        import boto3

        arn = f"arn:aws:greengrass:us-east-1:123456789012:components:{name}:versions:{version}"
        answer = boto3.client("greengrassv2", region_name="us-east-1").get_component(arn=arn, recipeOutputFormat="JSON")
        recipe: dict[str, Any] = json.loads(answer["recipe"])
        return recipe

    def _object(self, uri: str) -> Path:
        bucket, _, key = uri.removeprefix("s3://").partition("/")
        path = self.folder / "fetched" / key
        path.parent.mkdir(parents=True, exist_ok=True)
        client(self.cloud.aws_url).download_file(bucket, key, str(path))
        return path


@pytest.fixture
def desk(greengrass: Greengrass, tmp_path: Path) -> Desk:
    return Desk(greengrass, tmp_path)


@pytest.fixture
def ground() -> Iterator[Path]:
    """A folder that another user can reach."""
    with device_root() as folder:
        yield folder


def said_by(device: Device, nucleus: NucleusServer, wanted: str) -> dict[str, Any]:
    """The first detection that a started component publishes about a picture."""
    with device.start(NAME, "run", **nucleus.environment) as running:
        until = time.monotonic() + PATIENCE_S
        while time.monotonic() < until and running.poll() is None:
            for event in nucleus.events(TOPIC):
                if event["source"].endswith(wanted):
                    return event
            time.sleep(0.1)
        running.terminate()
        out, err = running.communicate(timeout=PATIENCE_S)
        raise AssertionError(f"nothing about {wanted}: {out}\n{err}")


def test_from_photos_to_a_name_said_by_a_device(desk: Desk, ground: Path) -> None:
    [thing] = desk.cloud.add_devices(desk.group, 1, "aws_nucleus_lite", platform.machine())
    for person in ("Nikola_Tesla", "Grace_Hopper"):
        desk("enroll", person.replace("_", " "), EXAMPLES / "people" / person, "--quiet")
    made = desk(
        "publish-component", "--single", "--vendor-wheels", f"linux_{platform.machine()}", "--yes", "--json"
    ).json
    assert {each["version"] for each in made["components"]} == {"1.0.0"}

    shipped = desk("deploy", "--set", "InferenceInterval=1", "--wait", "--yes", "--json").json
    assert shipped["report"]["counts"]["SUCCEEDED"] == 1, shipped
    [request] = desk.cloud.sent("CreateDeployment")
    assert set(request["components"]) == {NAME}

    device = Device(ground / "greengrass", "lite")
    desk.install(device, request["components"])
    pictures = ground / "pictures"
    pictures.mkdir()
    shutil.copy(EXAMPLES / "unseen" / "Nikola_Tesla" / "seated.jpg", pictures / "frame.jpg")
    pictures.chmod(0o755)
    defaults = device.installed[NAME]["ComponentConfiguration"]["DefaultConfiguration"]
    merged = json.loads(request["components"][NAME]["configurationUpdate"]["merge"])
    configuration = {**defaults, **merged, "ImageDirectory": str(pictures), "ImageName": "frame.jpg"}
    with NucleusServer(ground / "ipc.socket", configuration) as nucleus:
        nucleus.allowed = {TOPIC, f"{TOPIC}/health"}
        nucleus.path.chmod(0o777)
        event = said_by(device, nucleus, "frame.jpg")
    assert [face["name"] for face in event["faces"]] == ["Nikola Tesla"]
    assert event["error"] is None

    status = desk("deploy", "status", "--json").json
    assert status["counts"]["SUCCEEDED"] == 1
    shown = desk("devices", "show", thing, "--json").json
    assert thing in json.dumps(shown)
    desk("deploy", "remove", "--yes", "--json")
    assert desk.cloud.sent("CreateDeployment")[-1].get("components", {}) == {}
    assert not any(secret in desk.said for secret in SECRETS)
