"""A component's folder, open to its group where root has said so: a nucleus closes it at each start."""

import contextlib
import stat
from pathlib import Path
from typing import Final

from actorrec.manifests.device_status import SHARED_FILE

_OPENED: Final = (("", stat.S_IXGRP), ("bundles", stat.S_IXGRP), ("bundles/current.zip", stat.S_IRGRP))


def keep_group_access(work: Path) -> None:
    """Let the group of the component's files use the program and the bundle that runs, if ``device shim`` was run.

    Call it at the start and whenever a bundle was put there. What cannot be opened stays closed.

    Args:
        work: The component's work folder.
    """
    if not (work / SHARED_FILE).exists():
        return
    for name, bit in _OPENED:
        path = work / name
        with contextlib.suppress(OSError):
            path.chmod(stat.S_IMODE(path.stat().st_mode) | bit)
