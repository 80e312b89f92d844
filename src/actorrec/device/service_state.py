"""What systemd says of our service."""

import shutil
import subprocess
from typing import Final

UNIT_NAME: Final = "actorrec.service"
_TIMEOUT_S: Final = 5


def service_state(unit: str = UNIT_NAME) -> str | None:
    """``active``, ``activating``, ``failed``, ``inactive``…; None where no systemd runs or it knows no such unit."""
    said = _shown("LoadState,ActiveState", unit)
    return said.get("ActiveState") if said.get("LoadState") == "loaded" else None


def running_since(unit: str = UNIT_NAME) -> float | None:
    """When its program was started, in seconds of the epoch; None where it does not run, or systemd does not say."""
    said = _shown("ExecMainStartTimestamp", unit, "--timestamp=unix").get("ExecMainStartTimestamp", "")
    return float(said[1:]) if said.startswith("@") and said[1:].isdecimal() else None


def _shown(properties: str, unit: str, *more: str) -> dict[str, str]:
    program = shutil.which("systemctl")
    if program is None:
        return {}
    try:
        asked = subprocess.run(
            [program, "show", f"--property={properties}", *more, unit],
            capture_output=True,
            text=True,
            timeout=_TIMEOUT_S,
            check=False,
            stdin=subprocess.DEVNULL,
        )
    except (OSError, subprocess.TimeoutExpired):
        return {}
    return dict(line.split("=", 1) for line in asked.stdout.splitlines() if "=" in line)
