"""Trials on a part of a group, over the fake Greengrass and moto: both ways, every end, and kills in between."""

import json
import time
import uuid
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.local import LocalStore
from actorrec.aws.session import AwsSession
from actorrec.config import Config
from actorrec.errors import ActorRecError, ConfigError, JobError, RemoteError
from actorrec.greengrass.canary import follow_group, judge_canary, plan_trial, promote, roll_back_canary
from actorrec.greengrass.canary_desk import CanaryDesk
from actorrec.greengrass.canary_plan import CanaryPlan
from actorrec.greengrass.canary_start import Begun, start_canary
from actorrec.greengrass.deploy_plan import DeploymentPlan, Intent, Wanted, plan_deployment
from actorrec.greengrass.group import read_group
from actorrec.manifests.component import BUNDLE_TAG, ROLE_TAG, DeploymentManifest
from actorrec.manifests.events import HealthEvent, RunningModel, ShadowCount
from greengrass_server import Fate, Greengrass, greengrass
from s3_servers import client, new_bucket

__all__ = ["greengrass"]
NAME, OTHER = "com.example.ActorRecognizer", "com.example.Other"
OLD, NEW = "b" * 64, "a" * 64
LITE, CLASSIC = "aws_nucleus_lite", "aws_nucleus_classic"


class Fleet:
    """A group whose devices run 1.0.0, and what a trial of 2.0.0 takes."""

    def __init__(self, service: Greengrass, folder: Path, number: int, runtime: str, **settings: Any) -> None:
        self.service, self.group = service, service.group()
        self.devices = service.add_devices(self.group, number, runtime=runtime)
        self.bucket = new_bucket(service.aws_url)
        for version, bundle in (("1.0.0", OLD), ("2.0.0", NEW)):
            service.component(NAME, version, {ROLE_TAG: "single", BUNDLE_TAG: bundle})
        service.component(OTHER, "1.0.0")
        settings = {"canary_minutes": 0.0, "canary_faces": 50, "poll_s": 0.001, **settings}
        self.config = Config.model_validate(
            {
                "remote": {"bucket": self.bucket, "prefix": "fleet"},
                "cloud": {"thing_group": self.group},
                "greengrass": settings,
            }
        )
        self.store = LocalStore(folder / "store")
        self.desk = CanaryDesk.of(AwsSession(self.config.aws), self.config, self.store)
        service.deploy(self.group, {NAME: "1.0.0", OTHER: "1.0.0"})
        service.settle()

    def plan(self, version: str = "2.0.0") -> DeploymentPlan:
        state = read_group(self.desk.calls, self.group)
        wanted = {NAME: Wanted(version, role="single")}
        return plan_deployment(state, wanted, self.config.greengrass, Intent())

    def trial(self, wanted: str = "40%", version: str = "2.0.0") -> CanaryPlan:
        return plan_trial(self.desk, self.plan(version), wanted)

    def begin(self, wanted: str = "40%", version: str = "2.0.0") -> Begun:
        """Call until it is tried; a minute passes between two calls."""
        for _ in range(10):
            begun = start_canary(self.desk, self.trial(wanted, version))
            if not begun.missing:
                self.service.settle()
                return begun
            self.service.advance()
        raise AssertionError(begun.missing)

    def says(self, device: str, *, differ: int = 0, faces: int = 60, bundle: str = NEW, **more: Any) -> None:
        """A device's health message reaches the archive."""
        now = datetime.now(UTC)
        shadow = ShadowCount(bundle=OLD, frames=100, faces=faces, disagreements=differ)
        event = HealthEvent(
            id=uuid.uuid4().hex, device=device, at=now, model=RunningModel(model_id="m", bundle=bundle), version="1",
            started_at=now, frames=100, unreadable=0, failures=0, shadow=shadow,
        )  # fmt: skip
        self.archive(device, event.model_dump_json().encode(), **more)

    def archive(self, sender: str, body: bytes, at: datetime | None = None) -> None:
        ms = int((at or datetime.now(UTC)).timestamp() * 1000)
        topic = f"{self.config.cloud.results_topic}/health"
        key = f"fleet/events/{sender}/{topic}/{ms}-{uuid.uuid4()}.json"
        client(self.service.aws_url).put_object(Bucket=self.bucket, Key=key, Body=body)

    def things(self, group: str) -> list[str]:
        return sorted(self.desk.calls.members(group))

    def runs(self, device: str) -> str:
        """Version of our component that a device really runs."""
        found = self.desk.calls.installed_components(device)
        return next((str(each["componentVersion"]) for each in found if each["componentName"] == NAME), "")

    def newest(self, group: str) -> dict[str, Any]:
        """What was last asked for a group."""
        sent = self.service.sent("CreateDeployment")
        return next(each for each in reversed(sent) if each["targetArn"].endswith(f"/{group}"))

    def merge(self, group: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.newest(group)["components"][NAME]["configurationUpdate"]["merge"])
        return found


