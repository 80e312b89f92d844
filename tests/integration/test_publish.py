"""Bundles published as components, on servers that imitate AWS: once, again, interrupted, and by two at once."""

import hashlib
import json
import threading
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("moto")

from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.uri import open_store
from actorrec.aws.places import CloudPlace
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ActorRecError, ArtifactError, ConfigError, RemoteError
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.drafts import ArtifactDraft, ComponentDraft
from actorrec.greengrass.known_versions import look_up
from actorrec.greengrass.publish import Publishing, artifact_uris, execute, held_artifacts, refuse_unreachable
from actorrec.greengrass.publish_plan import DELETED, PublishPlan, plan_publish
from actorrec.manifests.base import ProducedBy
from actorrec.manifests.component import CONTENT_TAG, ComponentManifest
from actorrec.progress import SilentProgress
from greengrass_server import BUSY, DENIED, THROTTLED, Greengrass, greengrass
from s3_servers import client as s3_client
from s3_servers import new_bucket

__all__ = ["greengrass"]
NAME = "com.example.ActorRecognizer"
ENVIRON = {"ACTORREC_GREENGRASS__POLL_S": "0.001", "ACTORREC_AWS__ATTEMPTS": "2", "COLUMNS": "200"}


class Desk:
    """A local store, an empty bucket, two small files, and the settings that lead to them."""

    def __init__(self, service: Greengrass, folder: Path) -> None:
        self.service, self.folder, self.bucket = service, folder, new_bucket(service.aws_url)
        self.store: ArtifactStore = LocalStore(folder / "store")
        self.config = Config.model_validate(
            {
                "aws": {"endpoint_url": service.aws_url, "attempts": 2, "cache_dir": str(folder / "cache")},
                "remote": {"bucket": self.bucket, "prefix": "a/b"},
                "greengrass": {"poll_s": 0.001},
            }
        )
        self.calls = ComponentCalls(AwsSession(self.config.aws), 0.001)

    def draft(self, content: str, role: Any = "model", **body: Any) -> ComponentDraft:
        name = NAME + ".Model" * (role == "model")
        path = self.folder / f"{role}-{hashlib.sha256(content.encode()).hexdigest()[:8]}.zip"
        path.write_text(content)
        sha256 = hashlib.sha256(content.encode()).hexdigest()
        uri = artifact_uris(self.config)(name, sha256, "bundle.zip")
        artifact = ArtifactDraft("bundle.zip", uri, sha256, len(content), path)
        manifest = {
            "Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {},
            "Artifacts": [{"Uri": uri, "Unarchive": "NONE", "Permission": {"Read": "OWNER", "Execute": "NONE"}}],
        }  # fmt: skip
        return ComponentDraft(
            name, role, "own", (artifact,), {"Manifests": [manifest], **body}, {"actorrec-role": role}
        )

    def both(self, model: str = "model 1") -> tuple[ComponentDraft, ComponentDraft]:
        return self.draft(model), self.draft("program", "runtime")

    def plan(self, drafts: Sequence[ComponentDraft], version: str = "auto") -> PublishPlan:
        known = look_up(self.calls, drafts, self.store, version)
        plan = plan_publish(drafts, known, version=version)
        return plan_publish(drafts, known, version=version, held=held_artifacts(plan, self.target))

    @cached_property
    def target(self) -> ArtifactStore:
        return open_store(CloudPlace.of(self.config).store_uri, self.config.aws)

    def at(self, calls: ComponentCalls | None = None, store: ArtifactStore | None = None) -> Publishing:
        inputs = {"bundle/b0b0b0b0b0b0b0b0": "0" * 64}
        store = store or self.store
        return Publishing(calls or self.calls, self.target, store, SilentProgress(), inputs, ProducedBy())

    def publish(self, *drafts: ComponentDraft, version: str = "auto") -> list[str]:
        return [f"{m.name} {m.version}" for m in execute(self.plan(drafts, version), self.at())]

    def objects(self) -> dict[str, Any]:
        answer = s3_client(self.service.aws_url).list_objects_v2(Bucket=self.bucket)
        return {each["Key"]: each["LastModified"] for each in answer.get("Contents", ())}


@pytest.fixture
def desk(greengrass: Greengrass, tmp_path: Path) -> Desk:
    return Desk(greengrass, tmp_path)


