"""What systemd this machine has."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

from actorrec.device.install_plan import Systemd
from actorrec.device.service_state import running_since, service_state

_TIMEOUT_S: Final = 5


def present_systemd() -> Systemd:
    """The one that runs, if one does."""
    runs = Path("/run/systemd/system").is_dir() and shutil.which("systemctl") is not None
    makes_users = shutil.which("systemd-sysusers") is not None
    state, since = (service_state(), running_since()) if runs else (None, None)
    return Systemd(runs, _version(), state, makes_users, since)


def _version() -> int:
    program = shutil.which("systemctl")
    if program is None:
        return 0
    try:
        said = subprocess.run([program, "--version"], capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return 0
    found = re.match(r"systemd (\d+)", said.stdout)
    return int(found[1]) if found else 0
