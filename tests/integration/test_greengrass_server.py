"""The fake Greengrass is as strict as the real one, and its arithmetic is right."""

import hashlib
import json
import time
import urllib.request
from base64 import b64encode
from collections.abc import Callable
from typing import Any

import boto3
import pytest
import yaml
from botocore.config import Config
from botocore.exceptions import ClientError, EndpointConnectionError, HTTPClientError

from aws_shapes import faults
from greengrass_server import DENIED, THROTTLED, Fate, Greengrass, greengrass
from greengrass_wire import service_model
from s3_servers import client as s3_client
from s3_servers import new_bucket

__all__ = ["greengrass"]
NAME = "com.example.A"
ONCE = Config(retries={"total_max_attempts": 1}, parameter_validation=False)


@pytest.fixture
def cloud(greengrass: Greengrass) -> Any:
    """A client that lets through what the service must refuse: the check of the tests' own requests is taken out."""
    made = boto3.client("greengrassv2", config=ONCE)
    _unchecked(made)
    return made


@pytest.fixture
def iot(greengrass: Greengrass) -> Any:
    """IoT, through the fake."""
    made = boto3.client("iot", config=ONCE)
    _unchecked(made)
    return made


def _unchecked(made: Any) -> None:
    from aws_requests import _check

    made.meta.events.unregister("provide-client-params", _check)


def recipe(version: str = "1.0.0", name: str = NAME, *uris: str, **more: Any) -> dict[str, Any]:
    manifest = {"Platform": {"os": "linux", "runtime": "*"}, "Lifecycle": {"run": "true"},
                "Artifacts": [{"Uri": uri, "Unarchive": "ZIP"} for uri in uris]}  # fmt: skip
    return {"RecipeFormatVersion": "2020-01-25", "ComponentName": name, "ComponentVersion": version,
            "Manifests": [manifest], **more}  # fmt: skip


def publish(cloud: Any, body: dict[str, Any] | bytes, **more: Any) -> dict[str, Any]:
    text = body if isinstance(body, bytes) else json.dumps(body).encode()
    told: dict[str, Any] = cloud.create_component_version(inlineRecipe=text, **more)
    return told


def refused(act: Callable[[], object]) -> tuple[str, str, int]:
    with pytest.raises(ClientError) as caught:
        act()
    answer = caught.value.response
    return answer["Error"]["Code"], answer["Error"]["Message"], answer["ResponseMetadata"]["HTTPStatusCode"]


def test_a_component_goes_through_its_states_to_deployable(greengrass: Greengrass, cloud: Any, moto_url: str) -> None:
    bucket = new_bucket(moto_url)
    s3_client(moto_url).put_object(Bucket=bucket, Key="a/b.zip", Body=b"content")
    made = publish(cloud, recipe("1.0.0", NAME, f"s3://{bucket}/a/b.zip"), tags={"who": "ada"})
    states = [cloud.describe_component(arn=made["arn"])["status"]["componentState"] for _ in range(4)]
    assert states == ["REQUESTED", "INITIATED", "DEPLOYABLE", "DEPLOYABLE"]
    kept = json.loads(cloud.get_component(arn=made["arn"])["recipe"])["Manifests"][0]["Artifacts"][0]
    assert kept["Digest"] == b64encode(hashlib.sha256(b"content").digest()).decode()
    assert kept["Algorithm"] == "SHA-256"
    as_yaml = cloud.get_component(arn=made["arn"], recipeOutputFormat="YAML")
    assert yaml.safe_load(as_yaml["recipe"])["ComponentName"] == NAME
    assert cloud.list_tags_for_resource(resourceArn=made["arn"])["tags"] == {"who": "ada"}


def test_tags_come_and_go(greengrass: Greengrass, cloud: Any) -> None:
    arn = greengrass.component(NAME, "1.0.0", {"a": "1", "b": "2", "c": "3"})
    cloud.tag_resource(resourceArn=arn, tags={"d": "4"})
    cloud.untag_resource(resourceArn=arn, tagKeys=["a", "b"])
    assert cloud.describe_component(arn=arn)["tags"] == {"c": "3", "d": "4"}


