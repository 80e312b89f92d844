"""``actorrec deploy --canary``, ``deploy promote`` and ``--with-client-devices``, as they are typed."""

import json
import os
import signal
import threading
import uuid
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.aws.session import AwsSession
from actorrec.config import load_config
from actorrec.greengrass.canary import promote, roll_back_canary
from actorrec.greengrass.canary_desk import CanaryDesk
from actorrec.manifests.events import HealthEvent, RunningModel, ShadowCount
from deploy_fleet import NAME, Fleet, fleet, greengrass
from greengrass_server import Fate
from s3_servers import client, new_bucket

__all__ = ["fleet", "greengrass"]
OLD, NEW = "b" * 64, "a" * 64
AUTH = "aws.greengrass.clientdevices.Auth"


@pytest.fixture
def bucket(fleet: Fleet, monkeypatch: pytest.MonkeyPatch) -> str:
    """The group runs 1.0.0, 1.0.1 is published, and a canary needs one message of each device."""
    name = new_bucket(fleet.greengrass.aws_url)
    bounds = {"GREENGRASS__CANARY_MINUTES": "0", "GREENGRASS__CANARY_FACES": "9"}
    for key, value in {"REMOTE__BUCKET": name, "REMOTE__PREFIX": "p", **bounds}.items():
        monkeypatch.setenv(f"ACTORREC_{key}", value)
    fleet.single("1.0.0", bundle=OLD)
    fleet.result("--yes", "--wait")
    fleet.single("1.0.1", bundle=NEW)
    return name


def talking(fleet: Fleet, bucket: str, differ: int = 0) -> None:
    """Every device says how it does as soon as it has 1.0.1."""
    for thing in fleet.things:
        fleet.greengrass.fates[thing] = _fate(fleet.greengrass.aws_url, bucket, thing, differ)


def _fate(url: str, bucket: str, thing: str, differ: int) -> Callable[[Any], Fate]:
    started = datetime.now(UTC)

    def fate(deployment: Any) -> Fate:
        if deployment.components.get(NAME) == "1.0.1":
            now = datetime.now(UTC)
            event = HealthEvent(
                id=uuid.uuid4().hex, device=thing, at=now, model=RunningModel(model_id="m", bundle=NEW), version="1",
                started_at=started, frames=30, unreadable=0, failures=0,
                shadow=ShadowCount(bundle=OLD, frames=30, faces=20, disagreements=differ),
            )  # fmt: skip
            key = f"p/events/{thing}/ml/tflite/image-classification/health/{now.timestamp() * 1000:.0f}-{event.id}.json"
            client(url).put_object(Bucket=bucket, Key=key, Body=event.model_dump_json().encode())
        return Fate()

    return fate


def versions(fleet: Fleet) -> list[str]:
    every = (each["componentVersion"] for thing in fleet.things for each in fleet.calls.installed_components(thing)
             if each["componentName"] == NAME)  # fmt: skip
    return sorted(every)


def shadow(fleet: Fleet) -> str:
    return str(json.loads(fleet.present()[NAME]["configurationUpdate"]["merge"])["Shadow"])


def test_a_dry_run_shows_every_step_and_takes_none(fleet: Fleet, bucket: str) -> None:
    before = len(fleet.greengrass.asked)
    told = fleet.result("--canary", "33%", "--dry-run")
    canary = told["canary"]
    assert (told["done"], canary["mode"], canary["compared"]) == (False, "part", True)
    assert [action["verb"] for action in canary["actions"]] == ["make group", "try", "join"]
    asked = {name for name, _ in fleet.greengrass.asked[before:]}
    assert not [name for name in asked if name.startswith(("Create", "Add", "Remove", "Update", "Delete"))]


def test_what_passes_goes_to_the_group(fleet: Fleet, bucket: str) -> None:
    talking(fleet, bucket)
    told = fleet.result("--canary", "33%", "--wait", "--yes")
    assert told["canary"]["verdict"]["outcome"] == "pass"
    assert told["report"]["outcome"] == "succeeded"
    assert (versions(fleet), shadow(fleet)) == (["1.0.1"] * 3, "off")


def test_what_fails_is_taken_back_with_its_reason(fleet: Fleet, bucket: str) -> None:
    talking(fleet, bucket, differ=9)
    told = fleet.result("--canary", fleet.things[1], "--wait", "--yes", code=3)
    assert "taken back" in told["error"]
    assert f"({fleet.things[1]} 9 of 20)" in told["error"]
    assert fleet.present()[NAME]["componentVersion"] == "1.0.0"
    fleet.greengrass.settle()
    assert versions(fleet) == ["1.0.0"] * 3


def test_one_is_started_looked_at_and_promoted_later(fleet: Fleet, bucket: str) -> None:
    started = fleet.result("--canary", "33%", "--yes")
    status = fleet.result("status")
    assert status["canary"]["deployment_id"] == started["deployment_id"]
    assert status["canary"]["verdict"]["outcome"] == "wait"
    assert "not promoted: not yet: " in fleet.refused("promote", "--yes")
    assert "tries another deployment" in fleet.refused("--yes", code=2)
    for command in ("remove", "cancel"):
        assert "tries another deployment" in fleet.refused(command, "--yes", code=2)
    assert fleet.result("promote", "--anyway", "--dry-run")["done"] is False
    promoted = fleet.result("promote", "--anyway", "--yes", "--wait")
    assert promoted["report"]["counts"]["SUCCEEDED"] == 3
    assert shadow(fleet) == "off"
    assert "nothing is being tried" in fleet.refused("promote", "--yes", code=2)
    assert "canary" not in fleet.result("status")


