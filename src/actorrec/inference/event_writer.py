"""What a device says, put into words: events with their ids, times and sizes."""

import os
import socket
import uuid
from datetime import UTC, datetime
from typing import Final

from actorrec import __version__
from actorrec.inference.health import Health
from actorrec.manifests.events import DetectionEvent, EventFace, HealthEvent, RunningModel, ShadowCount
from actorrec.manifests.results import FaceResult, PictureResult

_MAX_SOURCE_CHARS: Final = 1024
_MAX_ERROR_CHARS: Final = 1000
MAX_MESSAGE_BYTES: Final = 5000
"""Of a message through Greengrass: nucleus lite takes 10,000 bytes over IPC with the payload in base64."""


def device_name() -> str:
    """Name of the thing that the nucleus says this is, else of the machine."""
    return (os.environ.get("AWS_IOT_THING_NAME") or socket.gethostname() or "unnamed")[:128]


class EventWriter:
    """Makes the events of one device and one bundle.

    Args:
        device: Its name.
        model: What it runs.
        max_bytes: Longest detection event; None for no bound.
    """

    def __init__(self, device: str, model: RunningModel, *, max_bytes: int | None = None) -> None:
        self._device, self._model, self._max_bytes = device, model, max_bytes
        self._started_at = datetime.now(UTC)

    def detection(self, result: PictureResult) -> DetectionEvent:
        """What one picture shows."""
        event = DetectionEvent(
            id=uuid.uuid4().hex,
            device=self._device,
            at=datetime.now(UTC),
            model=self._model,
            source=_end_of(result.source),
            width=result.width,
            height=result.height,
            error=None if result.error is None else result.error[:_MAX_ERROR_CHARS],
            faces=[_face(face) for face in result.faces],
        )
        return event if self._max_bytes is None else within(event, self._max_bytes)

    def health(self, health: Health, *, lost: int, shadow: ShadowCount | None, trouble: list[str]) -> HealthEvent:
        """How the device is doing.

        Args:
            health: Its counts.
            lost: Messages that were not handed on.
            shadow: Counts of what runs in the shadow.
            trouble: What is wrong now.
        """
        return HealthEvent(
            id=uuid.uuid4().hex,
            device=self._device,
            at=datetime.now(UTC),
            model=self._model,
            version=__version__,
            started_at=self._started_at,
            frames=health.frames,
            unreadable=health.unreadable,
            failures=health.failures + lost,
            ms_p50=health.percentile_ms(50),
            ms_p95=health.percentile_ms(95),
            memory_bytes=health.memory_bytes(),
            shadow=shadow,
            trouble=trouble,
        )


def within(event: DetectionEvent, max_bytes: int) -> DetectionEvent:
    """The event with as many faces as fit; faces without a name are left out first, of those the least certain.

    Args:
        max_bytes: Longest UTF-8 JSON document.
    """
    faces = list(event.faces)
    while faces and len(event.model_dump_json().encode()) > max_bytes:
        faces.remove(min(faces, key=lambda face: (face.person_id is not None, face.score)))
        event = event.model_copy(update={"faces": list(faces), "left_out": event.left_out + 1})
    return event


def _face(face: FaceResult) -> EventFace:
    return EventFace(
        box=face.box,
        score=face.score,
        person_id=face.person_id,
        name=face.name,
        confidence=face.confidence,
        similarity=face.similarity,
    )


def _end_of(source: str) -> str:
    """The end of a long path tells more than its beginning."""
    return source if len(source) <= _MAX_SOURCE_CHARS else "…" + source[1 - _MAX_SOURCE_CHARS :]
