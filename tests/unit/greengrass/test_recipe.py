"""Recipes: what both nuclei and the cloud ask of them, and what is refused before it is sent."""

import copy
import json
import re
from collections.abc import Callable
from typing import Any

import pytest
import yaml

from actorrec.config import Config, load_config
from actorrec.errors import ConfigError
from actorrec.greengrass.components import RuntimePart, model_draft, runtime_draft, single_draft
from actorrec.greengrass.drafts import ComponentDraft
from actorrec.greengrass.recipe import access_control, check_recipe, default_configuration, render
from drafted import NAME, bundle_file, runtime_program, uri_of
from recipe_rules import broken_rules

DRAFTS: dict[str, Callable[[], ComponentDraft]] = {
    "runtime": lambda: runtime_draft(NAME, runtime_program(), uri_of),
    "model": lambda: model_draft(NAME, bundle_file(), uri_of),
    "single": lambda: single_draft(NAME, runtime_program(), bundle_file(), uri_of),
}


def script(recipe: dict[str, Any], step: str) -> str:
    text: str = recipe["Manifests"][0]["Lifecycle"][step]["Script"]
    return text


@pytest.mark.parametrize("role", DRAFTS)
def test_recipes_keep_the_rules_of_both_nuclei(role: str) -> None:
    recipe = DRAFTS[role]().recipe("1.2.3")
    assert broken_rules(recipe) == []
    check_recipe(recipe)
    assert len(render(recipe, "json")) < 4000
    assert "{configuration:" not in json.dumps(recipe)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (lambda r: r["Manifests"][0]["Platform"].pop("runtime"), "without runtime"),
        (lambda r: r["Manifests"][0]["Lifecycle"]["run"].update(Timeout=5), "Timeout of run"),
        (lambda r: r["Manifests"][0]["Lifecycle"]["install"].update(Timeout="5"), "Timeout of install"),
        (lambda r: r["Manifests"][0]["Lifecycle"]["install"].update(script="x"), "keys of install"),
        (lambda r: r["Manifests"][0]["Lifecycle"]["run"].update(Script="echo ${HOME}"), "for a variable"),
        (lambda r: r["Manifests"][0]["Lifecycle"]["run"].update(Script="ls {work:path}"), "without quotes"),
        (lambda r: r["Manifests"][0]["Lifecycle"].update(shutdown={"Script": "true"}), "no step of both"),
        (lambda r: r["Manifests"][0]["Artifacts"][0].update(URI="s3://b/k"), "keys of an artifact"),
        (lambda r: r["ComponentDependencies"][f"{NAME}.Model"].update(VersionRequirement="^1.0.0"), "understand"),
        (lambda r: r.update(componentname="x"), "another case"),
        (lambda r: r["ComponentConfiguration"]["DefaultConfiguration"].update(InferenceInterval=5), "text"),
        (lambda r: _rights(r)["aws.greengrass.ipc.mqttproxy"][f"{NAME}:mqttproxy:1"].update(resources=["*"]), "topics"),
        (lambda r: _rights(r).update({"aws.greengrass.ipc.lambda": {}}), "a right at"),
        (lambda r: r.update(ComponentDescription="a\nb"), "one short line"),
    ],
)
def test_the_rules_find_what_breaks_them(change: Callable[[dict[str, Any]], object], rule: str) -> None:
    recipe = copy.deepcopy(DRAFTS["runtime"]().recipe("1.2.3"))
    change(recipe)
    assert any(rule in line for line in broken_rules(recipe)), broken_rules(recipe)


def _rights(recipe: dict[str, Any]) -> dict[str, Any]:
    rights: dict[str, Any] = recipe["ComponentConfiguration"]["DefaultConfiguration"]["accessControl"]
    return rights