@pytest.fixture(params=[CLASSIC, LITE])
def fleet(request: pytest.FixtureRequest, greengrass: Greengrass, tmp_path: Path) -> Iterator[Fleet]:
    """Five devices of one kind: each test runs by both ways."""
    yield Fleet(greengrass, tmp_path, 5, request.param)


@pytest.fixture
def classic(greengrass: Greengrass, tmp_path: Path) -> Fleet:
    return Fleet(greengrass, tmp_path, 5, CLASSIC)


@pytest.fixture
def lite(greengrass: Greengrass, tmp_path: Path) -> Fleet:
    return Fleet(greengrass, tmp_path, 5, LITE)


def test_only_the_chosen_run_it_and_the_old_one_beside_it(fleet: Fleet) -> None:
    begun = fleet.begin()
    chosen = begun.state.target.members if begun.state.target else ()
    assert len(chosen) == 2
    assert {device: fleet.runs(device) for device in fleet.devices} == {
        device: "2.0.0" if device in chosen else "1.0.0" for device in fleet.devices
    }
    target = begun.state.target.name if begun.state.target else ""
    assert fleet.merge(target)["Shadow"] == "previous"
    assert OTHER in fleet.newest(target)["components"]
    records = [each for each in manifests(fleet.store, DeploymentManifest) if each.purpose == "canary"]
    assert [each.group for each in records] == [fleet.group]
    assert begun.state.fleet == tuple(sorted(fleet.devices))


def test_the_way_follows_from_the_devices(classic: Fleet) -> None:
    begun = classic.begin()
    assert (begun.state.mode, begun.state.away) == ("part", ())
    parent = classic.newest(f"{classic.group}-canary")["parentTargetArn"]
    assert parent.endswith(f"/{classic.group}")


def test_devices_of_a_ring_are_in_one_group_alone(lite: Fleet) -> None:
    begun = lite.begin()
    assert begun.state.mode == "ring"
    ring = lite.things(f"{lite.group}-canary-ring")
    assert ring == list(begun.state.away)
    assert not set(ring) & set(lite.things(lite.group))
    assert "parentTargetArn" not in lite.newest(f"{lite.group}-canary-ring")
    versions = [each["components"][NAME]["componentVersion"] for each in lite.service.sent("CreateDeployment")]
    assert versions == ["1.0.0", "2.0.0"]  # first what the group has


def test_starting_again_changes_nothing(lite: Fleet) -> None:
    lite.begin()
    before = len(lite.service.deployments)
    assert lite.trial().actions == ()
    assert start_canary(lite.desk, lite.trial()).missing == ""
    assert len(lite.service.deployments) == before


def test_a_group_of_one_is_its_own_canary(greengrass: Greengrass, tmp_path: Path) -> None:
    fleet = Fleet(greengrass, tmp_path, 1, LITE)
    state = fleet.begin("5%").state
    assert (fleet.things(fleet.group), state.away) == ([], tuple(fleet.devices))
    promote(fleet.desk, state)
    greengrass.settle()
    assert (fleet.things(fleet.group), fleet.runs(fleet.devices[0])) == (fleet.devices, "2.0.0")


def test_a_group_whose_deployment_was_stopped_has_no_canary(classic: Fleet) -> None:
    present = classic.desk.look(classic.group).group.present
    classic.desk.calls.cancel(present.id if present else "")
    with pytest.raises(ConfigError, match="was stopped"):
        classic.trial()


