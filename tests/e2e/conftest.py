"""The program as a user runs it: a subprocess, on the examples that ship with the project."""

import json
import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from own_environ import own_environ

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = ROOT / "examples"


@dataclass(frozen=True)
class Ran:
    """What a run of the program left."""

    code: int
    stdout: str
    stderr: str

    @property
    def json(self) -> Any:
        return json.loads(self.stdout)

    @property
    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.stdout.splitlines()]


Run = Callable[..., Ran]


def actorrec(*arguments: object, cwd: Path = ROOT, **environ: str) -> Ran:
    """Run the program; never raises."""
    clean = own_environ()
    done = subprocess.run(
        [sys.executable, "-m", "actorrec", *map(str, arguments)],
        cwd=cwd, env={**clean, "TF_CPP_MIN_LOG_LEVEL": "3", **environ}, capture_output=True, check=False, timeout=900,
    )  # fmt: skip
    return Ran(done.returncode, done.stdout.decode(), done.stderr.decode())


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Run the program in an empty folder."""

    def in_folder(*arguments: object, **environ: str) -> Ran:
        return actorrec(*arguments, cwd=tmp_path, **environ)

    return in_folder
