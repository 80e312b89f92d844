"""How the program on this machine is doing, from the file that it keeps."""

import os
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Literal

from pydantic import ValidationError

from actorrec.errors import ArtifactError
from actorrec.manifests.device_status import STATUS_FILE, DeviceStatus

State = Literal["running", "starting", "stale", "stopped"]
_MAX_BYTES: Final = 1 << 20
_LATE: Final = 2.5
"""Intervals without a health event, after which a program counts as stuck."""


@dataclass(frozen=True, slots=True)
class Seen:
    """What is known of the program.

    Attributes:
        state: ``stale`` for one that is there but says nothing any more, ``starting`` before its first health event.
        why: What ``stale`` and ``stopped`` rest on; empty otherwise.
        path: The file; where it would be, if there is none.
        status: What stands in it; None if there is none.
        health_age_s: Of the last health event; None before the first.
    """

    state: State
    why: str
    path: Path
    status: DeviceStatus | None = None
    health_age_s: float | None = None

    @property
    def well(self) -> bool:
        """Whether it runs and nothing is wrong."""
        health = self.status and self.status.health
        return self.state in ("running", "starting") and not (health and health.trouble)


def look(folders: Sequence[Path], *, clock: Callable[[], float] = time.monotonic) -> Seen:
    """Look at the first folder that holds a status; one that runs goes before one that does not.

    Args:
        folders: Where the program may write it, at least one.
        clock: Seconds that only go forward, the same for all programs of the machine.

    Raises:
        ArtifactError: If this user may not read it, or it is not what it should be, and no other one runs.
    """
    found: list[Seen] = []
    problems: list[ArtifactError] = []
    for folder in folders:
        try:
            seen = _seen(folder / STATUS_FILE, clock())
        except ArtifactError as error:
            problems.append(error)
        else:
            found += [] if seen is None else [seen]
    running = [seen for seen in found if seen.state != "stopped"]
    if problems and not running:
        raise problems[0]
    nothing = Seen("stopped", "nothing is known of a run here", folders[0] / STATUS_FILE)
    return (running or found or [nothing])[0]


def judge(status: DeviceStatus, path: Path, now_s: float, *, alive: bool) -> Seen:
    """What a status says.

    Args:
        status: From the file.
        path: The file.
        now_s: By the same clock as its times.
        alive: Whether there is a program of its number.
    """
    since_s = status.written_s if status.health_s is None else status.health_s
    age_s = now_s - since_s
    health_age_s = None if status.health_s is None else age_s
    if status.ended:
        return Seen("stopped", "it came to a clean end", path, status, health_age_s)
    if not alive or age_s < 0:  # less than nothing: the machine was started anew
        return Seen("stopped", "it has gone without a word: it was killed, or the power was cut", path, status, None)
    if age_s > _LATE * status.health_every_s:
        why = f"nothing was heard of it for {age_s:.0f} s; it says how it is every {status.health_every_s:.0f} s"
        return Seen("stale", why, path, status, health_age_s)
    return Seen("starting" if status.health is None else "running", "", path, status, health_age_s)


def _seen(path: Path, now_s: float) -> Seen | None:
    try:
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # a pipe would wait for ever
        with os.fdopen(descriptor, "rb") as file:
            data = file.read(_MAX_BYTES) if stat.S_ISREG(os.fstat(file.fileno()).st_mode) else b""
        status = DeviceStatus.model_validate_json(data)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except PermissionError:
        hint = "it is for root and the service's group: sudo usermod -aG actorrec USER, then log in anew"
        raise ArtifactError(f"{path} is not for this user to read", hint=hint) from None
    except OSError as error:
        raise ArtifactError(f"cannot read {path}: {error.strerror or error}") from None
    except ValidationError:
        raise ArtifactError(f"{path} is not a status that this version's program writes") from None
    return judge(status, path, now_s, alive=_is_there(status.pid))


def _is_there(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:  # another user's
        return True
    except (ProcessLookupError, OverflowError):
        return False
    return True
