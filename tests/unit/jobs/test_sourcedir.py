"""The package as an archive: the same bytes twice, all that a container needs, and nothing of the user's."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
from importlib.metadata import version
from pathlib import Path

import pytest

pytest.importorskip("matplotlib")  # the archive names the versions that are installed here

import actorrec
from actorrec.config import shipped_configs
from actorrec.errors import ArtifactError
from actorrec.jobs.sourcedir import SourceDir, build_sourcedir, requirements


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> SourceDir:
    return build_sourcedir(tmp_path_factory.mktemp("jobs"))


@pytest.fixture(scope="module")
def unpacked(built: SourceDir, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("code")
    with tarfile.open(built.path) as archive:
        archive.extractall(folder, filter="data")
    return folder


def test_the_same_package_makes_the_same_bytes(tmp_path: Path) -> None:
    built, again = build_sourcedir(tmp_path / "a"), build_sourcedir(tmp_path / "b")
    assert again.sha256 == built.sha256 == hashlib.sha256(again.path.read_bytes()).hexdigest()
    assert again.bytes == built.path.stat().st_size
    assert again.path.parent.name == again.sha256


def test_an_archive_that_was_spoilt_is_made_anew_and_a_good_one_stays(tmp_path: Path) -> None:
    first = build_sourcedir(tmp_path)
    before = first.path.stat().st_mtime_ns
    assert build_sourcedir(tmp_path).path.stat().st_mtime_ns == before
    first.path.write_bytes(b"cut")
    assert hashlib.sha256(build_sourcedir(tmp_path).path.read_bytes()).hexdigest() == first.sha256


def test_nothing_in_it_tells_of_this_machine(built: SourceDir) -> None:
    data = built.path.read_bytes()
    assert data[4:8] == b"\0\0\0\0"  # no time
    assert data[3] == 0  # no file name
    with tarfile.open(built.path) as archive:
        members = archive.getmembers()
    assert [m.name for m in members] == sorted({m.name for m in members})
    assert {(m.mtime, m.uid, m.gid, m.uname, m.gname, m.mode, m.isfile()) for m in members} == {
        (0, 0, 0, "", "", 0o644, True)
    }


def test_it_holds_the_whole_package_and_its_weights(built: SourceDir) -> None:
    with tarfile.open(built.path) as archive:
        names = set(archive.getnames())
    package = Path(actorrec.__file__).parent
    sources = {f"actorrec/{path.relative_to(package).as_posix()}" for path in package.rglob("*.py")}
    sources.discard("actorrec/greengrass/device_files/check_python.py")  # of a device, not of a container
    assert sources <= names
    assert {
        "train.py", "build_shard.py", "requirements.txt", "actorrec/py.typed", "actorrec/configs/default.yaml",
        "actorrec/recognition/score_models.json", "actorrec/faces/weights/mtcnn/onet.tflite",
        "actorrec/faces/weights/mtcnn/SHA256SUMS", "actorrec/faces/weights/dlib_resnet29/float16.npz",
    } <= names  # fmt: skip
    assert not [name for name in names if "__pycache__" in name or "/." in name or name.startswith((".", "tests"))]


def test_requirements_are_pinned_and_leave_the_images_own_alone() -> None:
    pinned = dict(line.split("==") for line in requirements().splitlines())
    assert pinned["pydantic"] == version("pydantic")
    assert {
        "pydantic",
        "pyyaml",
        "rich",
        "typer",
        "ai-edge-litert",
        "opencv-python-headless",
        "pillow",
        "matplotlib",
    } == set(pinned)


def test_unpacked_it_runs_without_the_installed_package(unpacked: Path, tmp_path: Path) -> None:
    script = (
        "import actorrec, pathlib; from actorrec.config import shipped_configs;"
        "print(pathlib.Path(actorrec.__file__).parent); print(sorted(shipped_configs()));"
        "from actorrec.recognition import score_models; import actorrec.faces.mtcnn_nets"
    )
    environ = {**os.environ, "PYTHONPATH": str(unpacked), "PYTHONDONTWRITEBYTECODE": "1"}
    done = subprocess.run(
        [sys.executable, "-c", script], env=environ, cwd=tmp_path, capture_output=True, text=True, check=True
    )
    where, configs = done.stdout.splitlines()
    assert Path(where) == unpacked / "actorrec"
    assert "'default'" in configs


def test_its_programs_call_what_the_package_has(unpacked: Path, tmp_path: Path) -> None:
    for program in ("train.py", "build_shard.py"):
        check = f"import ast, importlib, sys; tree = ast.parse(open({str(unpacked / program)!r}).read());" + (
            "names = [n for n in tree.body if isinstance(n, ast.ImportFrom)];"
            "assert names; [getattr(importlib.import_module(n.module), a.name) for n in names for a in n.names]"
        )
        subprocess.run(
            [sys.executable, "-c", check], env={**os.environ, "PYTHONPATH": str(unpacked)}, cwd=tmp_path, check=True
        )


def test_nothing_of_the_user_gets_in(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Secrets in every place where a user has some: environment, home, settings, the folder of the command."""
    secret = "planted-secret-4f1c"
    home = tmp_path / "home"
    for name in (".aws/credentials", ".aws/config", ".env", "actorrec.yaml", "actorrec-store/dataset/x/manifest.json"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"tmdb_key: {secret}\naws_secret_access_key = {secret}\n")
    for name in ("AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "ACTORREC_SOURCES__TMDB_KEY"):
        monkeypatch.setenv(name, secret)
    monkeypatch.setenv("HOME", str(home))
    monkeypatch.setenv("USER", secret)
    monkeypatch.chdir(home)
    built = build_sourcedir(tmp_path / "out")
    with tarfile.open(built.path) as archive:
        contents = [archive.extractfile(member).read() for member in archive.getmembers()]  # type: ignore[union-attr]
    assert not [content for content in contents if secret.encode() in content or str(home).encode() in content]


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot write"):
        build_sourcedir(blocked)


def test_a_wheel_and_a_checkout_make_the_same(tmp_path: Path) -> None:
    """A wheel has configurations and the stack's template inside the package, a checkout has them beside it."""
    package, site, checkout = Path(actorrec.__file__).parent, tmp_path / "site", tmp_path / "checkout"
    shutil.copytree(package, checkout / "src/actorrec", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(checkout / "src/actorrec", site / "actorrec")
    for name, path in shipped_configs().items():
        for folder in (checkout / "configs", site / "actorrec/configs"):
            folder.mkdir(exist_ok=True)
            shutil.copy(path, folder / f"{name}.yaml")
    (site / "actorrec/infra").mkdir(exist_ok=True)
    (site / "actorrec/infra/actorrec.yaml").write_text("Resources: {}")
    for name in (".env.json", ".ipynb_checkpoints/x.py", "tests/x.py", "jobs/.keys.yaml", "notes.txt"):  # not ours
        path = site / "actorrec" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text("secret")
    script = (
        "import sys; from pathlib import Path; from actorrec.jobs.sourcedir import build_sourcedir;"
        f"print(build_sourcedir(Path({str(tmp_path / 'out')!r})).sha256)"
    )
    made = [
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONPATH": str(folder)}, capture_output=True, text=True, check=True,
        ).stdout
        for folder in (site, checkout / "src")
    ]  # fmt: skip
    assert made[0] == made[1]
    assert len(made[0].strip()) == 64
