"""Enroll and infer where only core and edge are installed: no TensorFlow, no Keras, no boto3.

The environment is this one with an import hook that refuses every other package, as if it were not installed;
``make test-edge`` runs the same tests in an environment that truly lacks them.
"""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from own_environ import own_environ
from patience import PATIENCE_S

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"
HOPPER = EXAMPLES / "people/Grace_Hopper/official_1984.jpg"
ABSENT = ("tensorflow", "keras", "boto3", "botocore", "mtcnn", "dlib", "matplotlib", "torch", "jax", "scipy", "sklearn")
WITH_OWN_EXTRA = {"httpx", "httpcore", "hishel", "bs4", "protego", "tenacity", "ddgs", "starlette", "uvicorn"}
PROGRAM = """
import json, sys

ABSENT = set(json.loads(sys.argv.pop(1)))

class Absent:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in ABSENT:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)

sys.meta_path.insert(0, Absent())
from actorrec.cli.app import main
main()
"""


def run(folder: Path, *arguments: object, absent: tuple[str, ...] = ABSENT) -> subprocess.CompletedProcess[str]:
    environ = own_environ()
    command = [sys.executable, "-c", PROGRAM, json.dumps(absent), *map(str, arguments)]
    return subprocess.run(
        command, cwd=folder, env=environ, capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )


def test_enroll_infer_and_people_need_core_and_edge_alone(tmp_path: Path) -> None:
    for person in ("Grace_Hopper", "Albert_Einstein"):
        photos = sorted((EXAMPLES / "people" / person).glob("*.jpg"))
        enrolled = run(tmp_path, "enroll", person, *photos, "--json")
        assert enrolled.returncode == 0, enrolled.stderr
    named = run(tmp_path, "infer", EXAMPLES / "group.jpg", "--json", "--annotate", "out", "--explain")
    assert named.returncode == 0, named.stderr
    faces = json.loads(named.stdout)["faces"]
    assert {face["name"] for face in faces} >= {"Grace Hopper", "Albert Einstein"}
    assert (tmp_path / "out" / "group.jpg").is_file()
    listed = run(tmp_path, "people", "ls", "--json")
    assert [person["name"] for person in json.loads(listed.stdout)] == ["Albert Einstein", "Grace Hopper"]
    assert run(tmp_path, "forget", "Grace Hopper").returncode == 0


def test_nothing_heavy_is_loaded_by_help_or_by_infer(tmp_path: Path) -> None:
    probe = "import sys, atexit; atexit.register(lambda: print('|'.join(sys.modules), file=sys.stderr))"
    for arguments, heavy in (
        ("['actorrec', '--help']", WITH_OWN_EXTRA | {"numpy", "cv2", "PIL", "ai_edge_litert", *ABSENT}),
        ("['actorrec', 'scrape', '--help']", WITH_OWN_EXTRA | {"numpy", "cv2", "PIL", "ai_edge_litert", *ABSENT}),
        ("['actorrec', 'review', '--help']", WITH_OWN_EXTRA | {"numpy", "cv2", "PIL", "ai_edge_litert", *ABSENT}),
        (f"['actorrec', 'infer', {str(HOPPER)!r}, '--store', {str(tmp_path)!r}]", WITH_OWN_EXTRA | set(ABSENT)),
    ):
        code = f"{probe}\nsys.argv = {arguments}\nfrom actorrec.cli.app import main\nmain()"
        ran = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=False, timeout=PATIENCE_S
        )
        loaded = {name.partition(".")[0] for name in ran.stderr.splitlines()[-1].split("|")}
        assert "typer" in loaded
        assert not loaded & heavy


@pytest.mark.parametrize("package", ["ai_edge_litert", "cv2", "PIL"])
def test_without_an_edge_package_the_line_that_installs_it_is_given(tmp_path: Path, package: str) -> None:
    ran = run(tmp_path, "enroll", "Grace Hopper", HOPPER, absent=(*ABSENT, package))
    assert ran.returncode == 2, ran.stderr
    assert "Traceback" not in ran.stderr
    assert "pip install 'actorrec[edge]'" in ran.stderr
