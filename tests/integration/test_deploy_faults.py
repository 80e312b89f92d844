"""What can go wrong with a deployment: one clear line each, and nothing half-changed."""

import json
import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from typing import Any, ClassVar

import pytest

pytest.importorskip("boto3")
import boto3

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.errors import ActorRecError, RemoteError
from actorrec.greengrass.checks import check_plan, token_alias
from actorrec.greengrass.component_calls import ComponentCalls
from actorrec.greengrass.deploy import execute
from actorrec.greengrass.deploy_plan import DeploymentPlan, Wanted
from actorrec.greengrass.deployment_calls import DeploymentCalls
from actorrec.greengrass.deployment_follow import follow
from actorrec.greengrass.deployments import Created
from actorrec.greengrass.executions import Standing
from actorrec.greengrass.group import read_group
from actorrec.greengrass.token_role import check_token_role
from deploy_fleet import LOGS, MODEL, NAME, Fleet, fleet, greengrass
from greengrass_server import BUSY, DENIED, THROTTLED, Fate
from job_requests import aws_session
from patience import PATIENCE_S, eventually
from s3_servers import client as s3_client
from s3_servers import new_bucket

__all__ = ["fleet", "greengrass"]
SECRET = "https://b.s3.amazonaws.com/k?X-Amz-Signature=feedfacefeedface"


def test_no_such_group(fleet: Fleet) -> None:
    fleet.split()
    fleet.group = "nobody"
    for command in ((), ("status",), ("cancel",)):
        assert "no thing group 'nobody' in us-east-1" in fleet.refused(*command)


def test_an_empty_group_is_refused_unless_it_is_meant(fleet: Fleet) -> None:
    fleet.split()
    fleet.group = fleet.greengrass.group()
    told = fleet.refused("--yes", code=2)
    assert "is empty: nothing was deployed" in told and "devices provision" in told
    assert fleet.result("--yes", "--allow-empty", "--wait")["report"]["outcome"] == "succeeded"


@pytest.mark.parametrize("version", ["1.0.0", None])
def test_devices_with_nucleus_lite_are_not_given_two_components(fleet: Fleet, version: str | None) -> None:
    fleet.split("1.0.0")
    (lite,) = fleet.add(1, "aws_nucleus_lite")
    told = fleet.refused("--yes", *(("--component", version) if version else ()))
    assert lite in told and "actorrec publish-component --single" in told
    fleet.single("1.0.1")
    assert "one component" in fleet.refused("--yes", "--model", "1.0.0", code=2)


def test_nothing_published_yet(fleet: Fleet) -> None:
    assert "actorrec publish-component" in fleet.refused("--yes")
    fleet.runtime("1.0.0")
    assert "no model to run" in fleet.refused("--yes")
    fleet.greengrass.component(NAME, "9.0.0")  # somebody else's, without a tag
    assert "no model to run" in fleet.refused("--yes")
    assert "not published by actorrec" in fleet.refused("--yes", "--component", "9.0.0")


