"""Whether this Python can run the component: a line that says why not, and exit code 1.

Run by ``install.sh`` with whatever Python the device has, so it asks for nothing newer than 3.6.
"""

import json
import platform
import shutil
import struct
import sys
from pathlib import Path

_BY_APT = "on Debian and Raspberry Pi OS: sudo apt install python3-venv"


def problem(work: str) -> str:
    """What is in the way of installing into a folder; empty where nothing is."""
    device = json.loads(Path(__file__).with_name("device.json").read_text())
    version = f"{sys.version_info[0]}.{sys.version_info[1]}"
    machine, bits = platform.machine(), 8 * struct.calcsize("P")
    if bits != 64 or machine not in ("aarch64", "x86_64"):
        return f"a 64-bit system is needed, this is {machine} with a {bits}-bit Python: use 64-bit Raspberry Pi OS"
    if device["machine"] and machine != device["machine"]:
        return f"the packages inside are for {device['machine']}, this is {machine}: publish with --vendor-wheels of it"
    if version not in device["pythons"]:
        return f"Python {' or '.join(device['pythons'])} is needed, {sys.executable} is {version}"
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError as error:
        return f"{sys.executable} lacks {error.name} ({_BY_APT})"
    free, needed = shutil.disk_usage(work).free // 10**6, device["space_bytes"] // 10**6
    if free < needed:
        return f"the disk is too full: {work} needs {needed} MB, {free} MB are free"
    return ""


if __name__ == "__main__":
    found = problem(sys.argv[1])
    if found:
        print(found)
        sys.exit(1)
