"""The service's command as systemd runs it: a socket to tell, a folder for the status, the machine's own settings."""

import json
import os
import socket
import subprocess
import sys
import time
from pathlib import Path

import pytest

from actorrec.recognition.bundle import write_bundle
from running_loop import RunningLoop, blank
from small_bundles import small_bundle

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is of Linux")


def heard(manager: socket.socket, wanted: str, *, timeout_s: float = 30) -> list[str]:
    """What the service said until it said something."""
    manager.settimeout(timeout_s)
    said = []
    while wanted not in said:
        said.append(manager.recv(4096).decode())
    return said


def actorrec(settings: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "ACTORREC_SYSTEM_CONFIG": str(settings), "XDG_STATE_HOME": str(folder / "state")}
    line = [sys.executable, "-m", "actorrec", *arguments, "--json"]
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=60)


def test_a_life_of_the_service(tmp_path: Path) -> None:
    bundle, pictures, run = tmp_path / "bundle.zip", tmp_path / "pictures", tmp_path / "run"
    write_bundle(bundle, *small_bundle())
    pictures.mkdir()
    picture = blank(pictures / "a.jpg")
    settings = tmp_path / "config.yaml"
    settings.write_text(
        f"camera: {{source: {picture}}}\ninference: {{bundle: {bundle}}}\ngreengrass: {{inference_interval_s: 1}}\n"
    )
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(str(tmp_path / "notify"))
        environ = {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "1500000",
            "RUNTIME_DIRECTORY": str(run),
            "ACTORREC_SYSTEM_CONFIG": "",
        }
        with RunningLoop("--config", settings, cwd=tmp_path, environ=environ) as loop:
            assert "READY=1" in heard(manager, "READY=1")
            heard(manager, "WATCHDOG=1")
            heard(manager, "WATCHDOG=1")  # and again, while it looks
            loop.health()
            until_s = time.monotonic() + 20
            while (told := _status(settings, tmp_path, run))[1]["state"] == "starting" and time.monotonic() < until_s:
                pass
            assert told[0] == 0 and told[1]["state"] == "running", told
            assert loop.stop()[0] == 0
            assert "STOPPING=1" in heard(manager, "STOPPING=1")
    assert _status(settings, tmp_path, run)[0] == 3
    typed = actorrec(settings, tmp_path, "infer", str(picture))  # the machine's settings name the bundle
    assert typed.returncode == 0 and json.loads(typed.stdout)["faces"] == [], typed.stderr


def _status(settings: Path, folder: Path, run: Path) -> tuple[int, dict[str, object]]:
    done = actorrec(settings, folder, "device", "status", "--from", str(run))
    return done.returncode, json.loads(done.stdout)
