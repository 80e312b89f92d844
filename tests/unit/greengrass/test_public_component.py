"""What AWS's public TensorFlow Lite component is given."""

import ast
import base64
import hashlib
import zipfile
from pathlib import Path

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError, ModelContractError
from actorrec.greengrass.public import (
    INFERENCE,
    MODEL_STORE,
    configuration_update,
    labels,
    public_draft,
    refuse_open_set,
    refuse_other_line,
    write_model_zip,
)
from actorrec.greengrass.publish_plan import plan_publish
from actorrec.manifests.dataset import Person
from small_bundles import small_bundle

CONFIG = Config.model_validate({"remote": {"bucket": "bucket-1", "prefix": "p"}})


def test_the_zip_holds_at_its_root_what_the_program_opens(tmp_path: Path) -> None:
    path = write_model_zip(tmp_path, b"net", ["Ada", "Bé\n'a'", "Ćy"])
    assert path.name == "TensorFlowLite-actor-recognizer.zip"
    with zipfile.ZipFile(path) as found:
        assert sorted(found.namelist()) == ["labels.txt", "model.tflite"] and found.read("model.tflite") == b"net"
        text = found.read("labels.txt").decode("ascii")
    assert ast.literal_eval(text) == ["Ada", "Bé\n'a'", "Ćy"]
    assert write_model_zip(tmp_path / "again", b"net", ["Ada", "Bé\n'a'", "Ćy"]).read_bytes() == path.read_bytes()
    assert write_model_zip(tmp_path, b"net", ["Ada"]) != path, "another file never takes its place"


def test_the_recipe_is_as_awss_own(tmp_path: Path) -> None:
    path = write_model_zip(tmp_path, b"net", ["Ada"])
    draft = public_draft(path, CONFIG)
    (planned,) = plan_publish([draft], []).versions
    assert (draft.name, planned.version, draft.flavor) == (MODEL_STORE, "2.1.1000", "public")
    (manifest,) = draft.recipe("2.1.1000")["Manifests"]
    (artifact,) = manifest["Artifacts"]
    assert manifest["Platform"] == {"os": "linux", "runtime": "*"} and manifest["Lifecycle"] == {}
    assert artifact["Uri"].startswith("s3://bucket-1/p/components/")
    assert artifact["Uri"].endswith("/model/tflite/TensorFlowLite-actor-recognizer.zip")
    assert artifact["Unarchive"] == "ZIP" and artifact["Permission"] == {"Read": "OWNER", "Execute": "NONE"}
    digest = base64.b64encode(hashlib.sha256(path.read_bytes()).digest()).decode()
    assert planned.as_json()["artifacts"][0]["digest"] == digest


def test_the_configuration_is_what_the_program_reads() -> None:
    assert configuration_update(CONFIG) == {
        "ImageName": "cat.jpeg",
        "InferenceInterval": "10",
        "PublishResultsOnTopic": "ml/tflite/image-classification",
        "ModelResourceKey": {"model": "TensorFlowLite-actor-recognizer"},
    }
    other = Config.model_validate(
        {
            "greengrass": {"image_name": "a.jpg", "image_directory": "/pictures", "inference_interval_s": 3600},
            "cloud": {"results_topic": "a/b"},
        }
    )
    update = configuration_update(other)
    assert (update["ImageName"], update["ImageDirectory"], update["InferenceInterval"]) == (
        "a.jpg",
        "/pictures",
        "3600",
    )
    policy = update["accessControl"]["aws.greengrass.ipc.mqttproxy"][f"{INFERENCE}:mqttproxy:1"]
    assert policy["resources"] == ["a/b"] and policy["operations"] == ["aws.greengrass#PublishToIoTCore"]


def test_people_of_one_name_stay_apart() -> None:
    people = [Person(person_id="a", name="Ada"), Person(person_id="b", name="Ada"), Person(person_id="c", name="Cy")]
    assert labels(["c", "b", "a"], people) == ["Cy", "Ada (b)", "Ada (a)"]


def test_only_a_closed_set_can_go_this_way() -> None:
    with pytest.raises(ModelContractError, match="bundle b has no labels"):
        refuse_open_set(small_bundle()[0], name="b")
    refuse_open_set(small_bundle()[0].model_copy(update={"classes": ["Ada", "Bea", "Cy"]}), name="b")


def test_only_versions_that_the_program_asks_for_can_go() -> None:
    for version in ("auto", "2.1.14", "2.1.5000"):
        refuse_other_line(version)
    for version in ("1.0.0", "2.2.0", "2.0.9"):
        with pytest.raises(ConfigError, match=r"from 2\.1\.0 on, before 2\.2\.0"):
            refuse_other_line(version)
