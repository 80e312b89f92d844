"""Recipes of components: pure data that the Java nucleus and nucleus lite both accept.

Nucleus lite reads keys in one case only, starts a variable at every ``{`` of a script, knows no variable of another
component and skips a manifest without ``runtime``; the Java nucleus kills a ``run`` that has a timeout. So scripts are
one plain line each, what takes more lines lies in the artifact, and a model is brought to a place that its runtime
knows. No value of the configuration stands in a script: programs ask the nucleus for it.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, Final, Literal

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.greengrass.drafts import MODEL_SUFFIX, ArtifactDraft
from actorrec.greengrass.names import parse_version
from actorrec.manifests.component_settings import ComponentSettings, with_changes
from actorrec.manifests.events import HEALTH_SUBTOPIC, MODEL_SUBTOPIC, REQUEST_SUBTOPIC

RUNTIME_FILE: Final = "runtime.zip"
BUNDLE_FILE: Final = "bundle.zip"
MAX_RECIPE_BYTES: Final = 16_000
"""What the cloud takes."""
MAX_LITE_RECIPE_BYTES: Final = 8_196
"""What nucleus lite reads of a recipe that the cloud has added digests to."""
_MAX_NAME: Final = 118  # nucleus lite: 128 with the endings that it adds
_NAME: Final = re.compile(r"[a-zA-Z0-9_.-]+")
_PLAIN_KEY: Final = re.compile(r"s3://[a-z0-9-]+/[A-Za-z0-9._/-]+")
_SHORTENED: Final = frozenset({"", ".", ".."})
"""Parts of a key that what fetches an address takes for steps up and down, not for names."""
_TOPIC: Final = re.compile(r"[0-9A-Za-z_.-]+(/[0-9A-Za-z_.-]+)*")
_DIGEST_BYTES: Final = 120  # "Digest" and "Algorithm" of one artifact, as the cloud adds them
_PUBLISHER: Final = "actorrec"
# Both nuclei start a script in the component's work folder.
_INSTALL: Final = 'sh "{{artifacts:decompressedPath}}/runtime/install.sh" "{{work:path}}/{venv}"'
# -I: no module is taken from the folder where it starts, nor from where a variable of the nucleus points.
_RUN: Final = 'exec "{{work:path}}/{venv}/bin/python" -I -m actorrec infer --loop --greengrass --bundle "{bundle}"'
# Nothing of another component can be named on nucleus lite, but its work folder lies beside this one's. A copy is whole
# or not there; what a killed one left is written over.
_BRING_BUNDLE: Final = 'umask 077 && cp -f "{{artifacts:path}}/{file}" "{file}.new" && mv -f "{file}.new" "{file}"'


def default_configuration(config: Config) -> dict[str, str]:
    """What a published component starts with; texts, as in AWS's own components: numbers may come back as others.

    Raises:
        ConfigError: If devices would not take it.
    """
    section = config.greengrass
    configuration = {
        "ImageName": section.image_name,
        "ImageDirectory": section.image_directory,
        "InferenceInterval": _text(section.inference_interval_s),
        "PublishResultsOnTopic": config.cloud.results_topic,
        "HealthInterval": _text(section.health_s),
        "Shadow": "off",
        "UseCamera": str(section.use_camera).lower(),
        "Camera": section.camera,
        "HeartbeatInterval": _text(config.events.heartbeat_s),
    }
    _, refused = with_changes(ComponentSettings(), configuration)
    if refused:
        raise ConfigError(
            f"devices would refuse this configuration: {'; '.join(refused)}",
            hint="it is made of greengrass.image_name, image_directory, inference_interval_s, camera and health_s, and "
            "of cloud.results_topic",
        )
    return configuration


def access_control(name: str, topic: str) -> dict[str, Any]:
    """The right to publish to three topics, at IoT Core and on the device, to be asked on a fourth, and nothing else.

    Args:
        name: Of the component: policies are named by it, unique on a device.
        topic: Of the results; all else goes below it.

    Raises:
        ConfigError: If the topic is a pattern, or cannot be one topic.
    """
    if not _TOPIC.fullmatch(topic):
        raise ConfigError(
            f"{topic!r} is no topic that results can go to", hint="letters, digits, _ . - between slashes"
        )
    topics = [topic, f"{topic}/{HEALTH_SUBTOPIC}", f"{topic}/{MODEL_SUBTOPIC}"]
    asked = [f"{topic}/{REQUEST_SUBTOPIC}"]
    return {
        "aws.greengrass.ipc.mqttproxy": {
            f"{name}:mqttproxy:1": _policy("Results and health to IoT Core.", "PublishToIoTCore", topics)
        },
        "aws.greengrass.ipc.pubsub": {
            f"{name}:pubsub:1": _policy("Results and health on the device.", "PublishToTopic", topics),
            f"{name}:pubsub:2": _policy("Pictures that client devices name.", "SubscribeToTopic", asked),
        },
    }


def runtime_body(
    name: str, artifact: ArtifactDraft, configuration: Mapping[str, str], install_timeout_s: int
) -> dict[str, Any]:
    """The program, with the bundle in another component."""
    model = name + MODEL_SUFFIX
    lifecycle = _lifecycle(artifact, install_timeout_s, f"{{work:path}}/../{model}/{BUNDLE_FILE}")
    return {
        **_head("Names the people that a camera or a folder of pictures shows."),
        **_configured(name, configuration),
        # SOFT: another model does not restart the program, which takes it between two frames.
        "ComponentDependencies": {model: {"VersionRequirement": ">=0.0.0", "DependencyType": "SOFT"}},
        **_manifest(lifecycle, artifact),
    }


def model_body(artifact: ArtifactDraft) -> dict[str, Any]:
    """The bundle; its ``startup`` puts it where the program looks, and stays "running" on both nuclei."""
    return {
        **_head("Who is known, and the nets that tell."),
        **_manifest({"startup": {"Script": _BRING_BUNDLE.format(file=BUNDLE_FILE)}}, artifact),
    }


def single_body(
    name: str,
    artifacts: tuple[ArtifactDraft, ArtifactDraft],
    configuration: Mapping[str, str],
    install_timeout_s: int,
) -> dict[str, Any]:
    """Both in one: ``artifacts`` are the program and the bundle."""
    lifecycle = _lifecycle(artifacts[0], install_timeout_s, f"{{artifacts:path}}/{BUNDLE_FILE}")
    return {
        **_head("Names the people that a camera or a folder of pictures shows."),
        **_configured(name, configuration),
        **_manifest(lifecycle, *artifacts),
    }


def check_recipe(recipe: Mapping[str, Any], *, lite: bool = True) -> None:
    """Refuse what the cloud or a device would refuse later.

    Args:
        recipe: Whole, with its version.
        lite: Whether nucleus lite is to read it: it takes less.

    Raises:
        ConfigError: If name, version, address of an artifact or size are not acceptable; the message says which.
    """
    name, version = str(recipe["ComponentName"]), str(recipe["ComponentVersion"])
    if not _NAME.fullmatch(name) or len(name) > _MAX_NAME or name.endswith((".install", ".bootstrap")):
        raise ConfigError(
            f"{name!r} cannot name a component",
            hint=f"at most {_MAX_NAME} letters, digits and _ . -, not ending in .install or .bootstrap",
        )
    if lite and name.lower().startswith("aws."):
        raise ConfigError(f"{name!r} cannot name a component of yours", hint="names in aws. belong to AWS")
    if parse_version(version) is None:
        raise ConfigError(f"{version!r} is no version", hint="three numbers such as 1.4.0, each below a million")
    artifacts = [artifact for manifest in recipe["Manifests"] for artifact in manifest["Artifacts"]]
    for artifact in artifacts:
        _check_uri(artifact["Uri"], lite=lite)
    size = len(render(recipe, "json")) + _DIGEST_BYTES * len(artifacts)
    most = MAX_LITE_RECIPE_BYTES if lite else MAX_RECIPE_BYTES
    if size > most:
        hint = "shorten greengrass.image_directory, cloud.results_topic or the store's prefix"
        raise ConfigError(f"the recipe of {name} {version} would have {size:,} bytes, more than {most:,}", hint=hint)


def render(recipe: Mapping[str, Any], form: Literal["json", "yaml"]) -> bytes:
    """The recipe as a file, keys in the order in which they are given."""
    if form == "json":
        return (json.dumps(recipe, indent=1, ensure_ascii=False) + "\n").encode()
    import yaml

    text: str = yaml.safe_dump(dict(recipe), sort_keys=False, allow_unicode=True, width=10_000)
    return text.encode()


def _text(seconds: float) -> str:
    return str(int(seconds) if seconds.is_integer() else seconds)


def _check_uri(uri: str, *, lite: bool) -> None:
    if len(uri) > 1024 or not uri.startswith("s3://"):
        raise ConfigError(f"{uri} is no address of an artifact", hint="devices fetch from s3://BUCKET/PREFIX")
    if not _SHORTENED.isdisjoint(uri.removeprefix("s3://").split("/")):
        raise ConfigError(
            f"devices cannot fetch {uri}", hint="cloud.component_prefix and the store's prefix have no parts . or .."
        )
    if lite and not _PLAIN_KEY.fullmatch(uri):
        raise ConfigError(
            f"nucleus lite cannot fetch {uri}",
            hint="a bucket without dots, and a prefix of letters, digits and _ . - / alone",
        )


def _head(description: str) -> dict[str, Any]:
    return {
        "ComponentType": "aws.greengrass.generic",
        "ComponentDescription": description,
        "ComponentPublisher": _PUBLISHER,
    }


def _configured(name: str, configuration: Mapping[str, str]) -> dict[str, Any]:
    rights = access_control(name, configuration["PublishResultsOnTopic"])
    return {"ComponentConfiguration": {"DefaultConfiguration": {**configuration, "accessControl": rights}}}


def _lifecycle(runtime: ArtifactDraft, install_timeout_s: int, bundle: str) -> dict[str, Any]:
    venv = f"venv-{runtime.sha256[:16]}"  # another program never touches the folder of the one that runs
    return {
        "install": {"Script": _INSTALL.format(venv=venv), "Timeout": install_timeout_s},
        "run": {"Script": _RUN.format(venv=venv, bundle=bundle)},
    }


def _manifest(lifecycle: dict[str, Any], *artifacts: ArtifactDraft) -> dict[str, Any]:
    platform = {"os": "linux", "runtime": "*"}
    listed = [_artifact(artifact) for artifact in artifacts]
    return {"Manifests": [{"Platform": platform, "Lifecycle": lifecycle, "Artifacts": listed}]}


def _artifact(artifact: ArtifactDraft) -> dict[str, Any]:
    """The program is no secret; a bundle tells of people's faces. Neither nucleus keeps a file's executable bit."""
    read = "ALL" if artifact.unarchive == "ZIP" else "OWNER"
    permission = {"Read": read, "Execute": "NONE"}
    return {"Uri": artifact.uri, "Unarchive": artifact.unarchive, "Permission": permission}


def _policy(description: str, operation: str, topics: list[str]) -> dict[str, Any]:
    operations = [f"aws.greengrass#{operation}"]
    return {"policyDescription": description, "operations": operations, "resources": topics}