def test_it_passes_and_the_group_follows_without_the_second_model(fleet: Fleet) -> None:
    state = fleet.begin().state
    for device in state.target.members if state.target else ():
        fleet.says(device)
    judgement = judge_canary(fleet.desk, state)
    assert judgement.verdict.outcome == "pass", judgement.verdict.told
    assert judgement.verdict.counts.faces == 120
    promote(fleet.desk, judgement.state)
    fleet.service.settle()
    assert fleet.merge(fleet.group)["Shadow"] == "off"
    assert {fleet.runs(device) for device in fleet.devices} == {"2.0.0"}
    assert fleet.things(fleet.group) == sorted(fleet.devices)
    after = fleet.desk.look(fleet.group)
    assert (after.trial, after.away, after.phase) == (None, (), "over")
    with pytest.raises(ConfigError, match="nothing is being tried"):
        promote(fleet.desk, after)


def test_it_fails_by_disagreement_and_goes_back(fleet: Fleet) -> None:
    state = fleet.begin().state
    members = state.target.members if state.target else ()
    fleet.says(members[0], differ=10)
    fleet.says(members[1])
    verdict = judge_canary(fleet.desk, state).verdict
    assert verdict.outcome == "fail"
    assert f"{members[0]} 10 of 60" in verdict.told
    made = roll_back_canary(fleet.desk, state)
    assert made is not None
    assert made.purpose == "rollback"
    fleet.service.settle()
    assert {fleet.runs(device) for device in fleet.devices} == {"1.0.0"}
    assert fleet.merge(state.target.name if state.target else "")["Shadow"] == "off"
    assert roll_back_canary(fleet.desk, fleet.desk.look(fleet.group)) is None


def test_it_fails_where_the_deployment_does(lite: Fleet) -> None:
    planned = lite.trial()
    bad = planned.choice.devices[0]

    def fate(deployment: Any) -> Fate:
        return Fate("FAILED", "no space left") if deployment.components.get(NAME) == "2.0.0" else Fate()

    lite.service.fates[bad] = fate
    state = lite.begin().state
    verdict = judge_canary(lite.desk, state).verdict
    assert verdict.outcome == "fail"
    assert verdict.reasons[0].startswith(f"{bad}: the deployment failed: ")
    roll_back_canary(lite.desk, state)
    lite.service.settle()
    assert {lite.runs(device) for device in lite.devices} == {"1.0.0"}


def test_no_health_fails_after_the_time(classic: Fleet) -> None:
    state = classic.begin().state
    members = state.target.members if state.target else ()
    classic.says(members[0])
    assert judge_canary(classic.desk, state).verdict.missing[0] == f"no health message from {members[1]} yet"
    later = datetime.now(UTC) + timedelta(minutes=4)  # three messages' time
    verdict = judge_canary(classic.desk, state, later).verdict
    assert f"no health message from {members[1]}" in verdict.reasons


def test_only_what_the_tried_bundle_said_since_counts_and_only_by_who_sent_it(classic: Fleet) -> None:
    classic.says("pi-x", at=datetime.now(UTC) - timedelta(hours=1))
    state = classic.begin("20%").state
    device = state.target.members[0] if state.target else ""
    classic.says(device, differ=60, at=datetime.now(UTC) - timedelta(hours=1))  # before
    classic.says(device, differ=60, bundle=OLD)  # the old program, still
    classic.says(f"{device}0", differ=60)  # another device, whose name begins alike
    for body in (b"", b"[]", b'{"event": "health"}', b"\xff\xfe", b"[" * 9000, b"{" + b" " * 40_000 + b"}"):
        classic.archive(device, body)
    assert judge_canary(classic.desk, state).verdict.missing[0] == f"no health message from {device} yet"
    classic.says(f"{device}#2")  # a further connection of its own
    judgement = judge_canary(classic.desk, state)
    assert judgement.verdict.outcome == "pass", judgement.verdict.told
    assert judgement.health[device].wrong == {"not a health message": 5, "too long": 1}


