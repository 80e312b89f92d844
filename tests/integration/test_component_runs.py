"""The recipe's own commands, run as the two nuclei run them: an unprivileged user, no network, the artifacts alone."""

import base64
import hashlib
import json
import os
import platform
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import RemoteError
from actorrec.greengrass.components import BundleFile, RuntimePart, model_draft, runtime_draft, single_draft
from actorrec.greengrass.drafts import ComponentDraft
from actorrec.greengrass.recipe import default_configuration
from actorrec.greengrass.runtime_archive import build_runtime, runtime_part
from actorrec.home import cache_folder
from actorrec.progress import SilentProgress
from drafted import NAME, uri_of
from greengrass_device import NOBODY, Device, device_root, system_python, why_not
from patience import PATIENCE_S, eventually
from recipe_rules import broken_rules
from small_bundles import small_bundle, write_small_bundle

pytestmark = pytest.mark.skipif(bool(why_not()), reason=why_not())
MACHINE = f"linux_{platform.machine()}"


@pytest.fixture(scope="module")
def runtime(tmp_path_factory: pytest.TempPathFactory) -> RuntimePart:
    """The program with all its wheels for this machine; those are kept between runs of the tests."""
    folder = tmp_path_factory.mktemp("built")
    wheels = cache_folder("tests") / "wheels"
    wheels.mkdir(parents=True, exist_ok=True)
    (folder / "wheels").symlink_to(wheels)
    defaults = default_configuration(Config()) | {"InferenceInterval": "0.2", "HealthInterval": "1"}
    try:
        archive = build_runtime(
            folder, platform=MACHINE, pythons=(system_python(),), defaults=defaults, progress=SilentProgress()
        )
    except RemoteError as error:
        pytest.skip(f"wheels of this platform are not here: {error.in_full}")
    return runtime_part(archive, 300)


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> BundleFile:
    path = write_small_bundle(tmp_path_factory.mktemp("bundle") / "bundle.zip")
    return BundleFile(hashlib.sha256(path.read_bytes()).hexdigest(), path.stat().st_size, small_bundle()[0], path)


@pytest.fixture
def root() -> Iterator[Path]:
    with device_root() as folder:
        yield folder


def fetch(device: Device, draft: ComponentDraft, version: str = "1.0.0") -> None:
    """What the cloud and a nucleus do between publishing and the first step."""
    recipe = draft.recipe(version)
    assert broken_rules(recipe) == []
    objects = {artifact.uri: artifact.path for artifact in draft.artifacts if artifact.path is not None}
    device.fetch(recipe, objects, {artifact.uri: artifact.digest for artifact in draft.artifacts})


def first_detection(device: Device) -> dict[str, Any]:
    """Run the program until it has seen a picture and said how it is doing, and stop it."""
    events: dict[str, dict[str, Any]] = {}
    with device.start(NAME, "run") as running:
        assert running.stdout is not None
        assert running.stderr is not None
        while len(events) < 2 and (line := running.stdout.readline()):
            event = json.loads(line)
            events.setdefault(event["event"], event)
        running.terminate()
        rest = running.stderr.read()
    assert events.keys() == {"detection", "health"}, rest
    assert running.returncode == 0, rest
    assert events["health"]["failures"] == 0, (events["health"]["trouble"], rest)
    return events["detection"]


def _give(path: Path) -> None:
    """To the user that components run as, with all in it."""
    for each in (path, *path.rglob("*")):
        os.chown(each, NOBODY, NOBODY, follow_symlinks=False)


