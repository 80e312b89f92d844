"""The devices of a fleet, listed and shown."""

import json
import re
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
from typer.testing import CliRunner, Result

pytest.importorskip("moto")

from actorrec.cli.app import app
from greengrass_server import DENIED, Fate, Greengrass, greengrass

__all__ = ["greengrass"]
RUNTIME, MODEL = "com.example.ActorRecognizer", "com.example.ActorRecognizer.Model"


@pytest.fixture
def group(greengrass: Greengrass, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A thing group that is the configured one."""
    name = greengrass.group()
    monkeypatch.setenv("ACTORREC_CLOUD__THING_GROUP", name)
    monkeypatch.setenv("ACTORREC_AWS__ATTEMPTS", "1")
    return name


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["devices", *arguments], env={"COLUMNS": "300"})


def result(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def deployed(greengrass: Greengrass, group: str, version: str = "1.0.2") -> str:
    for name in (RUNTIME, MODEL, "com.example.Other"):
        greengrass.component(name, version)
    made = greengrass.deploy(
        group, dict.fromkeys((RUNTIME, MODEL, "com.example.Other"), version), deploymentName="first"
    )
    greengrass.settle()
    return made


def test_an_empty_group_is_an_empty_list(greengrass: Greengrass, group: str) -> None:
    assert result("ls") == []
    assert "no devices" in run("ls").stdout


def test_each_device_is_told_with_versions_and_its_last_deployment(greengrass: Greengrass, group: str) -> None:
    (java,) = greengrass.add_devices(group, 1)
    lite, broken = greengrass.add_devices(group, 2, runtime="aws_nucleus_lite")
    greengrass.devices[java].status = "UNHEALTHY"
    greengrass.fates[broken] = Fate("FAILED", "cannot install")
    silent = f"silent-{time.time_ns()}"
    iot = greengrass.world.client("iot")
    iot.create_thing(thingName=silent)
    iot.add_thing_to_thing_group(thingGroupName=group, thingName=silent)
    greengrass.world.changed()
    made = deployed(greengrass, group)
    rows = {row["thing"]: row for row in result("ls")}
    assert list(rows) == sorted(rows) and set(rows) == {java, lite, broken, silent}
    assert (rows[java]["status"], rows[java]["runtime"], rows[lite]["runtime"]) == ("UNHEALTHY", "java", "lite")
    assert rows[java]["versions"] == {RUNTIME: "1.0.2", MODEL: "1.0.2"}
    assert (rows[java]["platform"], rows[java]["architecture"], rows[java]["nucleus"]) == ("linux", "aarch64", "2.16.0")
    assert rows[java]["seen_at"].startswith("20")
    last = rows[lite]["last"]
    assert (last["id"], last["name"], last["target"], last["status"]) == (
        made,
        "first",
        f"thinggroup/{group}",
        "SUCCEEDED",
    )
    assert rows[broken]["last"]["status"] == "FAILED"
    assert (rows[silent]["status"], rows[silent]["runtime"], rows[silent]["versions"]) == ("", "", None)
    assert rows[silent]["last"]["status"] == "QUEUED"
    text = run("ls").stdout
    assert "never seen" in text and "1.0.2, Model 1.0.2" in text and "unhealthy" in text


@pytest.mark.parametrize(("width", "columns"), [(80, 6), (60, 4)])
def test_a_list_is_read_in_a_narrow_terminal(greengrass: Greengrass, group: str, width: int, columns: int) -> None:
    name, bad = greengrass.add_devices(group, 2)
    greengrass.fates[bad] = Fate("FAILED", "no space left on the device, which is a long reason to be told of")
    deployed(greengrass, group)
    greengrass.devices[bad].seen -= 86_400 * 400
    shown = CliRunner().invoke(app, ["devices", "ls"], env={"COLUMNS": str(width)}).stdout.splitlines()
    found = {line.split()[0]: [each for each in line.split("  ") if each.strip()] for line in shown if line.strip()}
    assert [len(found[key]) for key in ("device", name)] == [columns] * 2
    assert found[bad][3].strip() == "failed"
    assert re.fullmatch(r" ?\d{4}-\d\d-\d\d", found[bad][2])
    seen = datetime.fromtimestamp(greengrass.devices[name].seen, UTC)
    assert re.fullmatch(r" ?\d\d:\d\d", found[name][2]) or seen.date() != datetime.now(UTC).date()  # midnight passed
    assert f"{bad}, failed: no space left on the device, which is a long reason to be told of" in shown


def test_the_ring_of_a_canary_is_part_of_the_fleet(greengrass: Greengrass, group: str) -> None:
    (one,) = greengrass.add_devices(group, 1)
    ring = greengrass.group(f"{group}-canary-ring")
    (other,) = greengrass.add_devices(ring, 1)
    assert {row["thing"]: row["group"] for row in result("ls")} == {one: group, other: ring}


def test_a_failure_is_told_with_its_reason(greengrass: Greengrass, group: str) -> None:
    (name,) = greengrass.add_devices(group, 1)
    reason = "no space left; see https://bucket.s3.amazonaws.com/a.zip?X-Amz-Signature=abc123 for it"
    greengrass.fates[name] = Fate("FAILED", reason, ("DEPLOYMENT_FAILURE", "IO_ERROR"), ("DEVICE_ERROR",))
    deployed(greengrass, group)
    (row,) = result("ls")
    assert row["versions"] == {} and row["last"]["status"] == "FAILED"
    assert row["last"]["reason"].startswith("no space left") and "abc123" not in json.dumps(row)
    assert row["last"]["errors"] == ["DEPLOYMENT_FAILURE", "IO_ERROR"]
    shown = result("show", name)
    assert shown["deployments"][0]["errors"] == ["DEPLOYMENT_FAILURE", "IO_ERROR"]
    assert "DEPLOYMENT_FAILURE > IO_ERROR" in run("show", name).stdout


def test_a_large_fleet_is_listed_in_few_requests(greengrass: Greengrass, group: str) -> None:
    names = greengrass.add_devices(group, 1000)
    greengrass.fates |= dict.fromkeys(names[:30], Fate("FAILED", "no space left"))
    deployed(greengrass, group)
    greengrass.asked.clear()
    done = run("ls", "--json")
    rows = json.loads(done.stdout)
    assert len(rows) == 1000 and sum(row["last"]["status"] == "FAILED" for row in rows) == 30
    assert all(row["versions"] is None for row in rows)
    assert len(greengrass.asked) < 40
    assert "--details" in done.stderr


def test_details_ask_every_device(greengrass: Greengrass, group: str) -> None:
    greengrass.add_devices(group, 60)
    deployed(greengrass, group)
    assert all(row["versions"] == {RUNTIME: "1.0.2", MODEL: "1.0.2"} for row in result("ls", "--details"))


def test_one_device_is_shown_whole(greengrass: Greengrass, group: str) -> None:
    name, other = greengrass.add_devices(group, 2)
    deployed(greengrass, group)
    greengrass.devices[name].states[MODEL] = "BROKEN"
    greengrass.fates[name] = Fate("FAILED", "it broke")
    deployed(greengrass, group, "1.0.3")
    shown = result("show", name)
    assert shown["groups"] == [group] and shown["certificates"] == 0
    assert shown["row"]["nucleus"] == "2.16.0"
    components = [(each["name"], each["version"], each["state"], each["root"]) for each in shown["components"]]
    assert components == [
        (RUNTIME, "1.0.2", "RUNNING", True), (MODEL, "1.0.2", "BROKEN", True),
        ("com.example.Other", "1.0.2", "RUNNING", True), ("aws.greengrass.Nucleus", "2.16.0", "RUNNING", False),
    ]  # fmt: skip
    assert [each["status"] for each in shown["deployments"]] == ["FAILED", "SUCCEEDED"]
    assert result("show", other)["row"]["versions"][MODEL] == "1.0.3"
    text = run("show", name).stdout
    assert "BROKEN" in text and "it broke" in text


def test_a_thing_that_never_reported_is_shown_as_one(greengrass: Greengrass, group: str) -> None:
    name = f"silent-{time.time_ns()}"
    greengrass.world.client("iot").create_thing(thingName=name)
    shown = result("show", name)
    assert (shown["row"]["status"], shown["components"], shown["deployments"], shown["groups"]) == ("", [], [], [])
    assert "never reported" in run("show", name).stdout


def test_what_is_not_there_is_one_line(greengrass: Greengrass, group: str) -> None:
    for arguments, said in (
        (("show", "no-such-thing"), "there is no device 'no-such-thing'"),
        (("ls", "--group", "no-such-group"), "there is no thing group 'no-such-group'"),
        (("show", ""), "'' cannot be the name of a device"),
        (("show", "a/b"), "'a/b' cannot be the name of a device"),
    ):
        done = run(*arguments)
        assert done.exit_code == (2 if "cannot" in said else 3) and said in done.stderr and "hint: " in done.stderr
        assert done.stderr.count("\n") == 2


def test_a_refusal_names_the_permission(greengrass: Greengrass, group: str) -> None:
    greengrass.add_devices(group, 1)
    greengrass.refuse("ListInstalledComponents", *DENIED)
    done = run("ls")
    assert done.exit_code == 3 and "greengrass:ListInstalledComponents" in done.stderr
