"""What core, edge and greengrass bring to a 64-bit Raspberry Pi: resolved by pip for its machine, not run there.

    python benchmarks/edge_extras.py

Nothing may be built from source, on either Python that Raspberry Pi OS has.
"""

import subprocess
import tempfile
from pathlib import Path

from actorrec.config import Config
from actorrec.greengrass.own_description import own_description
from actorrec.greengrass.pins import Target
from actorrec.greengrass.vendor import download_command, unpacked_bytes
from actorrec.greengrass.wheel import build_wheel
from rows import Row, report

COMMAND = "python benchmarks/edge_extras.py"
MOST_BYTES = 320e6


def main() -> None:
    """Resolve, measure and save."""
    report("edge_extras", [row(python) for python in Config().greengrass.vendor_pythons])


def row(python: str) -> Row:
    """What one Python gets: what pip resolves from the ranges, transitively, and the program itself."""
    what = f"core + edge + greengrass on aarch64, Python {python}"
    target = "wheels only, ≤ 320 MB"
    wanted = [str(requirement) for requirement in own_description().requirements]
    with tempfile.TemporaryDirectory() as folder:
        command = download_command(Path(folder), Target(python, "aarch64"), wanted)
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            reason = next((line for line in done.stdout.splitlines() if line.startswith("ERROR")), done.stderr[-200:])
            return Row(what, target, f"not resolved: {reason}", False, COMMAND)
        files = list(Path(folder).iterdir())
        wheels = [path for path in files if path.suffix == ".whl"]
        own = Path(folder, "own.whl")
        own.write_bytes(build_wheel().data)
        wheels.append(own)
        packed, installed = sum(path.stat().st_size for path in wheels), sum(map(unpacked_bytes, wheels))
    measured = f"{installed / 1e6:.0f} MB installed, {packed / 1e6:.0f} MB to fetch; {len(wheels)} wheels"
    if sources := [path.name for path in files if path.suffix != ".whl"]:
        measured += f", from source: {', '.join(sources)}"
    reached = not sources and installed <= MOST_BYTES and len(wheels) > len(wanted)
    return Row(what, target, measured, reached, COMMAND)


if __name__ == "__main__":
    main()