def test_versions_that_are_not_there_or_cannot_be_deployed(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    assert "no version 7.7.7" in fleet.refused("--yes", "--component", "7.7.7")
    assert "there are 1.0.0" in fleet.refused("--yes", "--model", "7.7.7")
    made = fleet.greengrass.components[fleet.model("1.0.1")]
    made.states, made.errors = ["FAILED"], {"ARTIFACT": f"cannot be read at {SECRET}"}
    told = fleet.refused("--yes", "--model", "1.0.1")
    assert "1.0.1 is FAILED" in told and "feedface" not in told
    made.states = ["REQUESTED"] * 9
    assert "still being made" in fleet.refused("--yes", "--model", "1.0.1")
    planned = fleet.result("--dry-run")  # what cannot be deployed is passed over
    assert {action["name"]: action["version"] for action in planned["actions"]} == {NAME: "1.0.0", MODEL: "1.0.0"}


def test_components_of_others_that_do_not_exist(fleet: Fleet) -> None:
    fleet.split()
    done = fleet.result("--yes", "--component", f"{LOGS}=99.0.0", code=3)
    assert f"Component [{LOGS} : 99.0.0] does not exist" in done["error"] and "Nothing was changed" in done["hint"]
    assert fleet.greengrass.deployments == {}


@pytest.mark.parametrize("arguments", [("--component", "a b"), ("--component", "=1"), ("--component", "x="),
                                       ("--component", "1.0.0", "--component", f"{NAME}=1.0.1"),
                                       ("--model", "1.0.0", "--component", f"{MODEL}=1.0.1")])  # fmt: skip
def test_components_that_cannot_be_meant(fleet: Fleet, arguments: tuple[str, ...]) -> None:
    fleet.refused("--yes", *arguments, code=2)
    assert fleet.greengrass.asked == []


def test_a_setting_that_is_not_known_is_refused_before_anything_is_asked(fleet: Fleet) -> None:
    assert "is ImageName meant" in fleet.refused("--yes", "--set", "ImageNam=a", code=2)
    assert "is ImageName meant" in fleet.refused("--yes", "--unset", "ImageNam", code=2)
    assert fleet.greengrass.asked == []


def test_a_bundle_of_a_newer_schema_than_the_program_reads(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.result("--yes")
    fleet.model("1.0.1", card_schema="2")
    told = fleet.refused("--yes")
    assert f"{MODEL} 1.0.1 has a card of schema 2, and {NAME} 1.0.0 reads up to 1; nothing was deployed" in told
    fleet.runtime("1.0.1", card_schema="2")
    assert fleet.result("--yes")["done"]
    fleet.model("1.0.2", card_schema="1")  # an older one is read
    assert fleet.result("--yes")["done"]


def test_a_bundle_for_another_preprocessing(fleet: Fleet) -> None:
    fleet.runtime("1.0.0")
    fleet.model("1.0.0", preprocess="2")
    assert "made for preprocessing 2" in fleet.refused("--yes")


@pytest.mark.parametrize(("machine", "served"), [("arm", False), ("x86", False), ("amd64", True)])
def test_machines_that_the_program_cannot_be_installed_on(fleet: Fleet, machine: str, served: bool) -> None:
    fleet.split()
    (odd,) = fleet.add(1, architecture=machine)
    if served:
        assert fleet.result("--dry-run")["changed"]
    else:
        told = fleet.refused("--yes")
        assert odd in told and machine in told and "64-bit Raspberry Pi OS" in told


def test_wheels_for_another_machine(fleet: Fleet) -> None:
    fleet.split()
    fleet.add(1, architecture="amd64")
    fleet.runtime("1.0.1", machine="aarch64")
    assert "it serves aarch64" in fleet.refused("--yes")


def test_devices_that_another_group_or_a_deployment_of_their_own_asks_for_another_version(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.split("1.0.1")
    shared, lonely = fleet.things[:2]
    fleet.greengrass.ticking, ticking = frozenset(), fleet.greengrass.ticking  # nobody takes what is called off
    other = fleet.greengrass.group()
    boto3.client("iot").add_thing_to_thing_group(thingGroupName=other, thingName=shared)
    theirs = fleet.greengrass.deploy(other, {MODEL: "1.0.0", LOGS: "2.3.9"})
    told = fleet.refused("--yes")
    assert f"{shared}: thinggroup/{other} asks for {MODEL} 1.0.0, this deployment for 1.0.1" in told
    assert fleet.result("--dry-run", "--model", "1.0.0")["changed"]  # the same version holds together
    fleet.calls.cancel(theirs)
    fleet.calls.create({"targetArn": fleet.greengrass.world.thing_arn(lonely), "components": {
        NAME: {"componentVersion": "1.0.0"}}})  # fmt: skip
    assert f"{lonely}: thing/{lonely} asks for {NAME} 1.0.0" in fleet.refused("--yes")
    fleet.greengrass.deploy(fleet.greengrass.group(), {NAME: "1.0.0"})  # of nobody here
    fleet.calls.create({"targetArn": fleet.greengrass.world.thing_arn(lonely), "components": {}})
    fleet.greengrass.ticking = ticking
    told = fleet.result("--yes", "--wait")["report"]
    assert told["outcome"] == "succeeded"


def test_what_another_group_took_before_it_was_called_off_counts_until_that_group_is_gone(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.split("1.0.1")
    shared, failed = fleet.things[:2]
    other = fleet.greengrass.group()
    for thing in (shared, failed):
        boto3.client("iot").add_thing_to_thing_group(thingGroupName=other, thingName=thing)
    fleet.fails(failed, "no space left")
    theirs = fleet.greengrass.deploy(other, {MODEL: "1.0.0"})
    fleet.greengrass.settle()
    fleet.calls.cancel(theirs)
    told = fleet.refused("--yes")
    assert told.startswith(f"{shared}: thinggroup/{other} asks for {MODEL} 1.0.0")
    for thing in (shared, failed):
        boto3.client("iot").remove_thing_from_thing_group(thingGroupName=other, thingName=thing)
    boto3.client("iot").delete_thing_group(thingGroupName=other)
    fleet.greengrass.fates.clear()
    assert fleet.result("--yes", "--wait")["report"]["outcome"] == "succeeded"


def test_a_topic_that_devices_may_not_publish_to(fleet: Fleet) -> None:
    rights = {"aws.greengrass.ipc.mqttproxy": {"p": {"operations": ["x"], "resources": ["a/b", "a/b/health"]}}}
    configured = {"DefaultConfiguration": {"accessControl": rights}}
    fleet.greengrass.component(NAME, "1.0.0", {"actorrec-role": "single"}, {"ComponentConfiguration": configured})
    assert fleet.result("--dry-run", "--set", "PublishResultsOnTopic=a/b")["changed"]
    told = fleet.refused("--yes", "--set", "PublishResultsOnTopic=a/c", code=2)
    assert "may not publish to 'a/c'; nothing was deployed" in told and "cloud.results_topic: a/c" in told


def _with_artifact(fleet: Fleet, bucket: str) -> str:
    """A single component with a file in S3; its URI."""
    uri = f"s3://{bucket}/actorrec/components/{NAME}/0123/bundle.zip"
    s3_client(fleet.greengrass.aws_url).put_object(Bucket=bucket, Key=uri.split("/", 3)[3], Body=b"zip")
    artifact = {"Uri": uri, "Unarchive": "NONE", "Permission": {"Read": "OWNER", "Execute": "NONE"}}
    platform = {"os": "linux", "runtime": "*"}
    manifests = [{"Platform": platform, "Lifecycle": {"run": "true"}, "Artifacts": [artifact]}]
    fleet.greengrass.component(NAME, "1.0.0", {"actorrec-role": "single"}, {"Manifests": manifests})
    return uri


def _role(name: str, statements: list[dict[str, Any]], service: str = "credentials.iot.amazonaws.com") -> None:
    """A role with one policy in it, and the alias that ``cloud init`` would give it."""
    trust = {"Statement": [{"Effect": "Allow", "Principal": {"Service": service}, "Action": "sts:AssumeRole"}]}
    iam, iot = boto3.client("iam"), boto3.client("iot")
    arn = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    document = {"Version": "2012-10-17", "Statement": statements}
    if statements:
        iam.put_role_policy(RoleName=name, PolicyName="p", PolicyDocument=json.dumps(document))
    iot.create_role_alias(roleAlias=f"{name}-token-exchange", roleArn=arn)


READ = {"Effect": "Allow", "Action": "s3:GetObject"}
LOG = {"Effect": "Allow", "Action": ["logs:*"], "Resource": "*"}


POLICIES: list[tuple[bool, list[dict[str, Any]]]] = [
    (False, [LOG]),
    (False, []),
    (True, [LOG, {**READ, "Resource": "arn:aws:s3:::b/actorrec/components/*"}]),
    (True, [{**READ, "Action": ["s3:Get*"], "Resource": ["arn:aws:s3:::b/*"]}]),
    (True, [{"Effect": "Allow", "NotAction": "iam:*", "NotResource": "arn:aws:s3:::other/*"}]),
    (True, [{**READ, "Resource": "arn:aws-cn:s3:::b/actorrec/*/bundle.zi?"}]),
    (False, [{"Effect": "Allow", "NotAction": ["s3:*"], "Resource": "*"}]),
    (False, [{**READ, "Resource": "arn:aws:s3:::b/actorrec/other/*"}]),
    (False, [{**READ, "Resource": "arn:aws:s3:::b"}]),
    (False, [{**READ, "Resource": "*"}, {**READ, "Effect": "Deny", "Resource": "arn:aws:s3:::b/*"}]),
    (
        True,
        [
            {**READ, "Resource": "*"},
            {
                **READ,
                "Effect": "Deny",
                "Resource": "*",
                "Condition": {"Bool": {"aws:SecureTransport": "false"}},
            },
        ],
    ),
]


def test_what_a_policy_lets_devices_read(fleet: Fleet) -> None:
    aws, uri = aws_session(), "s3://b/actorrec/components/x/0123/bundle.zip"
    for number, (allowed, statements) in enumerate(POLICIES):
        name = f"{fleet.group}-{number}"
        _role(name, statements)
        try:
            assert check_token_role(aws, f"{name}-token-exchange", [uri]) == ""
            told = True
        except RemoteError as error:
            told = f"may not read {uri}" not in error.message
        assert told == allowed, statements


def test_the_role_of_the_devices_must_read_the_artifacts(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    bucket = new_bucket(fleet.greengrass.aws_url)
    uri = _with_artifact(fleet, bucket)
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", f"stack-{bucket}")
    _role(f"stack-{bucket}", [LOG])
    told = fleet.refused("--yes")
    assert f"may not read {uri}; nothing was deployed" in told and "s3:GetObject" in told
    policy = {"Version": "2012-10-17", "Statement": [{**READ, "Resource": f"arn:aws:s3:::{bucket}/*"}]}
    boto3.client("iam").put_role_policy(RoleName=f"stack-{bucket}", PolicyName="p", PolicyDocument=json.dumps(policy))
    made = fleet.result("--yes")
    assert made["done"] and not any("not known" in note for note in made["notes"])


def test_an_attached_policy_counts_and_so_does_who_may_take_the_role_on(
    fleet: Fleet, monkeypatch: pytest.MonkeyPatch
) -> None:
    bucket = new_bucket(fleet.greengrass.aws_url)
    _with_artifact(fleet, bucket)
    for name, service in (("a", "credentials.iot.amazonaws.com"), ("b", "greengrass.amazonaws.com")):
        stack = f"{name}-{bucket}"
        _role(stack, [LOG], service)
        document = json.dumps({"Statement": {**READ, "Resource": f"arn:aws:s3:::{bucket}/*"}, "Version": "2012-10-17"})
        iam = boto3.client("iam")
        arn = iam.create_policy(PolicyName=stack, PolicyDocument=document)["Policy"]["Arn"]
        iam.attach_role_policy(RoleName=stack, PolicyArn=arn)
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", f"b-{bucket}")
    assert "does not trust credentials.iot.amazonaws.com" in fleet.refused("--yes")
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", f"a-{bucket}")
    assert fleet.result("--yes")["done"]


def test_a_role_that_cannot_be_looked_at_is_a_note_and_no_refusal(fleet: Fleet) -> None:
    _with_artifact(fleet, new_bucket(fleet.greengrass.aws_url))
    assert any("it is not there" in note for note in fleet.result("--dry-run")["notes"])
    fleet.greengrass.refuse("DescribeRoleAlias", *DENIED)
    made = fleet.result("--yes")
    assert made["done"] and any("you may not look at it" in note for note in made["notes"])


def test_artifacts_in_another_region(fleet: Fleet) -> None:
    bucket = new_bucket(fleet.greengrass.aws_url)
    _with_artifact(fleet, bucket)
    fleet.greengrass.component(NAME, "1.0.1", {"actorrec-role": "single"})
    recipe = next(each for each in fleet.greengrass.components.values() if each.version == "1.0.0").recipe
    europe = f"eu-{bucket}"
    place = {"LocationConstraint": "eu-west-1"}
    s3_client(fleet.greengrass.aws_url).create_bucket(Bucket=europe, CreateBucketConfiguration=place)
    recipe["Manifests"][0]["Artifacts"][0]["Uri"] = f"s3://{europe}/bundle.zip"
    told = fleet.refused("--yes", "--component", "1.0.0", code=2)
    assert "the artifacts are in eu-west-1, the deployment would be in us-east-1: nothing was deployed" in told


def test_a_service_that_asks_to_slow_down_is_asked_again(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.split()
    fleet.greengrass.refuse("CreateDeployment", *THROTTLED)
    assert fleet.result("--yes")["done"]
    assert len(fleet.greengrass.deployments) == 1
    monkeypatch.setenv("ACTORREC_AWS__ATTEMPTS", "1")
    fleet.greengrass.refuse("CreateDeployment", *THROTTLED)
    told = fleet.result("--yes", "--force", code=3)
    assert "asks to slow down" in told["error"]
    assert len(fleet.greengrass.deployments) == 1
    assert fleet.result("--yes", "--force")["done"]


def test_an_answer_that_was_lost_makes_no_second_deployment(fleet: Fleet) -> None:
    fleet.split()
    plan = fleet.plan({NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")})

    class Lossy(DeploymentCalls):
        def create(self, request: Any) -> Created:
            super().create(request)
            raise RemoteError("the answer was lost")

    store = LocalStore(fleet.folder / "store")
    with pytest.raises(RemoteError, match="was lost"):
        execute(plan, Lossy(aws_session()), store)
    told = fleet.result("--yes")  # it sees that it is there
    assert not told["done"] and not told["changed"]
    assert len(fleet.greengrass.deployments) == 1


def test_rights_that_are_missing_are_named(fleet: Fleet) -> None:
    fleet.split()
    for operation, right in (
        ("DescribeThingGroup", "iot:DescribeThingGroup"),
        ("ListDeployments", "greengrass:ListDeployments"),
        ("GetCoreDevice", "greengrass:GetCoreDevice"),
        ("CreateDeployment", "greengrass:CreateDeployment"),
    ):
        fleet.greengrass.refuse(operation, *DENIED)
        told = fleet.result("--yes", code=3)
        assert right in told["hint"] and "arn:aws:iam" not in told["error"]
    assert fleet.greengrass.deployments == {}


def test_somebody_elses_deployment_between_plan_and_yes(fleet: Fleet) -> None:
    fleet.split()
    plan = fleet.plan({NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")})
    theirs = fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"})
    with pytest.raises(RemoteError, match=f"something else.*{theirs}.*nothing was changed"):
        execute(plan, fleet.calls, LocalStore(fleet.folder / "store"))
    assert list(fleet.present()) == [LOGS]


def test_two_at_once_on_one_store_make_one_deployment(fleet: Fleet) -> None:
    fleet.split()
    wanted = {NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")}
    plans = [fleet.plan(wanted), fleet.plan(wanted | {LOGS: Wanted("2.3.9")})]
    fleet.greengrass.latency_s = 0.05

    def go(plan: DeploymentPlan) -> str:
        try:
            return execute(plan, DeploymentCalls(aws_session()), LocalStore(fleet.folder / "store")).deployment_id
        except ActorRecError as error:
            return error.message

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(go, plans), key=len)
    assert "somebody deployed something else" in told[1] and told[0] in told[1]
    assert len(fleet.greengrass.deployments) == 1


@pytest.mark.parametrize("later", [True, False])
def test_somebody_elses_deployment_at_the_very_moment_is_told_of(fleet: Fleet, later: bool) -> None:
    fleet.split()
    fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"})
    plan = fleet.plan({NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")})

    class Racing(DeploymentCalls):
        def create(self, request: Any) -> Created:
            made = super().create(request) if later else None
            fleet.greengrass.deploy(fleet.group, {"aws.greengrass.Cli": "2.16.0"})
            return made or super().create(request)

    with pytest.raises(RemoteError) as caught:
        execute(plan, Racing(aws_session()), LocalStore(fleet.folder / "store"))
    assert ("another took its place" if later else "it replaced one that somebody else made") in caught.value.message


def test_a_deployment_cancelled_by_somebody_else(fleet: Fleet) -> None:
    fleet.split()
    slow = fleet.things[0]

    def cancel(deployment: Any) -> Fate:  # asked for with every minute: when a device begins, somebody cancels
        if deployment.job.executions[slow].status == "IN_PROGRESS":
            deployment.canceled = True
            deployment.job.cancel("", "canceled by the caller")
        return Fate("IN_PROGRESS")

    fleet.greengrass.fates[slow] = cancel
    told = fleet.result("--yes", "--wait", code=3)
    assert "was cancelled; " in told["error"]
    assert told["report"]["outcome"] == "cancelled" and told["exit_code"] == 3


def test_a_deployment_replaced_by_somebody_else(fleet: Fleet) -> None:
    fleet.split()
    done: list[str] = []

    def replace(deployment: Any) -> Fate:
        if NAME in deployment.components and not done:
            done.append(fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"}))
        return Fate("IN_PROGRESS")

    fleet.greengrass.fates[fleet.things[0]] = replace
    told = fleet.result("--yes", "--wait", code=3)
    assert "was replaced by a newer one; " in told["error"]


def test_devices_that_are_switched_off_are_named_after_their_time(fleet: Fleet) -> None:
    fleet.split()
    fleet.greengrass.fates[fleet.things[0]] = Fate("QUEUED")
    made = fleet.result("--yes")
    deployment = fleet.greengrass.deployments[made["deployment_id"]]
    deployment.created -= 7200
    told = fleet.result("status", "--wait", code=3)
    assert f"1 device did not take it in time: {fleet.things[0]}" in told["error"]
    assert told["report"]["counts"]["SUCCEEDED"] == 2


def test_an_outage_while_it_is_followed(fleet: Fleet) -> None:
    class Heard:
        counts: ClassVar[list[int]] = []
        troubles: ClassVar[list[str]] = []

        def moved(self, standing: Standing) -> None:
            self.counts.append(standing.counts["SUCCEEDED"])

        def trouble(self, text: str) -> None:
            self.troubles.append(text)

    fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"})
    state = read_group(fleet.calls, fleet.group)
    assert state.present is not None
    for operation, refusal in (("GetDeployment", BUSY), ("ListJobExecutionsForJob", THROTTLED), ("DescribeJob", BUSY)):
        fleet.greengrass.refuse(operation, *refusal, times=2)
    standing = follow(fleet.calls, state, state.present, Heard(), 0.01)
    assert standing.outcome == "succeeded" and Heard.counts[-1] == 3
    assert len(Heard.troubles) == 1 and Heard.troubles[0].endswith("asking again")


def test_ctrl_c_leaves_it_running_and_says_so(fleet: Fleet) -> None:
    fleet.split()
    for thing in fleet.things:
        fleet.greengrass.fates[thing] = Fate("IN_PROGRESS")
    command = [sys.executable, "-m", "actorrec", "deploy", "--yes", "--wait", "--thing-group", fleet.group]
    environ = {**os.environ, **fleet.greengrass.environ, "PYTHONUNBUFFERED": "1"}
    with subprocess.Popen(
        [*command, "--store", str(fleet.folder / "store")],
        env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, cwd=fleet.folder,
    ) as program:  # fmt: skip
        try:
            eventually(lambda: fleet.greengrass.count("ListJobExecutionsForJob") >= 3)
            program.send_signal(signal.SIGINT)
            _, told = program.communicate(timeout=PATIENCE_S)
        finally:
            program.kill()
    assert program.returncode == 130, told
    assert "left running: the deployment goes on" in told
    assert f"actorrec deploy status --wait --thing-group {fleet.group}" in told
    (deployment,) = fleet.greengrass.deployments.values()
    assert deployment.status == "ACTIVE"


def test_checks_change_nothing_and_pass_where_there_is_nothing_to_check(fleet: Fleet) -> None:
    fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"})
    plan = fleet.plan({LOGS: Wanted("2.3.9")})
    config = Config()
    state = read_group(fleet.calls, fleet.group)
    assert check_plan(plan, state, ComponentCalls(aws_session(), 0.01), config) == ()
    assert token_alias(config) == "actorrec-token-exchange"


def test_settings_that_nobody_would_get_are_refused(fleet: Fleet) -> None:
    fleet.split()
    told = fleet.refused("--component", f"{LOGS}=2.3.9", "--set", "ImageName=a", code=2)
    assert f"only {LOGS} is asked for" in told and "name its version too" in told
    assert f"only {LOGS} is asked for" in fleet.refused("--component", f"{LOGS}=2.3.9", "--unset", "ImageName", code=2)
    assert fleet.result("--dry-run", "--component", f"{LOGS}=2.3.9", "--component", "1.0.0", "--set", "ImageName=a")
    assert "--unset ImageName: it is set too" in fleet.refused("--set", "ImageName=a", "--unset", "ImageName", code=2)


@pytest.mark.parametrize(
    "rights", ['"no map"', '{"s": "no map"}', '{"s": {"p": ["x"]}}', '{"s": {"p": {"resources": 5}}}']
)
def test_an_access_control_of_any_shape_grants_what_it_names(fleet: Fleet, rights: str) -> None:
    fleet.single("1.0.0")
    merge = f'{{"accessControl": {rights}}}'
    fleet.greengrass.deploy(fleet.group, {NAME: {"componentVersion": "1.0.0", "configurationUpdate": {"merge": merge}}})
    assert "may not publish to 'a/b'" in fleet.refused("--set", "PublishResultsOnTopic=a/b", code=2)


def test_an_access_control_may_name_everything(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    merge = '{"accessControl": {"s": {"p": {"resources": ["*"]}}}}'
    fleet.greengrass.deploy(fleet.group, {NAME: {"componentVersion": "1.0.0", "configurationUpdate": {"merge": merge}}})
    assert fleet.result("--dry-run", "--set", "PublishResultsOnTopic=a/b")["changed"]


@pytest.mark.parametrize("name", ["", "no-such", "../x y"])
def test_a_deployment_that_is_not_there(fleet: Fleet, name: str) -> None:
    assert f"there is no deployment '{name}'" in fleet.refused("status", name)


def test_a_deployment_that_cannot_be_recorded_is_told_of_as_made(fleet: Fleet) -> None:
    fleet.split()
    (fleet.folder / "store").mkdir()
    (fleet.folder / "store" / "deployment").write_text("a file where a folder should be")
    told = fleet.result("--yes", code=4)
    (made,) = fleet.greengrass.deployments
    assert f"the deployment {made} was made and goes on, but is not on record" in told["error"]
