"""Wheels of all packages that a device needs, fetched by pip for another machine than this one."""

import fcntl
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from typing import Final

from packaging.utils import parse_wheel_filename

from actorrec.artifacts.whole_file import DISK_HINTS
from actorrec.aws.scrub import scrubbed
from actorrec.errors import ArtifactError, ConfigError, RemoteError
from actorrec.greengrass.pins import Pin, Target, pins, requirements_text
from actorrec.manifests.base import digest_json
from actorrec.progress import Progress, Step

PLATFORMS: Final = {"linux_aarch64": "aarch64", "linux_x86_64": "x86_64"}
"""What ``--vendor-wheels`` takes → machine."""
_NEWEST_GLIBC: Final = 36  # 2.36, of Debian 12: no older release of Raspberry Pi OS has Python 3.11
_OLDEST_GLIBC: Final = {"aarch64": 17, "x86_64": 5}
_LEGACY_TAGS: Final = {"aarch64": ("manylinux2014",), "x86_64": ("manylinux2014", "manylinux2010", "manylinux1")}
_SUMS: Final = "SHA256SUMS"
_PARTIAL: Final = ".partial-"
_NO_WHEEL: Final = re.compile(r"No matching distribution found for ([A-Za-z0-9._-]+)")
_UNREACHABLE: Final = re.compile(
    r"Retrying \(|Max retries exceeded|connection broken|NewConnectionError|ConnectTimeoutError|Read timed out"
    r"|Could not fetch URL|ProxyError"
)
_FULL: Final = "No space left on device"
_WITHOUT: Final = "without --vendor-wheels devices fetch the packages themselves"


@dataclass(frozen=True, slots=True)
class VendoredWheels:
    """Wheels for every Python that is served.

    Attributes:
        platform: One of ``PLATFORMS``.
        files: By file name; a wheel that serves several Pythons is there once.
        requirements: ``requirements.txt`` with the digest of every wheel.
        unpacked_bytes: What they take on a device, at most.
    """

    platform: str
    files: tuple[Path, ...]
    requirements: str
    unpacked_bytes: int


def vendor_wheels(folder: Path, platform: str, pythons: Sequence[str], *, progress: Progress) -> VendoredWheels:
    """Fetch what ``pins`` names, as wheels; what was fetched before is used again.

    Args:
        folder: Where wheels are kept between runs.
        platform: One of ``PLATFORMS``.
        pythons: Versions such as ``3.11``.
        progress: Told of each package.

    Raises:
        ConfigError: If pip is missing, or a package has no wheel for such a device.
        RemoteError: If the package index cannot be reached, or pip fails for another reason.
        ArtifactError: If the folder cannot be written.
    """
    wanted = pins(pythons, (PLATFORMS[platform],))
    found: dict[str, Path] = {}
    for python in pythons:
        target = Target(python, PLATFORMS[platform])
        needed = [pin for pin in wanted if python in pin.pythons]
        found |= {path.name: path for path in fetch_wheels(folder, target, needed, progress)}
    files = tuple(found[name] for name in sorted(found))
    hashes: dict[str, list[str]] = {}
    sizes: dict[str, int] = {}
    for path in files:
        name = str(parse_wheel_filename(path.name)[0])
        hashes.setdefault(name, []).append(_sha256(path))
        sizes[name] = max(sizes.get(name, 0), unpacked_bytes(path))
    return VendoredWheels(platform, files, requirements_text(wanted, pythons, hashes), sum(sizes.values()))


def unpacked_bytes(wheel: Path) -> int:
    """What a wheel takes once installed, without compiled caches."""
    with zipfile.ZipFile(wheel) as packed:
        return sum(entry.file_size for entry in packed.infolist())


def platform_tags(machine: str) -> list[str]:
    """Tags of all wheels that run there, the newest first."""
    numbered = [f"manylinux_2_{minor}" for minor in range(_NEWEST_GLIBC, _OLDEST_GLIBC[machine] - 1, -1)]
    return [f"{tag}_{machine}" for tag in (*numbered, *_LEGACY_TAGS[machine])]


def fetch_wheels(folder: Path, target: Target, needed: Sequence[Pin], progress: Progress) -> list[Path]:
    """Wheels of packages for one kind of machine; what was fetched before is used again.

    Raises:
        ConfigError: If pip is missing, or a package has no wheel for such a machine.
        RemoteError: If the package index cannot be reached, or pip fails for another reason.
        ArtifactError: If the folder cannot be written.
    """
    wanted = {pin.name: pin.version for pin in needed}
    tags = platform_tags(target.machine)
    place = folder / digest_json({"python": target.python, "tags": tags, "wanted": wanted})[:32]
    if _is_whole(place):
        return sorted(place.glob("*.whl"))
    if find_spec("pip") is None:
        raise ConfigError("this Python has no pip to fetch wheels with", hint="python -m ensurepip; or " + _WITHOUT)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with _fetching(folder) as partial:
            title = f"wheels for Python {target.python} on {target.machine}"
            with progress.step(title, len(needed), "packages") as step:
                _download(partial, target, needed, step)
            _keep(partial, place)
    except OSError as error:
        raise ArtifactError(
            f"cannot keep wheels in {folder}: {error.strerror or error}", hint=DISK_HINTS.get(error.errno or 0, "")
        ) from None
    return sorted(place.glob("*.whl"))


