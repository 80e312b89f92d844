"""The fleet's policies against what the program really asks: of the function, the archive, and the person at a desk."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from typer.testing import CliRunner

pytest.importorskip("moto")
pytest.importorskip("cfnlint")

from actorrec.cli.app import app
from asked_rights import GREENGRASS, IOT, Rights, recorded
from deploy_fleet import NAME, Fleet, fleet
from greengrass_server import ACCOUNT, Greengrass, greengrass
from ota_world import PREFIX, SCHEDULE, TOPIC, OtaWorld, archive, bundle, ota_world, sha256
from policies import Filled, allowed, granted, people_statements, stack_template
from s3_servers import new_bucket
from small_bundles import write_small_bundle

__all__ = ["fleet", "greengrass"]
CODE = f"{PREFIX}/lambda/0123456789abcdef/actorrec-lambda.zip"
KEY = f"arn:aws:kms:us-east-1:{ACCOUNT}:key/0f-0f"
STORE = f"arn:aws:s3:::my-bucket/{PREFIX}"


def stack(**more: str) -> Filled:
    return Filled(stack_template(), {"BucketName": "my-bucket", "LambdaKey": CODE, "Prefix": PREFIX, **more})


def of_world(world: OtaWorld) -> Filled:
    return stack(BucketName=world.bucket, ThingGroupName=world.group, ComponentName=NAME, ResultsTopic=TOPIC)


@pytest.fixture(params=["aws_nucleus_classic", "aws_nucleus_lite"])
def world(request: pytest.FixtureRequest, greengrass: Greengrass, tmp_path: Path) -> Iterator[OtaWorld]:
    with ota_world(greengrass, tmp_path, runtime=request.param) as made:
        made.go_live(bundle("live", 0), single=request.param.endswith("lite"))
        yield made


def test_the_function_may_what_it_asks_from_landing_to_the_whole_group(world: OtaWorld) -> None:
    """On a part of the group, and in a ring of its own, which takes things out of the group and into another."""
    new, rights = bundle("new", 1), Rights()
    landed = world.land(archive(new), f"{PREFIX}/jobs/train/output/model.tar.gz")
    with recorded(rights):
        function = world.function(fresh=True)
        function.call(landed)
        for _ in range(4):
            world.service.settle()
            function.call(SCHEDULE)
        world.healthy(sha256(new))
        function.call(SCHEDULE)
    assert world.stage(new) == "promoted"
    actions = {action for action, _ in rights.found}
    assert {"greengrass:CreateComponentVersion", "iot:CreateJob", "s3:PutObject", "iot:Publish"} <= actions
    statements = of_world(world).statements("OtaRole")
    assert rights.lacking(statements) == []
    elsewhere = stack(BucketName=world.bucket, ThingGroupName="others", ComponentName="com.example.Other")
    refused = {action for action, _ in rights.lacking(elsewhere.statements("OtaRole"))}
    assert {"greengrass:CreateComponentVersion", "iot:CreateJob"} <= refused


def test_the_function_deploys_to_its_group_and_reads_no_pictures() -> None:
    statements = stack(ThingGroupName="pis").statements("OtaRole")
    for group in ("pis", "pis-canary", "pis-canary-ring"):
        assert allowed(statements, "iot:CreateJob", f"{IOT}:thinggroup/{group}")
    for group in ("pis2", "others", "pi"):
        assert not allowed(statements, "iot:CreateJob", f"{IOT}:thinggroup/{group}")
        assert not allowed(statements, "iot:AddThingToThingGroup", f"{IOT}:thinggroup/{group}")
    assert not allowed(statements, "iot:CreateJob", f"{IOT}:thing/pi-1")
    assert not allowed(statements, "iot:CreateThingGroup", f"{IOT}:thinggroup/pis")
    create = "greengrass:CreateComponentVersion"
    assert allowed(statements, create, f"{GREENGRASS}:components:{NAME}.Model:versions:1.0.1")
    assert not allowed(statements, create, f"{GREENGRASS}:components:{NAME}Other:versions:1.0.1")
    assert not allowed(statements, "greengrass:DeleteComponent", f"{GREENGRASS}:components:{NAME}:versions:1.0.0")
    for name in ("jobs/j/output/model.tar.gz", "bundle/0f/bundle.zip", "events/pi-1/t/1.json", "ota/pis/log/1.json"):
        assert allowed(statements, "s3:GetObject", f"{STORE}/{name}")
    for name in ("images/a/Ada/1.jpg", "dataset/a/crops/1.jpg", "jobs/photos/0f", "model/a/model.keras"):
        assert not allowed(statements, "s3:GetObject", f"{STORE}/{name}")
    for name in ("bundle/0f/bundle.zip", "events/pi-1/t/1.json", "lambda/0f/actorrec-lambda.zip", "jobs/x"):
        assert not allowed(statements, "s3:PutObject", f"{STORE}/{name}")
    deleted = {resource for action, resource, _ in granted(statements) if action == "s3:DeleteObject"}
    assert deleted == {f"{STORE}/.locks/*"}
    assert allowed(statements, "iot:Publish", f"{IOT}:topic/{TOPIC}/ota")
    assert not allowed(statements, "iot:Publish", f"{IOT}:topic/{TOPIC}/health")
    assert not allowed(statements, "kms:Decrypt", KEY)
    assert allowed(stack(KmsKeyArn=KEY).statements("OtaRole"), "kms:GenerateDataKey", KEY)
    assert not [action for action, _, _ in granted(statements) if action.startswith("iam:Pass")]


def test_the_archive_writes_events_and_nothing_else() -> None:
    archived = stack(KmsKeyArn=KEY)
    statements = archived.statements("EventsRole")
    assert {(action, resource) for action, resource, _ in granted(statements)} == {
        ("s3:PutObject", f"{STORE}/events/*"), ("kms:Decrypt", KEY), ("kms:GenerateDataKey", KEY),
    }  # fmt: skip
    payload = archived.resources["EventsRule"]["TopicRulePayload"]
    (action,) = payload["Actions"]
    assert action["S3"]["Key"] == f"{PREFIX}/events/${{clientid()}}/${{topic()}}/${{timestamp()}}-${{newuuid()}}.json"
    assert payload["Sql"] == f"SELECT * FROM '{TOPIC}/#'"
    assert action["S3"]["RoleArn"] == archived._attribute("EventsRole.Arn")


def test_the_function_is_there_only_with_its_code_and_only_the_stacks_rules_call_it() -> None:
    without = stack(LambdaKey="-").resources
    assert (
        not {"OtaFunction", "OtaRole", "OtaLogs", "ModelLanded", "GoOn", "MayGoOn", "MayTellOfModels"} & without.keys()
    )
    made = stack()
    for rule, permission in (("ModelLanded", "MayTellOfModels"), ("GoOn", "MayGoOn")):
        (target,) = made.resources[rule]["Targets"]
        assert target["Arn"] == made._attribute("OtaFunction.Arn")
        may = made.resources[permission]
        assert may["Principal"] == "events.amazonaws.com" and may["SourceArn"] == made._attribute(f"{rule}.Arn")
    detail = made.resources["ModelLanded"]["EventPattern"]["detail"]
    assert detail["bucket"]["name"] == ["my-bucket"]
    assert [each["wildcard"] for each in detail["object"]["key"]] == [
        f"{PREFIX}/*model.tar.gz",
        f"{PREFIX}/*bundle.zip",
    ]
    assert made.resources["Bucket"]["NotificationConfiguration"] == {
        "EventBridgeConfiguration": {"EventBridgeEnabled": True}
    }


def fleet_policy(group: str, bucket: str = "my-bucket") -> list[dict[str, object]]:
    return people_statements(
        "policy-fleet.json", THINGGROUP=group, COMPONENT=NAME, ARTIFACTS="components", BUCKET=bucket, PREFIX="actorrec"
    )


def test_a_person_who_deploys_may_all_that_deploying_asks(fleet: Fleet) -> None:
    fleet.split()
    fleet.greengrass.deploy(fleet.group, {})
    rights = Rights()
    with recorded(rights):
        fleet.result("--yes", "--wait")
        fleet.result("--set", "InferenceInterval=20", "--yes", "--wait")
        for command in (["status"], ["history"], ["rollback", "--yes", "--wait"], ["cancel", "--yes"]):
            fleet.result(*command)
        fleet.result("remove", "--yes", "--wait")
    assert len({action for action, _ in rights.found}) > 10
    assert rights.lacking(fleet_policy(fleet.group)) == []
    assert ("iot:CreateJob", f"{IOT}:thinggroup/{fleet.group}") in rights.lacking(fleet_policy("others"))


def test_a_person_who_deploys_may_try_first_on_a_part(fleet: Fleet) -> None:
    fleet.split()
    fleet.result("--yes", "--wait")
    fleet.model("1.0.1")
    rights = Rights()
    with recorded(rights):
        fleet.run("--canary", "40%", "--yes")
    assert rights.lacking(fleet_policy(fleet.group)) == []


def test_a_person_who_publishes_may_all_that_publishing_asks(greengrass: Greengrass, tmp_path: Path) -> None:
    bucket, rights = new_bucket(greengrass.aws_url), Rights()
    bundle_file = str(write_small_bundle(tmp_path / "bundle.zip"))
    environ = {"ACTORREC_REMOTE__BUCKET": bucket, "ACTORREC_GREENGRASS__POLL_S": "0.001"}
    command = ["publish-component", bundle_file, "--store", f"s3://{bucket}/actorrec", "--yes"]
    with recorded(rights):
        done = CliRunner().invoke(app, command, env=environ)
    assert done.exit_code == 0, (done.output, done.exception)
    assert ("s3:ListBucket", f"arn:aws:s3:::{bucket}") in rights.found
    assert rights.lacking(fleet_policy("pis", bucket)) == []


def test_a_person_who_makes_devices_known_may_all_that_takes(
    greengrass: Greengrass, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    iot, group, rights = greengrass.world.client("iot"), greengrass.group(), Rights()
    for policy in ("actorrec-core-device", "actorrec-core-of-clients"):
        if policy not in {each["policyName"] for each in iot.list_policies()["policies"]}:
            iot.create_policy(policyName=policy, policyDocument='{"Version": "2012-10-17", "Statement": []}')
    if "actorrec-token-exchange" not in iot.list_role_aliases()["roleAliases"]:
        iot.create_role_alias(roleAlias="actorrec-token-exchange", roleArn=f"arn:aws:iam::{ACCOUNT}:role/x")
    monkeypatch.chdir(tmp_path)
    environ = {"ACTORREC_CLOUD__THING_GROUP": group}
    name = f"{group}-new"
    with recorded(rights):
        for command in (["provision", name, "--clients"], ["ls"], ["show", name]):
            done = CliRunner().invoke(app, ["devices", *command], env=environ)
            assert command[0] == "show" or done.exit_code == 0, (done.output, done.exception)
    assert ("iot:CreateThing", f"{IOT}:thing/{name}") in rights.found
    assert rights.lacking(fleet_policy(group)) == []