def test_what_is_published_is_there_and_on_record(desk: Desk) -> None:
    model, runtime = desk.both()
    assert desk.publish(runtime, model) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.0"], "the model is there first"
    for draft in (model, runtime):
        version = desk.service.components[desk.calls.account.arn(draft.name, "1.0.0")]
        assert version.status["componentState"] == "DEPLOYABLE"
        (listed,) = version.recipe["Manifests"][0]["Artifacts"]
        assert listed["Digest"] == draft.artifacts[0].digest
        assert version.tags == {**draft.tags, CONTENT_TAG: draft.content_digest}
    records = {each.role: each for each in manifests(desk.store, ComponentManifest)}
    assert records["model"].inputs == {"bundle/b0b0b0b0b0b0b0b0": "0" * 64} and not records["runtime"].inputs
    assert records["model"].arn == desk.calls.account.arn(model.name, "1.0.0")
    assert json.loads(desk.store.read_bytes(f"{records['model'].ref}/recipe.json")) == model.recipe("1.0.0")
    assert set(desk.objects()) == {
        a.uri.removeprefix(f"s3://{desk.bucket}/") for d in (model, runtime) for a in d.artifacts
    }


def test_the_same_again_sends_and_makes_nothing(desk: Desk) -> None:
    desk.publish(*desk.both())
    before, asked = desk.objects(), len(desk.service.components)
    plan = desk.plan(desk.both())
    assert not plan.changes and [action.verb for action in plan.actions] == ["reuse", "reuse"]
    assert desk.publish(*desk.both()) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.0"]
    assert desk.objects() == before and len(desk.service.components) == asked
    assert len(list(manifests(desk.store, ComponentManifest))) == 2


def test_a_new_model_is_a_new_model_component_alone(desk: Desk) -> None:
    desk.publish(*desk.both())
    assert desk.publish(*desk.both("model 2")) == [f"{NAME}.Model 1.0.1", f"{NAME} 1.0.0"]
    assert desk.publish(*desk.both("model 3"), version="2.0.0") == [f"{NAME}.Model 2.0.0", f"{NAME} 1.0.0"]
    asked = desk.service.count("DescribeComponent")
    assert desk.publish(*desk.both("model 1")) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.0"], "it is there"
    assert desk.service.count("DescribeComponent") - asked == 4, "what the store remembers as others is not asked about"


def test_another_desk_finds_what_is_there_and_records_it(desk: Desk) -> None:
    desk.publish(*desk.both())
    desk.store = LocalStore(desk.folder / "another")
    assert desk.publish(*desk.both()) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.0"]
    assert len(list(manifests(desk.store, ComponentManifest))) == 2 and len(desk.service.components) == 2


def test_a_version_that_is_there_is_never_made_anew(desk: Desk) -> None:
    desk.publish(desk.draft("model 1"), version="1.2.3")
    assert desk.publish(desk.draft("model 1"), version="1.2.3") == [f"{NAME}.Model 1.2.3"]
    before = desk.objects()
    with pytest.raises(ConfigError, match=r"Model 1\.2\.3 is already there with other content"):
        desk.publish(desk.draft("model 2"), version="1.2.3")
    desk.service.component(f"{NAME}.Model", "4.0.0")  # somebody else's, without our tags
    with pytest.raises(ConfigError, match="other content"):
        desk.publish(desk.draft("model 2"), version="4.0.0")
    assert desk.objects() == before and desk.service.count("CreateComponentVersion") == 1
    assert desk.publish(desk.draft("model 2")) == [f"{NAME}.Model 4.0.1"]


def test_versions_of_another_region_are_others(desk: Desk) -> None:
    desk.publish(desk.draft("model 1"))
    desk.service.components.clear()
    assert [each.state for each in look_up(desk.calls, [desk.draft("model 1")], desk.store)] == [DELETED]
    elsewhere = desk.config.aws.model_copy(update={"region": "eu-west-1"})
    assert not look_up(ComponentCalls(AwsSession(elsewhere), 0.001), [desk.draft("model 1")], desk.store)


@pytest.mark.parametrize("state", ["FAILED", "DEPRECATED"])
def test_an_older_version_that_serves_goes_before_a_newer_one_that_does_not(desk: Desk, state: str) -> None:
    desk.publish(desk.draft("model 1"))
    (made,) = desk.service.components.values()
    newer = desk.service.component(made.name, "1.0.7", made.tags)
    desk.service.components[newer].states = [state]
    desk.store = LocalStore(desk.folder / "another")
    assert desk.publish(desk.draft("model 1")) == [f"{NAME}.Model 1.0.0"]
    with pytest.raises(RemoteError, match=rf"Model 1\.0\.7 is {state}: ") as told:
        desk.calls.wait(made.name, "1.0.7", SilentProgress(), patience_s=0.0)
    assert "the next version is made" in told.value.hint


