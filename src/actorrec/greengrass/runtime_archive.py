"""``runtime.zip``: the program, what it needs, and what installs it on a device."""

import hashlib
import io
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from actorrec.artifacts.whole_file import write_whole
from actorrec.errors import ArtifactError, ConfigError
from actorrec.greengrass.components import RuntimePart
from actorrec.greengrass.pins import pins, requirements_text
from actorrec.greengrass.recipe import RUNTIME_FILE
from actorrec.greengrass.vendor import PLATFORMS, VendoredWheels, vendor_wheels
from actorrec.greengrass.wheel import build_wheel
from actorrec.manifests.bundle import CARD_SCHEMA_VERSION
from actorrec.manifests.nets import PREPROCESS_VERSION
from actorrec.progress import Progress
from actorrec.recognition.bundle_zip import write_zip

PYTHONS: Final = ("3.11", "3.12", "3.13")
"""What this package runs on."""
_DEVICE_FILES: Final = ("install.sh", "check_python.py", "sample.jpg")
_FETCHED_BYTES: Final = 300_000_000  # what the packages take, where a device fetches them itself
_KEPT: Final = 3  # archives
_OWN_BYTES: Final = 40_000_000  # a venv with its pip, and the program


@dataclass(frozen=True, slots=True)
class RuntimeArchive:
    """The archive.

    Attributes:
        path: On this machine.
        sha256: Hex; the same package, wheels and configuration give the same.
        card_schema: Of the bundles that it reads.
        preprocess: Which preprocessing it does.
        vendored: Platform whose wheels are in it; None where devices fetch them.
        configuration: What its component starts with; also in it, for a start without a nucleus.
    """

    path: Path
    sha256: str
    bytes: int
    card_schema: int
    preprocess: str
    vendored: str | None
    configuration: Mapping[str, str]


def build_runtime(
    folder: Path, *, platform: str | None, pythons: Sequence[str], defaults: Mapping[str, str], progress: Progress
) -> RuntimeArchive:
    """Build it; without ``platform`` nothing is fetched.

    Args:
        folder: Where archives and wheels are kept between runs.
        platform: One of ``PLATFORMS`` to put wheels inside; None for none.
        pythons: As ``greengrass.vendor_pythons``.
        defaults: As ``default_configuration`` says.
        progress: Told of the packages that are fetched.

    Raises:
        ConfigError: If platform or Pythons are not known, a package has no wheel, or is not installed here.
        RemoteError: If wheels cannot be fetched.
        ArtifactError: If the folder cannot be written.
    """
    _check(platform, pythons)
    vendored = None if platform is None else vendor_wheels(folder / "wheels", platform, pythons, progress=progress)
    data = _packed(_contents(vendored, pythons, defaults))
    digest = hashlib.sha256(data).hexdigest()
    path = folder / "runtime" / digest / RUNTIME_FILE
    if not path.is_file() or hashlib.sha256(path.read_bytes()).hexdigest() != digest:
        try:
            write_whole(path, data)
        except ArtifactError as error:
            error.hint = error.hint or "XDG_CACHE_HOME names another folder for what is kept between runs"
            raise
    _forget_older(folder / "runtime", path.parent)
    schema, preprocess = CARD_SCHEMA_VERSION, str(PREPROCESS_VERSION)
    return RuntimeArchive(path, digest, len(data), schema, preprocess, platform, dict(defaults))


def runtime_part(archive: RuntimeArchive, install_timeout_s: int) -> RuntimePart:
    """The archive as a part of components to be published."""
    return RuntimePart(
        archive.sha256,
        archive.bytes,
        archive.configuration,
        archive.card_schema,
        archive.preprocess,
        install_timeout_s,
        path=archive.path,
        machine="" if archive.vendored is None else PLATFORMS[archive.vendored],
    )


def _check(platform: str | None, pythons: Sequence[str]) -> None:
    if platform is not None and platform not in PLATFORMS:
        raise ConfigError(f"wheels for {platform!r} cannot be fetched", hint=f"known: {', '.join(PLATFORMS)}")
    if unknown := sorted(set(pythons) - set(PYTHONS)):
        raise ConfigError(
            f"greengrass.vendor_pythons: devices cannot run this on Python {unknown[0]!r}",
            hint=f"known: {', '.join(PYTHONS)}",
        )
    if not pythons:
        raise ConfigError("greengrass.vendor_pythons names no Python", hint=f"known: {', '.join(PYTHONS)}")


def _contents(vendored: VendoredWheels | None, pythons: Sequence[str], defaults: Mapping[str, str]) -> dict[str, bytes]:
    wheel = build_wheel()
    files = Path(__file__).with_name("device_files")
    requirements = requirements_text(pins(pythons), pythons, {}) if vendored is None else vendored.requirements
    contents = {name: (files / name).read_bytes() for name in _DEVICE_FILES}
    return contents | {
        wheel.name: wheel.data,
        "requirements.txt": requirements.encode(),
        "component.json": _json(dict(defaults)),
        "device.json": _json(_device(vendored, pythons)),
        **{f"wheels/{path.name}": path.read_bytes() for path in (vendored.files if vendored else ())},
    }


def _device(vendored: VendoredWheels | None, pythons: Sequence[str]) -> dict[str, object]:
    """What ``check_python.py`` asks of a device."""
    if vendored is None:
        return {"pythons": PYTHONS, "machine": None, "space_bytes": _FETCHED_BYTES + _OWN_BYTES}
    space_bytes = vendored.unpacked_bytes + _OWN_BYTES
    return {"pythons": sorted(pythons), "machine": PLATFORMS[vendored.platform], "space_bytes": space_bytes}


def _forget_older(folder: Path, newest: Path) -> None:
    """Archives with wheels have a hundred megabytes: the last few stay, for whoever still sends one of them."""
    with suppress(FileNotFoundError):  # another run forgets as well
        os.utime(newest)
        others = sorted((each for each in folder.iterdir() if each != newest), key=lambda each: each.stat().st_mtime)
        for other in others[: -(_KEPT - 1)]:
            shutil.rmtree(other, ignore_errors=True)


def _json(value: object) -> bytes:
    return (json.dumps(value, indent=1, ensure_ascii=False) + "\n").encode()


def _packed(contents: Mapping[str, bytes]) -> bytes:
    packed = io.BytesIO()
    write_zip(packed, contents)
    return packed.getvalue()
