"""The files that set up a nucleus on a device."""

import os
import re
import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from actorrec.greengrass.device_folder import DeviceRecord
from actorrec.greengrass.nucleus_files import install_lines, java_configuration, lite_configuration

RECORD = DeviceRecord(
    thing="hall-1", region="eu-central-1", group="pis", certificate_id="a" * 64,
    certificate_arn=f"arn:aws:iot:eu-central-1:123456789012:cert/{'a' * 64}", policies=["actorrec-core-device"],
    role_alias="actorrec-token-exchange", data_endpoint="x-ats.iot.eu-central-1.amazonaws.com",
    credential_endpoint="x.credentials.iot.eu-central-1.amazonaws.com",
)  # fmt: skip
COMMON = {
    "awsRegion": "eu-central-1", "iotRoleAlias": "actorrec-token-exchange",
    "iotDataEndpoint": "x-ats.iot.eu-central-1.amazonaws.com",
    "iotCredEndpoint": "x.credentials.iot.eu-central-1.amazonaws.com",
}  # fmt: skip
LITE = "/var/lib/greengrass/credentials"


def blocks(*runtimes: str, folder: str = "hall-1") -> list[str]:
    return re.findall(r"```sh\n(.*?)```", install_lines(RECORD, runtimes, folder), re.DOTALL)


def test_the_java_nucleus_is_configured_whole() -> None:
    assert yaml.safe_load(java_configuration(RECORD)) == {
        "system": {
            "certificateFilePath": "/greengrass/v2/device.pem.crt", "privateKeyPath": "/greengrass/v2/private.pem.key",
            "rootCaPath": "/greengrass/v2/AmazonRootCA1.pem", "rootpath": "/greengrass/v2", "thingName": "hall-1",
        },
        "services": {
            "aws.greengrass.Nucleus": {
                "componentType": "NUCLEUS", "version": "NUCLEUS_VERSION", "configuration": COMMON,
            }
        },
    }  # fmt: skip


def test_nucleus_lite_is_configured_whole_with_a_user_of_its_own_for_components() -> None:
    text = lite_configuration(RECORD)
    own = {"runWithDefault": {"posixUser": "gg_component:gg_component"}, "greengrassDataPlanePort": "8443"}
    assert yaml.safe_load(text) == {
        "system": {
            "certificateFilePath": f"{LITE}/device.pem.crt", "privateKeyPath": f"{LITE}/private.pem.key",
            "rootCaPath": f"{LITE}/AmazonRootCA1.pem", "rootPath": "/var/lib/greengrass", "thingName": "hall-1",
        },
        "services": {"aws.greengrass.NucleusLite": {"componentType": "NUCLEUS", "configuration": COMMON | own}},
    }  # fmt: skip
    assert len(text.encode()) < 8192  # more, nucleus lite does not read


@pytest.mark.parametrize("name", ["1e5", "0x10", "null", "on", "123", "-"])
def test_names_stay_strings(name: str) -> None:
    record = RECORD.model_copy(update={"thing": name})
    for text in (java_configuration(record), lite_configuration(record)):
        assert yaml.safe_load(text)["system"]["thingName"] == name


@pytest.mark.parametrize(("runtime", "there"), [("java", "Java"), ("lite", "lite")])
def test_lines_of_one_runtime_are_those_of_one(runtime: str, there: str) -> None:
    headings = re.findall(r"^## (.*)$", install_lines(RECORD, (runtime,), "x"), re.MULTILINE)
    assert there in headings[0] and headings[1:] == ["Afterwards"]


def test_the_lines_are_commands_that_a_shell_reads() -> None:
    copy, java, lite = blocks("java", "lite", folder="a folder; rm -rf x")
    for block in (copy, java, lite):
        assert subprocess.run(["sh", "-n"], input=block, text=True, check=False).returncode == 0
    words = shlex.split(copy)
    assert words[:4] == ["scp", "-r", "a folder; rm -rf x", "USER@DEVICE:"]  # a second copy replaces the first
    assert words[-1] == "a folder; rm -rf x"
    assert shlex.split(blocks("java", folder="-x")[0])[2] == "./-x"
    for block, file in ((java, "nucleus-java.yaml"), (lite, "nucleus-lite.yaml")):
        for word in (
            "https://www.amazontrust.com/repository/AmazonRootCA1.pem",
            "private.pem.key",
            "device.pem.crt",
            file,
        ):
            assert word in block
    assert "/etc/greengrass/config.d/greengrass-lite.yaml" in lite
    assert not re.search(r"(?<!%)\{[a-z_]+\}", install_lines(RECORD, ("java", "lite"), "x"))  # all is filled in


def test_the_key_goes_only_to_files_that_root_or_the_nucleus_reads() -> None:
    _, java, lite = blocks("java", "lite")
    assert re.findall(r"^.*private\.pem\.key.*$", java, re.MULTILINE) == [
        "sudo install -m 600 private.pem.key /greengrass/v2/private.pem.key"
    ]
    assert re.findall(r"^.*private\.pem\.key.*$", lite, re.MULTILINE) == [
        f"sudo install -m 600 -o ggcore -g ggcore private.pem.key {LITE}/private.pem.key"
    ]
    assert lite.index("apt-get install -y ./") < lite.index("-o ggcore")  # the package makes the user


def test_the_java_lines_put_the_installers_version_in(tmp_path: Path) -> None:
    """The lines that find the version and put it in, run with a java that answers as the installer does."""
    lines = [line for line in blocks("java")[1].splitlines() if line.startswith(("VERSION=", "sed "))]
    assert len(lines) == 2
    java = tmp_path / "bin" / "java"
    java.parent.mkdir()
    java.write_text("#!/bin/sh\necho 'AWS Greengrass v2.16.1'\n")
    java.chmod(0o755)
    (tmp_path / "GreengrassInstaller").mkdir()
    (tmp_path / "nucleus-java.yaml").write_text(java_configuration(RECORD))
    environ = {**os.environ, "PATH": f"{java.parent}:{os.environ['PATH']}"}
    subprocess.run(["sh", "-e"], input="\n".join(lines), cwd=tmp_path, env=environ, text=True, check=True)
    made = yaml.safe_load((tmp_path / "GreengrassInstaller" / "config.yaml").read_text())
    assert made["services"]["aws.greengrass.Nucleus"]["version"] == "2.16.1"


def test_the_lite_lines_find_version_and_architecture(tmp_path: Path) -> None:
    """Up to the download, with a curl that tells where the newest release was found."""
    lines = [
        line for line in blocks("lite")[1].splitlines() if line.startswith(("case ", "LITE=", "curl -fsSL -o lite"))
    ]
    assert len(lines) == 3
    tools = {
        "dpkg": "echo arm64",
        "curl": 'case "$*" in *latest*) printf https://github.com/x/releases/tag/v2.6.1 ;; *) echo "$*" ;; esac',
    }
    for tool, does in tools.items():
        (tmp_path / tool).write_text(f"#!/bin/sh\n{does}\n")
        (tmp_path / tool).chmod(0o755)
    environ = {**os.environ, "PATH": f"{tmp_path}:{os.environ['PATH']}"}
    done = subprocess.run(["sh", "-e"], input="\n".join(lines), env=environ, text=True, check=True, capture_output=True)
    assert done.stdout.endswith("/releases/download/v2.6.1/aws-greengrass-lite-deb-arm64.zip\n")
