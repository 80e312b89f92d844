"""What the cloud, the Java nucleus and nucleus lite ask of a recipe, as rules of our own."""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

LITE_VARIABLES = {"kernel:rootPath", "iot:thingName", "work:path", "artifacts:path", "artifacts:decompressedPath"}
LITE_FILE_BYTES, CLOUD_BYTES = 8196, 16_000
_TOP = {
    "RecipeFormatVersion", "ComponentName", "ComponentVersion", "ComponentType", "ComponentDescription",
    "ComponentPublisher", "ComponentConfiguration", "ComponentDependencies", "Manifests",
}  # fmt: skip
_STEPS = {"bootstrap", "install", "startup", "run"}
_SERVICES = {"aws.greengrass.ipc.mqttproxy": "PublishToIoTCore", "aws.greengrass.ipc.pubsub": "PublishToTopic"}


def broken_rules(recipe: Mapping[str, Any]) -> list[str]:
    """One line for each rule that the recipe breaks; none if both nuclei run it."""
    return [*_whole(recipe), *_dependencies(recipe), *_configuration(recipe), *_manifests(recipe)]


def _whole(recipe: Mapping[str, Any]) -> Iterator[str]:
    name, version = str(recipe.get("ComponentName")), str(recipe.get("ComponentVersion"))
    if unknown := set(recipe) - _TOP:
        yield f"keys in another case or not known: {sorted(unknown)}"
    if recipe.get("RecipeFormatVersion") != "2020-01-25":
        yield "RecipeFormatVersion"
    if not re.fullmatch(r"[a-zA-Z0-9._-]{1,118}", name) or name.endswith((".install", ".bootstrap")):
        yield f"name {name}"
    if not re.fullmatch(r"(\d{1,6})\.(\d{1,6})\.(\d{1,6})", version) or len(version) > 64:
        yield f"version {version}"
    if recipe.get("ComponentType") not in (None, "aws.greengrass.generic"):
        yield "nucleus lite runs generic components alone"
    description = recipe.get("ComponentDescription", "")
    if "\n" in description or len(description) > 200:
        yield "the description is one short line: it goes into a unit file"
    size = len(json.dumps(recipe, indent=2).encode())
    if size + 150 * _artifact_count(recipe) > min(LITE_FILE_BYTES, CLOUD_BYTES):
        yield f"{size} bytes"
    if _depth(recipe) > 15:
        yield "nested deeper than nucleus lite reads"


def _dependencies(recipe: Mapping[str, Any]) -> Iterator[str]:
    for name, dependency in recipe.get("ComponentDependencies", {}).items():
        requirement = dependency.get("VersionRequirement")
        if set(dependency) - {"VersionRequirement", "DependencyType"}:
            yield f"keys of the dependency {name}"
        if not requirement or not all(re.fullmatch(r"(>=|<=|>|<|=)?\d+\.\d+\.\d+", p) for p in requirement.split(" ")):
            yield f"nucleus lite does not understand {requirement!r}"
        if dependency.get("DependencyType") not in ("HARD", "SOFT"):
            yield f"kind of the dependency {name}"


def _configuration(recipe: Mapping[str, Any]) -> Iterator[str]:
    whole = recipe.get("ComponentConfiguration", {})
    if set(whole) - {"DefaultConfiguration"}:
        yield "keys of ComponentConfiguration"
    defaults = dict(whole.get("DefaultConfiguration", {}))
    rights = defaults.pop("accessControl", {})
    if not all(isinstance(value, str) for value in defaults.values()):
        yield "numbers may come back as others: configuration is text"
    for service, policies in rights.items():
        if service not in _SERVICES:
            yield f"a right at {service}"
            continue
        if len(json.dumps(policies)) > 4096:
            yield "more rights than nucleus lite reads"
        for policy_id, policy in policies.items():
            yield from _policy(str(recipe["ComponentName"]), service, policy_id, policy, defaults)