def test_a_rollback_takes_the_trial_back_alone(fleet: Fleet, bucket: str) -> None:
    fleet.result("--canary", fleet.things[0], "--yes")
    fleet.greengrass.settle()
    assert versions(fleet) == ["1.0.0", "1.0.0", "1.0.1"]
    count = sum(d.target == f"thinggroup/{fleet.group}" for d in fleet.greengrass.deployments.values())
    assert fleet.result("rollback", "--yes")["done"] is True
    fleet.greengrass.settle()
    assert versions(fleet) == ["1.0.0"] * 3
    assert sum(d.target == f"thinggroup/{fleet.group}" for d in fleet.greengrass.deployments.values()) == count


def test_a_rollback_of_nothing_tried_is_an_ordinary_one(fleet: Fleet, bucket: str) -> None:
    fleet.result("--yes", "--wait")
    assert fleet.result("rollback", "--yes", "--wait")["to"]
    assert versions(fleet) == ["1.0.0"] * 3


def test_ctrl_c_leaves_the_trial_to_be_promoted(fleet: Fleet, bucket: str) -> None:
    pressed: list[int] = []

    def interrupt(deployment: Any) -> Fate:  # asked for with every minute; a second Ctrl-C could meet the tests
        if deployment.components.get(NAME) == "1.0.1" and not pressed:
            pressed.append(os.getpid())
            os.kill(pressed[0], signal.SIGINT)
        return Fate()

    fleet.greengrass.fates.update(dict.fromkeys(fleet.things, interrupt))
    done = fleet.run("--canary", "33%", "--wait", "--yes", "--json")
    told = json.loads(done.stdout)
    assert (done.exit_code, told["error"]) == (130, "left running")
    assert told["hint"] == f"actorrec deploy promote --thing-group {fleet.group}"
    assert "the trial goes on" in done.stderr
    fleet.greengrass.fates.clear()
    assert fleet.result("status")["canary"]["phase"] == "trying"
    fleet.result("promote", "--anyway", "--yes", "--wait")
    assert versions(fleet) == ["1.0.1"] * 3


@pytest.mark.parametrize("end", [promote, roll_back_canary])
def test_a_trial_that_ends_elsewhere_meanwhile_is_told(
    fleet: Fleet, bucket: str, tmp_path: Path, end: Callable[..., object]
) -> None:
    config = load_config(None, flags={"cloud.thing_group": fleet.group}).config
    desk = CanaryDesk.of(AwsSession(config.aws), config, LocalStore(tmp_path / "another"))
    other = threading.Thread(target=lambda: end(desk, desk.look(fleet.group)))

    def elsewhere(deployment: Any) -> Fate:
        if deployment.components.get(NAME) == "1.0.1" and other.ident is None:
            other.start()
        return Fate()

    fleet.greengrass.fates.update(dict.fromkeys(fleet.things, elsewhere))
    told = fleet.result("--canary", "33%", "--wait", "--yes", code=3)
    other.join()
    assert "somebody else ended" in told["error"]
    assert "deploy status" in told["hint"]


def test_devices_with_nucleus_lite_are_moved_and_come_back(fleet: Fleet, bucket: str) -> None:
    fleet.things = []
    fleet.group = fleet.greengrass.group()
    fleet.add(3, "aws_nucleus_lite")
    fleet.result("--component", "1.0.0", "--yes", "--wait")
    talking(fleet, bucket)
    plan = fleet.result("--canary", "33%", "--dry-run")["canary"]
    assert [action["verb"] for action in plan["actions"]] == ["make group", "make group", "copy set", "move", "try"]
    told = fleet.result("--canary", "33%", "--wait", "--yes")
    assert told["canary"]["mode"] == "ring"
    fleet.greengrass.settle()
    assert versions(fleet) == ["1.0.1"] * 3
    assert fleet.calls.members(fleet.group) == tuple(sorted(fleet.things))


def test_nothing_new_is_not_tried(fleet: Fleet, bucket: str) -> None:
    fleet.result("--yes", "--wait")
    told = fleet.result("--canary", "33%", "--yes")
    assert told["done"] is False
    assert fleet.greengrass.count("CreateThingGroup") == 0


def test_a_device_that_is_not_there_is_refused(fleet: Fleet, bucket: str) -> None:
    assert "'pi-nowhere' is not in the thing group" in fleet.refused("--canary", "pi-nowhere", "--yes", code=2)


def test_client_devices_get_what_they_need(fleet: Fleet, bucket: str) -> None:
    told = fleet.result("--with-client-devices", "--client-device", "cam*", "--component", f"{AUTH}=2.5.3", "--dry-run")
    components = told["request"]["components"]
    merge = json.loads(components[AUTH]["configurationUpdate"]["merge"])
    assert merge["deviceGroups"]["definitions"]["actorrec"]["selectionRule"] == "thingName: cam*"
    assert {name: each["componentVersion"] for name, each in components.items() if "clientdevices" in name} == {
        AUTH: "2.5.3",
        "aws.greengrass.clientdevices.mqtt.Moquette": "2.3.7",
        "aws.greengrass.clientdevices.mqtt.Bridge": "2.3.2",
        "aws.greengrass.clientdevices.IPDetector": "2.2.1",
    }
    fleet.result("--with-client-devices", "--yes", "--wait")
    assert fleet.result("--dry-run")["changed"] is False  # they stay without being named again


def test_client_devices_of_nucleus_lite_are_refused(fleet: Fleet, bucket: str) -> None:
    fleet.add(1, "aws_nucleus_lite")
    assert "cannot have client devices" in fleet.refused("--with-client-devices", "--yes", code=2)