def test_two_components_install_and_run_on_the_java_nucleus(
    runtime: RuntimePart, bundle: BundleFile, root: Path
) -> None:
    device = Device(root, "java")
    for draft in (model_draft(NAME, bundle, uri_of), runtime_draft(NAME, runtime, uri_of)):
        fetch(device, draft)
    for name, step in ((f"{NAME}.Model", "startup"), (NAME, "install")):
        done = device.run(name, step)
        assert done.returncode == 0, done.stderr
    _runs(device, bundle)
    newer = model_draft(NAME, BundleFile("ff" * 32, 3, bundle.card, root / "newer.zip"), uri_of)
    (root / "newer.zip").write_bytes(b"new")
    device.fetch(
        newer.recipe("1.0.1"),
        {newer.artifacts[0].uri: root / "newer.zip"},
        {newer.artifacts[0].uri: base64.b64encode(hashlib.sha256(b"new").digest()).decode()},
    )
    brought = device.work(f"{NAME}.Model") / "bundle.zip"
    assert hashlib.sha256(brought.read_bytes()).hexdigest() == bundle.sha256
    (brought.parent / "bundle.zip.new").write_bytes(b"of one that was killed")
    (brought.parent / "bundle.zip.new").chmod(0o400)
    _give(brought.parent / "bundle.zip.new")
    assert device.run(f"{NAME}.Model", "startup").returncode == 0
    assert brought.read_bytes() == b"new"
    assert brought.stat().st_mode & 0o077 == 0


def _runs(device: Device, bundle: BundleFile) -> None:
    seen = first_detection(device)
    assert len(seen["faces"]) == 1  # of the sample picture
    assert seen["model"]["bundle"] == bundle.sha256
    assert seen["device"] == "pi-1"
    again = device.run(NAME, "install")  # the Java nucleus does so at every start of its own
    assert again.returncode == 0
    assert "is there already" in again.stdout
    _packages_are_ours(device)


def _packages_are_ours(device: Device) -> None:
    """Nothing was written beside the work folder, and nothing in it belongs to root."""
    packages = device.root / "packages"
    assert not [path for path in packages.rglob("*") if path.name == "__pycache__"]
    assert {path.lstat().st_uid for path in device.work(NAME).rglob("*")} == {NOBODY}


def test_one_component_on_nucleus_lite_survives_a_kill_and_never_touches_what_ran(
    runtime: RuntimePart, bundle: BundleFile, root: Path
) -> None:
    device = Device(root, "lite", umask=0o077)
    fetch(device, single_draft(NAME, runtime, bundle, uri_of))
    work = device.work(NAME)
    running, oldest = work / "venv-0000000000000001", work / "venv-0000000000000000"
    for folder in (running, oldest):
        folder.mkdir()
        (folder / "whole").write_text("")
    (work / "last-venv").write_text(f"{running.name}\n")
    _give(work)
    for left in (".may-write", "last-venv.new"):  # of somebody who tried it as root
        (work / left).write_text("")
    venv = work / f"venv-{runtime.sha256[:16]}"
    with device.start(NAME, "install") as installing:
        eventually(lambda: list(venv.glob("lib/python*/site-packages/*")))
        os.killpg(installing.pid, 9)
        installing.wait(PATIENCE_S)
    assert venv.is_dir()
    assert not (venv / "whole").exists()
    assert running.is_dir()
    assert oldest.is_dir()  # goes after a success alone
    (venv / "left-by-the-first").write_text("")
    done = device.run(NAME, "install")
    assert done.returncode == 0, done.stderr
    assert not (venv / "left-by-the-first").exists()
    assert running.is_dir()  # a device may have to go back to it
    assert not oldest.exists()
    assert (work / "last-venv").read_text().strip() == venv.name
    _runs(device, bundle)


def test_the_digest_in_a_draft_is_the_one_that_a_device_computes(runtime: RuntimePart, bundle: BundleFile) -> None:
    for artifact in single_draft(NAME, runtime, bundle, uri_of).artifacts:
        assert artifact.path is not None
        said = subprocess.run(["sha256sum", artifact.path], capture_output=True, text=True, check=True).stdout
        assert artifact.digest == base64.b64encode(bytes.fromhex(said.split()[0])).decode()