def download_command(folder: Path, target: Target, wanted: Sequence[str], *, whole: bool = False) -> list[str]:
    """The command that lets pip fetch wheels for another machine.

    Args:
        folder: Where they go.
        target: Which machine and Python.
        wanted: Requirements without conditions: pip would judge those by this machine.
        whole: Whether ``wanted`` names everything, so that pip need not look what else is needed.
    """
    short = target.python.replace(".", "")
    return [
        *(
            sys.executable,
            "-m",
            "pip",
            "download",
            "--disable-pip-version-check",
            "--no-input",
            "--progress-bar",
            "off",
        ),
        *("--retries", "2", "--only-binary", ":all:", "--dest", str(folder), *(("--no-deps",) if whole else ())),
        *("--python-version", target.python, "--implementation", "cp"),
        *(part for abi in (f"cp{short}", "abi3", "none") for part in ("--abi", abi)),
        *(part for tag in platform_tags(target.machine) for part in ("--platform", tag)),
        *wanted,
    ]


def _download(folder: Path, target: Target, needed: Sequence[Pin], step: Step) -> None:
    command = download_command(folder, target, [f"{pin.name}=={pin.version}" for pin in needed], whole=True)
    # Our own folder for what pip unpacks: /tmp may be small, and nothing is left behind.
    environ = os.environ | {"TMPDIR": str(folder), "PYTHONUNBUFFERED": "1"}
    said: list[str] = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environ) as running:
        assert running.stdout is not None
        try:
            for line in running.stdout:
                said.append(line)
                if line.startswith(("Collecting ", "Processing ")):
                    step.advance()
        except BaseException:
            running.kill()  # Ctrl-C may have reached this program alone
            raise
    if running.returncode:
        raise _failure("".join(said), target)


def _failure(said: str, target: Target) -> ArtifactError | ConfigError | RemoteError:
    device = f"Python {target.python} on {target.machine}"
    if _FULL in said:
        return ArtifactError("the disk took no more wheels", hint="free some space and run the same command again")
    if _UNREACHABLE.search(said):
        return RemoteError(f"cannot reach the package index for the wheels of {device}", hint=_WITHOUT)
    if missing := _NO_WHEEL.search(said):
        return ConfigError(
            f"{missing[1]} has no wheel in the version that is installed here for {device}",
            hint="install another version here, or name other Pythons in greengrass.vendor_pythons",
        )
    errors = [line for line in said.splitlines() if line.startswith("ERROR:")] or ["it says nothing"]
    return RemoteError(f"pip could not fetch the wheels for {device}: {scrubbed(errors[-1])}", hint=_WITHOUT)


def _keep(partial: Path, place: Path) -> None:
    """Whole or not at all; another run may have been faster."""
    sums = "".join(f"{_sha256(path)}  {path.name}\n" for path in sorted(partial.glob("*.whl")))
    (partial / _SUMS).write_text(sums, encoding="utf-8")
    if _is_whole(place):
        return
    shutil.rmtree(place, ignore_errors=True)
    finished = partial / "finished"
    finished.mkdir()
    for path in [*partial.glob("*.whl"), partial / _SUMS]:
        path.rename(finished / path.name)
    finished.rename(place)


@contextmanager
def _fetching(folder: Path) -> Iterator[Path]:
    """A folder for one run, locked as long as the run lives; those of runs that were killed are removed."""
    with ExitStack() as held:
        with _locked(folder, wait=True):  # so that none is there that is not locked yet
            for left in folder.glob(f"{_PARTIAL}*"):
                with suppress(OSError), _locked(left):
                    shutil.rmtree(left, ignore_errors=True)
            partial = Path(held.enter_context(tempfile.TemporaryDirectory(dir=folder, prefix=_PARTIAL)))
            held.enter_context(_locked(partial))
        yield partial


@contextmanager
def _locked(folder: Path, *, wait: bool = False) -> Iterator[None]:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | (0 if wait else fcntl.LOCK_NB))
        yield
    finally:
        os.close(descriptor)


def _is_whole(place: Path) -> bool:
    try:
        listed = [line.split("  ") for line in (place / _SUMS).read_text(encoding="utf-8").splitlines()]
        return bool(listed) and all(_sha256(place / name) == digest for digest, name in listed)
    except (OSError, ValueError):
        return False


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