def test_a_first_deployment_has_nothing_to_compare(greengrass: Greengrass, tmp_path: Path) -> None:
    fleet = Fleet(greengrass, tmp_path, 2, LITE)
    fleet.group = greengrass.group()
    fleet.devices = greengrass.add_devices(fleet.group, 2, runtime=LITE)
    state = fleet.begin("50%").state
    assert state.compared is None
    assert fleet.merge(f"{fleet.group}-canary-ring")["Shadow"] == "off"
    fleet.says(state.away[0], faces=0)
    assert judge_canary(fleet.desk, state).verdict.outcome == "pass"
    roll_back_canary(fleet.desk, state)
    greengrass.settle()
    assert fleet.runs(state.away[0]) == ""


class _KilledError(Exception):
    """Stands for a kill."""


@pytest.mark.parametrize(("runtime", "at"), [(LITE, 3), (LITE, 7), (CLASSIC, 2), (CLASSIC, 3)])
def test_a_beginning_killed_anywhere_is_finished_by_the_next(
    greengrass: Greengrass, tmp_path: Path, runtime: str, at: int
) -> None:
    fleet = Fleet(greengrass, tmp_path, 5, runtime)
    _kill_at(fleet, at)
    with pytest.raises(_KilledError):
        for _ in range(4):
            start_canary(fleet.desk, fleet.trial("40%"))
            greengrass.advance()
    _kill_at(fleet, None)
    state = fleet.begin("40%").state
    members = state.target.members if state.target else ()
    assert len(members) == 2
    assert state.away == (members if runtime == LITE else ())
    assert state.fleet == tuple(sorted(fleet.devices))
    assert {fleet.runs(device) for device in members} == {"2.0.0"}
    assert {fleet.runs(device) for device in set(fleet.devices) - set(members)} == {"1.0.0"}


def test_a_beginning_killed_half_way_can_be_taken_back(greengrass: Greengrass, tmp_path: Path) -> None:
    fleet = Fleet(greengrass, tmp_path, 5, LITE)
    _kill_at(fleet, 7)
    with pytest.raises(_KilledError):
        for _ in range(4):
            start_canary(fleet.desk, fleet.trial("40%"))
    _kill_at(fleet, None)
    roll_back_canary(fleet.desk, fleet.desk.look(fleet.group))
    greengrass.settle()
    state = fleet.desk.look(fleet.group)
    assert state.phase in ("none", "over")
    assert sorted([*fleet.things(fleet.group), *(state.ring.members if state.ring else ())]) == sorted(fleet.devices)
    assert {fleet.runs(device) for device in fleet.devices} == {"1.0.0"}


def test_a_promotion_killed_half_way_brings_everybody_home(greengrass: Greengrass, tmp_path: Path) -> None:
    fleet = Fleet(greengrass, tmp_path, 5, LITE)
    state = fleet.begin("40%").state
    _kill_at(fleet, 2)  # the group has it, and one device is between the two
    with pytest.raises(_KilledError):
        promote(fleet.desk, state)
    _kill_at(fleet, None)
    state = fleet.desk.look(fleet.group)
    if state.trial is not None:
        promote(fleet.desk, state)
    follow_group(fleet.desk, fleet.group)
    greengrass.settle()
    assert fleet.things(fleet.group) == sorted(fleet.devices)
    assert fleet.things(f"{fleet.group}-canary-chosen") == []
    assert {fleet.runs(device) for device in fleet.devices} == {"2.0.0"}


def _kill_at(fleet: Fleet, number: int | None) -> None:
    """Let the change of that number, counted from 0, never happen: as after a kill, nothing follows it."""
    session = fleet.desk.calls.aws
    made = [0]

    def before(model: Any, **_: Any) -> None:
        if not model.name.startswith(("Create", "Add", "Remove")):
            return
        made[0] += 1
        if number is not None and made[0] > number:
            raise _KilledError

    for service in ("greengrassv2", "iot"):
        events = session.client(service).meta.events
        events.unregister("before-parameter-build", unique_id="kill")
        if number is not None:
            events.register("before-parameter-build", before, unique_id="kill")


