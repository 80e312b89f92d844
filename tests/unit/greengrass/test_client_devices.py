"""Client devices: who may do what at the broker, and what is refused."""

import json
from datetime import UTC, datetime

import pytest

from actorrec.errors import ConfigError, RemoteError
from actorrec.greengrass import client_devices as cd
from actorrec.greengrass.component_settings import merged
from actorrec.greengrass.deploy_plan import Wanted, plan_deployment
from actorrec.greengrass.deployments import CLASSIC, LITE, CoreDevice, Deployment
from actorrec.greengrass.group import GroupState
from actorrec.manifests.component import DeployedComponent
from actorrec.sections.cloud import GreengrassSection

ALL = (cd.AUTH, cd.BROKER, cd.BRIDGE, cd.IP_DETECTOR)
VERSIONS = dict.fromkeys(ALL, "2.5.0")
TOPIC = "ml/faces"


def group(*runtimes: str, **components: DeployedComponent) -> GroupState:
    devices = tuple(CoreDevice(f"pi-{n}", "HEALTHY", runtime, "aarch64") for n, runtime in enumerate(runtimes))
    names = {name.replace("__", "."): component for name, component in components.items()}
    arn = "arn:aws:iot:us-east-1:123456789012:thinggroup/pis"
    moment = datetime(2026, 11, 23, tzinfo=UTC)
    present = Deployment("d-1", 1, "", arn, "ACTIVE", moment, True, components=names) if names else None
    return GroupState("pis", arn, tuple(device.name for device in devices), devices, present)


def test_a_client_device_may_read_results_and_name_pictures_and_nothing_else() -> None:
    groups = cd.client_device_components(TOPIC, VERSIONS, ["cam*", "desk"])[cd.AUTH].merge["deviceGroups"]
    assert groups["definitions"]["actorrec"] == {
        "selectionRule": "thingName: cam* OR thingName: desk", "policyName": "actorrec"
    }  # fmt: skip
    rights = {
        (operation, resource)
        for statement in groups["policies"]["actorrec"].values()
        for operation in statement["operations"]
        for resource in statement["resources"]
    }
    assert rights == {
        ("mqtt:connect", "*"),
        ("mqtt:subscribe", "mqtt:topicfilter:ml/faces"),
        ("mqtt:publish", "mqtt:topic:ml/faces/request"),
    }


def test_results_leave_the_device_and_requests_come_in_and_no_topic_goes_round() -> None:
    mapping = cd.client_device_components(TOPIC, VERSIONS)[cd.BRIDGE].merge["mqttTopicMapping"]
    assert mapping == {
        "actorrec-results": {"topic": "ml/faces", "source": "Pubsub", "target": "LocalMqtt"},
        "actorrec-request": {"topic": "ml/faces/request", "source": "LocalMqtt", "target": "Pubsub"},
    }


def test_what_others_set_up_in_the_same_components_stays() -> None:
    theirs = {"mqttTopicMapping": {"theirs": {"topic": "a/b", "source": "LocalMqtt", "target": "IotCore"}}}
    ours = cd.client_device_components(TOPIC, VERSIONS)[cd.BRIDGE].merge
    together = json.loads(merged(json.dumps(theirs), ours))
    assert set(together["mqttTopicMapping"]) == {"theirs", "actorrec-results", "actorrec-request"}


@pytest.mark.parametrize("thing", ["", "a b", "*x", "x OR thingName: y", "a:b"])
def test_a_name_that_would_change_the_rule_is_refused(thing: str) -> None:
    with pytest.raises(ConfigError):
        cd.client_device_components(TOPIC, VERSIONS, [thing])


def test_groups_with_nucleus_lite_are_refused() -> None:
    with pytest.raises(ConfigError, match="pi-1"):
        cd.wanted_components(group(CLASSIC, LITE))
    assert cd.wanted_components(group(CLASSIC)) == ALL


def test_a_broker_that_is_there_serves() -> None:
    state = group(CLASSIC, aws__greengrass__clientdevices__mqtt__EMQX=DeployedComponent(version="1.2.0"))
    assert cd.BROKER not in cd.wanted_components(state)


def test_versions_asked_for_go_before_those_there_and_those_before_the_newest() -> None:
    state = group(CLASSIC, aws__greengrass__clientdevices__Auth=DeployedComponent(version="2.4.0"))
    found = cd.choose_versions(ALL, {cd.BRIDGE: "2.2.0"}, state, dict.fromkeys(ALL, "2.9.9"))
    assert found == {cd.AUTH: "2.4.0", cd.BROKER: "2.9.9", cd.BRIDGE: "2.2.0", cd.IP_DETECTOR: "2.9.9"}
    with pytest.raises(RemoteError, match="IPDetector"):
        cd.choose_versions([cd.IP_DETECTOR], {}, state, {})
    for given in ({"aws.greengrass.Nucleus": "2.0.0"}, {cd.AUTH: "latest"}):
        with pytest.raises(ConfigError):
            cd.choose_versions(ALL, given, state, {})


def test_the_plan_of_a_deployment_takes_them_beside_ours() -> None:
    state = group(CLASSIC, com__example__Other=DeployedComponent(version="1.0.0"))
    ours = {"com.example.ActorRecognizer": Wanted("1.0.0", role="single")}
    plan = plan_deployment(state, ours | cd.client_device_components(TOPIC, VERSIONS), GreengrassSection())
    assert set(plan.components) == {"com.example.Other", "com.example.ActorRecognizer", *ALL}
    assert json.loads(plan.components[cd.IP_DETECTOR].merge) == {"defaultPort": "8883"}


def test_things_that_never_reported_are_told_of() -> None:
    state = group(CLASSIC)
    assert not any("never reported" in note for note in cd.notes_of_client_devices(TOPIC, state))
    silent = GroupState(state.name, state.arn, (*state.members, "pi-9"), state.devices, None)
    assert any("1 things never" in note for note in cd.notes_of_client_devices(TOPIC, silent))
