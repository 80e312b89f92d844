#!/usr/bin/env python
"""Build the code of the function that ships models over the air: `make lambda`, dist/actorrec-lambda.zip.

Our package without nets and weights, and the wheels of what it needs there; boto3 is in Lambda's own runtime. The same
checkout and the same installed versions give the same bytes.
"""

import argparse
import hashlib
import os
import re
import sys
import tempfile
import zipfile
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Final

from packaging.utils import parse_wheel_filename

from actorrec.artifacts.own_package import package_files
from actorrec.errors import ActorRecError, ConfigError
from actorrec.greengrass.own_description import licence_text, own_description
from actorrec.greengrass.pins import Target, pins
from actorrec.greengrass.vendor import fetch_wheels
from actorrec.home import cache_folder
from actorrec.progress import SilentProgress
from actorrec.recognition.bundle_zip import write_zip

PYTHON: Final = "3.13"
MACHINE: Final = "x86_64"
MOST_BYTES: Final = 15_000_000
NEEDED: Final = ("pydantic", "pyyaml")
"""Of what our package asks for: the rest (numpy, what draws on a terminal) is not reached from the handler."""
_NETS: Final = (".tflite", ".npz")
_GLIBC: Final = 34  # 2.34, of Amazon Linux 2023
_MANYLINUX: Final = re.compile(r"manylinux_2_(\d+)_")
_USELESS: Final = ("__pycache__/", "/tests/")


def contents(wheels: Iterable[Path]) -> dict[str, bytes]:
    """Name in the zip → content."""
    found = {name: data for name, data in package_files() if not name.endswith(_NETS)}
    found |= {name: licence_text(name) for name in ("LICENSE", "NOTICE")}
    for wheel in wheels:
        _refuse_too_new(wheel)
        for name, data in unpacked(wheel):
            if name in found:
                raise ConfigError(f"{wheel.name} brings a {name} that is there already")
            found[name] = data
    return found


def unpacked(wheel: Path) -> Iterator[tuple[str, bytes]]:
    """Files of a wheel as they lie once installed."""
    with zipfile.ZipFile(wheel) as packed:
        for name in packed.namelist():
            if ".data/" in name:
                raise ConfigError(f"{wheel.name} puts files elsewhere than beside its packages: {name}")
            if not name.endswith("/") and not any(part in f"/{name}" for part in _USELESS):
                yield name, packed.read(name)


def _refuse_too_new(wheel: Path) -> None:
    """Devices may have a newer C library than Lambda has."""
    _, _, _, tags = parse_wheel_filename(wheel.name)
    needed = [_MANYLINUX.match(tag.platform) for tag in tags]
    if all(needed) and all(int(found[1]) > _GLIBC for found in needed if found):
        raise ConfigError(f"{wheel.name} needs a newer C library than 2.{_GLIBC}, which Lambda has")


def write(out: Path, files: dict[str, bytes]) -> str:
    """Write the zip, whole or not at all; its SHA-256.

    Raises:
        ConfigError: If it is too large.
    """
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(dir=out.parent, prefix=".lambda-", delete=False) as partial:
        path = Path(partial.name)
        try:
            write_zip(partial, files)
            partial.flush()
            if path.stat().st_size > MOST_BYTES:
                raise ConfigError(f"the zip has {path.stat().st_size:,} bytes, more than {MOST_BYTES:,}")
            path.chmod(0o644)
            os.replace(path, out)
        finally:
            path.unlink(missing_ok=True)
    return hashlib.sha256(out.read_bytes()).hexdigest()


def main() -> None:
    """Build it, and say how large it is."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("dist/actorrec-lambda.zip"))
    parser.add_argument("--python", default=PYTHON, help="of the function's runtime")
    parser.add_argument("--machine", default=MACHINE, choices=("x86_64", "aarch64"))
    given = parser.parse_args()
    roots = [each for each in own_description().requirements if each.name.lower() in NEEDED]
    wanted = pins((given.python,), (given.machine,), roots)
    wheels = fetch_wheels(
        cache_folder("greengrass") / "wheels", Target(given.python, given.machine), wanted, SilentProgress()
    )
    files = contents(wheels)
    digest = write(given.out, files)
    unpacked_bytes = sum(map(len, files.values()))
    print(
        f"{given.out}: {given.out.stat().st_size:,} bytes ({unpacked_bytes:,} unpacked), sha256 {digest}\n"
        f"for Python {given.python} on {given.machine}: {', '.join(f'{pin.name} {pin.version}' for pin in wanted)}"
    )


if __name__ == "__main__":
    try:
        main()
    except ActorRecError as error:
        sys.exit(f"make_lambda: {error.in_full}")
