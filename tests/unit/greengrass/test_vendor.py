"""Wheels for another machine, fetched by the real pip from a folder of made-up ones."""

import fcntl
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("awsiot")  # devices get the versions that are installed here
from packaging.utils import parse_wheel_filename

from actorrec.errors import ArtifactError, ConfigError, RemoteError
from actorrec.greengrass.pins import pins
from actorrec.greengrass.vendor import platform_tags, unpacked_bytes, vendor_wheels
from actorrec.progress import LogProgress, SilentProgress
from made_up_wheels import make_wheel, make_wheels, only_index

PYTHONS = ("3.11", "3.13")
WANTED = {pin.name: pin for pin in pins(PYTHONS, ("aarch64",))}


@pytest.fixture
def index(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """All packages, numpy and awscrt for several machines and Pythons."""
    folder = tmp_path / "index"
    make_wheels(folder, [pin for pin in WANTED.values() if pin.name not in ("numpy", "awscrt")])
    numpy, awscrt = WANTED["numpy"].version, WANTED["awscrt"].version
    for python in ("cp311", "cp313"):
        for machine in ("aarch64", "x86_64"):
            make_wheel(folder, "numpy", numpy, f"{python}-{python}-manylinux_2_28_{machine}", content=f"{machine}\n")
    make_wheel(folder, "awscrt", awscrt, "cp311-abi3-manylinux2014_aarch64")
    make_wheel(folder, "awscrt", awscrt, "cp311-abi3-manylinux_2_40_aarch64")  # newer than what devices have
    only_index(monkeypatch, no_index="1", find_links=str(folder))
    return folder


def test_each_python_gets_its_own_and_what_serves_both_is_there_once(index: Path, tmp_path: Path) -> None:
    said: list[str] = []
    vendored = vendor_wheels(tmp_path / "kept", "linux_aarch64", PYTHONS, progress=LogProgress(said.append))
    names = [path.name for path in vendored.files]
    assert names == sorted(set(names))
    assert len(names) == len(WANTED) + 1  # numpy alone has two
    assert {str(parse_wheel_filename(name)[0]) for name in names} == set(WANTED)
    assert [name for name in names if name.startswith(("numpy", "awscrt"))] == [
        f"awscrt-{WANTED['awscrt'].version}-cp311-abi3-manylinux2014_aarch64.whl",
        f"numpy-{WANTED['numpy'].version}-cp311-cp311-manylinux_2_28_aarch64.whl",
        f"numpy-{WANTED['numpy'].version}-cp313-cp313-manylinux_2_28_aarch64.whl",
    ]
    lines = dict(line.split("==") for line in vendored.requirements.splitlines())
    assert lines.keys() == WANTED.keys()
    assert lines["numpy"].count("--hash=sha256:") == 2
    assert lines["awscrt"].count("--hash=sha256:") == 1
    sizes = [unpacked_bytes(path) for path in vendored.files]
    assert vendored.unpacked_bytes == sum(sizes) - min(
        size for path, size in zip(vendored.files, sizes, strict=True) if path.name.startswith("numpy")
    )
    assert any(f"{len(WANTED)}/{len(WANTED)} packages" in line for line in said)


def test_what_was_fetched_serves_again_unless_it_is_damaged(index: Path, tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    first = vendor_wheels(kept, "linux_aarch64", ("3.13",), progress=SilentProgress())
    for wheel in index.iterdir():
        wheel.rename(tmp_path / wheel.name)
    again = vendor_wheels(kept, "linux_aarch64", ("3.13",), progress=SilentProgress())  # asks nobody
    assert again == first
    first.files[0].write_bytes(b"cut")
    with pytest.raises(ConfigError, match="has no wheel"):
        vendor_wheels(kept, "linux_aarch64", ("3.13",), progress=SilentProgress())
    for wheel in tmp_path.glob("*.whl"):
        wheel.rename(index / wheel.name)
    assert vendor_wheels(kept, "linux_aarch64", ("3.13",), progress=SilentProgress()) == first
    (first.files[0].parent / "SHA256SUMS").write_text("")  # a list of nothing, as a disk that was full leaves it
    assert vendor_wheels(kept, "linux_aarch64", ("3.13",), progress=SilentProgress()) == first
    assert (first.files[0].parent / "SHA256SUMS").read_text()
    assert not list(kept.glob(".partial-*"))


def test_what_a_killed_run_left_goes_and_what_another_run_fetches_stays(index: Path, tmp_path: Path) -> None:
    left, fetching = tmp_path / "kept/.partial-left", tmp_path / "kept/.partial-now"
    for folder in (left, fetching):
        folder.mkdir(parents=True)
        (folder / "half.whl").write_bytes(b"half")
    lock = os.open(fetching, os.O_RDONLY)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        vendor_wheels(tmp_path / "kept", "linux_aarch64", ("3.11",), progress=SilentProgress())
    finally:
        os.close(lock)
    assert not left.exists()
    assert fetching.is_dir()


def test_a_package_without_a_wheel_is_named(index: Path, tmp_path: Path) -> None:
    version = WANTED["numpy"].version
    (index / f"numpy-{version}-cp313-cp313-manylinux_2_28_aarch64.whl").unlink()
    (index / f"numpy-{version}.tar.gz").write_bytes(b"source is not asked for")
    with pytest.raises(ConfigError, match=r"numpy has no wheel .* for Python 3\.13 on aarch64"):
        vendor_wheels(tmp_path / "kept", "linux_aarch64", PYTHONS, progress=SilentProgress())


def test_an_index_that_is_not_there_is_not_a_missing_wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    only_index(monkeypatch, index_url="http://user:hunter2@127.0.0.1:9/simple")
    with pytest.raises(RemoteError, match="cannot reach the package index") as raised:
        vendor_wheels(tmp_path / "kept", "linux_x86_64", ("3.11",), progress=SilentProgress())
    assert "hunter2" not in raised.value.in_full
    assert "without --vendor-wheels" in raised.value.hint


def test_a_pip_that_fails_otherwise_is_quoted_without_secrets(
    index: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PIP_CONSTRAINT", str(tmp_path / "nowhere?token=hunter2.txt"))
    with pytest.raises(RemoteError, match="pip could not fetch the wheels") as raised:
        vendor_wheels(tmp_path / "kept", "linux_x86_64", ("3.11",), progress=SilentProgress())
    assert "hunter2" not in raised.value.in_full


def test_a_folder_that_takes_nothing_is_named(index: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "file"
    blocked.write_bytes(b"")
    with pytest.raises(ArtifactError, match="cannot keep wheels"):
        vendor_wheels(blocked / "kept", "linux_aarch64", ("3.11",), progress=SilentProgress())


def test_a_python_without_pip_says_so(tmp_path: Path) -> None:
    packages = tmp_path / "packages"
    packages.mkdir()
    for folder in (Path(path) for path in sys.path if path.endswith("site-packages")):
        for entry in folder.iterdir():
            if not entry.name.startswith("pip") and not (packages / entry.name).exists():
                (packages / entry.name).symlink_to(entry)
    source = str(Path(__file__).resolve().parents[3] / "src")
    code = (
        f"import sys; sys.path[:0] = [{source!r}, {str(packages)!r}]\n"
        "from pathlib import Path; from actorrec.errors import ConfigError\n"
        "from actorrec.greengrass.vendor import vendor_wheels; from actorrec.progress import SilentProgress\n"
        "try: vendor_wheels(Path(sys.argv[1]), 'linux_aarch64', ('3.11',), progress=SilentProgress())\n"
        "except ConfigError as error: print(error.in_full)\n"
    )
    ran = subprocess.run(
        [sys.executable, "-S", "-c", code, str(tmp_path / "kept")],
        capture_output=True, text=True, timeout=120, env={"PATH": os.environ["PATH"]},
    )  # fmt: skip
    assert "has no pip" in ran.stdout, ran.stderr


def test_tags_are_of_one_machine_and_no_newer_than_devices() -> None:
    for machine, oldest in (("aarch64", "manylinux_2_17"), ("x86_64", "manylinux_2_5")):
        tags = platform_tags(machine)
        assert tags[0] == f"manylinux_2_36_{machine}"
        assert {f"{oldest}_{machine}", f"manylinux2014_{machine}"} <= set(tags)
        assert all(tag.endswith(f"_{machine}") for tag in tags)
