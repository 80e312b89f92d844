"""The original's own way: a net for AWS's public TensorFlow Lite component, which brings its own program.

A private version of AWS's model component takes the place of the public one. The program looks for ``model.tflite``
and ``labels.txt`` in the folder that ``ModelResourceKey`` names; a zip is unpacked into a folder of its own name.
"""

import hashlib
from collections import Counter
from collections.abc import Sequence
from io import BytesIO
from pathlib import Path
from typing import Any, Final

from actorrec.artifacts.whole_file import write_whole
from actorrec.aws.places import CloudPlace
from actorrec.config import Config
from actorrec.errors import ConfigError, ModelContractError
from actorrec.greengrass.drafts import ArtifactDraft, ComponentDraft
from actorrec.greengrass.names import parse_version
from actorrec.manifests.bundle import BundleCard
from actorrec.manifests.component import ROLE_TAG
from actorrec.manifests.dataset import Person
from actorrec.recognition.bundle_zip import write_zip

MODEL_STORE: Final = "variant.TensorFlowLite.ImageClassification.ModelStore"
INFERENCE: Final = "aws.greengrass.TensorFlowLiteImageClassification"
RESOURCE: Final = "TensorFlowLite-actor-recognizer"
ZIP_KEY: Final = f"model/tflite/{RESOURCE}.zip"
LINE: Final = (2, 1)
"""Versions of the model component that AWS's program asks for: from 2.1.0 on, before 2.2.0."""
_OWN_TOPIC: Final = "ml/tflite/image-classification"  # the only one that AWS's program may publish to by itself
_OWN_PICTURE: Final = "cat.jpeg"  # it brings this one
LIMITS: Final = (
    "it looks for no faces: the whole picture is the net's input, so only pictures of one cropped face can be named",
    "its people are a closed set: a stranger gets the name of whoever is nearest, and nobody is enrolled on a device",
    "the net is reduced to bytes, and at most five people with a score of 0.3 or more are told",
    "AWS supports it on the Java nucleus and Raspberry Pi OS Bullseye with the legacy camera; its program runs as root",
    "no health messages, no shadow run, no canary: `actorrec deploy --canary` needs --flavor own",
)
"""What this way cannot do."""


def refuse_open_set(card: BundleCard, *, name: str) -> None:
    """Stop at a bundle that is no classifier of a closed set.

    Raises:
        ModelContractError: If so, with the reason.
    """
    if card.classes is None:
        raise ModelContractError(
            f"the bundle {name} has no labels: its people were changed after training, or it was never trained",
            hint="AWS's public component knows only what a net was trained on: train, or publish with --flavor own",
        )


def refuse_other_line(version: str) -> None:
    """Stop at a version that AWS's program would not take.

    Raises:
        ConfigError: If it is neither ``auto`` nor one of 2.1.
    """
    numbers = parse_version(version)
    if numbers is not None and numbers[:2] != LINE:
        raise ConfigError(
            f"--version {version}: AWS's public component asks for a model component from 2.1.0 on, before 2.2.0",
            hint="leave it out; the first is 2.1.1000, above AWS's own",
        )


def labels(classes: Sequence[str], people: Sequence[Person]) -> list[str]:
    """Names in the order of the classes; people of one name are told apart by their ids."""
    names = {person.person_id: person.name for person in people}
    often = Counter(names[each] for each in classes)
    return [names[each] if often[names[each]] == 1 else f"{names[each]} ({each})" for each in classes]


def write_model_zip(folder: Path, net: bytes, names: Sequence[str]) -> Path:
    """The archive that devices unpack, in a folder named by its digest; the same net and names give the same bytes.

    Args:
        folder: Where such archives are kept.
        net: A ``.tflite`` as ``edge.classifier`` makes it.
        names: One a class.

    Raises:
        ArtifactError: If it cannot be written.
    """
    packed = BytesIO()
    # The program reads labels as a literal of Python, in whatever encoding the device has.
    write_zip(packed, {"model.tflite": net, "labels.txt": f"{list(names)!a}\n".encode()})
    data = packed.getvalue()
    path = folder / hashlib.sha256(data).hexdigest() / ZIP_KEY.rpartition("/")[2]
    write_whole(path, data)
    return path


def public_draft(path: Path, config: Config) -> ComponentDraft:
    """The model component, to be published under AWS's name in this account.

    Args:
        path: Of ``write_model_zip``.
        config: Says where it goes: a folder named by the digest, as with all artifacts, and the key below that.
    """
    data = path.read_bytes()
    sha256 = hashlib.sha256(data).hexdigest()
    uri = CloudPlace.of(config).uri(f"{config.cloud.component_prefix}/{MODEL_STORE}/{sha256[:16]}/{ZIP_KEY}")
    artifact = ArtifactDraft(path.name, uri, sha256, len(data), path, "ZIP")
    listed = {"Uri": uri, "Unarchive": "ZIP", "Permission": {"Read": "OWNER", "Execute": "NONE"}}
    body = {
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": "A net that names people, for AWS's TensorFlow Lite image classification.",
        "ComponentPublisher": "actorrec",
        "Manifests": [{"Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {}, "Artifacts": [listed]}],
    }
    return ComponentDraft(MODEL_STORE, "public-model", "public", (artifact,), body, {ROLE_TAG: "public-model"})


def configuration_update(config: Config) -> dict[str, Any]:
    """What a deployment merges into the configuration of AWS's inference component; texts, as it expects them."""
    section, topic = config.greengrass, config.cloud.results_topic
    update: dict[str, Any] = {
        "ImageName": section.image_name or _OWN_PICTURE,
        "InferenceInterval": f"{section.inference_interval_s:g}",
        "PublishResultsOnTopic": topic,
        "ModelResourceKey": {"model": RESOURCE},
    }
    if section.image_directory:
        update["ImageDirectory"] = section.image_directory
    if topic != _OWN_TOPIC:
        policy = {
            "policyDescription": "Results to IoT Core.",
            "operations": ["aws.greengrass#PublishToIoTCore"],
            "resources": [topic],
        }
        update["accessControl"] = {"aws.greengrass.ipc.mqttproxy": {f"{INFERENCE}:mqttproxy:1": policy}}
    return update
