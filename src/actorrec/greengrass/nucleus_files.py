"""The files that set up a nucleus on a device: its configuration, and the lines to be typed there."""

import json
import shlex
from collections.abc import Mapping
from typing import Any, Final

from actorrec.greengrass.device_folder import CERTIFICATE_FILE, KEY_FILE, DeviceRecord

ROOT_CA_URL: Final = "https://www.amazontrust.com/repository/AmazonRootCA1.pem"
ROOT_CA_FILE: Final = "AmazonRootCA1.pem"
JAVA_FILE: Final = "nucleus-java.yaml"
LITE_FILE: Final = "nucleus-lite.yaml"
INSTALL_FILE: Final = "INSTALL.md"
JAVA_ROOT: Final = "/greengrass/v2"
LITE_ROOT: Final = "/var/lib/greengrass"
LITE_CREDENTIALS: Final = f"{LITE_ROOT}/credentials"
_VERSION: Final = "NUCLEUS_VERSION"  # what the installer on the device says of itself takes its place
_JAVA_ZIP: Final = "https://d2s8p88vqu9w66.cloudfront.net/releases/greengrass-nucleus-latest.zip"
_LITE: Final = "https://github.com/aws-greengrass/aws-greengrass-lite/releases"


def java_configuration(record: DeviceRecord) -> str:
    """``--init-config`` of the Java nucleus, as YAML.

    Its ``version`` must be that of the installer, which only the device knows: the install lines put it in.
    """
    system = _system(record, JAVA_ROOT) | {"rootpath": JAVA_ROOT, "thingName": record.thing}
    return _yaml(system, "aws.greengrass.Nucleus", _common(record), {"version": _VERSION})


def lite_configuration(record: DeviceRecord) -> str:
    """Configuration of nucleus lite, as YAML.

    It is to take the place of the file that its package leaves in ``config.d``: that one is read after ``config.yaml``
    and would let components run as the nucleus's own user, who may read the device's key.
    """
    system = _system(record, LITE_CREDENTIALS) | {"rootPath": LITE_ROOT, "thingName": record.thing}
    own = {"runWithDefault": {"posixUser": "gg_component:gg_component"}, "greengrassDataPlanePort": "8443"}
    return _yaml(system, "aws.greengrass.NucleusLite", _common(record) | own, {})


def install_lines(record: DeviceRecord, runtimes: tuple[str, ...], folder: str) -> str:
    """What to type, in Markdown.

    Args:
        record: Of the device.
        runtimes: ``java``, ``lite``.
        folder: Name of the folder, here and on the device.
    """
    named = shlex.quote(f"./{folder}" if folder.startswith("-") else folder)
    parts = [_HEAD.format(thing=record.thing, group=record.group, folder=named, key=KEY_FILE)]
    for runtime in runtimes:
        parts.append({"java": _JAVA, "lite": _LITE_TEXT}[runtime])
    parts.append(_TAIL.format(thing=record.thing, key=KEY_FILE))
    return "\n".join(parts)


def _system(record: DeviceRecord, folder: str) -> dict[str, Any]:
    return {
        "certificateFilePath": f"{folder}/{CERTIFICATE_FILE}",
        "privateKeyPath": f"{folder}/{KEY_FILE}",
        "rootCaPath": f"{folder}/{ROOT_CA_FILE}",
    }


def _common(record: DeviceRecord) -> dict[str, Any]:
    return {
        "awsRegion": record.region,
        "iotRoleAlias": record.role_alias,
        "iotDataEndpoint": record.data_endpoint,
        "iotCredEndpoint": record.credential_endpoint,
    }


def _yaml(system: Mapping[str, Any], name: str, configuration: Mapping[str, Any], more: Mapping[str, Any]) -> str:
    body = {
        "system": system,
        "services": {name: {"componentType": "NUCLEUS", **more, "configuration": configuration}},
    }
    return "---\n" + "".join(_lines(body, 0))


def _lines(body: Mapping[str, Any], depth: int) -> list[str]:
    """Nested maps of strings; every string in double quotes, as JSON writes it, which YAML reads alike."""
    lines = []
    for key, value in body.items():
        if isinstance(value, Mapping):
            lines += [f"{'  ' * depth}{key}:\n", *_lines(value, depth + 1)]
        else:
            lines.append(f"{'  ' * depth}{key}: {json.dumps(value)}\n")
    return lines


