"""Plans of deployments: what goes in, what stays, what goes, and when there is nothing to do."""

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("botocore")

from actorrec.artifacts.local import LocalStore
from actorrec.errors import ConfigError
from actorrec.greengrass import deploy
from actorrec.greengrass.component_settings import merged, parse_settings
from actorrec.greengrass.deploy_plan import DeploymentPlan, Intent, Wanted, plan_deployment
from actorrec.greengrass.deployments import CLASSIC, LITE, CoreDevice, Created, Deployment
from actorrec.greengrass.group import GroupState
from actorrec.manifests.component import DeployedComponent
from actorrec.sections.cloud import GreengrassSection
from aws_shapes import faults

ARN = "arn:aws:iot:us-east-1:123456789012:thinggroup/pis"
NAME = "com.example.ActorRecognizer"
MODEL = f"{NAME}.Model"
LOGS = DeployedComponent(
    version="2.3.9", merge='{"logsUploaderConfiguration": {"a": 1}}', reset=["/old"], run_with={"posixUser": "logs"}
)
SPLIT = {NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")}


def group(
    components: dict[str, DeployedComponent] | None = None, *, runtime: str = CLASSIC, status: str = "ACTIVE"
) -> GroupState:
    device = CoreDevice("pi-1", "HEALTHY", runtime, "aarch64")
    present = None
    if components is not None:
        present = Deployment(
            "d-1", 1, "pis", ARN, status, datetime(2026, 11, 1, tzinfo=UTC), True, components=components
        )
    return GroupState("pis", ARN, ("pi-1", "pi-2"), (device,), present)


def planned(
    state: GroupState, wanted: dict[str, Wanted], intent: Intent | None = None, **settings: Any
) -> DeploymentPlan:
    plan = plan_deployment(state, wanted, GreengrassSection(**settings), intent)
    import botocore.session

    shape = botocore.session.get_session().get_service_model("greengrassv2").operation_model("CreateDeployment")
    assert not list(faults(shape.input_shape, dict(plan.request), "CreateDeployment"))
    return plan


def verbs(plan: DeploymentPlan) -> dict[str, str]:
    return {action.name: action.verb for action in plan.actions}


def after(plan: DeploymentPlan) -> GroupState:
    """The group once a plan was carried out."""
    return group(dict(plan.components))


def test_a_first_deployment_adds_both_and_carries_every_setting() -> None:
    plan = planned(
        group(),
        SPLIT,
        rate_per_minute=7,
        abort_percent=12.345,
        abort_after=9,
        timeout_minutes=33,
        failure_policy="DO_NOTHING",
        update_policy="SKIP_NOTIFY_COMPONENTS",
        update_timeout_s=44,
        validation_timeout_s=55,
    )
    assert verbs(plan) == {NAME: "add", MODEL: "add"}
    assert plan.changed
    request = dict(plan.request)
    assert request.pop("deploymentName").startswith("pis actorrec group ")
    assert request == {
        "targetArn": ARN,
        "components": {
            NAME: {"componentVersion": "1.0.0"},
            MODEL: {"componentVersion": "1.0.0"},
        },
        "deploymentPolicies": {
            "failureHandlingPolicy": "DO_NOTHING",
            "componentUpdatePolicy": {"action": "SKIP_NOTIFY_COMPONENTS", "timeoutInSeconds": 44},
            "configurationValidationPolicy": {"timeoutInSeconds": 55},
        },
        "iotJobConfiguration": {
            "jobExecutionsRolloutConfig": {"maximumPerMinute": 7},
            "abortConfig": {
                "criteriaList": [
                    {
                        "failureType": "ALL",
                        "action": "CANCEL",
                        "thresholdPercentage": 12.35,
                        "minNumberOfExecutedThings": 9,
                    }
                ]
            },
            "timeoutConfig": {"inProgressTimeoutInMinutes": 33},
        },
    }


def test_components_of_others_stay_to_the_letter() -> None:
    plan = planned(group({"aws.greengrass.LogManager": LOGS}), SPLIT)
    assert verbs(plan) == {NAME: "add", MODEL: "add", "aws.greengrass.LogManager": "keep"}
    assert plan.request["components"]["aws.greengrass.LogManager"] == {
        "componentVersion": "2.3.9",
        "configurationUpdate": {"merge": LOGS.merge, "reset": ["/old"]},
        "runWith": {"posixUser": "logs"},
    }


def test_what_was_set_once_is_not_lost_with_the_next_version() -> None:
    first = planned(group(), {NAME: Wanted("1.0.0", "single", parse_settings(["InferenceInterval=5"]))})
    state = after(first)
    present = state.components[NAME].model_copy(update={"run_with": {"posixUser": "cam"}})
    second = planned(group({NAME: present}), {NAME: Wanted("1.0.1", "single", parse_settings(["ImageName=a.jpg"]))})
    component = second.request["components"][NAME]
    assert json.loads(component["configurationUpdate"]["merge"]) == {"InferenceInterval": "5", "ImageName": "a.jpg"}
    assert component["configurationUpdate"]["reset"] == [""]  # a new version's own defaults are to count
    assert component["runWith"] == {"posixUser": "cam"}
    assert verbs(second) == {NAME: "update"}


def test_a_configuration_is_only_mentioned_where_there_is_something_to_say() -> None:
    first = planned(group(), {NAME: Wanted("1.0.0", "single")})
    assert "configurationUpdate" not in first.request["components"][NAME]
    assert not planned(after(first), {NAME: Wanted("1.0.0", "single")}).changed
    second = planned(after(first), {NAME: Wanted("1.0.1", "single")})  # its own defaults are to count
    assert second.request["components"][NAME]["configurationUpdate"] == {"reset": [""]}
    assert not planned(after(second), {NAME: Wanted("1.0.1", "single")}).changed


def test_a_cameras_password_is_sent_and_neither_shown_nor_recorded(tmp_path: Path) -> None:
    wanted = Wanted("1.0.0", "runtime", merge=parse_settings(["UseCamera=true", "Camera=rtsp://u:hunter2@10.0.0.9/x"]))
    plan = planned(group(), {NAME: wanted})
    assert "hunter2" in json.dumps(dict(plan.request))
    assert "hunter2" not in json.dumps(plan.as_json()) and "rtsp://…@10.0.0.9/x" in plan.actions[0].why
    record = deploy._manifest(plan, Created("D-2000", None), LocalStore(tmp_path), "pis", None)
    assert "hunter2" not in record.model_dump_json()
    assert json.loads(record.components[NAME].merge) == {"UseCamera": "true", "Camera": "rtsp://…@10.0.0.9/x"}


def test_a_setting_goes_back_to_the_published_one() -> None:
    state = after(planned(group(), {NAME: Wanted("1.0.0", "single", {"ImageName": "a.jpg", "Shadow": "off"})}))
    plan = planned(state, {NAME: Wanted("1.0.0", "single", reset=("ImageName",))})
    assert json.loads(plan.request["components"][NAME]["configurationUpdate"]["merge"]) == {"Shadow": "off"}
    assert [action.why for action in plan.actions] == ["ImageName as published"]


def test_the_same_again_is_nothing_to_do_unless_forced() -> None:
    wanted = {NAME: Wanted("1.0.0", "single", {"ImageName": "a.jpg"})}
    state = after(planned(group(), wanted))
    again = planned(state, {NAME: Wanted("1.0.0", "single")})
    assert not again.changed
    assert verbs(again) == {NAME: "keep"}
    assert again.request["components"] == planned(group(), wanted).request["components"]
    assert planned(state, wanted, Intent(force=True)).changed


@pytest.mark.parametrize("status", ["CANCELED", "FAILED"])
def test_what_did_not_come_to_its_end_is_deployed_again(status: str) -> None:
    components = dict(planned(group(), SPLIT).components)
    plan = planned(group(components, status=status), SPLIT)
    assert plan.changed
    assert verbs(plan) == {NAME: "redeploy", MODEL: "redeploy"}
    assert any("the deployment that the group has now was" in note for note in plan.notes)


def test_a_configuration_in_other_words_is_the_same() -> None:
    state = group({NAME: DeployedComponent(version="1.0.0", merge='{ "ImageName" : "a" }', reset=[""])})
    plan = planned(state, {NAME: Wanted("1.0.0", "single", {"ImageName": "a"})})
    assert not plan.changed


def test_a_single_component_takes_the_place_of_both() -> None:
    state = after(planned(group(), SPLIT))
    plan = planned(state, {NAME: Wanted("1.0.1", "single")})
    assert verbs(plan) == {NAME: "update", MODEL: "remove"}
    assert list(plan.request["components"]) == [NAME]


def test_both_take_the_place_of_a_single_component() -> None:
    state = after(planned(group(), {NAME: Wanted("1.0.0", "single")}))
    plan = planned(state, {NAME: Wanted("1.0.1", "runtime"), MODEL: Wanted("1.0.0", "model")})
    assert verbs(plan) == {NAME: "update", MODEL: "add"}


def test_a_new_model_alone_keeps_the_program_as_it_is() -> None:
    state = after(planned(group(), SPLIT))
    plan = planned(state, {MODEL: Wanted("1.0.1", "model")})
    assert verbs(plan) == {MODEL: "update", NAME: "keep"}
    assert plan.components[NAME] == state.components[NAME]


def test_a_model_without_a_program_is_refused() -> None:
    with pytest.raises(ConfigError, match="to run it"):
        planned(group({"aws.greengrass.LogManager": LOGS}), {MODEL: Wanted("1.0.0", "model")})


def test_removing_the_last_component_leaves_an_empty_list() -> None:
    state = after(planned(group(), SPLIT))
    plan = planned(state, {}, Intent("remove", drop=frozenset(SPLIT)))
    assert plan.request["components"] == {}
    assert verbs(plan) == {NAME: "remove", MODEL: "remove"}
    assert plan.changed


def test_a_subdeployment_names_its_parent() -> None:
    plan = planned(group(), SPLIT, Intent("canary", parent_arn=ARN))
    assert plan.request["parentTargetArn"] == ARN


def test_a_deployment_that_nucleus_lite_cannot_read_is_refused() -> None:
    long = DeployedComponent(version="1.0.0", merge=json.dumps({"text": "x" * 4000}))
    planned(group({"com.example.Other": long}), SPLIT)
    with pytest.raises(ConfigError, match="nucleus lite takes about 3200"):
        planned(group({"com.example.Other": long}, runtime=LITE), {NAME: Wanted("1.0.0", "single")})


def test_a_deployment_that_is_much_for_nucleus_lite_is_warned_of_there_alone() -> None:
    much = {"com.example.Other": DeployedComponent(version="1.0.0", merge=json.dumps({"text": "x" * 2200}))}
    wanted = {NAME: Wanted("1.0.0", "single")}
    told = [any("are much for nucleus lite" in note for note in planned(group(much, runtime=each), wanted).notes)
            for each in (LITE, CLASSIC)]  # fmt: skip
    assert told == [True, False]


def test_a_share_too_small_to_be_said_is_the_smallest_that_can() -> None:
    (rule,) = planned(group(), SPLIT, abort_percent=0.001).request["iotJobConfiguration"]["abortConfig"]["criteriaList"]
    assert rule["thresholdPercentage"] == 0.01


def test_the_same_version_again_on_nucleus_lite_is_warned_of() -> None:
    components = dict(planned(group(), {NAME: Wanted("1.0.0", "single")}).components)
    wanted = {NAME: Wanted("1.0.0", "single")}
    again = planned(group(components, runtime=LITE), wanted, Intent(force=True))
    assert any("fetches a version again" in note for note in again.notes)
    cancelled = planned(group(components, runtime=LITE, status="CANCELED"), wanted)
    assert any("fetches a version again" in note for note in cancelled.notes)
    for state in (group(components, runtime=LITE), group(components, status="CANCELED")):
        assert not any("fetches a version again" in note for note in planned(state, wanted).notes)


def test_things_that_never_reported_are_told_of() -> None:
    assert any("1 of the 2 things never reported" in note and "pi-2" in note for note in planned(group(), SPLIT).notes)


@pytest.mark.parametrize(
    ("pair", "value"),
    [
        ("ImageName=a=b.jpg", {"ImageName": "a=b.jpg"}),
        ("InferenceInterval=0.50", {"InferenceInterval": "0.5"}),
        ("InferenceInterval= 3600 ", {"InferenceInterval": "3600"}),
        ("UseCamera=FALSE", {"UseCamera": "false"}),
        ("Camera=rtsp://cam.lan/1", {"Camera": "rtsp://cam.lan/1"}),
        ("HeartbeatInterval=30", {"HeartbeatInterval": "30"}),
        ("Shadow=previous", {"Shadow": "previous"}),
        ("PublishResultsOnTopic=a/b", {"PublishResultsOnTopic": "a/b"}),
        ("ImageDirectory=", {"ImageDirectory": ""}),
    ],
)
def test_settings_are_strings_as_the_component_reads_them(pair: str, value: dict[str, str]) -> None:
    assert parse_settings([pair]) == value


@pytest.mark.parametrize(
    ("pair", "told"),
    [
        ("InferenceIntervall=5", "is InferenceInterval meant"),
        ("inferenceinterval=5", "is InferenceInterval meant"),
        ("zzz=5", "It knows ImageName"),
        ("ImageName", "KEY=VALUE"),
        ("InferenceInterval=fast", "a number of seconds"),
        ("InferenceInterval=nan", "a number of seconds"),
        ("InferenceInterval=0", "from 0.1"),
        ("HealthInterval=0.5", "from 1"),
        ("Shadow=on", "off or previous"),
        ("UseCamera=yes", "true or false"),
        ("Camera=file:///etc/passwd", "devices would refuse it: Camera"),
        ("ImageDirectory=pictures", "it must be a whole path"),
        ("ImageName=../door.jpg", "devices would refuse it: ImageName"),
        ("PublishResultsOnTopic=a/#", "no topic"),
        ("PublishResultsOnTopic=a/b/c/d/e/f/g/h", "devices would refuse it: PublishResultsOnTopic"),
        ("ImageName=a\nb", "printable"),
        (f"ImageName={'x' * 256}", "at most 255"),
    ],
)
def test_a_setting_that_cannot_be_is_refused(pair: str, told: str) -> None:
    with pytest.raises(ConfigError) as caught:
        parse_settings([pair])
    assert told in caught.value.in_full


def test_a_setting_given_twice_is_refused() -> None:
    with pytest.raises(ConfigError, match="twice"):
        parse_settings(["Shadow=off", "Shadow=previous"])


def test_maps_are_merged_and_all_else_replaced() -> None:
    text = merged('{"a": {"b": 1, "c": [1]}, "d": {"e": 1}}', {"a": {"c": [2]}, "d": "x"})
    assert json.loads(text) == {"a": {"b": 1, "c": [2]}, "d": "x"}
    assert merged("", {}) == ""
    assert merged('{ "a":1 }', {"a": 1}) == '{ "a":1 }'  # word for word where nothing changes


@pytest.mark.parametrize("text", ["[1]", "{", '"a"'])
def test_a_configuration_that_is_no_object_is_told_of(text: str) -> None:
    with pytest.raises(ConfigError, match="no JSON object"):
        planned(group({NAME: DeployedComponent(version="1.0.0", merge=text)}), {NAME: Wanted("1.0.1", "single")})
