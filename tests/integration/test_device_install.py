"""``actorrec device`` as people type it: below another root, with the shim that it makes run for real."""

import json
import os
import shutil
import signal
import subprocess
import sys
import sysconfig
from collections.abc import Iterator
from pathlib import Path

import pytest

import actorrec
from actorrec.recognition.bundle import write_bundle
from device_events import health_event
from patience import PATIENCE_S
from small_bundles import small_bundle

WRITER = """
import sys, time
from pathlib import Path
from actorrec.inference.status_file import StatusFile
with StatusFile(Path(sys.argv[1]), health_every_s=float(sys.argv[2])) as file:
    file.publish("t/health", sys.argv[3].encode())
    print("written", flush=True)
    time.sleep(3600)
"""


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("bundle") / "bundle.zip"
    write_bundle(path, *small_bundle())
    return path


def device(*arguments: object, cwd: Path, program: Path = Path(sys.executable)) -> "subprocess.CompletedProcess[str]":
    environ = {**os.environ, "COLUMNS": "200", "XDG_STATE_HOME": str(cwd / "state")}
    line = [program, "-m", "actorrec", "device", *map(str, arguments)]
    return subprocess.run(
        line, cwd=cwd, env=environ, capture_output=True, text=True, timeout=PATIENCE_S, stdin=subprocess.DEVNULL
    )


