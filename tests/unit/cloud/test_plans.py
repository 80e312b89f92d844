"""What is going to happen to a stack, without any network."""

from dataclasses import replace
from typing import Any

import pytest

from actorrec.cloud.changes import updated
from actorrec.cloud.comparison import differences
from actorrec.cloud.plans import BUCKET, STACK, plan_delete_bucket, plan_destroy, plan_init
from actorrec.cloud.settings import StackSettings
from actorrec.cloud.state import StackResource, StackState, state_of
from actorrec.cloud.template import template_text
from actorrec.config import Config
from actorrec.errors import ConfigError, RemoteError
from actorrec.sections import PLACEHOLDER_BUCKET

ROLE = "arn:aws:iam::123456789012:role/actorrec-SageMakerRole-1"


def settings(bucket: str = PLACEHOLDER_BUCKET, prefix: str = "actorrec", **more: Any) -> StackSettings:
    existing = more.pop("existing_bucket", False)
    return StackSettings.of(Config.model_validate(more), bucket, prefix, existing_bucket=existing)


def state(status: str = "CREATE_COMPLETE", **more: Any) -> StackState:
    answer: dict[str, Any] = {"StackName": "actorrec", "StackId": "arn:stack", "StackStatus": status}
    parameters = more.pop("parameters", settings("my-bucket").parameters())
    outputs = more.pop("outputs", {"BucketName": "my-bucket", "RoleArn": ROLE})
    answer["Parameters"] = [{"ParameterKey": k, "ParameterValue": v} for k, v in parameters.items()]
    answer["Outputs"] = [{"OutputKey": k, "OutputValue": v} for k, v in outputs.items()]
    return state_of(answer | more)


def test_a_new_stack_is_planned_from_the_template_alone() -> None:
    actions = plan_init(settings(), template_text())
    assert {action.verb for action in actions} == {"create"}
    assert [action.name for action in actions][:3] == ["Bucket", "BucketPolicy", "SageMakerRole"]
    assert len(actions) == 10 and all(action.why for action in actions)
    named = plan_init(settings("my-bucket"), template_text())
    assert named[0].why.endswith("(my-bucket)") and named[1:] == actions[1:]


def test_a_bucket_that_is_there_is_not_planned() -> None:
    actions = plan_init(settings("my-bucket", existing_bucket=True), template_text())
    assert not {"Bucket", "BucketPolicy"} & {action.name for action in actions} and len(actions) == 8


def test_a_bucket_that_is_there_must_have_a_name() -> None:
    with pytest.raises(ConfigError, match="needs the bucket's name"):
        settings(existing_bucket=True)


@pytest.mark.parametrize("prefix", ["", "a//b", "*", "faces/*", "a?b", "${aws:username}", "a b", "/a"])
def test_roles_are_bound_to_no_prefix_that_means_more_than_it_says(prefix: str) -> None:
    with pytest.raises(ConfigError, match="cannot be bound to the prefix"):
        settings("my-bucket", prefix)


@pytest.mark.parametrize("key", ["alias/mine", "0f0f-0f", "*"])
def test_a_key_must_be_given_by_its_arn(key: str) -> None:
    with pytest.raises(ConfigError, match=r"aws\.kms_key") as caught:
        settings(aws={"kms_key": key})
    assert "describe-key" in caught.value.hint


def test_an_update_keeps_the_bucket_that_was_made_up() -> None:
    made_up = state(parameters=settings().parameters(), outputs={"BucketName": "actorrec-bucket-1"})
    for bucket in (PLACEHOLDER_BUCKET, "actorrec-bucket-1"):  # before and after --write-config
        assert updated(settings(bucket), made_up).parameters() == settings().parameters()


def test_an_update_keeps_a_bucket_that_was_there() -> None:
    there = settings("my-bucket", existing_bucket=True)
    kept = updated(settings("my-bucket"), state(parameters=there.parameters()))
    assert kept.existing_bucket and kept.parameters() == there.parameters()


def test_a_stack_does_not_change_its_bucket() -> None:
    with pytest.raises(ConfigError, match="has the bucket 'my-bucket', your settings say 'other'"):
        updated(settings("other"), state())
    with pytest.raises(ConfigError, match="made its bucket itself"):
        updated(settings("my-bucket", existing_bucket=True), state())


def resources(*names: str) -> tuple[Any, ...]:
    from actorrec.cloud.state import StackResource

    return tuple(StackResource(name, f"AWS::{name}", f"my-{name.lower()}", "CREATE_COMPLETE") for name in names)


def with_resources(of: StackState, *names: str) -> StackState:
    from dataclasses import replace

    return replace(of, resources=resources(*names))


