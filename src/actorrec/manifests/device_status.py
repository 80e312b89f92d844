"""How the program on this machine is doing, as it writes it to a file for ``actorrec device status``."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from actorrec.manifests.base import Record
from actorrec.manifests.events import HealthEvent

STATUS_FILE: Final = "status.json"
STATUS_SUBFOLDER: Final = "device"
"""Of the user's state folder, where no manager of services names another."""
SERVICE_FOLDER: Final = "/run/actorrec"
"""Where the service writes it: systemd's RuntimeDirectory."""
SHARED_FILE: Final = "group-may-read"
"""In a component's work folder: root has let its group in, and the component keeps it so."""


class LastDetection(Record):
    """What the last detection event said, in numbers: who it was is nobody's business here.

    Attributes:
        at: By the device's clock, UTC.
        faces: Everybody found.
        named: Of those, faces that were given a name.
        undecided: Of those, faces that are not decided yet.
    """

    at: datetime
    faces: int = Field(ge=0)
    named: int = Field(ge=0)
    undecided: int = Field(ge=0)


class DeviceStatus(Record):
    """One file, written whole, at most about once a second.

    Attributes:
        pid: Of the program.
        written_s: When, by the clock of this machine that only goes forward (``time.monotonic``): a wrong date says
            nothing of how old this is.
        health_every_s: Seconds from one health event to the next.
        health: The last one; None before the first.
        health_s: When it came, by the same clock.
        detections: Detection events so far.
        last_detection: None before the first.
        ended: Whether the program came to a clean end.
    """

    schema_version: Literal[1] = 1
    pid: int = Field(gt=0)
    written_s: float
    health_every_s: float = Field(gt=0)
    health: HealthEvent | None = None
    health_s: float | None = None
    detections: int = Field(default=0, ge=0)
    last_detection: LastDetection | None = None
    ended: bool = False
