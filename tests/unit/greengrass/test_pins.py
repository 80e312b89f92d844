"""Versions for devices: those of this machine, for what another machine needs."""

import hashlib
import shutil
import subprocess
import sys
from importlib.metadata import distribution, version
from pathlib import Path

import pytest

pytest.importorskip("awsiot")  # devices get the versions that are installed here
from packaging.requirements import Requirement

from actorrec.errors import ConfigError, MissingExtraError
from actorrec.greengrass.own_description import own_description
from actorrec.greengrass.pins import Pin, pins, requirements_text
from made_up_wheels import make_wheel


@pytest.fixture
def described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of package descriptions that go before the installed ones."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


def describe(folder: Path, name: str, number: str, *requires: str, extras: tuple[str, ...] = ()) -> None:
    info = folder / f"{name.replace('-', '_')}-{number}.dist-info"
    info.mkdir()
    lines = [f"Requires-Dist: {line}" for line in requires] + [f"Provides-Extra: {extra}" for extra in extras]
    (info / "METADATA").write_text(
        "\n".join(["Metadata-Version: 2.1", f"Name: {name}", f"Version: {number}", *lines, ""]), encoding="utf-8"
    )


def test_a_device_gets_what_core_edge_and_greengrass_need_to_the_last_package() -> None:
    found = {pin.name: pin.version for pin in pins(("3.11", "3.13"))}
    assert {requirement.name for requirement in own_description().requirements} <= found.keys()
    assert {"awscrt", "pydantic-core", "typing-extensions", "mdurl"} <= found.keys()  # what they need
    assert found["numpy"] == version("numpy")
    assert not found.keys() & {"actorrec", "tensorflow", "keras", "boto3", "colorama", "httpx", "packaging", "pip"}


def test_conditions_are_those_of_the_device_and_not_of_this_machine(described: Path) -> None:
    describe(
        described, "typer", "9.9.9",
        'only-arm>=1; platform_machine == "aarch64"',
        'only-intel>=1; platform_machine == "x86_64"',
        'of-windows>=1; sys_platform == "win32"',
        'of-old-python>=1; python_version < "3.12"',
        'of-pypy>=1; implementation_name == "pypy"',
        'of-an-extra>=1; extra == "all"',
        "with-extra[more]>=1",
    )  # fmt: skip
    describe(described, "with-extra", "2.0", 'brought-by-extra; extra == "more"', "typer", extras=("more",))
    for name in ("only-arm", "only-intel", "of-old-python", "brought-by-extra"):
        describe(described, name, "1.5")
    found = {pin.name: pin for pin in pins(("3.11", "3.13"), ("aarch64",))}
    assert found["typer"].version == "9.9.9"
    assert {"only-arm", "of-old-python", "with-extra", "brought-by-extra"} <= found.keys()
    assert not found.keys() & {"only-intel", "of-windows", "of-pypy", "of-an-extra", "rich-toolkit"}
    assert found["of-old-python"].pythons == ("3.11",)
    both = {pin.name for pin in pins(("3.13",))}
    assert {"only-arm", "only-intel"} <= both
    assert "of-old-python" not in both


def test_what_is_not_installed_here_is_named_with_who_needs_it(described: Path) -> None:
    describe(described, "typer", "9.9.9", 'nowhere-to-be-found>=3,<4; python_version < "3.12"')
    assert pins(("3.13",))
    with pytest.raises(ConfigError, match="typer needs nowhere-to-be-found") as raised:
        pins(("3.11", "3.13"))
    assert "pip install 'nowhere-to-be-found<4,>=3'" in raised.value.hint


def test_a_missing_extra_is_told_with_the_line_that_installs_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for pin in pins(("3.11",)):  # all but awsiotsdk
        if pin.name != "awsiotsdk":
            info = Path(str(distribution(pin.name)._path))  # type: ignore[attr-defined]
            shutil.copytree(info, tmp_path / info.name)
    monkeypatch.setattr(sys, "path", [str(tmp_path), *(p for p in sys.path if not p.endswith("site-packages"))])
    with pytest.raises(MissingExtraError) as raised:
        pins(("3.11",))
    assert "actorrec[edge,greengrass]" in raised.value.hint


def test_requirements_carry_digests_and_conditions_that_pip_reads() -> None:
    wanted = [Pin("one", "1.0", ("3.11", "3.13")), Pin("two", "2.0", ("3.11",))]
    text = requirements_text(wanted, ("3.11", "3.13"), {"one": ["aa", "bb"]})
    first, second = text.splitlines()
    assert first == "one==1.0 --hash=sha256:aa --hash=sha256:bb"
    marker = Requirement(second).marker
    assert marker is not None
    assert marker.evaluate({"python_version": "3.11"})
    assert not marker.evaluate({"python_version": "3.13"})


def test_pip_checks_the_digests_and_the_conditions(tmp_path: Path) -> None:
    here = f"{sys.version_info[0]}.{sys.version_info[1]}"
    wheels = [make_wheel(tmp_path, name, "1.0") for name in ("everywhere", "here-alone")]
    wanted = [
        Pin("elsewhere", "1.0", ("3.99",)),
        Pin("everywhere", "1.0", (here, "3.99")),
        Pin("here-alone", "1.0", (here,)),
    ]
    digests = [hashlib.sha256(wheel.read_bytes()).hexdigest() for wheel in wheels]
    hashes = {"elsewhere": ["0" * 64], "everywhere": [digests[0], "1" * 64], "here-alone": [digests[1]]}
    (tmp_path / "requirements.txt").write_text(requirements_text(wanted, (here, "3.99"), hashes))
    command = [sys.executable, "-m", "pip", "install", "--isolated", "--no-index", "--find-links", str(tmp_path)]
    command += ["--require-hashes", "--target", str(tmp_path / "site"), "-r", str(tmp_path / "requirements.txt")]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert {path.name for path in (tmp_path / "site").glob("*.py")} == {
        "everywhere_made_up.py",
        "here_alone_made_up.py",
    }
    wheels[0].write_bytes(b"another")
    assert subprocess.run([*command, "--upgrade"], capture_output=True, timeout=120).returncode == 1