def test_a_reason_is_told_without_secrets(desk: Desk) -> None:
    desk.publish(desk.draft("model 1"))
    (made,) = desk.service.components.values()
    made.states, made.errors = ["FAILED"], {"artifact": "denied to AKIAABCDEFGHIJKLMNOP"}
    with pytest.raises(RemoteError, match=r"is FAILED: .*artifact: denied to \[hidden\]"):
        desk.calls.wait(made.name, "1.0.0", SilentProgress())


def test_a_version_that_was_deleted_is_not_used_again(desk: Desk) -> None:
    desk.publish(desk.draft("model 1"))
    desk.service.components.clear()
    assert desk.publish(desk.draft("model 1")) == [f"{NAME}.Model 1.0.1"]
    with pytest.raises(ConfigError, match=r"1\.0\.0 was published before, and is deleted"):
        desk.publish(desk.draft("model 1"), version="1.0.0")


def test_many_versions_are_listed_page_by_page(desk: Desk) -> None:
    for number in range(130):
        desk.service.component(f"{NAME}.Model", f"1.0.{number}")
    assert desk.publish(desk.draft("model 1")) == [f"{NAME}.Model 1.0.130"]
    assert desk.service.count("ListComponentVersions") == 2


@pytest.mark.parametrize("step", ["upload", "CreateComponentVersion", "DescribeComponent", "GetComponent"])
def test_broken_off_on_the_way_it_goes_on(desk: Desk, step: str) -> None:
    if step == "upload":
        desk.target.put_file(f"components/{NAME}/left", desk.draft("program", "runtime").artifacts[0].path)  # type: ignore[arg-type]
        plan = desk.plan(desk.both())
        name = plan.uploads[0].uri.removeprefix(f"{desk.target.uri}/")
        desk.target.put_bytes(name, b"half of it")
    else:
        desk.service.refuse(step, *BUSY, times=2)
        with pytest.raises(RemoteError):
            desk.publish(*desk.both())
    assert desk.publish(*desk.both()) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.0"]
    assert len(desk.service.components) == 2
    assert len(list(manifests(desk.store, ComponentManifest))) == 2


def test_a_store_that_takes_no_record_leaves_a_word_of_what_was_made(desk: Desk) -> None:
    plan = desk.plan(desk.both())
    (desk.folder / "file").write_text("no folder")
    with pytest.raises(ArtifactError, match=rf"{NAME}\.Model 1\.0\.0 and {NAME} 1\.0\.0 were made, and stay\)"):
        execute(plan, desk.at(store=LocalStore(desk.folder / "file")))
    assert desk.publish(*desk.both()) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.0"]


@pytest.mark.parametrize("prefix", ["ota", "events/of-ours", "bundle", "jobs"])
def test_components_lie_where_nothing_else_does(desk: Desk, prefix: str) -> None:
    cloud = desk.config.cloud.model_copy(update={"component_prefix": prefix})
    with pytest.raises(ConfigError, match=f"component_prefix '{prefix}' is where a store keeps its own files"):
        artifact_uris(desk.config.model_copy(update={"cloud": cloud}))


