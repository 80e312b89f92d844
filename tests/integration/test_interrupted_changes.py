"""A Ctrl-C between two steps that belong together: nothing is left that nobody knows of, and what was made is told."""

import fcntl
import logging
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("boto3")

from actorrec.artifacts.local import LocalStore
from actorrec.artifacts.whole_file import write_whole
from actorrec.greengrass.deploy import execute as deploy
from actorrec.greengrass.deploy_plan import Wanted as WantedVersion
from actorrec.greengrass.provision import execute as provision
from actorrec.greengrass.provision_plan import Wanted
from deploy_fleet import LOGS, Fleet, fleet, greengrass
from own_environ import own_environ

__all__ = ["fleet", "greengrass"]
AT_THE_END = """
import atexit, signal
atexit.register(signal.raise_signal, signal.SIGINT)
from actorrec.__main__ import main
main()
"""


def _interrupted(*_: Any) -> None:
    raise KeyboardInterrupt


def test_a_file_that_was_just_made_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fcntl, "flock", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        write_whole(tmp_path / "file", b"content")
    assert list(tmp_path.iterdir()) == []


def test_a_folder_of_a_device_that_was_just_made_is_removed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = Wanted(
        thing="pi", group="group", stack="stack", folder=tmp_path / "pi", runtimes=("java",), new_certificate=False,
        clients=False,
    )  # fmt: skip
    found: Any = SimpleNamespace(record=None)  # there is nothing of it yet
    monkeypatch.setattr(fcntl, "flock", _interrupted)
    with pytest.raises(KeyboardInterrupt):
        provision((), wanted, found, found)
    assert list(tmp_path.iterdir()) == []


def test_a_deployment_that_is_being_recorded_is_told(fleet: Fleet, caplog: pytest.LogCaptureFixture) -> None:
    class Interrupted(LocalStore):
        def commit(self, name: str, data: bytes) -> bool:
            raise KeyboardInterrupt

    with caplog.at_level(logging.WARNING), pytest.raises(KeyboardInterrupt):
        deploy(fleet.plan({LOGS: WantedVersion("2.3.9")}), fleet.calls, Interrupted(fleet.folder / "store"))
    assert fleet.greengrass.count("CreateDeployment") == 1
    assert "may have been made" in caplog.text


def test_while_python_ends_there_is_no_traceback() -> None:
    command = [sys.executable, "-c", AT_THE_END, "--version"]
    done = subprocess.run(command, env=own_environ(), capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (130, "")
    assert done.stdout.startswith("actorrec ")
