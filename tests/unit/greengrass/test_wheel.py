"""Our own wheel: valid to pip, complete for a device, and the same from a checkout as installed."""

import base64
import csv
import hashlib
import io
import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import actorrec
from actorrec.config import shipped_configs
from actorrec.greengrass.own_description import own_description
from actorrec.greengrass.wheel import Wheel, build_wheel

ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture(scope="module")
def wheel() -> Wheel:
    return build_wheel()


def test_every_file_is_in_the_record_with_its_digest(wheel: Wheel) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as packed:
        record = next(name for name in packed.namelist() if name.endswith("/RECORD"))
        rows = {row[0]: row[1:] for row in csv.reader(packed.read(record).decode().splitlines())}
        assert rows.keys() == set(packed.namelist())
        for name in packed.namelist():
            if name != record:
                data = packed.read(name)
                digest = base64.urlsafe_b64encode(hashlib.sha256(data).digest()).decode().rstrip("=")
                assert rows[name] == [f"sha256={digest}", str(len(data))]
        assert rows[record] == ["", ""]


def test_it_holds_what_a_device_runs_and_no_page_no_template_no_weights_for_training(wheel: Wheel) -> None:
    with zipfile.ZipFile(io.BytesIO(wheel.data)) as packed:
        names = set(packed.namelist())
        metadata = packed.read(f"actorrec-{actorrec.__version__}.dist-info/METADATA").decode()
    assert {
        "actorrec/__main__.py", "actorrec/cli/infer.py", "actorrec/recognition/score_models.json",
        "actorrec/configs/pi.yaml", "actorrec/faces/weights/mtcnn/onet.tflite",
        f"actorrec-{actorrec.__version__}.dist-info/licenses/NOTICE",
    } <= names  # fmt: skip
    assert not [n for n in names if n.endswith((".npz", ".html", ".pyc", ".sh")) or "/infra/" in n or "/static/" in n]
    for requirement in ("awsiotsdk", "numpy", "ai-edge-litert"):
        assert f"\nRequires-Dist: {requirement}>=" in metadata
    assert "extra" not in metadata
    assert "tensorflow" not in metadata


def test_pip_installs_it_and_the_program_starts(wheel: Wheel, tmp_path: Path) -> None:
    path = tmp_path / wheel.name
    path.write_bytes(wheel.data)
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target"]
    subprocess.run([*command, str(tmp_path / "site"), str(path)], check=True, capture_output=True, timeout=120)
    assert (tmp_path / "site/bin/actorrec").is_file()
    started = subprocess.run(
        [sys.executable, "-m", "actorrec", "infer", "--help"], cwd=tmp_path, capture_output=True, text=True,
        timeout=120, env={"PATH": os.environ["PATH"], "PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert started.returncode == 0, started.stderr
    probe = "import actorrec; print(actorrec.__file__)"
    where = subprocess.run(
        [sys.executable, "-c", probe], cwd=tmp_path, capture_output=True, text=True, check=True,
        env={"PYTHONPATH": str(tmp_path / "site")},
    )  # fmt: skip
    assert where.stdout.startswith(str(tmp_path / "site"))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """The package as it lies where it is installed: configurations inside, a description, no project file."""
    folder = tmp_path / "site"
    shutil.copytree(Path(actorrec.__file__).parent, folder / "actorrec", ignore=shutil.ignore_patterns("__pycache__"))
    for name, path in shipped_configs().items():
        (folder / "actorrec/configs").mkdir(exist_ok=True)
        shutil.copy(path, folder / f"actorrec/configs/{name}.yaml")
    (folder / "actorrec/keys.txt").write_text("not the package's")
    info = folder / f"actorrec-{actorrec.__version__}.dist-info"
    (info / "licenses").mkdir(parents=True)
    for name in ("LICENSE", "NOTICE"):
        shutil.copy(ROOT / name, info / "licenses" / name)
    own = own_description()
    edge = ("ai-edge-litert", "opencv-python-headless", "pillow")
    lines = ["Metadata-Version: 2.4", "Name: actorrec", f"Version: {actorrec.__version__}", f"Summary: {own.summary}"]
    lines += [f"Requires-Python: {own.requires_python}", "Provides-Extra: edge", "Provides-Extra: greengrass"]
    for requirement in reversed(own.requirements):
        extra = "edge" if requirement.name in edge else "greengrass" if requirement.name == "awsiotsdk" else ""
        lines.append(f"Requires-Dist: {requirement}" + (f'; extra == "{extra}"' if extra else ""))
    lines.append('Requires-Dist: boto3>=1.35; extra == "aws"')
    (info / "METADATA").write_text("\n".join([*lines, ""]), encoding="utf-8")
    return folder


def built_in(site: Path) -> str:
    """What the package that is installed there makes: its place and the wheel's digest, or the error."""
    code = (
        "import hashlib, actorrec; from actorrec.errors import ConfigError\n"
        "from actorrec.greengrass.wheel import build_wheel\n"
        "try: print(actorrec.__file__, hashlib.sha256(build_wheel().data).hexdigest())\n"
        "except ConfigError as error: print(error.in_full)\n"
    )
    environ = {**os.environ, "PYTHONPATH": str(site)}
    made = subprocess.run([sys.executable, "-c", code], env=environ, capture_output=True, text=True, timeout=120)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


def test_an_installed_wheel_and_a_checkout_make_the_same_bytes(wheel: Wheel, site: Path) -> None:
    assert built_in(site) == f"{site}/actorrec/__init__.py {hashlib.sha256(wheel.data).hexdigest()}"


def test_an_installation_that_lacks_what_devices_need_says_so(site: Path) -> None:
    info = site / f"actorrec-{actorrec.__version__}.dist-info"
    metadata = (info / "METADATA").read_text().replace("Provides-Extra: greengrass\n", "")
    (info / "METADATA").write_text(metadata)
    assert "does not know the extra 'greengrass'" in built_in(site)
    (info / "licenses/NOTICE").unlink()
    assert built_in(site) == "this installation lacks its NOTICE (install actorrec again)"
