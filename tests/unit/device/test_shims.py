"""The lines of sh that start the program, run by sh."""

import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

import pytest

from actorrec.device.shims import component_shim, plain_shim
from patience import PATIENCE_S


def fake_program(environment: Path, *, whole: bool = True) -> Path:
    """Something that says which environment it is and what it was given."""
    python = environment / "bin" / "python"
    python.parent.mkdir(parents=True)
    python.write_text(f'#!/bin/sh\necho "{environment.name}"\nprintf "[%s]" "$@"\n')
    python.chmod(0o755)
    if whole:
        (environment / "whole").touch()
    return python


def run(text: str, folder: Path, *arguments: str) -> "subprocess.CompletedProcess[str]":
    shim = folder / "actorrec"
    shim.write_text(text)
    shim.chmod(0o755)
    return subprocess.run([shim, *arguments], capture_output=True, text=True, timeout=PATIENCE_S, cwd="/")


def started(environment: str, arguments: str) -> str:
    return f"{environment}\n[-I][-m][actorrec]{arguments}"


def test_it_hands_every_argument_on_as_it_is(tmp_path: Path) -> None:
    python = fake_program(tmp_path / "a folder with 'quotes' & $HOME")
    done = run(plain_shim(python), tmp_path, "infer", "two words", "$x", "*", "")
    assert done.stdout.splitlines()[1] == "[-I][-m][actorrec][infer][two words][$x][*][]"


def test_a_program_that_is_gone_is_one_line(tmp_path: Path) -> None:
    done = run(plain_shim(tmp_path / "gone" / "python"), tmp_path)
    assert done.returncode == 1 and done.stderr.count("\n") == 1 and "is not there any more" in done.stderr


@pytest.fixture
def work(tmp_path: Path) -> Path:
    made = tmp_path / "work of 'it'" / "com.example.Faces"
    made.mkdir(parents=True)
    return made


def test_it_survives_updates_of_the_component(work: Path, tmp_path: Path) -> None:
    for name in ("venv-1a", "venv-2b", "venv-3c"):
        fake_program(work / name, whole=name != "venv-3c")
        (work / "last-venv").write_text(f"{name}\n")
        done = run(component_shim(work, "ggc_group", "root"), tmp_path, "infer", "a b")
        running = "venv-2b" if name == "venv-3c" else name  # one that is half-made does not run
        assert done.stdout == started(running, "[infer][a b]"), done.stderr


@pytest.mark.parametrize("named", [None, "", "venv-gone\n", "../evil\n", "venv-1/../../evil\n", "evil\n", "venv-a b\n"])
def test_a_name_that_is_no_environment_is_not_followed(work: Path, tmp_path: Path, named: str | None) -> None:
    fake_program(work.parent / "evil")
    fake_program(work / "evil")
    fake_program(work / "venv-old")
    os.utime(work / "venv-old", (time.time() - 1000,) * 2)
    fake_program(work / "venv-new")
    if named is not None:
        (work / "last-venv").write_text(named)
    assert run(component_shim(work, "ggc_group", "root"), tmp_path).stdout == started("venv-new", "")


def test_without_any_program_it_says_so(work: Path, tmp_path: Path) -> None:
    done = run(component_shim(work, "ggc_group", "root"), tmp_path)
    assert done.returncode == 1 and "no whole program" in done.stderr
    done = run(component_shim(work / "gone", "ggc_group", "root"), tmp_path)
    assert done.returncode == 1 and "usermod -aG ggc_group USER" in done.stderr


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_root_runs_what_belongs_to_another_user_as_that_user() -> None:
    if shutil.which("runuser") is None:
        pytest.skip("runuser is not here")
    with tempfile.TemporaryDirectory(dir="/tmp") as folder:  # the test's own one is closed to others
        work = Path(folder)
        work.chmod(0o711)
        python = fake_program(work / "venv-1")
        python.write_text('#!/bin/sh\nid -un\nprintf "[%s]" "$HOME" "$@"\n')
        done = run(component_shim(work, "nogroup", "nobody"), work, "infer", "a b")
    assert done.stdout == f"nobody\n[{work}][-I][-m][actorrec][infer][a b]", done.stderr
