"""Recipes as the cloud reads them before it takes a component."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from job_logs import RefusalError

LIMIT_BYTES: Final = 16_000
_TOP: Final = {
    "RecipeFormatVersion", "ComponentName", "ComponentVersion", "ComponentDescription", "ComponentPublisher",
    "ComponentType", "ComponentSource", "ComponentConfiguration", "ComponentDependencies", "Manifests", "Lifecycle",
}  # fmt: skip
_MANIFEST: Final = {"Name", "Platform", "Lifecycle", "Artifacts", "Selections"}
_ARTIFACT: Final = {"Uri", "Digest", "Algorithm", "Unarchive", "Permission"}
_SEMVER: Final = re.compile(
    r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?(\+[0-9A-Za-z-]+(\.[0-9A-Za-z-]+)*)?"
)


def parsed(recipe: bytes) -> dict[str, Any]:
    """A recipe that the cloud would take.

    Raises:
        RefusalError: ValidationException, with everything that is wrong.
    """
    if len(recipe) > LIMIT_BYTES:
        raise RefusalError(
            "ValidationException", f"Recipe size {len(recipe)} bytes is over the limit of {LIMIT_BYTES} bytes"
        )
    body = _read(recipe)
    if wrong := list(_wrong(body)):
        raise RefusalError("ValidationException", f"Invalid recipe: {'; '.join(wrong)}")
    return body


def _read(recipe: bytes) -> dict[str, Any]:
    import yaml

    try:
        text = recipe.decode("utf-8")
        body = json.loads(text) if text.lstrip().startswith("{") else yaml.safe_load(text)
    except (ValueError, yaml.YAMLError) as error:
        raise RefusalError("ValidationException", f"Invalid recipe: cannot be parsed: {error}") from None
    if not isinstance(body, dict):
        raise RefusalError("ValidationException", "Invalid recipe: not a mapping")
    return body


def _wrong(body: Mapping[str, Any]) -> Iterator[str]:
    yield from (f"unrecognised field {key!r}" for key in body if key not in _TOP)
    if body.get("RecipeFormatVersion") != "2020-01-25":
        yield f"RecipeFormatVersion {body.get('RecipeFormatVersion')!r} is not supported"
    name, version = body.get("ComponentName"), body.get("ComponentVersion")
    if not isinstance(name, str) or not re.fullmatch(r"[a-zA-Z0-9_.-]{1,128}", name):
        yield f"ComponentName {name!r} must be of 1 to 128 of a-zA-Z0-9_.-"
    elif name.startswith("aws."):
        yield f"ComponentName {name!r}: the prefix aws is reserved"
    if not isinstance(version, str) or len(version) > 64 or not _SEMVER.fullmatch(version):
        yield f"ComponentVersion {version!r} is not a semantic version"
    elif any(int(number) > 999_999 for number in re.split(r"[-+]", version)[0].split(".")):
        yield f"ComponentVersion {version!r}: a number is over 999999"
    yield from _dependencies(body.get("ComponentDependencies", {}))
    manifests = body.get("Manifests", [])
    if not isinstance(manifests, list) or not (manifests or body.get("Lifecycle")):
        yield "Manifests must hold one manifest at least"
        return
    for number, manifest in enumerate(manifests):
        yield from _manifest(manifest, f"Manifests[{number}]")


def _dependencies(given: Any) -> Iterator[str]:
    if not isinstance(given, dict):
        yield "ComponentDependencies must be a mapping"
        return
    for name, rule in given.items():
        if not isinstance(rule, dict) or "VersionRequirement" not in rule:
            yield f"ComponentDependencies[{name!r}].VersionRequirement is missing"
        elif rule.get("DependencyType", "HARD") not in ("HARD", "SOFT"):
            yield f"ComponentDependencies[{name!r}].DependencyType {rule['DependencyType']!r} is neither HARD nor SOFT"


def _manifest(manifest: Any, where: str) -> Iterator[str]:
    if not isinstance(manifest, dict):
        yield f"{where} must be a mapping"
        return
    yield from (f"{where}: unrecognised field {key!r}" for key in manifest if key not in _MANIFEST)
    if not isinstance(platform := manifest.get("Platform", {}), dict):
        yield f"{where}.Platform must be a mapping"
    elif platform.get("os", "*") not in ("linux", "darwin", "windows", "*", "all"):
        yield f"{where}.Platform.os {platform['os']!r} is not known"
    for number, artifact in enumerate(manifest.get("Artifacts", [])):
        yield from _artifact(artifact, f"{where}.Artifacts[{number}]")


def _artifact(artifact: Mapping[str, Any], where: str) -> Iterator[str]:
    yield from (f"{where}: unrecognised field {key!r}" for key in artifact if key not in _ARTIFACT)
    if not re.fullmatch(
        r"s3://[a-z0-9.-]{3,63}/.+|docker:.+|greengrass:.+", str(artifact.get("Uri", artifact.get("URI")))
    ):
        yield f"{where}.Uri {artifact.get('Uri')!r} is not an S3 URI"
    if artifact.get("Unarchive", "NONE") not in ("NONE", "ZIP"):
        yield f"{where}.Unarchive {artifact['Unarchive']!r} is neither NONE nor ZIP"
    for key, value in artifact.get("Permission", {}).items():
        if key not in ("Read", "Execute") or value not in ("NONE", "OWNER", "ALL"):
            yield f"{where}.Permission {key}: {value!r} is not known"


def uris(body: Mapping[str, Any]) -> list[str]:
    """Every artifact in S3."""
    return [artifact["Uri"] for artifact in _artifacts(body) if artifact["Uri"].startswith("s3://")]


def with_digests(body: Mapping[str, Any], digests: Mapping[str, str]) -> dict[str, Any]:
    """The recipe as devices get it."""
    filled: dict[str, Any] = json.loads(json.dumps(body))
    for artifact in _artifacts(filled):
        artifact |= {"Digest": digests[artifact["Uri"]], "Algorithm": "SHA-256"} if artifact["Uri"] in digests else {}
    return filled


def _artifacts(body: Mapping[str, Any]) -> list[dict[str, Any]]:
    return [artifact for manifest in body.get("Manifests", []) for artifact in manifest.get("Artifacts", [])]


def version_key(version: str) -> tuple[Any, ...]:
    """Order of semantic versions; a pre-release comes before its release."""
    release, _, rest = version.partition("+")[0].partition("-")
    return (*(int(number) for number in release.split(".")), rest == "", rest)
