"""A file below a folder in which others may put links at any time."""

import os
from pathlib import Path


def open_beneath(folder: Path, path: Path) -> int:
    """Open a file without following any link below the folder.

    What was looked at a moment ago may be a link by now; this is refused, wherever it leads.

    Args:
        folder: May itself be reached through links.
        path: Below it, free of links when it was looked at.

    Returns:
        A descriptor for reading; of a pipe or a device, too, which it does not wait for.

    Raises:
        OSError: If it is not there, a link is on the way, or this user may not read it.
        ValueError: If it is not below the folder.
    """
    *folders, name = path.relative_to(folder).parts or (".",)
    at = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for each in folders:
            below = os.open(each, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
            os.close(at)
            at = below
        return os.open(name, os.O_RDONLY | os.O_NONBLOCK | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=at)
    finally:
        os.close(at)
