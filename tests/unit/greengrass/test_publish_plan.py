"""Versions, and what it takes to publish them: pure decisions, by hand."""

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from actorrec.errors import ConfigError
from actorrec.greengrass.drafts import ArtifactDraft, ComponentDraft
from actorrec.greengrass.names import next_version, parse_version
from actorrec.greengrass.publish_plan import DELETED, KnownVersion, PublishPlan, plan_publish
from actorrec.manifests.component import CONTENT_TAG

NAME = "com.example.A"


def draft(role: Any = "model", content: str = "a", *, name: str = "", here: bool = True, **body: Any) -> ComponentDraft:
    sha256 = content * 64
    uri = f"s3://bucket-1/x/{role}/{sha256[:16]}/bundle.zip"
    artifact = ArtifactDraft("bundle.zip", uri, sha256, 7, Path("bundle.zip") if here else None)
    listed = {"Uri": uri, "Unarchive": "NONE", "Permission": {"Read": "OWNER", "Execute": "NONE"}}
    manifest = {"Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {}, "Artifacts": [listed]}
    name = name or NAME + ".Model" * (role == "model")
    return ComponentDraft(name, role, "own", (artifact,), {**body, "Manifests": [manifest]}, {"actorrec-role": role})


def known(of: ComponentDraft, version: str, state: str = "DEPLOYABLE", content: str | None = None) -> KnownVersion:
    return KnownVersion(of.name, version, of.content_digest if content is None else content, state)


def told(plan: PublishPlan) -> list[tuple[str, str]]:
    return [(action.verb, action.what) for action in plan.actions]


def test_nothing_makes_an_empty_plan() -> None:
    plan = plan_publish([], [])
    assert plan.as_json() == {"components": [], "actions": []} and not plan.changes and not plan.uploads


def test_a_first_publication_uploads_and_creates_the_model_before_the_runtime() -> None:
    model, runtime = draft(), draft("runtime", "b")
    plan = plan_publish([runtime, model], [])
    assert told(plan) == [
        ("upload", model.artifacts[0].uri), ("create", f"{NAME}.Model 1.0.0"),
        ("upload", runtime.artifacts[0].uri), ("create", f"{NAME} 1.0.0"),
    ]  # fmt: skip
    first, _ = plan.as_json()["components"]
    assert {key: first[key] for key in ("name", "version", "recipe")} == {
        "name": f"{NAME}.Model", "version": "1.0.0", "recipe": model.recipe("1.0.0")
    }  # fmt: skip
    # SHA-256 aa…aa in base64, as a device computes it
    assert first["artifacts"][0]["digest"] == "qqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqqo="
    assert first["artifacts"][0]["path"] == "bundle.zip" and first["artifacts"][0]["uri"] == model.artifacts[0].uri
    assert json.dumps(plan.as_json())


def test_the_next_version_is_after_the_highest_whoever_made_it() -> None:
    there = [KnownVersion(f"{NAME}.Model", each) for each in ("1.0.9", "1.0.10", "0.9.99", "1.0.11-rc1", "odd")]
    assert plan_publish([draft()], there).versions[0].version == "1.0.11"
    assert plan_publish([draft()], [KnownVersion("another", "7.0.0")]).versions[0].version == "1.0.0"
    assert plan_publish([draft()], [*there, known(draft(), "3.1.4", DELETED)]).versions[0].version == "3.1.5"


def test_the_same_content_serves_again() -> None:
    of = draft()
    there = [known(of, "1.0.0"), known(of, "1.0.2"), known(of, "1.0.10", "INITIATED"), known(of, "2.0.0", content="x")]
    plan = plan_publish([of], there)
    assert told(plan) == [("reuse", f"{NAME}.Model 1.0.10")] and not plan.changes and not plan.uploads


@pytest.mark.parametrize("state", ["FAILED", "DEPRECATED", DELETED])
def test_a_version_that_came_to_nothing_does_not_serve(state: str) -> None:
    of = draft()
    assert told(plan_publish([of], [known(of, "1.0.0", state)]))[-1] == ("create", f"{NAME}.Model 1.0.1")
    with pytest.raises(ConfigError, match=r"1\.0\.0 was published before, and is") as error:
        plan_publish([of], [known(of, "1.0.0", state)], version="1.0.0")
    assert "1.0.1 or a later one" in error.value.hint


def test_a_version_that_is_asked_for() -> None:
    of = draft()
    assert told(plan_publish([of], [], version="3.0.0"))[-1] == ("create", f"{NAME}.Model 3.0.0")
    assert told(plan_publish([of], [known(of, "3.0.0")], version="3.0.0")) == [("reuse", f"{NAME}.Model 3.0.0")]
    assert told(plan_publish([of], [known(of, "1.0.0")], version="3.0.0")) == [("reuse", f"{NAME}.Model 1.0.0")]
    for content in ("x", ""):
        with pytest.raises(ConfigError, match="is already there with other content"):
            plan_publish([of], [known(of, "3.0.0", content=content)], version="3.0.0")


@pytest.mark.parametrize("version", ["1.2", "v1.2.3", "1.2.3-rc1", "01.2.3", "1.2.1000000", "", "newest"])
def test_a_malformed_version_is_refused(version: str) -> None:
    with pytest.raises(ConfigError, match=r"it is written X\.Y\.Z"):
        plan_publish([draft()], [], version=version)


def test_what_is_in_s3_already_is_kept() -> None:
    of = draft()
    assert told(plan_publish([of], [], held=[of.artifacts[0].uri]))[0] == ("keep", of.artifacts[0].uri)
    assert not plan_publish([of], [], held=[of.artifacts[0].uri]).uploads
    assert told(plan_publish([draft(here=False)], []))[0][0] == "keep"
    two = plan_publish([draft(), draft(name="com.example.B.Model")], [])
    assert [verb for verb, _ in told(two)] == ["upload", "create", "create"], "one file, sent once"
    assert len(two.uploads) == 1


def test_a_recipe_that_is_too_large_is_refused_but_one_that_is_there_is_not() -> None:
    large = draft(ComponentDescription="x" * 16_000)
    with pytest.raises(ConfigError, match=r"the recipe of com\.example\.A\.Model 1\.0\.0 would have 16,\d{3} bytes"):
        plan_publish([large], [])
    assert told(plan_publish([large], [known(large, "1.0.0")])) == [("reuse", f"{NAME}.Model 1.0.0")]


def test_recipes_are_sent_in_either_form_and_say_the_same() -> None:
    of = draft(ComponentDescription="Näme\nzwei")
    (in_json,) = plan_publish([of], []).versions
    (in_yaml,) = plan_publish([of], [], form="yaml").versions
    assert json.loads(in_json.recipe) == yaml.safe_load(in_yaml.recipe) == of.recipe("1.0.0")
    assert in_json.tags == in_yaml.tags == {"actorrec-role": "model", CONTENT_TAG: of.content_digest}
    assert list(json.loads(in_json.recipe))[:3] == ["RecipeFormatVersion", "ComponentName", "ComponentVersion"]


def test_a_model_for_awss_own_component_is_numbered_above_awss() -> None:
    of = draft("public-model")
    assert plan_publish([of], []).versions[0].version == "2.1.1000"
    assert plan_publish([of], [KnownVersion(of.name, "2.1.1004")]).versions[0].version == "2.1.1005"


def test_a_number_at_the_limit_of_the_service_is_carried() -> None:
    assert next_version(["1.0.999999", "1.0.3"]) == "1.1.0"
    assert next_version(["1.999999.999999"]) == "2.0.0"
    last = [KnownVersion(f"{NAME}.Model", "999999.999999.999999", "other")]
    with pytest.raises(ConfigError, match="is no version"):
        plan_publish([draft(name=f"{NAME}.Model")], last)


@pytest.mark.parametrize(
    "text", ["1.0", "01.0.0", "1.0.0-rc", "1.0.0\n", " 1.0.0", "v1.0.0", "1000000.0.0", "1.0.1\u0661", ""]
)
def test_what_no_component_can_have_as_a_version(text: str) -> None:
    assert parse_version(text) is None
    with pytest.raises(ConfigError, match=r"it is written X\.Y\.Z"):
        plan_publish([draft()], [], version=text)
