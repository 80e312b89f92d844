"""Drafts of our own components. Nothing in here needs a network, a net or a picture."""

import base64
import binascii
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeAlias

from actorrec.errors import ConfigError, ModelContractError
from actorrec.greengrass.drafts import MODEL_SUFFIX, ArtifactDraft, ComponentDraft
from actorrec.greengrass.recipe import BUNDLE_FILE, RUNTIME_FILE, model_body, runtime_body, single_body
from actorrec.manifests.bundle import BundleCard
from actorrec.manifests.component import (
    BUNDLE_TAG,
    CREATED_TAG,
    MACHINE_TAG,
    PREPROCESS_TAG,
    ROLE_TAG,
    RUNTIME_TAG,
    SCHEMA_TAG,
    Role,
)

UriOf: TypeAlias = Callable[[str, str, str], str]
"""Component's name, SHA-256 and file name → where the file is, or goes."""


@dataclass(frozen=True, slots=True)
class BundleFile:
    """A ``bundle.zip``; ``path`` is None where it is in S3 already."""

    sha256: str
    bytes: int
    card: BundleCard
    path: Path | None = None


@dataclass(frozen=True, slots=True)
class RuntimePart:
    """A ``runtime.zip``, built here or taken from a component that is published.

    Attributes:
        bytes: 0 where nobody knows: the file is in S3 already.
        configuration: What its component starts with, access control aside.
        card_schema: Of the cards that it reads.
        preprocess: Which preprocessing it does.
        install_timeout_s: How long a device may take to install it.
        path: The file on this machine; None where it is in S3 already.
        uri: Where it is; None where ``UriOf`` says where it goes.
        machine: That the wheels inside are for; empty where devices fetch them.
    """

    sha256: str
    bytes: int
    configuration: Mapping[str, str]
    card_schema: int
    preprocess: str
    install_timeout_s: int
    path: Path | None = None
    uri: str | None = None
    machine: str = ""


def runtime_part_of(recipe: Mapping[str, Any], tags: Mapping[str, str]) -> RuntimePart:
    """The program of a published runtime or single component, to be used again as it is.

    Args:
        recipe: As the service gives it back.
        tags: Of that version.

    Raises:
        ModelContractError: If it is no component of ours, or its digest in the recipe is another than in the tags.
    """
    name = str(recipe.get("ComponentName", "a component"))
    try:
        (manifest,) = recipe["Manifests"]
        artifact = next(a for a in manifest["Artifacts"] if _file_of(a["Uri"]) == RUNTIME_FILE)
        configuration = dict(recipe["ComponentConfiguration"]["DefaultConfiguration"])
        timeout_s = int(manifest["Lifecycle"]["install"]["Timeout"])
        sha256, schema, preprocess = tags[RUNTIME_TAG], int(tags[SCHEMA_TAG]), tags[PREPROCESS_TAG]
    except (KeyError, TypeError, ValueError, StopIteration):
        raise _not_ours(name, "has no program of this project in it") from None
    if "Digest" in artifact and _hex(str(artifact["Digest"])) != sha256:
        raise _not_ours(name, "has a digest in its recipe that is not the one in its tags")
    configuration.pop("accessControl", None)
    texts = {key: str(value) for key, value in configuration.items()}
    uri, machine = str(artifact["Uri"]), tags.get(MACHINE_TAG, "")
    return RuntimePart(sha256, 0, texts, schema, preprocess, timeout_s, uri=uri, machine=machine)


def runtime_draft(name: str, runtime: RuntimePart, uri_of: UriOf) -> ComponentDraft:
    """The program alone; it needs the component ``NAME.Model`` beside it.

    Raises:
        ConfigError: If the name is that of a model component.
    """
    artifact = _program(name, runtime, uri_of)
    body = runtime_body(name, artifact, runtime.configuration, runtime.install_timeout_s)
    return ComponentDraft(name, "runtime", "own", (artifact,), body, _tags("runtime", runtime=runtime))


def model_draft(name: str, bundle: BundleFile, uri_of: UriOf) -> ComponentDraft:
    """The bundle alone, as ``NAME.Model`` of the runtime ``name``."""
    artifact = _bundle(name, bundle, uri_of)
    tags = _tags("model", bundle=bundle)
    return ComponentDraft(name + MODEL_SUFFIX, "model", "own", (artifact,), model_body(artifact), tags)


def single_draft(name: str, runtime: RuntimePart, bundle: BundleFile, uri_of: UriOf) -> ComponentDraft:
    """Program and bundle in one; each file lies where the component of its own would have it, so it is sent once.

    Raises:
        ConfigError: If the name is that of a model component.
    """
    artifacts = (_program(name, runtime, uri_of), _bundle(name, bundle, uri_of))
    body = single_body(name, artifacts, runtime.configuration, runtime.install_timeout_s)
    return ComponentDraft(name, "single", "own", artifacts, body, _tags("single", runtime=runtime, bundle=bundle))


def _program(name: str, runtime: RuntimePart, uri_of: UriOf) -> ArtifactDraft:
    if name.lower().endswith(MODEL_SUFFIX.lower()):  # the Java nucleus does not tell small letters from capitals
        raise ConfigError(
            f"{name!r} cannot name a program: names in {MODEL_SUFFIX} are those of models",
            hint=f"name the program alone ({name[: -len(MODEL_SUFFIX)]}); its model gets the ending by itself",
        )
    uri = runtime.uri or uri_of(name, runtime.sha256, RUNTIME_FILE)
    return ArtifactDraft(RUNTIME_FILE, uri, runtime.sha256, runtime.bytes, runtime.path, "ZIP")


def _bundle(name: str, bundle: BundleFile, uri_of: UriOf) -> ArtifactDraft:
    uri = uri_of(name + MODEL_SUFFIX, bundle.sha256, BUNDLE_FILE)
    return ArtifactDraft(BUNDLE_FILE, uri, bundle.sha256, bundle.bytes, bundle.path)


def _tags(role: Role, *, runtime: RuntimePart | None = None, bundle: BundleFile | None = None) -> dict[str, str]:
    """A single component says what its program reads, which its bundle was checked to be."""
    tags: dict[str, str] = {ROLE_TAG: role}
    if bundle is not None:
        tags |= {
            BUNDLE_TAG: bundle.sha256,
            SCHEMA_TAG: str(bundle.card.schema_version),
            PREPROCESS_TAG: str(bundle.card.embedder.preprocess_version),
            CREATED_TAG: bundle.card.created_at.isoformat(),
        }
    if runtime is not None:
        tags |= {
            RUNTIME_TAG: runtime.sha256,
            SCHEMA_TAG: str(runtime.card_schema),
            PREPROCESS_TAG: runtime.preprocess,
        }
        if runtime.machine:
            tags[MACHINE_TAG] = runtime.machine
    return tags


def _file_of(uri: object) -> str:
    return str(uri).rpartition("/")[2]


def _hex(digest: str) -> str:
    try:
        return base64.b64decode(digest, validate=True).hex()
    except (binascii.Error, ValueError):
        return ""


def _not_ours(name: str, what: str) -> ModelContractError:
    return ModelContractError(f"{name} {what}", hint="publish it anew: actorrec publish-component")
