"""The function that ships models over the air: its code goes to the bucket, the stack gets it, keeps it, loses it."""

import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("moto")

import boto3

from actorrec.aws.session import AwsSession
from actorrec.cli.app import app
from actorrec.cloud.bring_up import bring_up
from actorrec.cloud.bucket import tells_event_bridge
from actorrec.cloud.calls import StackCalls
from actorrec.cloud.follow import StackEvent
from actorrec.cloud.function_code import HANDLER_FILE, FunctionCode
from actorrec.cloud.plans import Action
from actorrec.cloud.settings import StackSettings
from actorrec.cloud.template import template_text
from actorrec.config import Config, load_config
from actorrec.errors import ArtifactError
from actorrec.sections import AwsSection
from asked_rights import Rights, recorded
from policies import people_statements
from sites.server import Reply, serve
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


def result(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def code_file(folder: Path, text: str = "one") -> Path:
    """What `make lambda` builds, as far as the stack looks at it."""
    path = folder / f"{text}.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(HANDLER_FILE, f"# {text}\n")
    return path


def resources() -> dict[str, str]:
    return {r["name"]: r["physical_name"] for r in result("status")["resources"]}


def function() -> dict[str, Any]:
    return dict(boto3.client("lambda").get_function(FunctionName=resources()["OtaFunction"])["Configuration"])


def test_a_new_stack_gets_its_bucket_first_and_then_the_function(
    account: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("ACTORREC_GREENGRASS__MARGIN", "0.02")
    monkeypatch.setenv("ACTORREC_GREENGRASS__CANARY", "12%")
    path = code_file(tmp_path)
    code = FunctionCode.of(path)
    planned = result("init", "--dry-run", "--lambda", str(path))["actions"]
    assert planned[0]["verb"] == "send" and planned[0]["name"] == code.key("actorrec")
    assert {"OtaFunction", "OtaRole", "ModelLanded", "GoOn"} <= {action["name"] for action in planned}

    made = result("init", "--yes", "--lambda", str(path))
    verbs = [(action["verb"], action["name"]) for action in made["actions"]]
    assert verbs.index(("create", "Bucket")) < verbs.index(("send", code.key("actorrec"))) < len(verbs) - 1
    body = boto3.client("s3").get_object(Bucket=BUCKET, Key=code.key("actorrec"))["Body"].read()
    assert zipfile.ZipFile(io.BytesIO(body)).namelist() == [HANDLER_FILE]
    assert made["outputs"]["EventsUri"] == f"s3://{BUCKET}/actorrec/events"
    found = function()
    assert made["outputs"]["LambdaName"] == found["FunctionName"]
    assert found["Handler"] == "actorrec.greengrass.lambda_handler.handler" and found["Timeout"] == 900
    assert (found["Runtime"], found["MemorySize"], found["Architectures"]) == ("python3.13", 1024, ["x86_64"])
    rules = boto3.client("events").list_rules()["Rules"]
    assert sorted(bool(rule.get("ScheduleExpression")) for rule in rules) == [False, True]

    variables = {name: str(value) for name, value in found["Environment"]["Variables"].items()}  # as AWS makes them
    settings = load_config(environ=variables).config
    here = Config.model_validate({"greengrass": {"margin": 0.02, "canary": "12%"}})
    assert settings.greengrass == here.greengrass and settings.cloud == here.cloud
    assert settings.store.uri == f"s3://{BUCKET}/actorrec"

    rule = boto3.client("iot").get_topic_rule(ruleName=resources()["EventsRule"])["rule"]
    assert rule["ruleName"] == "actorrec_events" and rule["sql"] == "SELECT * FROM 'ml/tflite/image-classification/#'"
    kept = "actorrec/events/${clientid()}/${topic()}/${timestamp()}-${newuuid()}.json"
    assert [(each["s3"]["bucketName"], each["s3"]["key"]) for each in rule["actions"]] == [(BUCKET, kept)]


def test_the_function_stays_until_it_is_taken_away(account: str, tmp_path: Path) -> None:
    one, two = (FunctionCode.of(code_file(tmp_path, text)) for text in ("one", "two"))
    result("init", "--yes", "--lambda", str(one.path))
    key = {"ParameterKey": "LambdaKey", "ParameterValue": one.key("actorrec")}
    assert key in boto3.client("cloudformation").describe_stacks()["Stacks"][0]["Parameters"]
    again = result("init", "--yes", "--lambda", str(one.path))
    assert again["actions"] == [] and result("init", "--yes")["actions"] == []
    assert key in boto3.client("cloudformation").describe_stacks()["Stacks"][0]["Parameters"]

    newer = result("init", "--yes", "--lambda", str(two.path))
    assert newer["actions"][0]["name"] == two.key("actorrec")
    assert {action["name"] for action in newer["actions"][1:]} == {"OtaFunction"}

    result("init", "--yes", "--no-lambda")
    assert "OtaFunction" not in resources() and "EventsRule" in resources()


def test_giving_the_stack_its_function_asks_for_no_more_than_the_policy_allows(account: str, tmp_path: Path) -> None:
    rights, path = Rights(), str(code_file(tmp_path))
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    with recorded(rights):
        result("init", "--yes", "--existing-bucket", "--lambda", path)
        result("init", "--yes", "--no-lambda")
    policy = people_statements("policy-create.json", THINGGROUP="pis", RULE="actorrec_events", BUCKET=BUCKET)
    assert {"s3:PutObject", "s3:GetBucketNotification"} <= {action for action, _ in rights.found}
    assert rights.lacking(policy) == []


class Desk:
    """Agrees, but loses the file meanwhile."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def show(self, actions: Sequence[Action]) -> None:
        assert actions[0].verb == "send"

    def agrees(self, question: str) -> bool:
        self.path.unlink()
        return True

    def hears(self, event: StackEvent) -> None:
        raise AssertionError(event)


def test_code_that_cannot_be_sent_changes_nothing(account: str, tmp_path: Path) -> None:
    boto3.client("s3").create_bucket(Bucket=BUCKET)
    path = code_file(tmp_path)
    settings = StackSettings.of(Config(), BUCKET, "actorrec", existing_bucket=True)
    calls = StackCalls(AwsSession(AwsSection(region="us-east-1")), "actorrec")
    with pytest.raises(ArtifactError, match="cannot read"):
        bring_up(calls, settings, template_text(), Desk(path), 0.01, FunctionCode.of(path))
    assert boto3.client("cloudformation").describe_stacks()["Stacks"] == []


def test_a_bucket_that_was_there_is_said_to_be_silent(account: str, tmp_path: Path) -> None:
    s3, path = boto3.client("s3"), str(code_file(tmp_path))
    s3.create_bucket(Bucket=BUCKET)
    said = run("init", "--yes", "--existing-bucket", "--lambda", path)
    assert said.exit_code == 0 and "does not tell EventBridge what lands in it" in said.stdout


@pytest.mark.parametrize("says", [True, False])
def test_whether_a_bucket_tells_event_bridge_is_read_off_its_answer(
    says: bool, monkeypatch: pytest.MonkeyPatch, aws_keys: None
) -> None:
    """S3 says it by an empty element, which moto leaves out."""
    inside = "<EventBridgeConfiguration/>" if says else ""
    answer = f"<NotificationConfiguration>{inside}</NotificationConfiguration>".encode()
    with serve({"/*": lambda asked: Reply(answer, content_type="text/xml")}) as site:
        monkeypatch.setenv("AWS_ENDPOINT_URL_S3", site.url)
        assert tells_event_bridge(AwsSession(AwsSection(region="us-east-1")), BUCKET) is says


def test_a_zip_of_something_else_is_refused_before_anything_is_asked(
    monkeypatch: pytest.MonkeyPatch, aws_keys: None, tmp_path: Path
) -> None:
    for service in SERVICES:
        monkeypatch.setenv(f"AWS_ENDPOINT_URL_{service.upper()}", "http://127.0.0.1:1")
    other = tmp_path / "other.zip"
    with zipfile.ZipFile(other, "w") as archive:
        archive.writestr("index.py", "")
    plain = tmp_path / "plain.zip"
    plain.write_bytes(b"no zip")
    for path, says in (
        (other, f"is not the code of the function: it lacks {HANDLER_FILE}"),
        (plain, "no readable zip"),
        (tmp_path / "missing.zip", "No such file"),
    ):
        refused = run("init", "--yes", "--lambda", str(path))
        assert refused.exit_code == 2 and says in refused.stderr and "make lambda" in refused.stderr
    refused = run("init", "--yes", "--lambda", str(other), "--no-lambda")
    assert refused.exit_code == 2 and "do not go together" in refused.stderr