_HEAD: Final = """# Setting up the device {thing}

It is a thing of AWS IoT now, in the group `{group}`. What follows is typed on a 64-bit Raspberry Pi OS (or Debian,
Ubuntu), but for the first line. Install ONE of the runtimes.

Copy this folder to the device (typed beside the folder; put the device's user and address in), then go into it there:

```sh
scp -r {folder} USER@DEVICE:
ssh USER@DEVICE
cd {folder}
```

`{key}` is the device's identity. Once it is installed, delete every other copy of it.
"""

_JAVA: Final = f"""## The Java nucleus

```sh
sudo apt-get update
sudo apt-get install -y default-jdk-headless unzip curl python3 python3-venv
sudo groupadd --system --force ggc_group
id ggc_user >/dev/null 2>&1 || sudo useradd --system --create-home --gid ggc_group ggc_user
sudo mkdir -p {JAVA_ROOT}
sudo chmod 755 /greengrass
sudo install -m 600 {KEY_FILE} {JAVA_ROOT}/{KEY_FILE}
sudo install -m 644 {CERTIFICATE_FILE} {JAVA_ROOT}/{CERTIFICATE_FILE}
sudo curl -fsS -o {JAVA_ROOT}/{ROOT_CA_FILE} {ROOT_CA_URL}
curl -fsS -o greengrass-nucleus.zip {_JAVA_ZIP}
unzip -q -o greengrass-nucleus.zip -d GreengrassInstaller
VERSION=$(java -jar GreengrassInstaller/lib/Greengrass.jar --version | grep -o '[0-9]*\\.[0-9]*\\.[0-9]*' | head -n 1)
sed "s/{_VERSION}/$VERSION/" {JAVA_FILE} > GreengrassInstaller/config.yaml
sudo -E java -Droot={JAVA_ROOT} -Dlog.store=FILE -jar GreengrassInstaller/lib/Greengrass.jar \\
  --init-config GreengrassInstaller/config.yaml \\
  --component-default-user ggc_user:ggc_group --setup-system-service true
```

It runs as the service `greengrass`; its log is `{JAVA_ROOT}/logs/greengrass.log`. For a camera:
`sudo usermod -aG video ggc_user`.
"""

_LITE_TEXT: Final = f"""## Nucleus lite

The package makes its users itself: do not make them before. Its file in `config.d` is replaced on purpose.

```sh
sudo apt-get update
sudo apt-get install -y unzip curl python3 python3-venv
case $(dpkg --print-architecture) in arm64) ARCH=arm64 ;; amd64) ARCH=x86-64 ;; esac
LITE=$(curl -fsSL -o /dev/null -w '%{{url_effective}}' {_LITE}/latest | sed 's#.*/v##')
curl -fsSL -o lite.zip {_LITE}/download/v$LITE/aws-greengrass-lite-deb-$ARCH.zip
unzip -q -o lite.zip -d greengrass-lite
sudo apt-get install -y ./greengrass-lite/aws-greengrass-lite-$LITE-Linux.deb
sudo install -d -m 700 -o ggcore -g ggcore {LITE_CREDENTIALS}
sudo install -m 600 -o ggcore -g ggcore {KEY_FILE} {LITE_CREDENTIALS}/{KEY_FILE}
sudo install -m 600 -o ggcore -g ggcore {CERTIFICATE_FILE} {LITE_CREDENTIALS}/{CERTIFICATE_FILE}
curl -fsS -o {ROOT_CA_FILE} {ROOT_CA_URL}
sudo install -m 600 -o ggcore -g ggcore {ROOT_CA_FILE} {LITE_CREDENTIALS}/{ROOT_CA_FILE}
sudo install -m 644 {LITE_FILE} /etc/greengrass/config.d/greengrass-lite.yaml
sudo systemctl daemon-reload
sudo systemctl enable --now greengrass-lite.target
```

Look at it with `systemctl status --with-dependencies greengrass-lite.target` and `journalctl -a -t ggdeploymentd`.
For a camera: `sudo usermod -aG video gg_component`.
"""

_TAIL: Final = """## Afterwards

On the device `shred -u {key}` in the copied folder. On the desk `actorrec devices show {thing}` tells when it has
reported; the group's present deployment reaches it by itself.
"""
