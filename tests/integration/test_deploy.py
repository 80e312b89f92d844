"""``actorrec deploy`` from the plan to the last undeployment, against the fake Greengrass."""

import json
from datetime import UTC, datetime

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.catalog import commit_manifest, find_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.greengrass.deploy_plan import Wanted
from actorrec.greengrass.deployments import Deployment, Execution
from actorrec.greengrass.history import Past
from actorrec.manifests.component import ComponentManifest, DeploymentManifest
from deploy_fleet import LOGS, MODEL, NAME, Fleet, fleet, greengrass

__all__ = ["fleet", "greengrass"]


def verbs(told: dict) -> dict[str, str]:
    return {action["name"]: action["verb"] for action in told["actions"]}


def test_program_and_model_go_to_the_group_and_others_stay(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.split("1.0.1")
    other = {"componentVersion": "2.3.9", "configurationUpdate": {"merge": '{"a": 1}', "reset": ["/b"]}}
    fleet.greengrass.deploy(fleet.group, {LOGS: other | {"runWith": {"posixUser": "logs"}}})
    planned = fleet.result("--dry-run", "--rate", "9", "--set", "InferenceInterval=5")
    assert verbs(planned) == {NAME: "add", MODEL: "add", LOGS: "keep"}
    assert not planned["done"] and fleet.present() == {LOGS: other | {"runWith": {"posixUser": "logs"}}}

    made = fleet.result("--yes", "--rate", "9", "--set", "InferenceInterval=5")
    assert made["request"] == planned["request"]
    assert made["fleet"]["runtimes"] == {"aws_nucleus_classic": 3}
    assert fleet.present() == {
        NAME: {
            "componentVersion": "1.0.1",
            "configurationUpdate": {"merge": '{"InferenceInterval": "5"}', "reset": [""]},
        },
        MODEL: {"componentVersion": "1.0.1"},
        LOGS: other | {"runWith": {"posixUser": "logs"}},
    }
    (sent,) = fleet.greengrass.sent("CreateDeployment")
    assert sent["iotJobConfiguration"]["jobExecutionsRolloutConfig"] == {"maximumPerMinute": 9}
    assert {key: sent[key] for key in made["request"]} == made["request"]


def test_what_was_deployed_is_on_record_with_what_it_came_from(fleet: Fleet) -> None:
    fleet.split()
    store = LocalStore(fleet.folder / "store")
    component = ComponentManifest(
        key="abcd", name=NAME, version="1.0.0", role="runtime", arn="arn", content="0" * 64, artifacts=[]
    )
    commit_manifest(store, component)
    made = fleet.result("--yes")
    found = find_manifest(store, DeploymentManifest, made["deployment_id"])
    assert found is not None
    assert (found.group, found.purpose, found.previous_id) == (fleet.group, "group", None)
    assert found.inputs == {"component/abcd": component.content_digest()}
    assert found.components[MODEL].version == "1.0.0"
    assert found.job_id == made["job_id"]
    again = fleet.result("--yes", "--set", "ImageName=a.jpg")
    second = find_manifest(store, DeploymentManifest, again["deployment_id"])
    assert second is not None and second.previous_id == made["deployment_id"]


def test_the_same_again_makes_no_deployment_unless_forced(fleet: Fleet) -> None:
    fleet.split()
    fleet.result("--yes", "--set", "ImageName=a.jpg")
    again = fleet.result("--yes")
    assert not again["done"] and not again["changed"]
    assert fleet.greengrass.count("CreateDeployment") == 1
    said = fleet.run("--yes")
    assert "has exactly this already" in said.stdout
    assert fleet.result("--yes", "--force")["done"]
    assert fleet.greengrass.count("CreateDeployment") == 2
    assert json.loads(fleet.present()[NAME]["configurationUpdate"]["merge"]) == {"ImageName": "a.jpg"}


def test_a_group_with_a_lite_device_gets_both_in_one_and_is_told_so(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.result("--yes")
    fleet.single("1.0.1")
    fleet.split("1.0.2")
    (lite,) = fleet.add(1, "aws_nucleus_lite")
    said = fleet.run("--yes")
    assert said.exit_code == 0
    assert f"program and model in one, since {lite} runs nucleus lite" in said.stdout
    assert {name: each["componentVersion"] for name, each in fleet.present().items()} == {NAME: "1.0.1"}


def test_a_single_component_with_a_newer_model_goes_before_two_with_an_older_one(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.single("1.0.3")
    assert verbs(fleet.result("--dry-run")) == {NAME: "add"}
    fleet.model("1.0.4")
    assert verbs(fleet.result("--dry-run")) == {NAME: "add", MODEL: "add"}


def test_versions_can_be_named(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.split("1.0.1")
    fleet.single("1.0.2")
    planned = fleet.result("--dry-run", "--component", "1.0.0", "--model", "1.0.0", "--component", f"{LOGS}=2.3.9")
    versions = {action["name"]: action["version"] for action in planned["actions"]}
    assert versions == {NAME: "1.0.0", MODEL: "1.0.0", LOGS: "2.3.9"}
    assert verbs(fleet.result("--dry-run", "--component", "1.0.2")) == {NAME: "add"}
    assert verbs(fleet.result("--dry-run", "--component", f"{LOGS}=2.3.9")) == {LOGS: "add"}


def test_a_new_model_alone_leaves_the_program_and_its_configuration(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.result("--yes", "--set", "ImageName=a.jpg")
    fleet.model("1.0.1")
    assert verbs(fleet.result("--yes")) == {NAME: "keep", MODEL: "update"}
    assert json.loads(fleet.present()[NAME]["configurationUpdate"]["merge"]) == {"ImageName": "a.jpg"}
    assert verbs(fleet.result("--yes", "--unset", "ImageName")) == {NAME: "configure", MODEL: "keep"}
    assert fleet.present()[NAME]["configurationUpdate"] == {"reset": [""]}


def test_it_is_followed_until_every_device_has_it(fleet: Fleet) -> None:
    fleet.split()
    told = fleet.result("--yes", "--wait")
    assert told["report"]["outcome"] == "succeeded"
    assert told["report"]["counts"]["SUCCEEDED"] == 3
    assert told["report"]["failures"] == []
    assert fleet.result("status")["outcome"] == "succeeded"


def test_things_that_are_no_core_devices_keep_nobody_waiting(fleet: Fleet) -> None:
    fleet.split()
    (sensor,) = fleet.add(1)
    del fleet.greengrass.devices[sensor]
    told = fleet.result("--yes", "--wait")["report"]
    assert told["outcome"] == "succeeded" and told["never_reported"] == [sensor]
    assert told["counts"]["SUCCEEDED"] == 3 and told["counts"]["QUEUED"] == 1


def test_nobody_is_deployed_to_without_a_yes(fleet: Fleet) -> None:
    fleet.split()
    assert "cannot be asked" in fleet.refused(code=2)


def test_history_and_the_way_back_to_the_last_good_set(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"})
    fleet.result("--yes", "--wait", "--set", "ImageName=a.jpg")
    good = fleet.present()
    fleet.split("1.0.1")
    for thing in fleet.things:
        fleet.fails(thing, "no such model")
    assert "failed on 3 of 3 devices" in fleet.result("--yes", "--wait", code=3)["error"]
    fleet.greengrass.fates.clear()
    entries = fleet.result("history")
    assert [(entry["revision"], entry["good"]) for entry in entries] == [(3, False), (2, True), (1, False)]
    assert entries[0]["counts"] == {"FAILED": 3}

    planned = fleet.result("rollback", "--dry-run")
    assert planned["to"] == entries[1]["deployment_id"] and not planned["done"]
    assert verbs(planned) == {NAME: "update", MODEL: "update", LOGS: "keep"}
    back = fleet.result("rollback", "--yes", "--wait")
    assert back["report"]["outcome"] == "succeeded"
    assert fleet.present() == good
    store = LocalStore(fleet.folder / "store")
    record = find_manifest(store, DeploymentManifest, back["deployment_id"])
    assert record is not None and record.purpose == "rollback"
    assert [entry["revision"] for entry in fleet.result("history", "--limit", "2")] == [4, 3]


def test_a_rollback_passes_over_what_most_devices_did_not_take(fleet: Fleet) -> None:
    fleet.greengrass.component(NAME, "0.9.0", {"actorrec-role": "single"})
    first = fleet.greengrass.deploy(fleet.group, {NAME: "0.9.0"})
    fleet.greengrass.settle()
    for version, fails in (("1.0.0", 2), ("1.0.1", 3)):
        fleet.single(version)
        for thing in fleet.things[:fails]:
            fleet.fails(thing, "broken")
        fleet.result("--yes", "--wait", code=3)
    assert fleet.result("rollback", "--dry-run")["to"] == first


def test_a_rollback_passes_over_what_was_cancelled_early_or_stopped_by_its_rule(fleet: Fleet) -> None:
    fleet.add(4)
    (sensor,) = fleet.add(1)
    del fleet.greengrass.devices[sensor]  # it is told of every deployment, and never takes one
    fleet.single("1.0.0")
    first = fleet.result("--yes", "--wait")["deployment_id"]
    fleet.single("1.0.1")
    for thing in fleet.things[:2]:
        fleet.fails(thing, "broken")
    assert "abort rule" in fleet.result("--yes", "--wait", code=3)["error"]
    fleet.greengrass.fates.clear()
    fleet.single("1.0.2")
    fleet.greengrass.ticking = frozenset()
    fleet.result("--yes", "--rate", "1")
    fleet.greengrass.advance(4)
    fleet.result("cancel", "--yes")
    fleet.single("1.0.3")
    fleet.result("--yes")
    entries = fleet.result("history")
    assert entries[1]["counts"]["SUCCEEDED"] > 0 and entries[2]["counts"]["SUCCEEDED"] > 3
    assert [entry["good"] for entry in entries] == [False, False, False, True]
    assert fleet.result("rollback", "--dry-run")["to"] == first


def test_a_rollback_to_a_named_deployment(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    first = fleet.result("--yes")["deployment_id"]  # nobody took it
    fleet.single("1.0.1")
    fleet.result("--yes")
    assert "no earlier deployment" in fleet.refused("rollback", "--yes")
    assert fleet.result("rollback", "--yes", "--to", first)["done"]
    assert fleet.present()[NAME]["componentVersion"] == "1.0.0"
    elsewhere = fleet.greengrass.deploy(fleet.greengrass.group(), {LOGS: "2.3.9"})
    assert "not to" in fleet.refused("rollback", "--yes", "--to", elsewhere, code=2)
    assert "no deployment" in fleet.refused("rollback", "--yes", "--to", "0" * 36)


def test_removing_ours_keeps_others_and_the_last_leaves_an_empty_list(fleet: Fleet) -> None:
    fleet.split()
    fleet.greengrass.deploy(fleet.group, {LOGS: "2.3.9"})
    fleet.result("--yes")
    told = fleet.result("remove", "--yes", "--wait")
    assert verbs(told) == {LOGS: "keep", NAME: "remove", MODEL: "remove"}
    assert fleet.present() == {LOGS: {"componentVersion": "2.3.9"}}
    assert not fleet.result("remove", "--yes")["done"]

    alone = Fleet(fleet.greengrass, fleet.folder, fleet.greengrass.group())
    alone.add(1)
    alone.result("--yes")
    assert alone.result("remove", "--yes", "--wait")["report"]["outcome"] == "succeeded"
    assert alone.present() == {}
    assert alone.greengrass.sent("CreateDeployment")[-1]["components"] == {}


def test_cancelling_keeps_what_devices_have(fleet: Fleet) -> None:
    fleet.split()
    fleet.greengrass.ticking = frozenset()
    made = fleet.result("--yes")
    assert fleet.result("cancel", "--yes") == {
        "thing_group": fleet.group,
        "deployment_id": made["deployment_id"],
        "status_before": "ACTIVE",
        "cancelled": True,
    }
    assert not fleet.result("cancel", "--yes")["cancelled"]
    assert fleet.result("status")["outcome"] == "cancelled"
    planned = fleet.result("--dry-run")  # it did not come to its end: the same again is something to do
    assert verbs(planned) == {NAME: "redeploy", MODEL: "redeploy"}


def test_a_group_that_nothing_was_deployed_to(fleet: Fleet) -> None:
    assert "nothing was ever deployed" in fleet.refused("status")
    assert "nothing was ever deployed" in fleet.refused("rollback")
    assert fleet.result("history") == []
    assert not fleet.result("cancel", "--yes")["cancelled"]
    assert not fleet.result("remove", "--yes")["done"]


def test_options_of_the_group_are_refused_in_front_of_a_command(fleet: Fleet) -> None:
    from typer.testing import CliRunner

    from actorrec.cli.app import app

    done = CliRunner().invoke(app, ["deploy", "--thing-group", "other", "status"])
    assert done.exit_code == 2
    assert "is written after 'status'" in done.output
    assert fleet.greengrass.asked == []


def test_a_deployment_to_anything_can_be_looked_at_by_its_id(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    first = fleet.result("--yes", "--wait")["deployment_id"]
    fleet.single("1.0.1")
    fleet.result("--yes")
    told = fleet.result("status", first)
    assert (told["outcome"], told["counts"]["SUCCEEDED"]) == ("superseded", 3)
    fleet.group = fleet.greengrass.group()
    assert fleet.result("status", first)["devices"] == 3  # of its own group, whichever is set
    thing = fleet.things[0]
    target = fleet.greengrass.world.thing_arn(thing)
    alone = fleet.calls.create({"targetArn": target, "components": {LOGS: {"componentVersion": "2.3.9"}}})
    fleet.greengrass.settle()
    told = fleet.result("status", alone.id)
    assert (told["outcome"], told["thing_group"], told["devices"]) == ("succeeded", thing, 1)


def test_the_same_plan_twice_makes_one_deployment(fleet: Fleet) -> None:
    from actorrec.greengrass.deploy import token_of

    fleet.split()
    wanted = {NAME: Wanted("1.0.0", "runtime"), MODEL: Wanted("1.0.0", "model")}
    first, second = fleet.plan(wanted), fleet.plan(wanted)
    made = [fleet.calls.create({**plan.request, "clientToken": token_of(plan)}) for plan in (first, second)]
    assert made[0] == made[1]
    assert token_of(fleet.plan(wanted)) != token_of(first)  # after it, the same is another wish


def test_waiting_for_what_the_group_has_already_goes_on_with_it(fleet: Fleet) -> None:
    fleet.split()
    fleet.greengrass.ticking = frozenset()  # as if the command were killed after it made the deployment
    made = fleet.result("--yes")["deployment_id"]
    fleet.fails(fleet.things[0], "no space left")
    fleet.greengrass.settle()
    told = fleet.result("--yes", "--wait", code=3)
    assert told["report"]["deployment_id"] == made and not told["done"]
    assert "failed on 1 of 3 devices; first" in told["error"]
    assert fleet.greengrass.count("CreateDeployment") == 1
    assert not fleet.result("--dry-run", "--wait")["changed"]


def test_a_deployment_that_was_deleted_is_made_anew(fleet: Fleet) -> None:
    fleet.split()
    first = fleet.result("--yes")["deployment_id"]
    fleet.calls.cancel(first)
    fleet.calls.delete(first)
    again = fleet.result("--yes", "--wait")  # the same request with the same token: the service answers as before
    assert again["deployment_id"] != first and again["report"]["outcome"] == "succeeded"
    assert fleet.present()[NAME] == {"componentVersion": "1.0.0"}


def test_names_with_colons_are_names(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    fleet.group = fleet.greengrass.group(f"site:{fleet.group}")
    fleet.greengrass.add_devices(fleet.group, 2)
    made = fleet.result("--yes", "--wait")
    assert made["report"]["counts"]["SUCCEEDED"] == 2
    assert fleet.result("status", made["deployment_id"])["thing_group"] == fleet.group
    fleet.split("1.0.1")
    assert fleet.result("--dry-run")["changed"]


def test_a_setting_is_shown_in_the_plan_of_a_new_version_too(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    assert "the program; ImageName=a.jpg" in fleet.run("--yes", "--set", "ImageName=a.jpg").stdout
    fleet.runtime("1.0.1")
    said = fleet.run("--dry-run", "--set", "ImageName=b.jpg", "--set", "HealthInterval=30").stdout
    assert "the program; ImageName=b.jpg, HealthInterval=30" in said and "goes back" not in said


def test_what_a_deployment_by_hand_says_of_ours_stays_and_what_only_devices_know_is_told_to_go(fleet: Fleet) -> None:
    fleet.split("1.0.0")
    by_hand = {"merge": '{"Mine": "AKIAIOSFODNN7EXAMPLE", "ImageName": "a"}', "reset": ["/x"]}
    fleet.greengrass.deploy(fleet.group, {
        NAME: {"componentVersion": "1.0.0", "configurationUpdate": by_hand, "runWith": {"posixUser": "pi"}},
        MODEL: "1.0.0"})  # fmt: skip
    said = fleet.run("--yes", "--set", "ImageName=b").stdout
    assert "ImageName=b" in said and "AKIA" not in said
    assert f"what was set on a device itself of {NAME}" in said
    update = fleet.present()[NAME]
    assert json.loads(update["configurationUpdate"]["merge"]) == {"Mine": "AKIAIOSFODNN7EXAMPLE", "ImageName": "b"}
    assert update["configurationUpdate"]["reset"] == [""] and update["runWith"] == {"posixUser": "pi"}
    back = fleet.run("rollback", "--to", next(iter(fleet.greengrass.deployments)), "--dry-run").stdout
    assert "ImageName=a" in back and "AKIA" not in back
    assert "what was set on a device" not in fleet.run("--dry-run", "--set", "ImageName=c").stdout


def test_the_end_is_told_as_it_is(fleet: Fleet) -> None:
    fleet.split()
    fleet.add(9)
    fleet.fails(fleet.things[0], "no space left")
    said = fleet.run("--yes", "--wait")
    assert said.exit_code == 0
    assert f"'{fleet.group}': ended, not on every device" in said.stdout
    assert "ended, not on every device: 11 of 12 took it, 1 failed" in said.stdout
    assert "succeeded;" not in said.stdout
    assert fleet.result("status")["outcome"] == "succeeded"  # as far as the abort rule goes
    fleet.greengrass.fates.clear()
    fleet.greengrass.ticking = frozenset()
    fleet.run("--yes", "--set", "ImageName=a")
    assert "under way: 0 of 12 took it, 12 not reached yet" in fleet.run("status").stdout
    fleet.greengrass.settle()
    assert "succeeded: 12 of 12 took it\n" in fleet.run("status").stdout


def test_the_newest_is_so_by_number_and_of_one_model_in_two_forms_the_smaller_download_goes(fleet: Fleet) -> None:
    made = "2026-11-01T00:00:00+00:00"
    fleet.runtime("1.0.9")
    fleet.runtime("1.0.10")
    fleet.model("1.0.1", created=made)
    fleet.single("1.0.11", created=made)
    planned = fleet.result("--dry-run")
    assert {action["name"]: action["version"] for action in planned["actions"]} == {NAME: "1.0.10", MODEL: "1.0.1"}


def test_a_rollback_passes_over_the_very_same(fleet: Fleet) -> None:
    fleet.single("1.0.0")
    first = fleet.result("--yes", "--wait")["deployment_id"]
    fleet.single("1.0.1")
    fleet.result("--yes", "--wait")
    fleet.result("--yes", "--wait", "--force")
    assert fleet.result("rollback", "--dry-run")["to"] == first


def test_things_that_are_no_devices_do_not_make_a_deployment_a_bad_one() -> None:
    deployment = Deployment("d", 1, "", "arn", "CANCELED", datetime(2026, 11, 1, tzinfo=UTC), False, job_id="j")
    told = (Execution("pi", "SUCCEEDED"), Execution("sensor-1", "QUEUED"), Execution("sensor-2", "CANCELED"))
    assert Past(deployment, told, frozenset({"pi"})).good
    assert not Past(deployment, told, frozenset({"pi", "sensor-1"})).good
    assert not Past(deployment, told, frozenset()).good