def test_after_a_trial_that_failed_the_same_devices_try_the_next(lite: Fleet) -> None:
    first = lite.begin().state
    roll_back_canary(lite.desk, first)
    lite.service.settle()
    assert follow_group(lite.desk, lite.group) == ()  # they had the group's present deployment before they left it
    lite.service.component(NAME, "3.0.0", {ROLE_TAG: "single", BUNDLE_TAG: "c" * 64})
    plan = lite.trial("20%", "3.0.0")
    assert [action.verb for action in plan.actions] == ["try"]
    second = lite.begin("20%", "3.0.0").state
    assert second.away == first.away
    assert {lite.runs(device) for device in second.away} == {"3.0.0"}


def test_an_ordinary_deployment_reaches_devices_that_stand_apart(lite: Fleet) -> None:
    state = lite.begin().state
    roll_back_canary(lite.desk, state)
    lite.service.settle()
    lite.desk.deploy(lite.plan(), lite.group)
    said = follow_group(lite.desk, lite.group)
    lite.service.settle()
    assert "get the same" in said[0]
    assert {lite.runs(device) for device in lite.devices} == {"2.0.0"}
    assert "came back" in follow_group(lite.desk, lite.group)[0]
    lite.service.settle()
    assert lite.things(lite.group) == sorted(lite.devices)
    assert {lite.runs(device) for device in lite.devices} == {"2.0.0"}


def test_another_trial_while_one_is_under_way_is_refused(classic: Fleet) -> None:
    classic.begin()
    classic.service.component(NAME, "3.0.0", {ROLE_TAG: "single", BUNDLE_TAG: "c" * 64})
    with pytest.raises(ConfigError, match="something else is being tried"):
        classic.trial(version="3.0.0")


def test_nobody_leaves_a_trial_that_is_under_way(fleet: Fleet) -> None:
    members = fleet.begin("40%").state.away or fleet.things(f"{fleet.group}-canary")
    again = fleet.begin("20%").state
    assert again.target is not None
    assert again.target.members == tuple(members)  # who left now would keep what was tried
    roll_back_canary(fleet.desk, again)
    fleet.service.settle()
    assert {fleet.runs(device) for device in fleet.devices} == {"1.0.0"}


def test_nobody_joins_a_trial_that_has_gone_on_for_long(classic: Fleet) -> None:
    state = classic.begin("20%").state
    assert len(classic.trial("40%").choice.devices) == 2  # as after a kill
    for deployment in classic.service.deployments.values():
        deployment.created -= 3600
    assert state.target is not None
    assert classic.trial("40%").choice.devices == state.target.members
    late = next(device for device in classic.devices if device not in state.target.members)
    with pytest.raises(ConfigError, match="has been trying this for long already"):
        classic.trial(late)


@pytest.mark.parametrize("then", [promote, roll_back_canary])
def test_a_trial_that_another_desk_ended_is_left_alone(classic: Fleet, then: Callable[..., object]) -> None:
    state = classic.begin().state
    (promote if then is roll_back_canary else roll_back_canary)(classic.desk, state)
    before = classic.service.count("CreateDeployment")
    with pytest.raises(RemoteError, match="somebody ended"):
        then(classic.desk, state)
    assert classic.service.count("CreateDeployment") == before


def test_a_trial_goes_on_as_it_began_whatever_is_known_of_the_devices_now(classic: Fleet) -> None:
    state = classic.begin().state
    classic.service.devices[state.target.members[0] if state.target else ""].version = "2.8.0"
    again = classic.trial()
    assert (again.choice.mode, again.actions) == ("part", ())


def test_a_group_that_was_deployed_to_meanwhile_is_left_alone(lite: Fleet) -> None:
    planned = lite.trial()
    lite.service.deploy(lite.group, {OTHER: "1.0.0"})
    with pytest.raises(RemoteError, match="meanwhile"):
        start_canary(lite.desk, planned)
    assert lite.service.count("CreateDeployment") + lite.service.count("CreateThingGroup") == 0


def test_a_trial_that_the_group_was_deployed_over_is_none_any_more(classic: Fleet) -> None:
    state = classic.begin().state
    time.sleep(0.01)
    classic.service.deploy(classic.group, {NAME: "1.0.0", OTHER: "1.0.0"})
    with pytest.raises(RemoteError, match="meanwhile"):
        promote(classic.desk, state)
    assert classic.desk.look(classic.group).trial is None


