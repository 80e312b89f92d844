"""A device made known to AWS: all of it or nothing, its key in one file of mode 0600 and nowhere else."""

import json
import logging
import os
import re
import signal
import stat
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest
import yaml
from typer.testing import CliRunner, Result

pytest.importorskip("moto")

import boto3
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key

from actorrec.cli.app import app
from actorrec.greengrass.device_folder import DeviceRecord
from actorrec.greengrass.nucleus_files import java_configuration, lite_configuration
from greengrass_server import DENIED, Greengrass, greengrass
from patience import PATIENCE_S, eventually

__all__ = ["greengrass"]
POLICY, ALIAS = "actorrec-core-device", "actorrec-token-exchange"
PEM = (Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
DOCUMENT = json.dumps({"Version": "2012-10-17", "Statement": []})
FILES = {".gitignore", "INSTALL.md", "device.json", "device.pem.crt", "nucleus-java.yaml", "nucleus-lite.yaml",
         "private.pem.key", "public.pem.key"}  # fmt: skip


@pytest.fixture
def ground(greengrass: Greengrass, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Greengrass:
    """An account with what the stack makes for devices, and a group; the folder is fresh."""
    iot = greengrass.world.client("iot")
    if POLICY not in {each["policyName"] for each in iot.list_policies()["policies"]}:
        iot.create_policy(policyName=POLICY, policyDocument=DOCUMENT)
    if ALIAS not in iot.list_role_aliases()["roleAliases"]:
        iot.create_role_alias(roleAlias=ALIAS, roleArn="arn:aws:iam::123456789012:role/token-exchange")
    monkeypatch.setenv("ACTORREC_CLOUD__THING_GROUP", greengrass.group())
    monkeypatch.setenv("ACTORREC_AWS__ATTEMPTS", "1")
    monkeypatch.chdir(tmp_path)
    greengrass.asked.clear()
    return greengrass


@pytest.fixture
def name() -> str:
    """A thing of this test's own."""
    return f"pi-{time.time_ns()}"


def run(*arguments: str) -> Result:
    return CliRunner().invoke(app, ["devices", "provision", *arguments], env={"COLUMNS": "250"})


def result(*arguments: str) -> Any:
    done = run(*arguments, "--json")
    assert done.exit_code == 0, (done.output, done.exception)
    return json.loads(done.stdout)


def refused(*arguments: str) -> tuple[int, str]:
    done = run(*arguments)
    assert done.exit_code != 0, done.output
    return done.exit_code, done.stderr


def group() -> str:
    return os.environ["ACTORREC_CLOUD__THING_GROUP"]


def state(iot: Any, thing: str) -> dict[str, Any]:
    """What AWS has of a device."""
    try:
        principals = iot.list_thing_principals(thingName=thing)["principals"]
    except iot.exceptions.ResourceNotFoundException:
        return {"thing": False, "certificates": []}
    return {
        "thing": True,
        "certificates": principals,
        "members": iot.list_things_in_thing_group(thingGroupName=group())["things"],
    }


def certificates(iot: Any) -> dict[str, str]:
    return {each["certificateArn"]: each["status"] for each in iot.list_certificates()["certificates"]}


def changes(ground: Greengrass) -> list[str]:
    return [name for name, _ in ground.asked if not name.startswith(("Describe", "List", "Get"))]


def test_a_device_is_made_known_with_all_it_needs(ground: Greengrass, name: str, tmp_path: Path) -> None:
    told = result(name)
    iot, folder = boto3.client("iot"), tmp_path / name
    record = DeviceRecord.model_validate_json((folder / "device.json").read_text())
    arn = record.certificate_arn
    assert {path.name for path in folder.iterdir()} == FILES
    assert iot.list_thing_principals(thingName=name)["principals"] == [arn]
    assert iot.list_things_in_thing_group(thingGroupName=group())["things"] == [name]
    assert [each["policyName"] for each in iot.list_attached_policies(target=arn)["policies"]] == [POLICY]
    assert certificates(iot)[arn] == "ACTIVE"
    assert told["certificate"] == record.certificate_id and told["done"] and told["earlier_certificates"] == []
    verbs = [each["verb"] for each in told["actions"]]
    assert verbs == ["create", "create", "attach", "attach", "join", "write", "activate"]
    assert ground.sent("AttachThingPrincipal")[0]["thingPrincipalType"] == "EXCLUSIVE_THING"
    assert ground.sent("CreateKeysAndCertificate") == [{"setAsActive": False}]
    assert changes(ground)[-1] == "UpdateCertificate"  # before all is set up it opens nothing
    assert (record.region, record.role_alias, record.group) == ("us-east-1", ALIAS, group())
    assert record.data_endpoint.endswith("-ats.iot.us-east-1.amazonaws.com")
    assert ".credentials.iot.us-east-1." in record.credential_endpoint
    assert (folder / "nucleus-java.yaml").read_text() == java_configuration(record)
    assert (folder / "nucleus-lite.yaml").read_text() == lite_configuration(record)


@pytest.mark.parametrize("spoil", ["a folder", "a circle"])
def test_a_record_that_cannot_be_read_is_one_line(ground: Greengrass, name: str, tmp_path: Path, spoil: str) -> None:
    (tmp_path / name).mkdir()
    file = tmp_path / name / "device.json"
    file.mkdir() if spoil == "a folder" else file.symlink_to("device.json")
    code, said = refused(name)
    assert code == 4 and f"cannot read {name}/device.json: " in said and "--out" in said
    assert ground.asked == []


def test_the_key_is_in_its_file_alone(
    ground: Greengrass, name: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    before = os.umask(0)
    try:
        with caplog.at_level(logging.INFO):
            done = run(name, "--json")
    finally:
        os.umask(before)
    folder = tmp_path / name
    file = folder / "private.pem.key"
    key = load_pem_private_key(file.read_bytes(), None).public_key().public_bytes(*PEM)
    assert key == (folder / "public.pem.key").read_bytes()
    certificate = x509.load_pem_x509_certificate((folder / "device.pem.crt").read_bytes())
    assert certificate.public_key().public_bytes(*PEM) == key
    assert (stat.S_IMODE(file.stat().st_mode), stat.S_IMODE(folder.stat().st_mode)) == (0o600, 0o700)
    line = file.read_text().splitlines()[1]
    others = [path.read_text() for path in folder.iterdir() if path != file]
    for text in (done.stdout, done.stderr, caplog.text, *others):
        assert "PRIVATE KEY" not in text and line not in text


def test_one_runtime_alone(ground: Greengrass, name: str, tmp_path: Path) -> None:
    run(name, "--runtime", "lite")
    assert {path.name for path in (tmp_path / name).iterdir()} == FILES - {"nucleus-java.yaml"}
    assert "Java" not in (tmp_path / name / "INSTALL.md").read_text()


def test_a_dry_run_changes_nothing(ground: Greengrass, name: str, tmp_path: Path) -> None:
    told = result(name, "--dry-run")
    assert not told["done"] and len(told["actions"]) == 7
    assert changes(ground) == [] and not (tmp_path / name).exists()


def test_again_is_no_change(ground: Greengrass, name: str, tmp_path: Path) -> None:
    first = result(name)
    key = (tmp_path / name / "private.pem.key").read_bytes()
    ground.asked.clear()
    again = result(name)
    assert {each["verb"] for each in again["actions"]} == {"reuse", "write"}
    assert again["certificate"] == first["certificate"] and changes(ground) == []
    assert (tmp_path / name / "private.pem.key").read_bytes() == key


def test_a_device_that_serves_clients_gets_one_policy_more(
    ground: Greengrass, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack, iot = f"serving-{time.time_ns()}", boto3.client("iot")
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", stack)
    iot.create_policy(policyName=f"{stack}-core-device", policyDocument=DOCUMENT)
    iot.create_role_alias(roleAlias=f"{stack}-token-exchange", roleArn="arn:aws:iam::123456789012:role/x")
    assert f"no policy '{stack}-core-of-clients'" in refused(name, "--clients")[1]
    result(name)
    iot.create_policy(policyName=f"{stack}-core-of-clients", policyDocument=DOCUMENT)
    told = result(name, "--clients")
    assert [each["name"] for each in told["actions"] if each["verb"] == "attach"] == [f"{stack}-core-of-clients"]
    record = DeviceRecord.model_validate_json((tmp_path / name / "device.json").read_bytes())
    assert record.policies == [f"{stack}-core-device", f"{stack}-core-of-clients"]
    attached = iot.list_attached_policies(target=record.certificate_arn)["policies"]
    assert sorted(each["policyName"] for each in attached) == record.policies


def test_a_thing_that_is_there_is_taken(ground: Greengrass, name: str) -> None:
    boto3.client("iot").create_thing(thingName=name, attributePayload={"attributes": {"room": "hall"}})
    told = result(name)
    assert told["actions"][0] == {"verb": "reuse", "type": "thing", "name": name, "why": "there is one already"}
    assert boto3.client("iot").describe_thing(thingName=name)["attributes"] == {"room": "hall"}


def test_a_second_certificate_only_if_asked_for(ground: Greengrass, name: str, tmp_path: Path) -> None:
    first = result(name)
    code, said = refused(name, "--out", "elsewhere")
    assert code == 2 and "has a certificate already" in said and not (tmp_path / "elsewhere").exists()
    second = result(name, "--out", "elsewhere", "--new-certificate")
    assert second["certificate"] != first["certificate"]
    assert [arn.rpartition("/")[2] for arn in second["earlier_certificates"]] == [first["certificate"]]
    assert len(state(boto3.client("iot"), name)["certificates"]) == 2


def test_a_new_certificate_sets_the_earlier_one_aside(ground: Greengrass, name: str, tmp_path: Path) -> None:
    first = result(name)
    key = (tmp_path / name / "private.pem.key").read_bytes()
    result(name, "--new-certificate")
    aside = tmp_path / name / f"earlier-{first['certificate'][:8]}"
    assert (aside / "private.pem.key").read_bytes() == key
    assert stat.S_IMODE((aside / "private.pem.key").stat().st_mode) == 0o600
    assert (tmp_path / name / "private.pem.key").read_bytes() != key


@pytest.mark.parametrize("left", ["", "{}", "of another"])
def test_a_folder_with_another_key_is_not_touched(ground: Greengrass, name: str, tmp_path: Path, left: str) -> None:
    folder = tmp_path / "mine"
    if left == "of another":
        result(f"{name}-other", "--out", "mine")
    else:
        folder.mkdir()
        (folder / "private.pem.key").write_text("precious")
        (folder / "device.json").write_text(left)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    ground.asked.clear()
    code, said = refused(name, "--out", "mine")
    assert code == 2 and "holds a private key already" in said and "--new-certificate" in said
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before
    assert changes(ground) == []


@pytest.mark.parametrize("bad", ["with space", "../up"])
def test_bad_names_are_refused_before_anything_is_asked(ground: Greengrass, bad: str) -> None:
    code, said = refused(bad)
    assert code == 2 and "cannot be the name of a device" in said and ground.asked == []


@pytest.mark.parametrize(
    ("setting", "value", "said"),
    [
        ("CLOUD__THING_GROUP", "no-such-group", "no thing group 'no-such-group'"),
        ("CLOUD__STACK", "other", "no policy 'other-core-device'"),
    ],
)
def test_what_is_missing_is_said_first(
    ground: Greengrass, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, setting: str, value: str, said: str
) -> None:
    monkeypatch.setenv(f"ACTORREC_{setting}", value)
    code, stderr = refused(name)
    assert code == 3 and said in stderr and "actorrec cloud init" in stderr
    assert changes(ground) == [] and list(tmp_path.iterdir()) == []


def test_a_missing_role_alias_is_said(ground: Greengrass, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    stack = f"half-{time.time_ns()}"
    boto3.client("iot").create_policy(policyName=f"{stack}-core-device", policyDocument=DOCUMENT)
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", stack)
    assert "no role alias" in refused(name)[1]


@pytest.mark.parametrize(
    ("operation", "fault"),
    [
        ("CreateKeysAndCertificate", ("InternalFailureException", "something broke")),
        ("AttachThingPrincipal", ("InvalidRequestException", "the certificate is exclusive to another thing")),
        ("UpdateCertificate", DENIED),
    ],
)
def test_a_failure_half_way_leaves_nothing(
    ground: Greengrass, name: str, tmp_path: Path, operation: str, fault: tuple[str, str]
) -> None:
    iot = boto3.client("iot")
    before = certificates(iot)
    ground.refuse(operation, *fault)
    code, said = refused(name)
    assert code == 3 and "taken back" in said
    assert not state(iot, name)["thing"] and certificates(iot) == before
    assert list(tmp_path.iterdir()) == []
    assert iot.list_things_in_thing_group(thingGroupName=group())["things"] == []
    assert result(name)["done"]  # and nothing stands in its way


def test_a_thing_of_others_stays_when_it_fails(ground: Greengrass, name: str) -> None:
    iot = boto3.client("iot")
    iot.create_thing(thingName=name)
    ground.refuse("UpdateCertificate", *DENIED)
    refused(name)
    assert iot.describe_thing(thingName=name) and state(iot, name)["certificates"] == []


def test_what_cannot_be_taken_back_is_named(ground: Greengrass, name: str) -> None:
    ground.refuse("AddThingToThingGroup", *DENIED)
    ground.refuse("DeleteCertificate", *DENIED)
    code, said = refused(name)
    assert code == 3 and re.search(r"could not take back: the certificate [0-9a-f]{64}", said)


def test_a_failed_new_certificate_leaves_the_old_one_in_place(ground: Greengrass, name: str, tmp_path: Path) -> None:
    result(name)
    before = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    certified = state(boto3.client("iot"), name)
    ground.refuse("AttachThingPrincipal", *DENIED)
    refused(name, "--new-certificate")
    after = {path.name: path.read_bytes() for path in (tmp_path / name).iterdir()}
    assert {key: after[key] for key in before if key not in (".gitignore",)} == {
        key: before[key] for key in before if key not in (".gitignore",)
    }
    assert state(boto3.client("iot"), name) == certified


def test_a_file_that_cannot_be_written_takes_all_back(ground: Greengrass, name: str, tmp_path: Path) -> None:
    (tmp_path / name / "INSTALL.md" / "mine").mkdir(parents=True)
    iot = boto3.client("iot")
    before = certificates(iot)
    code, said = refused(name)
    assert code == 4 and "INSTALL.md" in said and "taken back" in said
    assert certificates(iot) == before and not state(iot, name)["thing"]
    assert [path.name for path in (tmp_path / name).iterdir()] == ["INSTALL.md"]


def test_a_folder_that_takes_no_files_is_found_out_first(ground: Greengrass, name: str, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("x")
    code, said = refused(name, "--out", "file/inside")
    assert code == 4 and "cannot write" in said and changes(ground) == []


def _killed(ground: Greengrass, name: str, operation: str) -> None:
    """A program that is killed as it sends a request of that kind."""
    script = (
        "import os, signal, sys\nfrom botocore import handlers\n"
        "def kill(model, **_):\n    if model.name == sys.argv.pop(): os.kill(os.getpid(), signal.SIGKILL)\n"
        f"def look(model, **_):\n    if model.name == {operation!r}: os.kill(os.getpid(), signal.SIGKILL)\n"
        "handlers.BUILTIN_HANDLERS.append(('before-call', look))\n"
        f"sys.argv = ['actorrec', 'devices', 'provision', {name!r}]\n"
        "from actorrec.cli.app import main\nmain()\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], env={**os.environ, **ground.environ}, check=False, capture_output=True
    )
    assert done.returncode == -signal.SIGKILL, done.stderr


def test_a_killed_run_goes_on_with_its_certificate(ground: Greengrass, name: str, tmp_path: Path) -> None:
    _killed(ground, name, "UpdateCertificate")
    key = (tmp_path / name / "private.pem.key").read_bytes()
    record = json.loads((tmp_path / name / "device.json").read_text())
    told = result(name)
    assert told["certificate"] == record["certificate_id"]
    assert (tmp_path / name / "private.pem.key").read_bytes() == key
    iot = boto3.client("iot")
    assert state(iot, name)["certificates"] == [record["certificate_arn"]]
    assert certificates(iot)[record["certificate_arn"]] == "ACTIVE"
    assert [
        each["policyName"] for each in iot.list_attached_policies(target=record["certificate_arn"])["policies"]
    ] == [POLICY]


def test_a_certificate_whose_key_was_never_written_is_removed(ground: Greengrass, name: str, tmp_path: Path) -> None:
    _killed(ground, name, "AttachPolicy")
    (tmp_path / name / "private.pem.key").unlink()  # as if it had been killed a moment earlier
    lost = json.loads((tmp_path / name / "device.json").read_text())["certificate_arn"]
    told = result(name)
    assert told["actions"][0]["verb"] == "delete"
    assert lost not in certificates(boto3.client("iot")) and len(state(boto3.client("iot"), name)["certificates"]) == 1


def test_ctrl_c_leaves_nothing(ground: Greengrass, name: str, tmp_path: Path) -> None:
    iot = boto3.client("iot")
    before = certificates(iot)
    ground.held["CreateKeysAndCertificate"] = threading.Event()
    command = [sys.executable, "-m", "actorrec", "devices", "provision", name]
    with subprocess.Popen(command, env={**os.environ, **ground.environ}, stderr=subprocess.PIPE) as program:
        eventually(lambda: ground.count("CreateKeysAndCertificate"))
        program.send_signal(signal.SIGINT)
        _, errors = program.communicate(timeout=PATIENCE_S)
    ground.held["CreateKeysAndCertificate"].set()
    assert program.returncode == 130, errors
    assert not state(iot, name)["thing"] and list(tmp_path.iterdir()) == []
    assert (
        len(certificates(iot)) <= len(before) + 1
    )  # the answer that was on its way may have held one; it opens nothing
    assert "ACTIVE" not in {status for arn, status in certificates(iot).items() if arn not in before}


def test_the_stack_says_the_names(
    ground: Greengrass, name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    stack = f"fleet-{time.time_ns()}"
    policy = {"PolicyName": f"policy-of-{stack}", "PolicyDocument": json.loads(DOCUMENT)}
    alias = {"RoleAlias": f"alias-of-{stack}", "RoleArn": "arn:aws:iam::123456789012:role/token-exchange"}
    resources = {
        "P": {"Type": "AWS::IoT::Policy", "Properties": policy},
        "A": {"Type": "AWS::IoT::RoleAlias", "Properties": alias},
    }
    outputs = {"DevicePolicy": {"Value": policy["PolicyName"]}, "RoleAlias": {"Value": alias["RoleAlias"]}}
    boto3.client("cloudformation").create_stack(
        StackName=stack, TemplateBody=json.dumps({"Resources": resources, "Outputs": outputs})
    )
    monkeypatch.setenv("ACTORREC_CLOUD__STACK", stack)
    result(name)
    record = json.loads((tmp_path / name / "device.json").read_text())
    assert (record["policies"], record["role_alias"]) == ([policy["PolicyName"]], alias["RoleAlias"])
    java = yaml.safe_load((tmp_path / name / "nucleus-java.yaml").read_text())
    assert java["services"]["aws.greengrass.Nucleus"]["configuration"]["iotRoleAlias"] == alias["RoleAlias"]
