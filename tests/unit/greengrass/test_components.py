"""Drafts of components: tags, digests, and a program that is used again from a published recipe."""

import base64
import copy
import json
import subprocess
import sys
from dataclasses import replace
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError, ModelContractError
from actorrec.greengrass.components import model_draft, runtime_draft, runtime_part_of, single_draft
from actorrec.greengrass.drafts import ComponentDraft
from actorrec.greengrass.recipe import default_configuration
from actorrec.manifests.component import (
    BUNDLE_TAG,
    CREATED_TAG,
    MACHINE_TAG,
    PREPROCESS_TAG,
    ROLE_TAG,
    RUNTIME_TAG,
    SCHEMA_TAG,
)
from drafted import NAME, bundle_file, runtime_program, uri_of


def published(draft: ComponentDraft, version: str = "1.0.0") -> dict[str, Any]:
    """The recipe as the cloud gives it back: with digests."""
    recipe = json.loads(json.dumps(draft.recipe(version)))
    for artifact, listed in zip(draft.artifacts, recipe["Manifests"][0]["Artifacts"], strict=True):
        listed |= {"Digest": artifact.digest, "Algorithm": "SHA-256"}
    return recipe


def test_tags_say_what_a_version_is() -> None:
    bundle = bundle_file()
    runtime = runtime_draft(NAME, runtime_program(), uri_of)
    assert runtime.tags == {ROLE_TAG: "runtime", RUNTIME_TAG: "ab" * 32, SCHEMA_TAG: "1", PREPROCESS_TAG: "1"}
    model = model_draft(NAME, bundle, uri_of)
    assert model.tags == {
        ROLE_TAG: "model",
        BUNDLE_TAG: bundle.sha256,
        SCHEMA_TAG: "1",
        PREPROCESS_TAG: "1",
        CREATED_TAG: "2026-01-02T00:00:00+00:00",
    }
    single = single_draft(NAME, runtime_program(), bundle, uri_of)
    assert single.tags == {**model.tags, **runtime.tags, ROLE_TAG: "single"}
    for draft in (runtime, model, single):  # what the service takes as a tag
        assert all(len(key) <= 128 and len(value) <= 256 for key, value in draft.tags.items())


def test_a_program_with_its_wheels_says_the_machine_that_they_are_for() -> None:
    live = single_draft(NAME, replace(runtime_program(), machine="aarch64"), bundle_file(), uri_of)
    assert live.tags[MACHINE_TAG] == "aarch64"
    assert runtime_part_of(published(live), dict(live.tags)).machine == "aarch64"


def test_the_digest_is_said_as_devices_say_it() -> None:
    (artifact,) = model_draft(NAME, bundle_file("00" * 31 + "ff"), uri_of).artifacts
    assert base64.b64decode(artifact.digest) == bytes(31) + b"\xff"


def test_files_lie_where_their_own_component_has_them_so_nothing_is_sent_twice() -> None:
    runtime = runtime_draft(NAME, runtime_program(), uri_of)
    model = model_draft(NAME, bundle_file(), uri_of)
    single = single_draft(NAME, runtime_program(), bundle_file(), uri_of)
    assert [a.uri for a in single.artifacts] == [runtime.artifacts[0].uri, model.artifacts[0].uri]
    assert runtime.artifacts[0].uri.endswith(f"/{NAME}/{'ab' * 8}/runtime.zip")
    assert model.artifacts[0].uri.endswith(f"/{NAME}.Model/{'12' * 8}/bundle.zip")


def test_a_new_model_goes_with_the_program_that_is_live() -> None:
    live = single_draft(NAME, runtime_program(), bundle_file(), uri_of)
    part = runtime_part_of(published(live), dict(live.tags))
    assert part.path is None
    new = single_draft(NAME, part, bundle_file("34" * 32), lambda *parts: uri_of(*parts).replace("my-", "other-"))
    assert new.artifacts[0].uri == live.artifacts[0].uri  # stays where it is
    assert "other-bucket" in new.artifacts[1].uri
    assert new.content_digest != live.content_digest
    again = single_draft(NAME, part, bundle_file(), uri_of)
    assert again.content_digest == live.content_digest
    assert again.recipe("1.0.1")["Manifests"] == live.recipe("1.0.1")["Manifests"]


def test_the_program_of_a_runtime_component_serves_as_well() -> None:
    live = runtime_draft(NAME, runtime_program(default_configuration(Config()) | {"Shadow": "previous"}), uri_of)
    part = runtime_part_of(published(live), dict(live.tags))
    assert part.configuration["Shadow"] == "previous"
    assert "accessControl" not in part.configuration
    assert (part.sha256, part.card_schema, part.preprocess, part.install_timeout_s) == ("ab" * 32, 1, "1", 1234)


@pytest.mark.parametrize("name", [f"{NAME}.Model", "com.example.model"])
def test_no_program_has_the_name_of_a_model(name: str) -> None:
    with pytest.raises(ConfigError, match=r"names in \.Model are those of models") as told:
        runtime_draft(name, runtime_program(), uri_of)
    assert f"({name[:-6]})" in told.value.hint
    with pytest.raises(ConfigError, match="are those of models"):
        single_draft(name, runtime_program(), bundle_file(), uri_of)


def test_what_is_not_ours_is_refused() -> None:
    live = single_draft(NAME, runtime_program(), bundle_file(), uri_of)
    recipe, tags = published(live), dict(live.tags)
    other = copy.deepcopy(recipe)
    other["Manifests"][0]["Artifacts"][0]["Digest"] = base64.b64encode(bytes(32)).decode()
    unreadable = copy.deepcopy(recipe)
    unreadable["Manifests"][0]["Artifacts"][0]["Digest"] = "not base64"
    for spoilt, its_tags in (
        (other, tags),
        (unreadable, tags),
        (recipe, {}),
        (recipe, tags | {SCHEMA_TAG: "one"}),
        (published(model_draft(NAME, bundle_file(), uri_of)), tags),
        ({"ComponentName": "com.example.Other", "Manifests": []}, tags),
        ({}, tags),
    ):
        with pytest.raises(ModelContractError, match=r"has no program|another|not the one"):
            runtime_part_of(spoilt, its_tags)


def test_the_cloud_can_draft_components_without_anything_heavy() -> None:
    heavy = {"numpy", "cv2", "tensorflow", "ai_edge_litert", "packaging", "PIL", "boto3"}
    code = "import sys, actorrec.greengrass.components; print('|'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120)
    modules = {name.partition(".")[0] for name in done.stdout.strip().split("|")}
    assert "pydantic" in modules
    assert not modules & heavy