def _policy(
    name: str, service: str, policy_id: str, policy: Mapping[str, Any], defaults: Mapping[str, str]
) -> Iterator[str]:
    topic = defaults.get("PublishResultsOnTopic", "")
    if set(policy) != {"policyDescription", "operations", "resources"} or not policy_id.startswith(f"{name}:"):
        yield f"policy {policy_id}"
    said, asked = [topic, f"{topic}/health", f"{topic}/model"], [f"{topic}/request"]
    rights = {f"aws.greengrass#{_SERVICES[service]}": said}
    if service == "aws.greengrass.ipc.pubsub":
        rights["aws.greengrass#SubscribeToTopic"] = asked
    (operation,) = policy.get("operations", ("",))
    if operation not in rights:
        yield f"operations of {policy_id}"
    elif policy.get("resources") != rights[operation] or re.search(r"[*?#+$]", topic):
        yield f"topics of {policy_id}"


def _manifests(recipe: Mapping[str, Any]) -> Iterator[str]:
    manifests = recipe.get("Manifests")
    if not isinstance(manifests, list) or not manifests:
        yield "no manifest"
        return
    for manifest in manifests:
        platform = manifest.get("Platform")
        if platform is None or platform.get("runtime") not in ("*", "aws_nucleus_lite"):
            yield "nucleus lite skips a manifest without runtime"
        elif platform.get("os") not in ("linux", "*", "all") or not all(isinstance(v, str) for v in platform.values()):
            yield "platform"
        if not isinstance(manifest.get("Artifacts"), list):
            yield "Artifacts must be there, as a list"
        if set(manifest) - {"Name", "Platform", "Lifecycle", "Artifacts", "Selections"}:
            yield "keys of the manifest"
        yield from _steps(manifest.get("Lifecycle", {}))
        for artifact in manifest.get("Artifacts", ()):
            yield from _artifact(artifact)


def _steps(lifecycle: Mapping[str, Any]) -> Iterator[str]:
    if not set(lifecycle) & _STEPS:
        yield "no step that nucleus lite runs"
    if {"startup", "run"} <= set(lifecycle):
        yield "startup and run: nucleus lite uses the first alone"
    for name, step in lifecycle.items():
        if name not in _STEPS:
            yield f"{name} is no step of both"
            continue
        if set(step) - {"Script", "Timeout", "RequiresPrivilege", "Setenv"}:
            yield f"keys of {name}"
        timeout = step.get("Timeout")
        if timeout is not None and (type(timeout) is not int or timeout < 0 or name == "run"):
            yield f"Timeout of {name}: a whole number, and none on run, which the Java nucleus would kill"
        if step.get("RequiresPrivilege") not in (None, False):
            yield f"{name} asks for root"
        yield from _script(name, step.get("Script"))


def _script(name: str, script: object) -> Iterator[str]:
    if not isinstance(script, str) or not script.strip() or "\n" in script:
        yield f"{name} has no script of one line"
        return
    for variable in re.findall(r"\{([^}]*)", script):
        if variable not in LITE_VARIABLES:
            yield f"{name}: nucleus lite takes {{{variable}}} for a variable, and configuration stays out of shells"
    if script.count("{") != script.count("}"):
        yield f"{name}: braces"
    quoted = "".join(re.findall(r'"[^"]*"', script))
    if quoted.count("{") != script.count("{"):
        yield f"{name}: a path without quotes"


def _artifact(artifact: Mapping[str, Any]) -> Iterator[str]:
    if set(artifact) - {"Uri", "Unarchive", "Permission", "Digest", "Algorithm"}:
        yield f"keys of an artifact: {sorted(artifact)}"
    if not re.fullmatch(r"s3://[a-z0-9-]+/[A-Za-z0-9._/-]+", str(artifact.get("Uri"))):
        yield f"nucleus lite cannot fetch {artifact.get('Uri')}"
    if artifact.get("Unarchive", "NONE") not in ("NONE", "ZIP"):
        yield "Unarchive"
    permission = artifact.get("Permission", {})
    if set(permission) - {"Read", "Execute"} or not set(permission.values()) <= {"NONE", "OWNER", "ALL"}:
        yield "Permission"


def _artifact_count(recipe: Mapping[str, Any]) -> int:
    return sum(len(manifest.get("Artifacts", ())) for manifest in recipe.get("Manifests", ()))


def _depth(value: object) -> int:
    inner = value.values() if isinstance(value, Mapping) else value if isinstance(value, list) else ()
    return 1 + max(map(_depth, inner), default=0)