def test_the_commands_of_a_runtime() -> None:
    recipe = DRAFTS["runtime"]().recipe("1.0.0")
    venv = f"venv-{runtime_program().sha256[:16]}"
    assert script(recipe, "install") == f'sh "{{artifacts:decompressedPath}}/runtime/install.sh" "{{work:path}}/{venv}"'
    assert script(recipe, "run") == (
        f'exec "{{work:path}}/{venv}/bin/python" -I -m actorrec infer --loop --greengrass '
        f'--bundle "{{work:path}}/../{NAME}.Model/bundle.zip"'
    )
    assert recipe["Manifests"][0]["Lifecycle"]["install"]["Timeout"] == 1234
    assert recipe["ComponentDependencies"] == {
        f"{NAME}.Model": {"VersionRequirement": ">=0.0.0", "DependencyType": "SOFT"}
    }
    (artifact,) = recipe["Manifests"][0]["Artifacts"]
    assert artifact["Uri"].endswith("/runtime.zip")  # unpacked into a folder named runtime
    assert artifact["Unarchive"] == "ZIP"


def test_a_model_is_brought_where_its_runtime_looks_and_nobody_else_may_read_it() -> None:
    recipe = DRAFTS["model"]().recipe("1.0.0")
    assert recipe["ComponentName"] == f"{NAME}.Model"
    assert "ComponentConfiguration" not in recipe
    assert "umask 077" in script(recipe, "startup")
    (artifact,) = recipe["Manifests"][0]["Artifacts"]
    assert artifact["Permission"] == {"Read": "OWNER", "Execute": "NONE"}
    assert artifact["Unarchive"] == "NONE"


def test_a_single_component_needs_no_other() -> None:
    recipe = DRAFTS["single"]().recipe("1.0.0")
    assert recipe["ComponentName"] == NAME
    assert "ComponentDependencies" not in recipe
    assert script(recipe, "run").endswith('--bundle "{artifacts:path}/bundle.zip"')
    assert [artifact["Uri"].rpartition("/")[2] for artifact in recipe["Manifests"][0]["Artifacts"]] == [
        "runtime.zip",
        "bundle.zip",
    ]


def test_configuration_starts_as_settings_say_and_is_text() -> None:
    loaded = load_config(
        environ={
            "ACTORREC_GREENGRASS__INFERENCE_INTERVAL_S": "0.5",
            "ACTORREC_GREENGRASS__IMAGE_DIRECTORY": '/srv/"; rm -rf $HOME',
            "ACTORREC_CLOUD__RESULTS_TOPIC": "shop/door",
        }
    ).config
    configuration = default_configuration(loaded)
    assert configuration["InferenceInterval"] == "0.5"
    assert configuration["PublishResultsOnTopic"] == "shop/door"
    assert default_configuration(Config())["HealthInterval"] == "60"
    recipe = runtime_draft(NAME, runtime_program(configuration), uri_of).recipe("1.0.0")
    assert broken_rules(recipe) == []
    steps = recipe["Manifests"][0]["Lifecycle"].values()
    assert not any("rm -rf" in step["Script"] for step in steps)
    assert recipe["ComponentConfiguration"]["DefaultConfiguration"]["ImageDirectory"] == '/srv/"; rm -rf $HOME'


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("GREENGRASS__IMAGE_DIRECTORY", "pictures", "ImageDirectory cannot be 'pictures': it must be a whole path"),
        ("GREENGRASS__IMAGE_DIRECTORY", "/srv/a\nb", "ImageDirectory cannot be"),
        ("GREENGRASS__IMAGE_NAME", "../door.jpg", "ImageName cannot be '../door.jpg'"),
        ("CLOUD__RESULTS_TOPIC", "a/b/c/d/e/f/g/h", "PublishResultsOnTopic cannot be"),  # with /health one too many
    ],
)
def test_what_every_device_would_refuse_is_not_published(setting: str, value: str, said: str) -> None:
    config = load_config(environ={f"ACTORREC_{setting}": value}).config
    with pytest.raises(ConfigError, match="devices would refuse this configuration") as told:
        default_configuration(config)
    assert said in told.value.message
    assert "greengrass.image_name" in told.value.hint


def test_access_is_to_four_topics_and_no_pattern() -> None:
    rights = access_control(NAME, "shop/door")
    resources = [policy["resources"] for policies in rights.values() for policy in policies.values()]
    said = ["shop/door", "shop/door/health", "shop/door/model"]
    assert resources == [said, said, ["shop/door/request"]]
    for pattern in ("#", "a/+", "a/*", "", "/a", "a//b", "a?", "$aws/x", "a b"):
        with pytest.raises(ConfigError, match="no topic"):
            access_control(NAME, pattern)


