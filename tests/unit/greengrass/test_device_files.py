"""What installs on a device, where it cannot: one clear line, exit code 1, and nothing half-made left behind."""

import json
import platform
import shutil
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import actorrec.greengrass
from containers import private_namespace, why_not
from made_up_wheels import make_wheel

pytestmark = pytest.mark.skipif(not sys.platform.startswith("linux"), reason="devices run Linux")
TOOLS = ("sh", "basename", "cat", "cp", "dirname", "mkdir", "mv", "rm", "sync", "touch")
HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    """A folder for PATH with what every Linux has, and no Python."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        found = shutil.which(name)
        assert found is not None
        (folder / name).symlink_to(found)
    return folder


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """The archive as a device has unpacked it, for this machine; its packages are made up."""
    folder = tmp_path / "unpacked runtime"
    with resources.as_file(resources.files(actorrec.greengrass) / "device_files") as files:
        shutil.copytree(files, folder)
    write_device(folder)
    make_wheel(folder, "actorrec", "0.0.1")
    make_wheel(folder / "wheels", "one", "1.0")
    (folder / "requirements.txt").write_text("one==1.0 --hash=sha256:" + "0" * 64 + "\n")
    (folder / "component.json").write_text("{}")
    return folder


def write_device(folder: Path, **changes: object) -> None:
    device = {"pythons": [HERE], "machine": platform.machine(), "space_bytes": 1000} | changes
    (folder / "device.json").write_text(json.dumps(device))


def give_python(tools: Path, before: str = "pass") -> None:
    """This Python as python3; ``before`` is run in it first."""
    code = (
        f"{before}; import sys; sys.argv = sys.argv[1:]; import runpy; runpy.run_path(sys.argv[0], run_name='__main__')"
    )
    asked = f'exec "{sys.executable}" -I -c "{code}" "$@"'
    wrapper = tools / "python3"
    wrapper.write_text(
        f'#!/bin/sh\ncase $2 in *check_python.py) shift; {asked} ;; esac\nexec "{sys.executable}" "$@"\n'
    )
    wrapper.chmod(0o755)


def install(
    unpacked: Path, venv: Path | str, tools: Path, *prefix: str, cwd: Path = Path("/")
) -> subprocess.CompletedProcess[str]:
    """With nothing in its environment but PATH."""
    command = [*prefix, str(tools / "sh"), str(unpacked / "install.sh"), str(venv)]
    return subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, timeout=120, cwd=cwd)


def refused(done: subprocess.CompletedProcess[str], said: str) -> None:
    assert done.returncode == 1
    assert said in done.stderr, done.stderr
    assert "Traceback" not in done.stderr


def test_a_device_without_python_is_told_what_to_install(unpacked: Path, tools: Path, tmp_path: Path) -> None:
    refused(install(unpacked, tmp_path / "venv-1", tools), "there is no python3 (on Debian and Raspberry Pi OS: sudo")


def test_what_was_never_finished_is_not_taken_for_whole(unpacked: Path, tools: Path, tmp_path: Path) -> None:
    python = tmp_path / "venv-1/bin/python"
    python.parent.mkdir(parents=True)
    python.write_text("#!/bin/sh\nexit 0\n")  # the program can be imported: it was killed a moment later
    python.chmod(0o755)
    refused(install(unpacked, tmp_path / "venv-1", tools), "there is no python3")
    assert not (tmp_path / "venv-1").exists()


@pytest.mark.parametrize(("gone", "code"), [("venv-1", 0), ("venv-2", 1)], ids=["an older one", "a damaged one"])
def test_what_is_half_removed_as_the_power_goes_is_not_taken_for_whole(
    gone: str, code: int, unpacked: Path, tools: Path, tmp_path: Path
) -> None:
    for name in ("venv-1", "venv-2"):
        (tmp_path / name / "bin").mkdir(parents=True)
        (tmp_path / name / "bin/python").write_text(f"#!/bin/sh\nexit {code}\n")
        (tmp_path / name / "bin/python").chmod(0o755)
        (tmp_path / name / "whole").touch()
    remove = (tools / "rm").resolve()
    (tools / "rm").unlink()
    (tools / "rm").write_text(f'#!/bin/sh\n[ "$1" != -rf ] || {{ kill -9 $PPID; exit; }}\nexec {remove} "$@"\n')
    (tools / "rm").chmod(0o755)
    assert install(unpacked, tmp_path / "venv-2", tools).returncode == -9
    assert (tmp_path / gone).is_dir() and not (tmp_path / gone / "whole").exists()


@pytest.mark.parametrize(
    ("before", "device", "said"),
    [
        ("import sys; sys.modules['ensurepip'] = None", {}, "lacks ensurepip (on Debian and Raspberry Pi OS: sudo apt"),
        ("import struct; struct.calcsize = lambda _: 4", {}, "64-bit Raspberry Pi OS"),
        ("import platform; platform.machine = lambda: 'armv7l'", {}, "this is armv7l with a 64-bit Python"),
        ("pass", {"machine": "riscv64"}, "the packages inside are for riscv64, this is"),
        ("pass", {"pythons": ["3.8", "3.9"]}, "Python 3.8 or 3.9 is needed"),
        ("pass", {"space_bytes": 10**18}, "the disk is too full"),
    ],
)
def test_a_device_that_cannot_run_it_is_told_why(
    before: str, device: dict[str, object], said: str, unpacked: Path, tools: Path, tmp_path: Path
) -> None:
    give_python(tools, before)
    write_device(unpacked, **device)
    refused(install(unpacked, tmp_path / "venv-1", tools), said)
    assert not (tmp_path / "venv-1").exists()


def test_a_second_python_serves_where_the_first_does_not_and_a_wrong_digest_leaves_nothing(
    unpacked: Path, tools: Path, tmp_path: Path
) -> None:
    give_python(tools)
    (tools / "python3").rename(tools / "python3.11")
    give_python(tools, "import sys; sys.version_info = (3, 8, 1)")
    done = install(unpacked, tmp_path / "venv-1", tools)
    assert "making venv-1 with Python" in done.stdout
    refused(done, "the packages cannot be installed (see above)")
    assert "THESE PACKAGES DO NOT MATCH THE HASHES" in done.stderr
    assert not (tmp_path / "venv-1").exists()
    assert not (tmp_path / "last-venv").exists()


def test_arguments_and_folders_that_cannot_be(unpacked: Path, tools: Path, tmp_path: Path) -> None:
    give_python(tools)
    refused(install(unpacked, tmp_path / "nowhere" / "venv-1", tools), "there is no folder for")
    kept = tmp_path / "pictures"
    kept.mkdir()
    (kept / "door.jpg").write_text("not ours")
    for named in ("", ".", "..", "/", str(kept), f"{kept}/", f"{tmp_path}/venv-"):
        refused(install(unpacked, named, tools, cwd=kept), "its name must begin with venv-")
    assert (kept / "door.jpg").read_text() == "not ours"
    command = [str(tools / "sh"), str(unpacked / "install.sh")]
    without = subprocess.run(command, env={"PATH": str(tools)}, capture_output=True, text=True, timeout=120)
    refused(without, "which folder?")


@pytest.mark.skipif(bool(why_not()), reason=why_not())
def test_a_disk_that_fills_up_leaves_nothing_half_made(unpacked: Path, tools: Path, tmp_path: Path) -> None:
    give_python(tools)
    write_device(unpacked, space_bytes=0)  # it was free when it was asked
    (tmp_path / "work").mkdir()
    script = (
        f'mount -t tmpfs -o size=1m tmpfs "{tmp_path}/work" && env -i PATH="{tools}" "{tools}/sh" '
        f'"{unpacked}/install.sh" "{tmp_path}/work/venv-1"; code=$?; ls -A "{tmp_path}/work"; exit $code'
    )
    namespace, _ = private_namespace()
    done = subprocess.run([*namespace, "sh", "-c", script], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1
    assert f"the disk is full: free some space in {tmp_path}/work" in done.stderr.splitlines()[-1]
    assert "install: making venv-1" in done.stdout
    assert "venv-1" not in done.stdout.splitlines()[1:]