@pytest.mark.parametrize("stale", [3, 1000])
def test_a_registry_that_lags_behind_never_has_a_device_in_both_groups(lite: Fleet, stale: int) -> None:
    iot = lite.desk.calls.aws.client("iot")
    answers = [0]

    def old(parsed: dict[str, Any], **_: Any) -> None:
        answers[0] += 1
        if answers[0] <= stale and all(each["groupName"] != lite.group for each in parsed["thingGroups"]):
            parsed["thingGroups"].append({"groupName": lite.group, "groupArn": "arn"})

    iot.meta.events.register("after-call.iot.ListThingGroupsForThing", old, unique_id="lag")
    if stale > 3:
        with pytest.raises(RemoteError, match="still shows in"):
            lite.begin()
        assert len(lite.things(lite.group)) == 4
        assert lite.things(f"{lite.group}-canary-ring") == []
        iot.meta.events.unregister("after-call.iot.ListThingGroupsForThing", unique_id="lag")
    assert len(lite.begin().state.away) == 2


def test_without_a_bucket_nothing_is_begun(lite: Fleet) -> None:
    gone = {"remote": {"bucket": f"gone-{uuid.uuid4().hex}"}}
    for settings, said in (({}, "could not be judged"), (gone, "there is no bucket")):
        bare = Config.model_validate({"cloud": {"thing_group": lite.group}, **settings})
        desk = CanaryDesk.of(AwsSession(bare.aws), bare, lite.store)
        with pytest.raises(ActorRecError, match=said):
            plan_trial(desk, lite.plan(), "40%")


def test_of_a_trial_of_hours_only_the_latest_messages_are_listed_where_they_are_enough(classic: Fleet) -> None:
    state = classic.begin("20%").state
    for deployment in classic.service.deployments.values():
        deployment.created -= 6 * 3600
    state, listed = classic.desk.look(classic.group), []
    device, now = classic.things(f"{classic.group}-canary")[0], datetime.now(UTC)
    s3 = classic.desk.calls.aws.client("s3")
    s3.meta.events.register("before-parameter-build.s3.ListObjectsV2", lambda params, **_: listed.append(params))
    classic.says(device, at=now - timedelta(hours=5))
    assert len(judge_canary(classic.desk, state).health[device].heard) == 1
    hours = [(now.timestamp() - int(each["StartAfter"][-13:]) / 1000) / 3600 for each in listed if "StartAfter" in each]
    assert [round(each) for each in hours] == [2, 6]
    for minute in range(70):
        classic.archive(device, b"{}", now - timedelta(minutes=minute))
    listed.clear()
    health = judge_canary(classic.desk, state).health[device]
    assert (len(health.heard), sum(health.wrong.values())) == (0, 60)
    assert sum("StartAfter" in each for each in listed) == 1


def test_a_device_that_is_busy_is_not_moved(lite: Fleet) -> None:
    busy = lite.trial().choice.devices[0]
    lite.service.devices[busy].effective["d-1"] = {
        "deploymentId": "d-1", "deploymentName": "x", "targetArn": lite.service.world.group_arn("elsewhere"),
        "coreDeviceExecutionStatus": "IN_PROGRESS", "creationTimestamp": 1.0, "modifiedTimestamp": 1.0, "reason": "",
    }  # fmt: skip
    begun = start_canary(lite.desk, lite.trial())
    assert busy in begun.missing
    assert busy in lite.things(lite.group)
    del lite.service.devices[busy].effective["d-1"]
    assert busy in lite.begin().state.away


def test_a_device_that_cannot_even_take_the_copy_ends_it(lite: Fleet) -> None:
    bad = lite.trial().choice.devices[0]
    lite.service.fates[bad] = Fate("FAILED", "broken")
    with pytest.raises(JobError, match=f"{bad} cannot even take what the group has"):
        lite.begin()
    lite.service.fates.clear()
    assert roll_back_canary(lite.desk, lite.desk.look(lite.group)) is not None
    lite.service.settle()
    assert bad in lite.begin().state.away


def test_a_group_of_somebody_else_with_that_name_is_left_alone(lite: Fleet) -> None:
    lite.service.group(f"{lite.group}-canary-ring")
    with pytest.raises(ActorRecError, match="was not made for the canary"):
        lite.begin()
    assert lite.things(lite.group) == sorted(lite.devices)
