"""A stack created, updated, looked at and removed, on servers that imitate AWS."""

import json
import os
import pty
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

pytest.importorskip("moto")

import boto3

from actorrec.aws.session import AwsSession
from actorrec.cli.app import app
from actorrec.cloud.bucket import empty_bucket
from actorrec.progress import SilentProgress
from actorrec.sections import AwsSection
from patience import PATIENCE_S
from s3_servers import FAKE_KEYS
from stack_server import SERVICES, clear, point_at, stack_server

BUCKET = "my-bucket"


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with stack_server() as url:
        yield url


@pytest.fixture
def account(server: str, monkeypatch: pytest.MonkeyPatch, aws_keys: None) -> str:
    """An account that holds nothing."""
    clear(server)
    point_at(server, monkeypatch)
    monkeypatch.setenv("ACTORREC_CLOUD__POLL_S", "0.01")
    monkeypatch.setenv("ACTORREC_REMOTE__BUCKET", BUCKET)
    return server


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["cloud", *arguments], env={"COLUMNS": "200"})


def result(*arguments: str, code: int = 0) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == code, (done.output, done.exception)
    return json.loads(done.stdout)


def names(client: Any, bucket: str = BUCKET) -> list[str]:
    answer = client.list_object_versions(Bucket=bucket)
    return [each["Key"] for each in (*answer.get("Versions", ()), *answer.get("DeleteMarkers", ()))]


def test_a_stack_from_the_first_plan_to_the_last_bucket(account: str, tmp_path: Path) -> None:
    planned = result("init", "--dry-run")
    assert result("status") == {"stack": "actorrec", "status": None}
    config = tmp_path / "actorrec.yaml"
    config.write_text("# mine\nremote:\n  spot: true\n")
    made = result("init", "--yes", "--write-config", str(config))
    assert {a["name"] for a in made["actions"]} == {a["name"] for a in planned["actions"]}
    assert made["status"] == "CREATE_COMPLETE" and made["outputs"]["StoreUri"] == f"s3://{BUCKET}/actorrec"
    assert yaml.safe_load(config.read_text()) == {
        "remote": {"spot": True, "bucket": BUCKET, "role": made["outputs"]["RoleArn"]}
    }
    assert config.read_text().startswith("# mine\n")
    for client, call, key in (
        ("s3", "list_buckets", "Buckets"), ("iam", "list_roles", "Roles"), ("iot", "list_role_aliases", "roleAliases"),
        ("iot", "list_policies", "policies"), ("iot", "list_thing_groups", "thingGroups"),
    ):  # fmt: skip
        assert getattr(boto3.client(client), call)()[key], key

    again = result("init", "--yes", "--config", str(config))
    assert again["actions"] == [] and again["status"] == "CREATE_COMPLETE"
    looked = result("status", "--config", str(config))
    assert looked["differs"] == [] and len(looked["resources"]) == 10

    boto3.client("s3").put_object(Bucket=BUCKET, Key="actorrec/model/abcd/manifest.json", Body=b"{}")
    gone = result("destroy", "--yes", "--config", str(config))
    assert gone["done"] and gone["actions"][-1]["verb"] == "keep"
    assert result("status")["status"] is None
    assert boto3.client("iam").list_roles()["Roles"] == [] and boto3.client("iot").list_policies()["policies"] == []
    assert names(boto3.client("s3")) == ["actorrec/model/abcd/manifest.json"]  # data outlives the stack

    there = run("init", "--yes")  # and is not taken for a bucket that can be made
    assert there.exit_code == 2 and "exists already" in there.stderr and "--existing-bucket" in there.stderr
    assert result("destroy", "--yes", "--delete-data")["actions"][0]["verb"] == "empty"
    assert boto3.client("s3").list_buckets()["Buckets"] == []