def test_a_system_below_a_folder_becomes_a_device_and_is_taken_back(bundle: Path, tmp_path: Path) -> None:
    root = tmp_path / "image"
    root.mkdir()
    camera = "rtsp://me:not-to-be-seen@camera/1"
    asked = ("install", "--camera", camera, "--bundle", bundle, "--root", root)
    shown = device(*asked, "--dry-run", cwd=tmp_path)
    assert shown.returncode == 0 and list(root.iterdir()) == []
    assert "ExecStart=" in shown.stdout and "not-to-be-seen" not in shown.stdout + shown.stderr

    unasked = device(*asked, cwd=tmp_path)
    assert unasked.returncode == 2 and "--yes" in unasked.stderr and list(root.iterdir()) == []

    done = device(*asked, "--yes", "--json", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["done"] and len(told["actions"]) == 8 and "not-to-be-seen" not in done.stdout
    assert camera in (root / "etc/actorrec/config.yaml").read_text()
    assert (root / "var/lib/actorrec/bundle.zip").read_bytes() == bundle.read_bytes()
    unit = (root / "etc/systemd/system/actorrec.service").read_text()
    assert f'ExecStart="{sys.executable}" -I -m actorrec infer --loop --config /etc/actorrec/config.yaml' in unit

    other = camera.replace("camera/1", "camera/2")
    again = device("install", "--camera", other, "--root", root, "--yes", "--json", cwd=tmp_path)
    assert again.returncode == 0 and json.loads(again.stdout)["actions"] == []
    assert json.loads(again.stdout)["differs"] == [["camera.source", "rtsp://…@camera/1", "rtsp://…@camera/2"]]
    assert "not-to-be-seen" not in again.stdout + again.stderr

    said = subprocess.run(
        [root / "usr/local/bin/actorrec", "--version"], capture_output=True, text=True, timeout=PATIENCE_S
    )
    assert said.stdout == f"actorrec {actorrec.__version__}\n", said.stderr

    gone = device("uninstall", "--root", root, "--yes", "--purge", cwd=tmp_path)
    assert gone.returncode == 0 and not [path for path in root.rglob("*") if not path.is_dir()]
    assert device("uninstall", "--root", root, cwd=tmp_path).stdout == "nothing to change\n"


def test_a_bundle_that_is_none_is_refused_before_anything_is_made(tmp_path: Path) -> None:
    broken = tmp_path / "broken.zip"
    broken.write_bytes(b"PK nothing")
    root = tmp_path / "image"
    root.mkdir()
    done = device("install", "--camera", "0", "--bundle", broken, "--root", root, "--yes", cwd=tmp_path)
    assert done.returncode == 1 and "broken.zip" in done.stderr and list(root.iterdir()) == []


@pytest.mark.skipif(os.geteuid() != 0 or shutil.which("setpriv") is None, reason="needs root and setpriv")
def test_who_is_not_root_gets_the_line_to_type(bundle: Path, tmp_path: Path) -> None:
    # The right to read everything is kept: the interpreter may lie in root's own home folder.
    other = ["setpriv", "--reuid=65534", "--clear-groups", "--inh-caps=+dac_override", "--ambient-caps=+dac_override"]
    line = [*other, sys.executable, "-m", "actorrec", "device", "install", "--camera", "my camera"]
    done = subprocess.run(line, cwd=tmp_path, capture_output=True, text=True, timeout=PATIENCE_S)
    assert done.returncode == 2, done.stderr
    assert f"hint: sudo {sys.executable} -m actorrec device install --camera 'my camera'" in done.stderr


@pytest.fixture
def component(tmp_path: Path) -> Iterator[Path]:
    """Interpreter of an environment as the component's installer makes it, with this program in it."""
    environment = tmp_path / "work" / "com.example.Faces" / "venv-0a1b"
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", environment], check=True, timeout=PATIENCE_S)
    found = subprocess.run(
        [environment / "bin/python", "-c", "import sysconfig; print(sysconfig.get_path('purelib'))"],
        capture_output=True,
        text=True,
        check=True,
        timeout=PATIENCE_S,
    )
    paths = (str(Path(actorrec.__file__).parents[1]), sysconfig.get_path("purelib"))
    (Path(found.stdout.strip()) / "ours.pth").write_text("\n".join(paths) + "\n")
    (environment / "whole").touch()
    (environment.parent / "last-venv").write_text("venv-0a1b\n")
    return environment / "bin" / "python"


def test_beside_a_component_its_program_is_everybodys(component: Path, tmp_path: Path) -> None:
    work = component.parents[2]
    work.chmod(0o700)
    root = tmp_path / "image"
    root.mkdir()
    done = device("shim", "--root", root, "--yes", cwd=tmp_path, program=component)
    assert done.returncode == 0, done.stderr
    assert f"bundle: {work}/bundles/current.zip" in (root / "etc/actorrec/config.yaml").read_text()
    assert work.stat().st_mode & 0o010 and "usermod -aG" in done.stdout
    shim = root / "usr/local/bin/actorrec"
    (work / "venv-0a1b").rename(work / "venv-9z")  # what an update does to the name
    (work / "last-venv").write_text("venv-9z\n")
    said = subprocess.run([shim, "--version"], capture_output=True, text=True, timeout=PATIENCE_S)
    assert said.stdout == f"actorrec {actorrec.__version__}\n", said.stderr


def test_outside_of_a_component_there_is_no_shim_to_make(tmp_path: Path) -> None:
    done = device("shim", "--root", tmp_path, "--yes", cwd=tmp_path)
    assert done.returncode == 2 and "not the environment of a component" in done.stderr


@pytest.mark.parametrize(
    ("health_s", "trouble", "state", "code"),
    [("600", "no camera", "running", 1), ("0.01", "", "stale", 1), ("600", "", "running", 0)],
    ids=["in trouble", "stuck", "well"],
)
def test_a_running_program_is_seen_and_then_killed(
    tmp_path: Path, health_s: str, trouble: str, state: str, code: int
) -> None:
    folder = tmp_path / "state" / "actorrec" / "device"
    health = health_event(temperature_c=61.5, trouble=[trouble] if trouble else []).model_dump_json()
    line = [sys.executable, "-c", WRITER, str(folder), health_s, health]
    with subprocess.Popen(line, stdout=subprocess.PIPE, text=True) as running:
        assert running.stdout is not None and running.stdout.readline() == "written\n"
        seen = device("status", "--from", folder, "--json", cwd=tmp_path)
        running.send_signal(signal.SIGKILL)
    told = json.loads(seen.stdout)
    assert (told["state"], seen.returncode, told["pid"]) == (state, code, running.pid)
    assert told["health"]["trouble"] == ([trouble] if trouble else []) and "61.5 °C" in seen.stderr
    if state == "running":
        gone = device("status", "--from", folder, cwd=tmp_path)
        assert gone.returncode == 3 and "gone without a word" in gone.stdout
