"""A file that says how the program is doing, for those who look at the machine itself."""

import contextlib
import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Final, Self

from pydantic import ValidationError

from actorrec.artifacts.whole_file import write_whole
from actorrec.errors import ArtifactError
from actorrec.home import state_folder
from actorrec.manifests.device_status import STATUS_FILE, STATUS_SUBFOLDER, DeviceStatus, LastDetection
from actorrec.manifests.events import HEALTH_SUBTOPIC, DetectionEvent, read_health

_MODE: Final = 0o640  # names of cameras and addresses of brokers are for the device's group
_DETECTION_MARK: Final = b'"event":"detection"'


def status_folder(environ: Mapping[str, str] | None = None, *, component: Path | None = None) -> Path:
    """Where this program writes its status: the folder that systemd made for it, else one of the user's own.

    Args:
        environ: ``os.environ`` by default.
        component: Work folder of the component that this is: there ``device status`` looks for it, by way of the
            bundle that is configured for the machine.

    Raises:
        ConfigError: If there is neither.
    """
    made = (os.environ if environ is None else environ).get("RUNTIME_DIRECTORY", "").split(":")[0]
    return Path(made) if made else component or state_folder(STATUS_SUBFOLDER)


class StatusFile:
    """Keeps the last health event, and of detections how many faces there were: no names, no boxes, no pictures.

    Args:
        folder: Made where it is not there.
        health_every_s: Seconds from one health event to the next; may be changed later.
        every_s: Detections alone are not written more often.
        clock: Seconds that only go forward, the same for all programs of the machine.
    """

    name = "the status file"

    def __init__(
        self,
        folder: Path,
        *,
        health_every_s: float = 60.0,
        every_s: float = 1.0,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.path = folder / STATUS_FILE
        self.health_every_s = health_every_s
        self._every_s, self._clock = every_s, clock
        self._status = DeviceStatus(pid=os.getpid(), written_s=clock(), health_every_s=health_every_s)
        self._due_s = float("-inf")
        self._unwritten = ""  # why the last try to write it failed

    def __enter__(self) -> Self:
        with contextlib.suppress(OSError):  # the first message tells of it
            self._write()
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._write(ended=True)

    def publish(self, topic: str, payload: bytes) -> None:
        """Take a message in; what is neither health nor a detection is passed over.

        Raises:
            OSError: If the file cannot be written, or could not be the last time.
        """
        try:
            if topic.endswith(f"/{HEALTH_SUBTOPIC}"):
                changed = {"health": read_health(payload), "health_s": self._clock()}
            elif _DETECTION_MARK in payload:
                changed = {"detections": self._status.detections + 1, "last_detection": _counted(payload)}
            else:
                return
        except ValidationError:
            return  # of another program's version: nothing to show
        self._status = self._status.model_copy(update=changed)
        if "health" in changed or self._clock() >= self._due_s:
            self._write()
        elif self._unwritten:  # else each message between two tries would end the trouble, and each try begin it
            raise OSError(self._unwritten)

    def _write(self, *, ended: bool = False) -> None:
        now_s = self._clock()
        self._due_s = now_s + self._every_s
        told = {"written_s": now_s, "health_every_s": self.health_every_s, "ended": ended}
        self._status = self._status.model_copy(update=told)
        try:
            write_whole(self.path, self._status.model_dump_json().encode(), _MODE)
        except ArtifactError as error:
            self._unwritten = error.in_full
            raise OSError(error.in_full) from None
        self._unwritten = ""


def _counted(payload: bytes) -> LastDetection:
    event = DetectionEvent.model_validate_json(payload)
    named = sum(face.name is not None for face in event.faces)
    undecided = sum(not face.decided for face in event.faces)
    return LastDetection(at=event.at, faces=len(event.faces) + event.left_out, named=named, undecided=undecided)