def test_destroying_keeps_the_bucket() -> None:
    actions = plan_destroy(with_resources(state(), "Bucket", "SageMakerRole"), delete_data=False)
    assert [(a.verb, a.name) for a in actions] == [
        ("remove", "actorrec"), ("remove", "my-sagemakerrole"), ("keep", "my-bucket"),
    ]  # fmt: skip
    assert actions[0].type == STACK and "--delete-data" in actions[-1].why


def test_data_goes_first_and_the_bucket_last() -> None:
    actions = plan_destroy(with_resources(state(), "Bucket", "SageMakerRole"), delete_data=True)
    assert [(a.verb, a.name) for a in actions] == [
        ("empty", "my-bucket"), ("remove", "actorrec"), ("remove", "my-sagemakerrole"), ("remove", "my-bucket"),
    ]  # fmt: skip
    assert (actions[0], actions[-1]) == plan_delete_bucket("my-bucket") and actions[-1].type == BUCKET


def test_a_bucket_that_the_stack_did_not_make_is_never_deleted() -> None:
    there = state(parameters=settings("my-bucket", existing_bucket=True).parameters())
    assert plan_destroy(there, delete_data=False)[-1].verb == "keep"
    with pytest.raises(ConfigError, match="did not make the bucket 'my-bucket'"):
        plan_destroy(there, delete_data=True)


def test_a_stack_that_never_had_anything_is_just_removed() -> None:
    empty = state("REVIEW_IN_PROGRESS", parameters={}, outputs={})
    assert not empty.exists and not empty.busy
    assert [(a.verb, a.type) for a in plan_destroy(empty, delete_data=True)] == [("remove", STACK)]


@pytest.mark.parametrize(
    ("status", "busy", "leftover", "sound"),
    [
        ("CREATE_COMPLETE", False, False, True),
        ("UPDATE_ROLLBACK_COMPLETE", False, False, True),
        ("UPDATE_IN_PROGRESS", True, False, False),
        ("UPDATE_COMPLETE_CLEANUP_IN_PROGRESS", True, False, False),
        ("ROLLBACK_COMPLETE", False, True, False),
        ("DELETE_FAILED", False, True, False),
        ("UPDATE_ROLLBACK_FAILED", False, False, False),
    ],
)
def test_what_a_status_means(status: str, busy: bool, leftover: bool, sound: bool) -> None:
    it = state(status)
    assert (it.busy, it.leftover, it.sound) == (busy, leftover, sound)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("BucketName", ""),
        ("BucketName", "my-bucket\nrole: x"),
        ("BucketName", "\x1b[31mmine"),
        ("RoleArn", "arn:aws:iam::123456789012:role/x\n"),
        ("RoleArn", "https://example.org/?X-Amz-Signature=abc"),
    ],
)
def test_an_output_that_cannot_be_goes_into_no_settings(key: str, value: str) -> None:
    with pytest.raises(RemoteError, match=f"no usable output {key}"):
        state(outputs={key: value}).output(key)


def test_a_reason_is_shown_without_secrets() -> None:
    it = state(StackStatusReason="see https://x.org/a?X-Amz-Signature=abc\n\x1b[2Jnow")
    assert it.reason == "see https://x.org/a?[hidden] now"


def test_settings_that_differ_are_named() -> None:
    config = Config.model_validate({"remote": {"bucket": "my-bucket", "role": ROLE}})
    assert differences(config, settings("my-bucket"), state()) == ()
    other = Config.model_validate({"remote": {"bucket": "my-bucket"}, "cloud": {"thing_group": "cams"}})
    found = differences(other, StackSettings.of(other, "my-bucket", "actorrec"), state())
    assert [(d.setting, d.stack) for d in found] == [("remote.role", ROLE), ("cloud.thing_group", "pis")]


def test_what_a_killed_init_left_is_nobody_else_s_stack() -> None:
    assert not state("REVIEW_IN_PROGRESS", parameters={}, outputs={}).foreign
    assert state(parameters={"Theirs": "x"}).foreign and not state().foreign


def test_the_policy_of_a_bucket_that_is_kept_is_kept() -> None:
    names = {"Bucket": "my-bucket", "BucketPolicy": "my-bucket", "SageMakerRole": "role-1"}
    held = tuple(StackResource(name, "AWS::…", physical, "CREATE_COMPLETE") for name, physical in names.items())
    actions = plan_destroy(replace(state(), resources=held), delete_data=False)
    told = [(action.verb, action.name) for action in actions]
    assert told == [("remove", "actorrec"), ("remove", "role-1"), ("keep", "my-bucket")]