def test_a_region_that_is_set_to_nothing_is_told(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("AWS_REGION", "AWS_DEFAULT_REGION"):
        monkeypatch.setenv(name, "")
    with pytest.raises(ConfigError, match="no AWS region is set"):
        refuse_unreachable(ComponentCalls(AwsSession(desk.config.aws), 0.001), desk.config)


def test_two_at_once_end_with_one_version(desk: Desk) -> None:
    """Both have looked, and both found nothing."""
    plans = [desk.plan(desk.both()) for _ in range(4)]
    done: list[list[str]] = []

    def work(number: int) -> None:
        calls = ComponentCalls(AwsSession(desk.config.aws), 0.001)
        store = LocalStore(desk.folder / f"store-{number}")
        done.append([m.version for m in execute(plans[number], desk.at(calls, store))])

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert done == [["1.0.0", "1.0.0"]] * 4
    assert len(desk.service.components) == 2


def test_two_models_at_once_get_two_versions(desk: Desk) -> None:
    first, second = desk.plan([desk.draft("model 1")]), desk.plan([desk.draft("model 2")])
    assert [v.version for v in (*first.versions, *second.versions)] == ["1.0.0", "1.0.0"]
    assert [m.version for m in execute(first, desk.at())] == ["1.0.0"]
    assert [m.version for m in execute(second, desk.at())] == ["1.0.1"]
    both = desk.plan(desk.both("model 5"), "3.0.0")
    execute(desk.plan([desk.draft("another program", "runtime")], "3.0.0"), desk.at())
    with pytest.raises(ConfigError, match=rf"{NAME} 3\.0\.0 is .* \({NAME}\.Model 3\.0\.0 was made, and stays\)"):
        execute(both, desk.at())
    third, fourth = desk.plan([desk.draft("model 3")], "2.0.0"), desk.plan([desk.draft("model 4")], "2.0.0")
    execute(third, desk.at())
    with pytest.raises(ConfigError, match="other content"):
        execute(fourth, desk.at())


def test_a_version_that_failed_is_told_with_its_reason_and_the_next_one_is_made(desk: Desk) -> None:
    plan = desk.plan(desk.both())
    desk.publish(plan.versions[0].draft)
    uri = plan.uploads[1].uri
    execute(replace(plan, versions=plan.versions[:1]), desk.at())
    s3_client(desk.service.aws_url).delete_object(Bucket=desk.bucket, Key=uri.removeprefix(f"s3://{desk.bucket}/"))
    late = replace(plan, actions=tuple(a for a in plan.actions if a.verb != "upload"))
    with pytest.raises(
        RemoteError, match=rf"{NAME} 1\.0\.0 is FAILED: .*NoSuchKey.*\({NAME}\.Model 1\.0\.0 was made, and stays\)"
    ):
        execute(late, desk.at())
    assert desk.publish(*desk.both()) == [f"{NAME}.Model 1.0.0", f"{NAME} 1.0.1"]


def test_a_file_that_is_swapped_on_the_way_is_noticed(desk: Desk) -> None:
    plan = desk.plan([desk.draft("model 1")])
    (artifact,) = plan.uploads
    assert artifact.path is not None
    artifact.path.write_text("another")
    with pytest.raises(ArtifactError, match="changed after the plan was made"):
        execute(plan, desk.at())
    assert not desk.objects() and not desk.service.components
    artifact.path.write_text("model 1")
    late = replace(plan, actions=tuple(a for a in plan.actions if a.verb != "upload"))
    desk.target.put_bytes(artifact.uri.removeprefix(f"{desk.target.uri}/"), b"of somebody else")
    with pytest.raises(RemoteError, match="was another file when Greengrass made"):
        execute(late, desk.at())
    assert not list(manifests(desk.store, ComponentManifest))


def test_what_stays_in_the_making_ends_with_a_word(desk: Desk) -> None:
    desk.service.world.component_steps = ("REQUESTED",)
    calls = ComponentCalls(AwsSession(desk.config.aws), 0.001)
    (planned,) = desk.plan([desk.draft("model 1")]).versions
    desk.target.put_bytes(planned.draft.artifacts[0].uri.removeprefix(f"{desk.target.uri}/"), b"model 1")
    assert calls.create(planned.draft.name, "1.0.0", planned.recipe, planned.tags, "token-1")
    with pytest.raises(RemoteError, match=r"is still REQUESTED after 0 s") as told:
        calls.wait(planned.draft.name, "1.0.0", SilentProgress(), patience_s=0.01)
    assert "run it again" in told.value.hint


@pytest.mark.parametrize(
    ("refusal", "said"),
    [
        (THROTTLED, "asks to slow down, and still did after every retry"),
        (DENIED, "you are not allowed|is denied"),
        (("ValidationException", "Invalid recipe: AKIAABCDEFGHIJKLMNOP"), r"Invalid recipe: \[hidden\]"),
        (("ServiceQuotaExceededException", "Too many versions"), "Greengrass refuses it: Too many versions"),
    ],
)
def test_refusals_are_told_in_a_line(desk: Desk, refusal: tuple[str, str], said: str) -> None:
    desk.service.refuse("CreateComponentVersion", *refusal, times=9)
    with pytest.raises(ActorRecError, match=said) as told:
        desk.publish(desk.draft("model 1"))
    assert told.value.exit_code == 3 and told.value.hint and "AKIA" not in told.value.in_full
    assert not desk.service.components


def test_a_bucket_in_another_region_is_refused_before_anything(desk: Desk) -> None:
    bucket = f"{desk.bucket}-elsewhere"
    s3_client(desk.service.aws_url).create_bucket(
        Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"}
    )
    refuse_unreachable(desk.calls, desk.config)
    elsewhere = desk.config.model_copy(update={"remote": desk.config.remote.model_copy(update={"bucket": bucket})})
    with pytest.raises(ConfigError, match="is in eu-west-1, the components would be in us-east-1"):
        refuse_unreachable(desk.calls, elsewhere)
    gone = desk.config.model_copy(
        update={"remote": desk.config.remote.model_copy(update={"bucket": "no-such-bucket-x"})}
    )
    with pytest.raises(RemoteError, match="no bucket 'no-such-bucket-x'"):
        refuse_unreachable(desk.calls, gone)
