"""The archive that devices install from: what is in it, and that the same makes the same."""

import base64
import hashlib
import json
import os
import zipfile
from pathlib import Path

import pytest

pytest.importorskip("awsiot")  # devices get the versions that are installed here
from packaging.utils import parse_wheel_filename

from actorrec.config import Config
from actorrec.errors import ArtifactError, ConfigError
from actorrec.greengrass.drafts import ArtifactDraft
from actorrec.greengrass.pins import pins
from actorrec.greengrass.recipe import default_configuration
from actorrec.greengrass.runtime_archive import RuntimeArchive, build_runtime, runtime_part
from actorrec.progress import SilentProgress
from made_up_wheels import make_wheels, only_index

DEFAULTS = default_configuration(Config())


def build(folder: Path, platform: str | None = None, pythons: tuple[str, ...] = ("3.11", "3.13")) -> RuntimeArchive:
    return build_runtime(folder, platform=platform, pythons=pythons, defaults=DEFAULTS, progress=SilentProgress())


def test_without_wheels_nothing_is_fetched_and_the_same_makes_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    only_index(monkeypatch, no_index="1")
    first, second = build(tmp_path / "a"), build(tmp_path / "b")
    assert first.sha256 == second.sha256 == hashlib.sha256(first.path.read_bytes()).hexdigest()
    assert first.bytes == first.path.stat().st_size
    assert (first.vendored, first.card_schema, first.preprocess) == (None, 1, "1")
    with zipfile.ZipFile(first.path) as packed:
        names = packed.namelist()
        assert {"install.sh", "check_python.py", "requirements.txt", "component.json", "sample.jpg"} <= set(names)
        assert json.loads(packed.read("component.json")) == DEFAULTS
        assert json.loads(packed.read("device.json"))["machine"] is None
        lines = packed.read("requirements.txt").decode().splitlines()
        assert {entry.date_time for entry in packed.infolist()} == {(1980, 1, 1, 0, 0, 0)}
        assert packed.read("install.sh").startswith(b"#!/bin/sh\n")
    assert not [name for name in names if name.startswith("wheels/")]
    assert lines == [f"{pin.name}=={pin.version}" for pin in pins(("3.11", "3.13"))]
    assert first.bytes < 12_000_000  # a device fetches it with every version of the program


def test_with_wheels_the_archive_needs_no_index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    wanted = pins(("3.11",), ("aarch64",))
    make_wheels(tmp_path / "index", wanted)
    only_index(monkeypatch, no_index="1", find_links=str(tmp_path / "index"))
    archive = build(tmp_path / "kept", "linux_aarch64", ("3.11",))
    assert archive.vendored == "linux_aarch64"
    with zipfile.ZipFile(archive.path) as packed:
        inside = [name for name in packed.namelist() if name.startswith("wheels/")]
        device = json.loads(packed.read("device.json"))
        requirements = packed.read("requirements.txt").decode()
        for name in inside:
            assert f"sha256:{hashlib.sha256(packed.read(name)).hexdigest()}" in requirements
    assert {str(parse_wheel_filename(name.removeprefix("wheels/"))[0]) for name in inside} == {p.name for p in wanted}
    assert device["machine"] == "aarch64"
    assert device["pythons"] == ["3.11"]
    assert device["space_bytes"] > 0


def test_a_spoilt_archive_is_made_anew_and_old_ones_go(tmp_path: Path) -> None:
    kept = [tmp_path / "runtime" / f"{number:064}" for number in range(4)]
    for folder in kept:
        folder.mkdir(parents=True)
    first = build(tmp_path)
    assert len(list((tmp_path / "runtime").iterdir())) == 3
    before = first.path.stat().st_mtime_ns
    os.utime(first.path.parent, (0, 0))  # the oldest of all, by its folder
    for number in range(4):
        kept[number].mkdir(exist_ok=True)
    assert build(tmp_path).path.stat().st_mtime_ns == before
    assert first.path.parent.stat().st_mtime > 0, "what was used last is not the next to go"
    (tmp_path / "runtime" / "gone").symlink_to("nowhere")  # as one that another run removes meanwhile
    first.path.write_bytes(b"cut")
    assert hashlib.sha256(build(tmp_path).path.read_bytes()).hexdigest() == first.sha256


def test_the_configuration_is_part_of_the_content(tmp_path: Path) -> None:
    other = build_runtime(
        tmp_path,
        platform=None,
        pythons=("3.11",),
        defaults=DEFAULTS | {"Shadow": "previous"},
        progress=SilentProgress(),
    )
    assert other.sha256 != build(tmp_path, pythons=("3.11",)).sha256
    assert runtime_part(other, 60).configuration["Shadow"] == "previous"


def test_a_part_says_the_digest_that_a_device_computes(tmp_path: Path) -> None:
    archive = build(tmp_path)
    part = runtime_part(archive, 60)
    draft = ArtifactDraft("runtime.zip", "s3://b/runtime.zip", part.sha256, part.bytes, part.path, "ZIP")
    assert draft.digest == base64.b64encode(hashlib.sha256(archive.path.read_bytes()).digest()).decode()


@pytest.mark.parametrize(
    ("platform", "pythons", "said"),
    [
        ("linux_armv7l", ("3.11",), "linux_armv7l"),
        (None, ("3.9",), "3.9"),
        (None, ("3.11; rm -rf /",), "cannot run"),
        (None, (), "names no Python"),
    ],
)
def test_what_no_device_can_be_is_refused(
    tmp_path: Path, platform: str | None, pythons: tuple[str, ...], said: str
) -> None:
    with pytest.raises(ConfigError, match=said):
        build(tmp_path, platform, pythons)


def test_a_folder_that_takes_nothing_is_named(tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot write"):
        build(blocked)