def test_an_update_changes_what_differs(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    result("init", "--yes")
    monkeypatch.setenv("ACTORREC_CLOUD__RETENTION_DAYS", "12")
    assert result("status")["differs"][1:] == [{"setting": "cloud.retention_days", "here": "12", "stack": "30"}]
    assert result("init", "--yes")["status"] == "UPDATE_COMPLETE"
    assert [d["setting"] for d in result("status")["differs"]] == ["remote.role"]


def test_a_bucket_of_the_users_own_is_used_and_never_touched(account: str) -> None:
    s3 = boto3.client("s3")
    missing = run("init", "--yes", "--existing-bucket")
    assert missing.exit_code == 2 and f"there is no bucket '{BUCKET}'" in missing.stderr
    s3.create_bucket(Bucket=BUCKET)
    s3.put_object(Bucket=BUCKET, Key="mine", Body=b"x")
    made = result("init", "--yes", "--existing-bucket")
    assert made["outputs"]["BucketName"] == BUCKET
    assert not {"Bucket", "BucketPolicy"} & {r["name"] for r in result("status")["resources"]}
    refused = run("destroy", "--yes", "--delete-data")
    assert refused.exit_code == 2 and "did not make the bucket" in refused.stderr
    assert result("destroy", "--yes")["actions"][-1] == {
        "verb": "keep", "name": BUCKET, "type": "AWS::S3::Bucket", "why": "the stack did not make it",
    }  # fmt: skip
    assert names(s3) == ["mine"]
    untagged = result("destroy", "--yes", "--delete-data")  # no stack, and the bucket was never one's
    assert not untagged["done"] and names(s3) == ["mine"]


def test_deleting_data_takes_every_version_marker_and_upload_in_pages(account: str) -> None:
    result("init", "--yes")
    s3 = boto3.client("s3")
    s3.put_bucket_versioning(Bucket=BUCKET, VersioningConfiguration={"Status": "Enabled"})  # moto's stack does not
    keys = [f"actorrec/ä b/{number}" for number in range(120)]
    for key in keys * 2:
        s3.put_object(Bucket=BUCKET, Key=key, Body=b"x")
    for _ in range(7):  # a marker each time for every key, in one request
        s3.delete_objects(Bucket=BUCKET, Delete={"Objects": [{"Key": key} for key in keys]})
    for key in ("one", "two"):
        s3.create_multipart_upload(Bucket=BUCKET, Key=key)
    assert s3.list_object_versions(Bucket=BUCKET)["IsTruncated"]
    settings = AwsSection(region="us-east-1")
    assert empty_bucket(AwsSession(settings), BUCKET, SilentProgress()) == (2 + 7) * 120 + 2
    assert names(s3) == [] and "Uploads" not in s3.list_multipart_uploads(Bucket=BUCKET)
    assert empty_bucket(AwsSession(settings), BUCKET, SilentProgress()) == 0
    s3.put_object(Bucket=BUCKET, Key="one more", Body=b"x")
    assert result("destroy", "--yes", "--delete-data")["done"]
    assert s3.list_buckets()["Buckets"] == []


def test_devices_that_still_use_the_stack_are_named_before_anything_goes(account: str) -> None:
    result("init", "--yes")
    iot = boto3.client("iot")
    certificate = iot.create_keys_and_certificate(setAsActive=True)["certificateArn"]
    iot.attach_policy(policyName="actorrec-core-device", target=certificate)
    iot.create_thing(thingName="pi-kitchen")
    iot.add_thing_to_thing_group(thingGroupName="pis", thingName="pi-kitchen")
    refused = run("destroy", "--yes", "--delete-data")
    assert refused.exit_code == 3
    assert "1 certificate(s) of devices still have the policy 'actorrec-core-device' (pi-kitchen)" in refused.stderr
    assert f"aws iot detach-policy --policy-name actorrec-core-device --target {certificate}" in refused.stderr
    assert result("status")["status"] == "CREATE_COMPLETE"
    assert len(boto3.client("s3").list_buckets()["Buckets"]) == 1
    iot.detach_policy(policyName="actorrec-core-device", target=certificate)
    iot.attach_policy(policyName="actorrec-core-of-clients", target=certificate)
    refused = run("destroy", "--yes")
    assert refused.exit_code == 3 and "still have the policy 'actorrec-core-of-clients'" in refused.stderr
    iot.detach_policy(policyName="actorrec-core-of-clients", target=certificate)
    assert result("destroy", "--yes")["done"]


def test_the_plan_of_a_new_stack_needs_neither_network_nor_credentials(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    for name in [name for name in os.environ if name.startswith("AWS_")]:
        monkeypatch.delenv(name)
    for service in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", "http://127.0.0.1:1")
    planned = result("init", "--dry-run")
    assert [action["verb"] for action in planned["actions"]] == ["create"] * 10
    assert planned["parameters"]["Prefix"] == "actorrec" and planned["parameters"]["BucketName"] == ""
    shown = run("init", "--dry-run")
    assert shown.exit_code == 0 and "SageMakerRole" in shown.stdout
    store = result("init", "--dry-run", "--store", "s3://faces/team/a")["parameters"]
    assert (store["BucketName"], store["Prefix"]) == ("faces", "team/a")


def on_a_terminal(answers: str, *arguments: str) -> tuple[int, str]:
    """Exit code and stderr of the command with a person at it."""
    ours, theirs = pty.openpty()
    try:
        done = subprocess.Popen(
            [sys.executable, "-m", "actorrec", "cloud", *arguments], stdin=theirs, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env={**os.environ, "COLUMNS": "200"}, text=True,
        )  # fmt: skip
        os.write(ours, answers.encode())
        _, errors = done.communicate(timeout=PATIENCE_S)
        return done.returncode, errors
    finally:
        os.close(ours)
        os.close(theirs)


def test_a_person_is_asked_and_a_no_leaves_nothing_behind(account: str) -> None:
    s3, stacks = boto3.client("s3"), boto3.client("cloudformation")
    code, errors = on_a_terminal("n\n", "init")
    assert code == 0 and "create these?" in errors
    assert stacks.describe_stacks()["Stacks"] == [] and s3.list_buckets()["Buckets"] == []
    assert on_a_terminal("y\n", "init")[0] == 0
    assert len(s3.list_buckets()["Buckets"]) == 1
    code, errors = on_a_terminal("y\n", "destroy", "--delete-data")  # a yes is not the bucket's name
    assert code == 0 and "type its name" in errors and len(s3.list_buckets()["Buckets"]) == 1
    assert on_a_terminal(f"{BUCKET}\n", "destroy", "--delete-data")[0] == 0
    assert s3.list_buckets()["Buckets"] == []


def test_where_nobody_can_be_asked_nothing_is_done(account: str) -> None:
    refused = run("init")
    assert refused.exit_code == 2 and "--yes" in refused.stderr
    assert boto3.client("cloudformation").describe_stacks()["Stacks"] == []
    result("init", "--yes")
    assert run("destroy").exit_code == 2 and result("status")["status"] == "CREATE_COMPLETE"


def test_without_credentials_or_region_there_is_one_line(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in FAKE_KEYS:
        if "KEY" in name:
            monkeypatch.delenv(name)
    refused = run("status")
    assert refused.exit_code == 2
    assert re.fullmatch(r"error: cannot .*no AWS credentials were found\nhint: sign in .*\n", refused.stderr)
    monkeypatch.delenv("AWS_DEFAULT_REGION")
    refused = run("status")
    assert refused.exit_code == 2 and "no AWS region is set" in refused.stderr


def test_a_file_that_cannot_take_the_settings_is_found_before_anything_is_made(account: str, tmp_path: Path) -> None:
    config = tmp_path / "actorrec.yaml"
    config.write_text("remote: [\n")
    refused = run("init", "--yes", "--write-config", str(config))
    assert refused.exit_code == 2 and "is not YAML" in refused.stderr
    refused = run("init", "--yes", "--write-config", "/proc/actorrec.yaml")
    assert refused.exit_code == 4 and "cannot write /proc/actorrec.yaml" in refused.stderr
    assert boto3.client("cloudformation").describe_stacks()["Stacks"] == []


def test_what_the_commands_ask_is_what_the_policy_allows(account: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from botocore import handlers

    asked: set[tuple[str, str]] = set()
    hook = (
        "provide-client-params",
        lambda params, model, **_: asked.add((model.service_model.signing_name, model.name)),
    )
    handlers.BUILTIN_HANDLERS.append(hook)
    try:
        result("init", "--yes")
        result("init", "--yes")
        result("status")
        result("destroy", "--yes", "--delete-data")
    finally:
        handlers.BUILTIN_HANDLERS.remove(hook)
    called = {
        "ListObjectVersions": "ListBucketVersions", "ListMultipartUploads": "ListBucketMultipartUploads",
        "DeleteObjects": "DeleteObjectVersion",
    }  # fmt: skip
    text = (Path(__file__).resolve().parents[2] / "infra" / "policy-create.json").read_text()
    granted = {
        a.lower()
        for s in json.loads(text)["Statement"]
        for a in ([s["Action"]] if isinstance(s["Action"], str) else s["Action"])
    }
    assert len(asked) > 12
    assert [one for one in asked if f"{one[0]}:{called.get(one[1], one[1])}".lower() not in granted] == []


def test_a_server_that_tells_no_outputs_and_breaks_off_while_it_deletes(
    moto_url: str, aws_keys: None, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """moto as it comes: the outputs are read off the resources, and an unreadable answer is looked at once more."""
    point_at(moto_url, monkeypatch)
    monkeypatch.setenv("ACTORREC_CLOUD__POLL_S", "0.01")
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", "plain")
    monkeypatch.setenv("ACTORREC_AWS__ATTEMPTS", "1")
    config = tmp_path / "actorrec.yaml"
    made = result("init", "--yes", "--write-config", str(config))
    role = made["config"]["remote.role"]
    assert role in [each["Arn"] for each in boto3.client("iam").list_roles()["Roles"]]
    assert yaml.safe_load(config.read_text())["remote"] == {"bucket": made["config"]["remote.bucket"], "role": role}
    assert result("status", "--config", str(config))["differs"] == []
    gone = result("destroy", "--yes", "--delete-data", "--config", str(config))
    assert gone["done"] and result("status", "--config", str(config))["status"] is None
