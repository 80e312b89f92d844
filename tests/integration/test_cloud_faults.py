"""When a stack fails: what it says, and what it leaves behind."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("boto3")

from actorrec.cli.app import app
from s3_servers import FAKE_KEYS
from sites.server import Reply, serve
from stack_faults import Story, event, of_stack, told

ROLE = "arn:aws:iam::123456789012:role/actorrec-SageMakerRole-1"
OUTPUTS = {"BucketName": "my-bucket", "RoleArn": ROLE, "StoreUri": "s3://my-bucket/actorrec"}
ADD = {"Action": "Add", "LogicalResourceId": "SageMakerRole", "ResourceType": "AWS::IAM::Role"}
CREATED = (
    (of_stack("CREATE_IN_PROGRESS", "User Initiated"), event("SageMakerRole", "AWS::IAM::Role", "CREATE_IN_PROGRESS")),
    (),
    (
        event("SageMakerRole", "AWS::IAM::Role", "CREATE_COMPLETE"),
        event("Bucket", "AWS::S3::Bucket", "CREATE_COMPLETE"),
        event("ThingGroup", "AWS::IoT::ThingGroup", "CREATE_COMPLETE"),
        of_stack("CREATE_COMPLETE"),
    ),
)
DELETED = (
    (of_stack("DELETE_IN_PROGRESS"),),
    (event("Bucket", "AWS::S3::Bucket", "DELETE_SKIPPED"), of_stack("DELETE_COMPLETE")),
)


@pytest.fixture
def story(monkeypatch: pytest.MonkeyPatch, aws_keys: None) -> Iterator[Story]:
    monkeypatch.setenv("ACTORREC_CLOUD__POLL_S", "0.001")
    monkeypatch.setenv("ACTORREC_AWS__ATTEMPTS", "1")
    with told(Story(outputs=OUTPUTS, changes=[ADD], executed=CREATED, deleted=DELETED)) as it:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", it.url)
        for service in ("S3", "IOT"):
            monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service}", "http://127.0.0.1:1")  # asked of nothing
        yield it


def run(*arguments: str) -> Result:
    done = CliRunner().invoke(app, ["cloud", *arguments], env={"COLUMNS": "400"})
    assert done.exception is None or isinstance(done.exception, SystemExit), done.exception
    assert not any(secret in done.output for secret in FAKE_KEYS.values() if "secret" in secret)
    return done


def error_of(done: Result) -> tuple[str, str]:
    """The error and its hint; nothing else may be on stderr."""
    assert done.exit_code == 3, done.output
    error, hint = [*done.stderr.splitlines(), ""][:2]
    return error.removeprefix("error: "), hint.removeprefix("hint: ")


def test_every_resource_is_told_once_in_order_though_events_come_in_pages(story: Story) -> None:
    story.thinking = 2
    done = run("init", "--yes")
    lines = [line for line in done.stdout.splitlines() if "AWS::" in line and "create  " not in line]
    assert lines == [
        "actorrec (AWS::CloudFormation::Stack) CREATE_IN_PROGRESS: User Initiated",
        "SageMakerRole (AWS::IAM::Role) CREATE_IN_PROGRESS",
        "SageMakerRole (AWS::IAM::Role) CREATE_COMPLETE",
        "Bucket (AWS::S3::Bucket) CREATE_COMPLETE",
        "ThingGroup (AWS::IoT::ThingGroup) CREATE_COMPLETE",
        "actorrec (AWS::CloudFormation::Stack) CREATE_COMPLETE",
    ]
    assert "  bucket: my-bucket" in done.stdout and f"  role: {ROLE}" in done.stdout and done.exit_code == 0


def test_a_failure_names_the_first_resource_and_the_reason_without_secrets(story: Story) -> None:
    reason = (
        "User: arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:CreateRole "
        "(key AKIAFAKEFAKEFAKEFAKE, https://x.org/a?X-Amz-Signature=abc)\n\u202e"
    )
    story.executed = (
        (of_stack("CREATE_IN_PROGRESS"),),
        (
            event("SageMakerRole", "AWS::IAM::Role", "CREATE_FAILED", reason),
            event("Bucket", "AWS::S3::Bucket", "CREATE_FAILED", "Resource creation cancelled"),
            of_stack("ROLLBACK_IN_PROGRESS", "The following resource(s) failed to create: [SageMakerRole, Bucket]."),
        ),
        (of_stack("ROLLBACK_COMPLETE"),),
    )
    done = run("init", "--yes")
    error, hint = error_of(done)
    assert error.startswith(
        "the stack 'actorrec' ended as ROLLBACK_COMPLETE: SageMakerRole (AWS::IAM::Role) CREATE_FAILED: User: "
        "arn:aws:iam::123456789012:user/ada is not authorized to perform: iam:CreateRole"
    )
    assert "AKIAFAKE" not in done.output and "X-Amz" not in done.output and "\u202e" not in done.output
    assert "`actorrec cloud init` clears the rest" in hint


@pytest.mark.parametrize("status", ["ROLLBACK_COMPLETE", "CREATE_FAILED", "DELETE_FAILED"])
def test_what_a_failed_attempt_left_is_removed_first(story: Story, status: str) -> None:
    story.status = status
    asked = run("init")
    assert asked.exit_code == 2 and "DeleteStack" not in story.asked
    done = run("init", "--yes")
    assert done.exit_code == 0, done.output
    order = [name for name in story.asked if name in ("DeleteStack", "CreateChangeSet", "ExecuteChangeSet")]
    assert order == ["DeleteStack", "CreateChangeSet", "ExecuteChangeSet"]


def test_a_failed_update_says_that_it_was_undone(story: Story) -> None:
    story.status = "UPDATE_COMPLETE"
    story.executed = (
        (event("DevicePolicy", "AWS::IoT::Policy", "UPDATE_FAILED", "versions limit exceeded"),),
        (of_stack("UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS"),),
        (of_stack("UPDATE_ROLLBACK_COMPLETE"),),
    )
    error, hint = error_of(run("init", "--yes"))
    assert "UPDATE_ROLLBACK_COMPLETE: DevicePolicy (AWS::IoT::Policy) UPDATE_FAILED: versions limit exceeded" in error
    assert hint == "the stack is again as it was"


def test_a_change_that_replaces_something_is_shown_as_one(story: Story) -> None:
    story.status, story.page_size = "CREATE_COMPLETE", 1
    modified = {"Action": "Modify", "ResourceType": "T", "Scope": ["Properties"]}
    story.changes = [
        modified | {"LogicalResourceId": "ThingGroup", "Replacement": "True"},
        modified | {"LogicalResourceId": "Bucket", "Replacement": "False"},
        modified | {"LogicalResourceId": "Alias", "Replacement": "Conditional"},
        {"Action": "Remove", "LogicalResourceId": "Old", "ResourceType": "T"},
    ]
    story.executed = ((of_stack("UPDATE_IN_PROGRESS"),), (of_stack("UPDATE_COMPLETE"),))
    actions = json.loads(run("init", "--yes", "--json").stdout)["actions"]
    assert [(a["verb"], a["name"]) for a in actions] == [
        ("replace", "ThingGroup"), ("update", "Bucket"), ("may replace", "Alias"), ("remove", "Old"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "reason", ["No updates are to be performed.", "The submitted information didn't contain changes."]
)
def test_nothing_to_change_is_no_error(story: Story, reason: str) -> None:
    story.status = "CREATE_COMPLETE"
    story.change_set = ("FAILED", reason)
    done = run("init", "--yes")
    assert done.exit_code == 0 and "nothing had to change" in done.stdout
    assert "ExecuteChangeSet" not in story.asked and story.asked.count("DeleteChangeSet") == 1


def test_a_change_set_that_fails_gives_its_reason_and_leaves_no_empty_stack(story: Story) -> None:
    story.change_set = ("FAILED", "Parameter Prefix failed to satisfy its pattern")
    error, _ = error_of(run("init", "--yes"))
    assert error.endswith("Parameter Prefix failed to satisfy its pattern")
    assert story.status is None and story.asked[-1] == "DeleteStack"


@pytest.mark.parametrize("command", [("init", "--yes"), ("destroy", "--yes")])
def test_a_stack_that_somebody_else_changes_is_left_alone(story: Story, command: tuple[str, ...]) -> None:
    story.status = "UPDATE_IN_PROGRESS"
    error, hint = error_of(run(*command))
    assert error == "the stack 'actorrec' is being changed by another command or person (UPDATE_IN_PROGRESS)"
    assert "cloud status" in hint
    assert not {"CreateChangeSet", "DeleteStack"} & set(story.asked)


@pytest.mark.parametrize("command", [("init", "--yes"), ("destroy", "--yes", "--delete-data")])
@pytest.mark.parametrize("status", ["CREATE_COMPLETE", "ROLLBACK_COMPLETE"])
def test_a_stack_of_that_name_that_is_none_of_ours_is_left_alone(
    story: Story, command: tuple[str, ...], status: str
) -> None:
    story.status, story.parameters = status, {"Environment": "production"}
    error, hint = error_of(run(*command))
    assert error == "the stack 'actorrec' is there already, and is none of actorrec's" and "cloud.stack" in hint
    assert not {"CreateChangeSet", "DeleteStack"} & set(story.asked)


def test_a_stack_that_is_stuck_says_how_to_go_on(story: Story) -> None:
    story.status, story.reason = "UPDATE_ROLLBACK_FAILED", "Role is gone"
    error, hint = error_of(run("init", "--yes"))
    assert (
        "cannot be updated: it is UPDATE_ROLLBACK_FAILED (Role is gone)" in error and "continue-update-rollback" in hint
    )


def test_a_protected_stack_is_not_deleted(story: Story) -> None:
    story.status, story.protected = "CREATE_COMPLETE", True
    error, hint = error_of(run("destroy", "--yes"))
    assert "protected" in error and "--no-enable-termination-protection --stack-name actorrec" in hint
    assert "DeleteStack" not in story.asked


def test_a_resource_that_cannot_be_deleted_is_named(story: Story) -> None:
    story.status = "CREATE_COMPLETE"
    why = "The policy cannot be deleted as the policy is attached to one or more principals"
    story.deleted = ((event("DevicePolicy", "AWS::IoT::Policy", "DELETE_FAILED", why), of_stack("DELETE_FAILED")),)
    error, hint = error_of(run("destroy", "--yes"))
    assert f"DevicePolicy (AWS::IoT::Policy) DELETE_FAILED: {why}" in error and "goes on where it was" in hint


def test_a_refused_deletion_is_an_error_though_the_stack_can_be_looked_at(story: Story) -> None:
    story.status = "CREATE_COMPLETE"
    story.refusals = {"DeleteStack": ("AccessDenied", "no", 403)}
    error, _ = error_of(run("destroy", "--yes"))
    assert error.startswith("cannot delete the stack 'actorrec'")


def test_outputs_are_shown_without_moving_the_cursor_and_never_written(story: Story, tmp_path: Any) -> None:
    story.status = "CREATE_COMPLETE"
    story.outputs = {"BucketName": "x\nremote:\n  role: y", "RoleArn": ROLE, "Note": "a\u202eb"}
    shown = run("status")
    assert shown.exit_code == 0 and "\u202e" not in shown.stdout and "\nremote:" not in shown.stdout
    story.change_set = ("FAILED", "No updates are to be performed.")
    config = tmp_path / "mine.yaml"
    error, _ = error_of(run("init", "--yes", "--write-config", str(config)))
    assert "no usable output BucketName" in error and not config.exists()


@pytest.mark.parametrize(
    ("code", "message", "said", "exit_code"),
    [
        ("AccessDenied", "User: arn:aws:iam::1:user/a is not authorized to perform: cloudformation:DescribeStacks on "
         "resource: arn:aws:cloudformation:us-east-1:1:stack/actorrec/*", "cloudformation:DescribeStacks", 3),
        ("AccessDenied", "no", "is denied", 3),
        ("ExpiredToken", "The security token included in the request is expired", "have expired", 2),
        ("InvalidClientTokenId", "AKIAFAKEFAKEFAKEFAKE is invalid", "does not accept your credentials", 2),
        ("Throttling", "Rate exceeded", "asks to slow down", 3),
    ],
)  # fmt: skip
def test_a_refusal_is_one_line(story: Story, code: str, message: str, said: str, exit_code: int) -> None:
    story.status = "CREATE_COMPLETE"
    story.refusals = {"DescribeStacks": (code, message, 403)}
    for command in (("status",), ("init", "--yes"), ("destroy", "--yes")):
        done = run(*command)
        assert done.exit_code == exit_code and said in done.stderr and len(done.stderr.splitlines()) == 2
        assert "AKIAFAKE" not in done.output


def test_a_page_that_is_no_answer_of_aws_is_one_line(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve({"/": lambda _: Reply(b"<html>sign in to the hotel's network<p>", 200, "text/html")}) as hotel:
        monkeypatch.setenv("AWS_ENDPOINT_URL_CLOUDFORMATION", hotel.url)
        error, hint = error_of(run("status"))
    assert error.startswith("cannot look at the stack 'actorrec': ") and "hotel" not in error
    assert "is there a network" in hint


def test_an_interrupt_while_changes_are_worked_out_leaves_nothing(story: Story) -> None:
    from actorrec.aws.session import AwsSession
    from actorrec.cloud.calls import StackCalls
    from actorrec.cloud.changes import propose
    from actorrec.cloud.settings import StackSettings
    from actorrec.cloud.template import template_text
    from actorrec.config import Config

    def interrupted(**_: Any) -> None:
        raise KeyboardInterrupt

    calls = StackCalls(AwsSession(Config().aws), "actorrec")
    calls.client.meta.events.register("before-call.cloudformation.DescribeChangeSet", interrupted)
    settings = StackSettings.of(Config(), "replace-with-your-bucket", "actorrec")
    with pytest.raises(KeyboardInterrupt):
        propose(calls, settings, template_text(), new=True, poll_s=0.001)
    assert story.status is None and story.asked == ["CreateChangeSet", "DeleteStack"]


def test_a_bucket_of_another_account_is_one_line(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    denied = b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
    with serve({"/*": lambda _: Reply(denied, 403, "application/xml")}) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        monkeypatch.setenv("ACTORREC_REMOTE__BUCKET", "theirs")
        error, hint = error_of(run("init", "--yes"))
    assert "access to the bucket 'theirs' is denied" in error and "another account's" in hint
    assert "CreateChangeSet" not in story.asked


def test_an_object_that_is_locked_stops_the_emptying(story: Story, monkeypatch: pytest.MonkeyPatch) -> None:
    listed = (
        b"<ListVersionsResult><IsTruncated>false</IsTruncated><Version><Key>a\xc3\xa4</Key><VersionId>1</VersionId>"
        b"</Version></ListVersionsResult>"
    )
    refused = (
        b"<DeleteResult><Error><Key>a\xc3\xa4</Key><Code>AccessDenied</Code><Message>Object is WORM protected</Message>"
        b"</Error></DeleteResult>"
    )
    story.status = "CREATE_COMPLETE"
    with serve(
        {"/*": lambda asked: Reply(refused if asked.method == "POST" else listed, 200, "application/xml")}
    ) as s3:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", s3.url)
        error, hint = error_of(run("destroy", "--yes", "--delete-data"))
    assert error == "cannot empty the bucket 'my-bucket': aä: AccessDenied Object is WORM protected"
    assert "locked" in hint and "DeleteStack" not in story.asked