@pytest.mark.parametrize(
    ("name", "version", "said"),
    [
        ("com.example.Ünder", "1.0.0", "cannot name a component"),
        ("a" * 119, "1.0.0", "cannot name a component"),
        ("com.example.install", "1.0.0", "cannot name a component"),
        ("aws.greengrass.Mine", "1.0.0", "component of yours"),
        ("AWS.greengrass.Mine", "1.0.0", "component of yours"),
        ("com.example.A", "1.0", "no version"),
        ("com.example.A", "1.0.0-beta", "no version"),
        ("com.example.A", "1.0.01", "no version"),
        ("com.example.A", "1.0.1000000", "no version"),
    ],
)
def test_names_and_versions_that_no_nucleus_takes(name: str, version: str, said: str) -> None:
    recipe = DRAFTS["model"]().recipe(version) | {"ComponentName": name}
    with pytest.raises(ConfigError, match=said):
        check_recipe(recipe)


def test_a_recipe_that_is_too_large_is_refused_by_what_reads_it() -> None:
    def recipe(length: int) -> dict[str, Any]:
        configuration = default_configuration(Config()) | {"ImageDirectory": "/" + "x" * length}
        return runtime_draft(NAME, runtime_program(configuration), uri_of).recipe("1.0.0")

    check_recipe(recipe(4000))
    with pytest.raises(ConfigError, match=r"more than 8,196"):
        check_recipe(recipe(7000))
    room = 8196 - len(render(recipe(0), "json")) - 120  # the cloud adds a digest
    check_recipe(recipe(room))
    with pytest.raises(ConfigError, match=r"8,197 bytes, more than 8,196"):
        check_recipe(recipe(room + 1))
    check_recipe(recipe(7000), lite=False)
    with pytest.raises(ConfigError, match=r"more than 16,000"):
        check_recipe(recipe(16_000), lite=False)


@pytest.mark.parametrize("uri", ["s3://my.bucket/a/runtime.zip", "s3://bucket/it's/runtime.zip", "s3://bucket/a b"])
def test_addresses_that_nucleus_lite_cannot_fetch(uri: str) -> None:
    recipe = model_draft(NAME, bundle_file(), lambda *_: uri).recipe("1.0.0")
    with pytest.raises(ConfigError, match="nucleus lite cannot fetch"):
        check_recipe(recipe)
    check_recipe(recipe, lite=False)
    with pytest.raises(ConfigError, match="no address"):
        check_recipe(model_draft(NAME, bundle_file(), lambda *_: "https://x/y").recipe("1.0.0"))
    with pytest.raises(ConfigError, match="no address"):
        check_recipe(model_draft(NAME, bundle_file(), lambda *_: f"s3://b/{'k' * 1018}").recipe("1.0.0"))


@pytest.mark.parametrize("key", ["a/../b", "./b", "..", "a//b", "a/"])
def test_addresses_that_are_shortened_on_the_way(key: str) -> None:
    recipe = model_draft(NAME, bundle_file(), lambda *_: f"s3://bucket/{key}").recipe("1.0.0")
    for lite in (True, False):
        with pytest.raises(ConfigError, match="devices cannot fetch"):
            check_recipe(recipe, lite=lite)


def test_both_forms_say_the_same_in_the_same_order() -> None:
    recipe = DRAFTS["single"]().recipe("1.0.0")
    as_json, as_yaml = render(recipe, "json"), render(recipe, "yaml")
    assert json.loads(as_json) == recipe == yaml.safe_load(as_yaml)
    order = re.findall(r"^(\w+):", as_yaml.decode(), flags=re.MULTILINE)
    assert order == list(json.loads(as_json)) == list(recipe)
    assert order[:3] == ["RecipeFormatVersion", "ComponentName", "ComponentVersion"]


def test_another_program_gets_another_folder_on_the_device() -> None:
    first = runtime_program()
    second = RuntimePart("cd" * 32, 5, first.configuration, 1, "1", 60)
    scripts = [script(runtime_draft(NAME, part, uri_of).recipe("1.0.0"), "install") for part in (first, second)]
    assert scripts[0] != scripts[1]
