"""The service's command as systemd runs it: a socket to tell, a folder for the status, the machine's own settings."""

import json
import os
import socket
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import Self

import pytest

from actorrec.manifests.device_status import SHARED_FILE, STATUS_FILE
from nucleus_server import NucleusServer
from patience import PATIENCE_S, eventually
from running_loop import RunningLoop, blank
from small_bundles import write_small_bundle

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="systemd is of Linux")


class Manager:
    """Listens as systemd does, all the time: what its queue has no room for is lost, and some queues hold ten."""

    def __init__(self, path: Path) -> None:
        self._path, self._said = str(path), list[str]()
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._listener = threading.Thread(target=self._listen)

    def __enter__(self) -> Self:
        self._socket.bind(self._path)
        self._listener.start()
        return self

    def __exit__(self, *_: object) -> None:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as own:
            own.sendto(b"", self._path)
        self._listener.join()
        self._socket.close()

    def heard(self, wanted: str, times: int = 1) -> None:
        """Wait until the service has said something so often."""
        eventually(lambda: self._said.count(wanted) >= times)

    def _listen(self) -> None:
        while said := self._socket.recv(4096):
            self._said.append(said.decode())


def says_how_it_does(folder: Path) -> bool:
    """Whether the first health event has reached the status file, too: it goes to one place after the other."""
    return bool(json.loads((folder / STATUS_FILE).read_bytes())["health"])


def actorrec(settings: Path, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "ACTORREC_SYSTEM_CONFIG": str(settings), "XDG_STATE_HOME": str(folder / "state")}
    line = [sys.executable, "-m", "actorrec", *arguments, "--json"]
    return subprocess.run(line, env=environ, capture_output=True, text=True, timeout=PATIENCE_S)


def test_a_life_of_the_service(tmp_path: Path) -> None:
    bundle, pictures, run = tmp_path / "bundle.zip", tmp_path / "pictures", tmp_path / "run"
    write_small_bundle(bundle)
    pictures.mkdir()
    picture = blank(pictures / "a.jpg")
    settings = tmp_path / "config.yaml"
    settings.write_text(
        f"camera: {{source: {picture}}}\ninference: {{bundle: {bundle}}}\ngreengrass: {{inference_interval_s: 1}}\n"
    )
    with Manager(tmp_path / "notify") as manager:
        environ = {
            "NOTIFY_SOCKET": str(tmp_path / "notify"),
            "WATCHDOG_USEC": "1500000",
            "RUNTIME_DIRECTORY": str(run),
            "ACTORREC_SYSTEM_CONFIG": "",
        }
        with RunningLoop("--config", settings, cwd=tmp_path, environ=environ) as loop:
            manager.heard("READY=1")
            manager.heard("WATCHDOG=1", times=2)  # and again, while it looks
            loop.health()
            eventually(lambda: says_how_it_does(run))
            code, told = _status(settings, tmp_path, run)
            assert (code, told["state"]) == (0, "running"), told
            assert loop.stop()[0] == 0
            manager.heard("STOPPING=1")
    assert _status(settings, tmp_path, run)[0] == 3
    typed = actorrec(settings, tmp_path, "infer", str(picture))  # the machine's settings name the bundle
    assert typed.returncode == 0 and json.loads(typed.stdout)["faces"] == [], typed.stderr


def test_a_component_is_seen_by_way_of_the_bundle_that_the_machine_is_set_to(tmp_path: Path) -> None:
    pytest.importorskip("awsiot")
    work, settings = tmp_path / "work", tmp_path / "config.yaml"
    work.mkdir(mode=0o700)
    (work / SHARED_FILE).touch()  # as `device shim` leaves it
    bundle, picture = write_small_bundle(tmp_path / "bundle.zip"), blank(tmp_path / "door.jpg")
    settings.write_text(f"inference: {{bundle: {work}/bundles/current.zip}}\n")
    configuration = {"ImageName": picture.name, "ImageDirectory": str(tmp_path), "InferenceInterval": "0.2"}
    with (
        NucleusServer(tmp_path / "ipc.socket", configuration) as nucleus,
        RunningLoop("--greengrass", "--bundle", bundle, cwd=work, environ=nucleus.environment) as loop,
    ):
        loop.health()
        eventually((work / "bundles" / "current.zip").exists)
        eventually(lambda: says_how_it_does(work))
        seen = actorrec(settings, tmp_path, "device", "status")
        told = json.loads(seen.stdout)
        assert (seen.returncode, told["state"], told["file"]) == (0, "running", str(work / "status.json"))
        assert loop.stop()[0] == 0
    assert stat.S_IMODE(work.stat().st_mode) == 0o710
    typed = actorrec(settings, tmp_path, "infer", str(picture))
    assert typed.returncode == 0, typed.stderr


def _status(settings: Path, folder: Path, run: Path) -> tuple[int, dict[str, object]]:
    done = actorrec(settings, folder, "device", "status", "--from", str(run))
    return done.returncode, json.loads(done.stdout)
