"""A component's folder, open to its group where root has said so: a nucleus closes it at each start."""

import contextlib
import stat
from pathlib import Path

from actorrec.manifests.device_status import SHARED_FILE


def keep_group_access(work: Path) -> None:
    """Let the group of the component's files in, if ``actorrec device shim`` was run.

    Call it at the start. What lies in the folder has rights of its own; one that cannot be opened stays closed.

    Args:
        work: The component's work folder.
    """
    if not (work / SHARED_FILE).exists():
        return
    with contextlib.suppress(OSError):
        work.chmod(stat.S_IMODE(work.stat().st_mode) | stat.S_IXGRP)
