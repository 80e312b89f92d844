"""Where everything of a device without Greengrass lies."""

from pathlib import Path
from typing import Final

from actorrec.config import SYSTEM_CONFIG

USER: Final = "actorrec"
"""The service's user and group; people who are in the group may read results, settings and bundle."""
CONFIG: Final = SYSTEM_CONFIG
STATE: Final = Path("/var/lib/actorrec")
CACHE: Final = Path("/var/cache/actorrec")
BUNDLE: Final = STATE / "bundle.zip"
EVENTS: Final = STATE / "events.jsonl"
UNIT: Final = Path("/etc/systemd/system/actorrec.service")
WANTED_BY: Final = Path("/etc/systemd/system/multi-user.target.wants/actorrec.service")
SYSUSERS: Final = Path("/usr/lib/sysusers.d/actorrec.conf")
TMPFILES: Final = Path("/usr/lib/tmpfiles.d/actorrec.conf")
SHIM: Final = Path("/usr/local/bin/actorrec")
MARK: Final = "# Made by `actorrec device`:"
"""The first comment of every file that is ours to change and to remove."""
