"""A piece of work, killed at one of the changes that it makes on the disk: for a program of its own, which forks."""

import os
import signal
import sys
from collections.abc import Callable
from typing import Final

_CHANGES: Final = frozenset(
    {"os.mkdir", "os.rmdir", "os.rename", "os.link", "os.symlink", "os.remove", "os.chmod", "os.truncate"}
)
_left = -1


def killed_at(number: int, work: Callable[[], object]) -> bool:
    """Do it in a process of its own, which is killed just before a change.

    Args:
        number: Of the change, from 0 on; where there are fewer, it ends as it does.
        work: What changes files.

    Returns:
        Whether there were so many.
    """
    global _left
    pid = os.fork()
    if pid == 0:
        sys.addaudithook(_count)
        _left = number
        work()
        os._exit(0)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    assert status in (0, -signal.SIGKILL), status
    return status != 0


def _count(event: str, arguments: tuple[object, ...]) -> None:
    global _left
    makes = event == "open" and isinstance(arguments[2], int) and arguments[2] & os.O_CREAT
    if makes or event in _CHANGES:
        _left -= 1
        if _left < 0:
            os.kill(os.getpid(), signal.SIGKILL)
