"""What systemd says of our service."""

import shutil
import subprocess
from typing import Final

UNIT_NAME: Final = "actorrec.service"
_TIMEOUT_S: Final = 5


def service_state(unit: str = UNIT_NAME) -> str | None:
    """``active``, ``activating``, ``failed``, ``inactive``…; None where no systemd runs or it knows no such unit."""
    program = shutil.which("systemctl")
    if program is None:
        return None
    try:
        asked = subprocess.run(
            [program, "show", "--property=LoadState,ActiveState", unit],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    said = dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
    return said.get("ActiveState") if said.get("LoadState") == "loaded" else None