def test_a_recipe_may_be_yaml(cloud: Any) -> None:
    assert publish(cloud, yaml.safe_dump(recipe("2.0.0")).encode())["componentVersion"] == "2.0.0"


@pytest.mark.parametrize("key", ["missing.zip", ""])
def test_an_artifact_that_is_not_there_fails_the_component(cloud: Any, moto_url: str, key: str) -> None:
    uri = f"s3://{new_bucket(moto_url)}/{key}" if key else "s3://no-such-bucket-anywhere/a.zip"
    arn = publish(cloud, recipe("1.0.0", NAME, uri))["arn"]
    cloud.describe_component(arn=arn)
    status = cloud.describe_component(arn=arn)["status"]
    assert status["componentState"] == "FAILED"
    assert list(status["errors"]) == [uri]


def test_an_artifact_of_another_region_fails_the_component(cloud: Any, moto_url: str) -> None:
    bucket = f"far-{time.time_ns()}"
    s3 = s3_client(moto_url)
    s3.create_bucket(Bucket=bucket, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    s3.put_object(Bucket=bucket, Key="a.zip", Body=b"x")
    arn = publish(cloud, recipe("1.0.0", NAME, f"s3://{bucket}/a.zip"))["arn"]
    cloud.describe_component(arn=arn)
    assert "eu-west-1" in cloud.describe_component(arn=arn)["status"]["errors"][f"s3://{bucket}/a.zip"]


@pytest.mark.parametrize(
    ("body", "said"),
    [
        (recipe("1.0"), "semantic version"),
        (recipe("01.0.0"), "semantic version"),
        (recipe("1.0.1000000"), "999999"),
        (recipe(name="aws.greengrass.Mine"), "reserved"),
        (recipe(name="with space"), "ComponentName"),
        (recipe(name="a" * 129), "ComponentName"),
        (recipe(Lifecycel={}), "unrecognised field 'Lifecycel'"),
        (recipe(RecipeFormatVersion="2021-01-01"), "not supported"),
        (recipe(Manifests=[]), "one manifest"),
        (recipe(Manifests=[{"Platform": {"os": "plan9"}}]), "plan9"),
        (recipe("1.0.0", NAME, "https://example.com/a.zip"), "not an S3 URI"),
        (recipe(ComponentDependencies={"x": {"DependencyType": "HARD"}}), "VersionRequirement"),
        (recipe(ComponentDescription="x" * 16_000), "16000 bytes"),
        (b"{not json", "cannot be parsed"),
        (b"- a\n- list", "not a mapping"),
    ],
)
def test_a_bad_recipe_is_refused(greengrass: Greengrass, cloud: Any, body: Any, said: str) -> None:
    code, message, status = refused(lambda: publish(cloud, body))
    assert (code, status) == ("ValidationException", 400)
    assert said in message
    assert not greengrass.components


def test_a_version_is_never_made_twice(cloud: Any) -> None:
    publish(cloud, recipe())
    code, message, status = refused(lambda: publish(cloud, recipe()))
    assert (code, status) == ("ConflictException", 409)
    assert "already exists" in message


def test_the_same_client_token_is_answered_alike(greengrass: Greengrass, cloud: Any) -> None:
    first, second = (publish(cloud, recipe(), clientToken="one-token") for _ in range(2))
    assert first["arn"] == second["arn"]
    assert refused(lambda: publish(cloud, recipe("1.0.1"), clientToken="one-token"))[0] == "ConflictException"
    assert len(greengrass.components) == 1


@pytest.mark.parametrize(
    "more",
    [{"clientToken": "with_underscore"}, {"clientToken": "x" * 65}, {"tags": {"k": "v" * 257}}, {"tags": {"": "v"}}],
)
def test_members_out_of_bounds_are_refused(cloud: Any, more: dict[str, Any]) -> None:
    assert refused(lambda: publish(cloud, recipe(), **more))[0] == "ValidationException"


def test_versions_come_newest_first_in_pages(greengrass: Greengrass, cloud: Any) -> None:
    for version in ("1.0.9", "1.0.10", "1.0.2", "2.0.0", "2.0.0-rc.1"):
        greengrass.component(NAME, version)
    arn = f"arn:aws:greengrass:us-east-1:123456789012:components:{NAME}"
    pages = list(cloud.get_paginator("list_component_versions").paginate(arn=arn, PaginationConfig={"PageSize": 2}))
    listed = [each["componentVersion"] for page in pages for each in page["componentVersions"]]
    assert (listed, len(pages)) == (["2.0.0", "2.0.0-rc.1", "1.0.10", "1.0.9", "1.0.2"], 3)
    assert [each["latestVersion"]["componentVersion"] for each in cloud.list_components()["components"]] == ["2.0.0"]
    assert refused(lambda: cloud.list_component_versions(arn=arn, nextToken="junk"))[0] == "ValidationException"
    assert refused(lambda: cloud.list_component_versions(arn=arn, maxResults=101))[0] == "ValidationException"
    assert refused(lambda: cloud.list_components(scope="MINE"))[0] == "ValidationException"


def test_what_is_not_there_is_not_found(greengrass: Greengrass, cloud: Any, iot: Any) -> None:
    arn = f"arn:aws:greengrass:us-east-1:123456789012:components:{NAME}"
    for act in (
        lambda: cloud.list_component_versions(arn=arn),
        lambda: cloud.describe_component(arn=f"{arn}:versions:1.0.0"),
        lambda: cloud.get_deployment(deploymentId="none"),
        lambda: cloud.get_core_device(coreDeviceThingName="none"),
        lambda: cloud.get_service_role_for_account(),
        lambda: iot.describe_thing_group(thingGroupName="none-at-all"),
        lambda: iot.list_things_in_thing_group(thingGroupName="none-at-all"),
        lambda: iot.describe_job_execution(jobId="none", thingName="pi"),
    ):
        assert refused(act)[0] == "ResourceNotFoundException"
    assert refused(lambda: cloud.describe_component(arn=arn))[0] == "ValidationException"  # an ARN without a version


def test_a_deployment_needs_its_target_and_its_components(greengrass: Greengrass, cloud: Any) -> None:
    group = greengrass.group()
    target = greengrass.world.group_arn(group)
    one = {NAME: {"componentVersion": "1.0.0"}}
    assert refused(lambda: cloud.create_deployment(targetArn=target, components=one))[0] == "ResourceNotFoundException"
    arn = greengrass.component(NAME, "1.0.0")
    greengrass.components[arn].states = ["INITIATED", "DEPLOYABLE"]
    assert "not DEPLOYABLE" in refused(lambda: cloud.create_deployment(targetArn=target, components=one))[1]
    greengrass.components[arn].states = ["DEPLOYABLE"]
    assert refused(lambda: cloud.create_deployment(targetArn=f"{target}-not"))[0] == "ResourceNotFoundException"
    assert refused(lambda: cloud.create_deployment(targetArn="arn:aws:s3:::x"))[0] == "ValidationException"
    there = target.replace("us-east-1", "eu-west-1")
    assert "another account or region" in refused(lambda: cloud.create_deployment(targetArn=there))[1]
    assert not greengrass.deployments
    assert cloud.create_deployment(targetArn=target, components=one)["iotJobId"] in greengrass.jobs


@pytest.mark.parametrize(
    "more",
    [
        {"deploymentPolicies": {"failureHandlingPolicy": "GIVE_UP"}},
        {"deploymentPolicies": {"componentUpdatePolicy": {"action": "ASK"}}},
        {"iotJobConfiguration": {"jobExecutionsRolloutConfig": {"maximumPerMinute": 1001}}},
        {"iotJobConfiguration": {"jobExecutionsRolloutConfig": {"maximumPerMinute": 0}}},
        {"iotJobConfiguration": {"timeoutConfig": {"inProgressTimeoutInMinutes": 10081}}},
        {"iotJobConfiguration": {"abortConfig": {"criteriaList": []}}},
        {"deploymentName": "x" * 257},
        {"deploymentName": ""},
        {"components": {NAME: {"componentVersion": "1.0.0", "configurationUpdate": {"merge": "not json"}}}},
        {"components": {NAME: {"componentVersion": "1.0.0", "configurationUpdate": {"merge": ""}}}},
        {"components": {NAME: {"componentVersion": "1.0.0", "configurationUpdate": {"reset": ["x" * 257]}}}},
        {"parentTargetArn": "arn:aws:iot:us-east-1:123456789012:thing/pi"},
    ],
)
def test_a_bad_deployment_is_refused(greengrass: Greengrass, cloud: Any, more: dict[str, Any]) -> None:
    greengrass.component(NAME, "1.0.0")
    target = greengrass.world.group_arn(greengrass.group())
    assert refused(lambda: cloud.create_deployment(targetArn=target, **more))[0] == "ValidationException"
    assert not greengrass.deployments


@pytest.mark.parametrize(
    ("criterion", "said"),
    [
        ({"thresholdPercentage": 0}, "thresholdPercentage"),
        ({"thresholdPercentage": 12.345}, "thresholdPercentage"),
        ({"thresholdPercentage": 101}, "thresholdPercentage"),
        ({"minNumberOfExecutedThings": 0}, "minNumberOfExecutedThings"),
        ({"failureType": "ANY"}, "failureType"),
    ],
)
def test_a_bad_abort_rule_is_refused(greengrass: Greengrass, cloud: Any, criterion: dict[str, Any], said: str) -> None:
    target = greengrass.world.group_arn(greengrass.group())
    abort = {"criteriaList": [_criterion() | criterion]}
    message = refused(lambda: cloud.create_deployment(targetArn=target, iotJobConfiguration={"abortConfig": abort}))[1]
    assert said in message


def _criterion(percent: float = 20.0, least: int = 5, kind: str = "FAILED") -> dict[str, Any]:
    return {"failureType": kind, "action": "CANCEL", "thresholdPercentage": percent, "minNumberOfExecutedThings": least}


def _counts(iot: Any, job: str) -> dict[str, int]:
    told = iot.describe_job(jobId=job)["job"]["jobProcessDetails"]
    return {
        key.removeprefix("numberOf").removesuffix("Things"): n for key, n in told.items() if isinstance(n, int) and n
    }


def test_the_rollout_keeps_its_rate(greengrass: Greengrass, iot: Any) -> None:
    group = greengrass.group()
    greengrass.add_devices(group, 120)
    rollout = {"jobExecutionsRolloutConfig": {"maximumPerMinute": 50}}
    job = greengrass.deployments[greengrass.deploy(group, {}, iotJobConfiguration=rollout)].job.id
    assert _counts(iot, job) == {"Queued": 50}
    assert iot.describe_job(jobId=job)["job"]["jobProcessDetails"]["processingTargets"]
    assert _counts(iot, job) == {"Queued": 20, "InProgress": 50, "Succeeded": 50}
    greengrass.settle()
    last = iot.describe_job(jobId=job)["job"]
    assert (last["jobProcessDetails"]["numberOfSucceededThings"], last["status"]) == (120, "IN_PROGRESS")
    assert last["jobProcessDetails"]["processingTargets"] == []


def test_an_exponential_rollout_grows(greengrass: Greengrass, iot: Any) -> None:
    group = greengrass.group()
    greengrass.add_devices(group, 200)
    growth = {"baseRatePerMinute": 10, "incrementFactor": 2.0, "rateIncreaseCriteria": {"numberOfNotifiedThings": 20}}
    rollout = {"jobExecutionsRolloutConfig": {"exponentialRate": growth, "maximumPerMinute": 50}}
    job = greengrass.deployments[greengrass.deploy(group, {}, iotJobConfiguration=rollout)].job
    told = []
    for _ in range(6):
        greengrass.advance()
        told.append(len(job.executions))
    assert told == [10, 20, 40, 80, 130, 180]  # 10, 10, 20, 40, then the most allowed


def test_the_abort_rule_stops_the_rollout(greengrass: Greengrass, cloud: Any, iot: Any) -> None:
    group = greengrass.group()
    names = greengrass.add_devices(group, 100)
    greengrass.fates |= dict.fromkeys(names[::5], Fate("FAILED", "no space left"))
    configuration = {
        "jobExecutionsRolloutConfig": {"maximumPerMinute": 20}, "abortConfig": {"criteriaList": [_criterion(20.0, 20)]},
    }  # fmt: skip
    made = greengrass.deploy(group, {}, iotJobConfiguration=configuration)
    job = greengrass.deployments[made].job
    greengrass.settle()
    assert _counts(iot, job.id) == {"Succeeded": 16, "Failed": 4, "Canceled": 20}  # 60 were never told
    assert (job.status, len(job.executions)) == ("CANCELED", 40)
    assert cloud.get_deployment(deploymentId=made)["deploymentStatus"] == "CANCELED"


@pytest.mark.parametrize(("percent", "least", "aborted"), [(20.01, 10, False), (20.0, 11, False), (20.0, 10, True)])
def test_the_abort_rule_counts_exactly(greengrass: Greengrass, percent: float, least: int, aborted: bool) -> None:
    group = greengrass.group()
    names = greengrass.add_devices(group, 10)
    greengrass.fates |= {names[0]: Fate("FAILED", "a"), names[1]: Fate("TIMED_OUT"), names[2]: Fate("SUCCEEDED")}
    configuration = {"abortConfig": {"criteriaList": [_criterion(percent, least, "ALL")]}}
    job = greengrass.deployments[greengrass.deploy(group, {}, iotJobConfiguration=configuration)].job
    greengrass.settle()
    assert (job.status == "CANCELED") is aborted


def test_each_device_tells_how_it_fared(greengrass: Greengrass, cloud: Any, iot: Any) -> None:
    group = greengrass.group()
    java = greengrass.add_devices(group, 4)
    (lite,) = greengrass.add_devices(group, 1, runtime="aws_nucleus_lite")
    greengrass.component(NAME, "1.0.0")
    greengrass.fates |= {
        java[1]: Fate("FAILED", "no space left", ("DEPLOYMENT_FAILURE", "IO_ERROR"), ("DEVICE_ERROR",)),
        java[2]: Fate("REJECTED", "a newer deployment came before"), java[3]: Fate("QUEUED"), lite: Fate("FAILED", "x"),
    }  # fmt: skip
    made = greengrass.deploy(group, {NAME: "1.0.0"}, deploymentName="mine")
    job = greengrass.deployments[made].job.id
    greengrass.settle()
    pages = iot.get_paginator("list_job_executions_for_job").paginate(jobId=job, PaginationConfig={"PageSize": 2})
    listed = [each for page in pages for each in page["executionSummaries"]]
    states = {each["thingArn"].rpartition("/")[2]: each["jobExecutionSummary"]["status"] for each in listed}
    assert states == dict(zip([*java, lite], ["SUCCEEDED", "FAILED", "REJECTED", "QUEUED", "FAILED"], strict=True))
    failed = iot.describe_job_execution(jobId=job, thingName=java[1])["execution"]["statusDetails"]["detailsMap"]
    assert failed["deployment-failure-cause"] == "no space left"
    assert json.loads(failed["deployment-error-stack"]) == ["DEPLOYMENT_FAILURE", "IO_ERROR"]
    assert not iot.describe_job_execution(jobId=job, thingName=lite)["execution"]["statusDetails"]["detailsMap"]
    (told,) = cloud.list_effective_deployments(coreDeviceThingName=java[1])["effectiveDeployments"]
    assert (told["coreDeviceExecutionStatus"], told["reason"]) == ("FAILED", "no space left")
    assert told["statusDetails"]["errorStack"] == ["DEPLOYMENT_FAILURE", "IO_ERROR"]
    assert iot.list_job_executions_for_job(jobId=job, status="QUEUED")["executionSummaries"][0]["thingArn"].endswith(
        java[3]
    )
    assert refused(lambda: iot.list_job_executions_for_job(jobId=job, status="LOST"))[0] == "InvalidRequestException"


def test_only_devices_that_once_succeeded_are_listed_for_a_group(greengrass: Greengrass, cloud: Any) -> None:
    group = greengrass.group()
    good, bad = greengrass.add_devices(group, 2)
    greengrass.fates[bad] = Fate("FAILED", "no")
    arn = greengrass.world.group_arn(group)
    assert cloud.list_core_devices(thingGroupArn=arn)["coreDevices"] == []
    greengrass.component(NAME, "1.0.0")
    greengrass.deploy(group, {NAME: "1.0.0"})
    greengrass.settle()
    assert [each["coreDeviceThingName"] for each in cloud.list_core_devices(thingGroupArn=arn)["coreDevices"]] == [good]
    installed = cloud.list_installed_components(coreDeviceThingName=good)["installedComponents"]
    assert [(each["componentName"], each["lifecycleState"]) for each in installed] == [(NAME, "RUNNING")]
    assert len(cloud.list_core_devices(runtime="aws_nucleus_classic")["coreDevices"]) == 2
    assert cloud.list_core_devices(status="UNHEALTHY")["coreDevices"] == []


def test_a_new_revision_supersedes_the_last(greengrass: Greengrass, cloud: Any) -> None:
    group = greengrass.group()
    greengrass.add_devices(group, 1)
    first, second = greengrass.deploy(group, {}), greengrass.deploy(group, {})
    arn = greengrass.world.group_arn(group)
    told = cloud.list_deployments(targetArn=arn, historyFilter="ALL")["deployments"]
    shown = ("deploymentId", "revisionId", "deploymentStatus", "isLatestForTarget")
    assert [tuple(each[key] for key in shown) for each in told] == [
        (second, "2", "ACTIVE", True), (first, "1", "CANCELED", False),
    ]  # fmt: skip
    assert [each["deploymentId"] for each in cloud.list_deployments(targetArn=arn)["deployments"]] == [second]
    assert refused(lambda: cloud.delete_deployment(deploymentId=second))[0] == "ConflictException"
    cloud.cancel_deployment(deploymentId=second)
    assert refused(lambda: cloud.cancel_deployment(deploymentId=second))[0] == "ConflictException"
    cloud.delete_deployment(deploymentId=second)
    assert refused(lambda: cloud.get_deployment(deploymentId=second))[0] == "ResourceNotFoundException"


def test_two_groups_that_disagree_fail_the_device(greengrass: Greengrass, iot: Any) -> None:
    group, ring = greengrass.group(), greengrass.group()
    (name,) = greengrass.add_devices(group, 1)
    for version in ("1.0.0", "2.0.0"):
        greengrass.component(NAME, version)
    greengrass.deploy(group, {NAME: "1.0.0"})
    greengrass.settle()
    iot.add_thing_to_thing_group(thingGroupName=ring, thingName=name)
    clash = greengrass.deploy(ring, {NAME: "2.0.0"})
    greengrass.settle()
    job = greengrass.deployments[clash].job
    assert job.executions[name].status == "FAILED"
    assert "requires =1.0.0" in job.executions[name].details["deployment-failure-cause"]
    iot.remove_thing_from_thing_group(thingGroupName=group, thingName=name)
    alone = greengrass.deploy(ring, {NAME: "2.0.0"})
    greengrass.settle()
    assert greengrass.deployments[alone].job.executions[name].status == "SUCCEEDED"


@pytest.mark.parametrize(("runtime", "status"), [("aws_nucleus_classic", "SUCCEEDED"), ("aws_nucleus_lite", "FAILED")])
def test_a_subdeployment_takes_the_parents_place_but_not_on_lite(
    greengrass: Greengrass, runtime: str, status: str
) -> None:
    group, sub = greengrass.group(), greengrass.group()
    (name,) = greengrass.add_devices(group, 1, runtime=runtime)
    greengrass.world.client("iot").add_thing_to_thing_group(thingGroupName=sub, thingName=name)
    greengrass.world.changed()
    for version in ("1.0.0", "2.0.0"):
        greengrass.component(NAME, version)
    greengrass.deploy(group, {NAME: "1.0.0"})
    greengrass.settle()
    made = greengrass.deploy(sub, {NAME: "2.0.0"}, parentTargetArn=greengrass.world.group_arn(group))
    greengrass.settle()
    assert greengrass.deployments[made].job.executions[name].status == status


def test_an_old_nucleus_knows_no_subdeployments(greengrass: Greengrass) -> None:
    group, sub = greengrass.group(), greengrass.group()
    (name,) = greengrass.add_devices(sub, 1)
    greengrass.devices[name].version = "2.8.1"
    made = greengrass.deploy(sub, {}, parentTargetArn=greengrass.world.group_arn(group))
    greengrass.settle()
    assert greengrass.deployments[made].job.executions[name].status == "FAILED"


def test_a_long_document_is_too_much_for_lite(greengrass: Greengrass) -> None:
    group = greengrass.group()
    (java,) = greengrass.add_devices(group, 1)
    (lite,) = greengrass.add_devices(group, 1, runtime="aws_nucleus_lite")
    greengrass.component(NAME, "1.0.0")
    merge = json.dumps({"key": "x" * 5000})
    made = greengrass.deploy(group, {NAME: {"componentVersion": "1.0.0", "configurationUpdate": {"merge": merge}}})
    greengrass.settle()
    executions = greengrass.deployments[made].job.executions
    assert (executions[java].status, executions[lite].status) == ("SUCCEEDED", "FAILED")


def test_a_device_that_hangs_runs_into_the_timeout(greengrass: Greengrass, cloud: Any) -> None:
    group = greengrass.group()
    (name,) = greengrass.add_devices(group, 1)
    greengrass.fates[name] = Fate("IN_PROGRESS")
    made = greengrass.deploy(group, {}, iotJobConfiguration={"timeoutConfig": {"inProgressTimeoutInMinutes": 3}})
    statuses = []
    for _ in range(6):
        greengrass.advance()
        statuses.append(greengrass.deployments[made].job.executions[name].status)
    assert statuses == ["QUEUED", "IN_PROGRESS", "IN_PROGRESS", "IN_PROGRESS", "TIMED_OUT", "TIMED_OUT"]
    (told,) = cloud.list_effective_deployments(coreDeviceThingName=name)["effectiveDeployments"]
    assert told["coreDeviceExecutionStatus"] == "TIMED_OUT"


def test_what_a_left_group_wanted_goes_with_the_next_deployment(greengrass: Greengrass, cloud: Any, iot: Any) -> None:
    group, other = greengrass.group(), greengrass.group()
    (name,) = greengrass.add_devices(group, 1)
    for component in (NAME, "com.example.B"):
        greengrass.component(component, "1.0.0")
    greengrass.deploy(group, {NAME: "1.0.0"})
    greengrass.settle()
    iot.remove_thing_from_thing_group(thingGroupName=group, thingName=name)
    iot.add_thing_to_thing_group(thingGroupName=other, thingName=name)
    installed = lambda: [  # noqa: E731
        each["componentName"]
        for each in cloud.list_installed_components(coreDeviceThingName=name)["installedComponents"]
    ]
    assert installed() == [NAME]
    greengrass.deploy(other, {"com.example.B": "1.0.0"})
    greengrass.settle()
    assert installed() == ["com.example.B"]


def test_a_things_deployment_has_no_job_and_never_reaches_lite(greengrass: Greengrass, cloud: Any) -> None:
    group = greengrass.group()
    (java,) = greengrass.add_devices(group, 1)
    (lite,) = greengrass.add_devices(group, 1, runtime="aws_nucleus_lite")
    greengrass.component(NAME, "1.0.0")
    made = {}
    for name in (java, lite):
        one = {NAME: {"componentVersion": "1.0.0"}}
        made[name] = cloud.create_deployment(targetArn=greengrass.world.thing_arn(name), components=one)
        assert "iotJobId" not in made[name]
    greengrass.settle()
    statuses = [cloud.get_deployment(deploymentId=each["deploymentId"])["deploymentStatus"] for each in made.values()]
    assert statuses == ["COMPLETED", "ACTIVE"]


def test_a_cancelled_job_lets_only_those_at_work_finish(greengrass: Greengrass, iot: Any) -> None:
    group = greengrass.group()
    greengrass.add_devices(group, 60)
    rollout = {"jobExecutionsRolloutConfig": {"maximumPerMinute": 20}}
    job = greengrass.deployments[greengrass.deploy(group, {}, iotJobConfiguration=rollout)].job
    greengrass.advance(2)
    assert refused(lambda: iot.cancel_job(jobId=job.id, reasonCode="lower case"))[0] == "InvalidRequestException"
    iot.cancel_job(jobId=job.id, reasonCode="BY_HAND")
    greengrass.settle()
    assert (job.count("SUCCEEDED"), job.count("CANCELED"), len(job.executions)) == (20, 20, 40)
    assert refused(lambda: iot.cancel_job(jobId=job.id))[0] == "InvalidRequestException"


def test_faults_are_told_as_the_model_says(greengrass: Greengrass, cloud: Any, iot: Any) -> None:
    greengrass.refuse("ListComponents", *THROTTLED, times=2)
    greengrass.refuse("DescribeEndpoint", *THROTTLED)
    greengrass.refuse("CreateComponentVersion", "ServiceQuotaExceededException", "too many")
    greengrass.refuse("ListDeployments", *DENIED)
    assert [refused(cloud.list_components)[::2] for _ in range(2)] == [("ThrottlingException", 429)] * 2
    assert cloud.list_components()["components"] == []
    assert refused(lambda: iot.describe_endpoint(endpointType="iot:Jobs"))[0] == "ThrottlingException"
    assert refused(lambda: publish(cloud, recipe()))[2] == 402
    assert refused(cloud.list_deployments)[::2] == ("AccessDeniedException", 403)
    assert greengrass.count("ListComponents") == 3
    greengrass.outage = 1
    with pytest.raises((EndpointConnectionError, HTTPClientError)):
        cloud.list_components()


def test_a_request_that_is_no_operation_is_refused(greengrass: Greengrass) -> None:
    for headers, status in (
        ({}, 403),
        ({"Authorization": "Credential=A/20261123/us-east-1/greengrass/aws4_request"}, 404),
    ):
        request = urllib.request.Request(f"{greengrass.url}/greengrass/v2/nonsense", headers=headers)
        with pytest.raises(urllib.error.HTTPError) as caught:
            urllib.request.urlopen(request, timeout=20)
        caught.value.close()
        assert caught.value.code == status


def test_other_iot_requests_are_motos(greengrass: Greengrass, iot: Any) -> None:
    name = f"handed-on-{time.time_ns()}"
    iot.create_thing(thingName=name, attributePayload={"attributes": {"a": "b"}})
    made = iot.create_keys_and_certificate(setAsActive=True)
    iot.attach_thing_principal(thingName=name, principal=made["certificateArn"])
    assert iot.list_thing_principals(thingName=name)["principals"] == [made["certificateArn"]]
    assert greengrass.world.client("iot").describe_thing(thingName=name)["attributes"] == {"a": "b"}
    assert refused(lambda: iot.describe_thing(thingName="no thing"))[0] == "InvalidRequestException"


def test_every_served_answer_is_one_the_model_knows() -> None:
    shape = service_model("greengrassv2").operation_model("GetCoreDevice").output_shape
    assert list(faults(shape, {"status": "HEALTHY"}, "x")) == []
    assert list(faults(shape, {"status": "WELL", "colour": "red"}, "x"))


def test_a_thousand_devices_are_not_made_in_moto(greengrass: Greengrass, cloud: Any, iot: Any) -> None:
    """Which takes seconds."""
    group = greengrass.group()
    names = greengrass.add_devices(group, 1000)
    greengrass.fates |= dict.fromkeys(names[:30], Fate("FAILED", "no space left"))
    job = greengrass.deployments[greengrass.deploy(group, {})].job
    greengrass.settle()
    things = [
        each
        for page in iot.get_paginator("list_things_in_thing_group").paginate(thingGroupName=group)
        for each in page["things"]
    ]
    executions = iot.get_paginator("list_job_executions_for_job").paginate(
        jobId=job.id, PaginationConfig={"PageSize": 250}
    )
    failed = sum(
        each["jobExecutionSummary"]["status"] == "FAILED" for page in executions for each in page["executionSummaries"]
    )
    assert (sorted(things), failed) == (sorted(names), 30)
    assert (
        len([each for page in cloud.get_paginator("list_core_devices").paginate() for each in page["coreDevices"]])
        == 1000
    )
    moto = boto3.client("iot", endpoint_url=greengrass.aws_url)
    assert not {each["thingName"] for each in moto.list_things()["things"]} & set(names)
