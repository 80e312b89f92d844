"""What a device says, put into words: events with their ids, times and sizes."""

import os
import socket
import uuid
from collections.abc import Callable, Collection, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Literal

from actorrec import __version__
from actorrec.inference.event_bounds import health_within, model_within, within
from actorrec.inference.event_faces import Include, event_face, finite, first_named, px, share, with_extras
from actorrec.inference.health import Health
from actorrec.inference.machine import Machine
from actorrec.inference.swap.arrival import Arrival
from actorrec.inference.tracking.sighting import Sighting
from actorrec.manifests.events import (
    CameraHealth,
    DetectionEvent,
    EventFace,
    HealthEvent,
    ModelEvent,
    QueueHealth,
    RunningModel,
    ShadowCount,
)
from actorrec.manifests.results import FaceResult, PictureResult
from actorrec.types import Frame

_MAX_SOURCE_CHARS: Final = 1024
_MAX_ERROR_CHARS: Final = 1000
_MAX_REQUEST_CHARS: Final = 64
MAX_MESSAGE_BYTES: Final = 5000
"""Of a message through Greengrass: nucleus lite takes 10,000 bytes over IPC with the payload in base64."""


def device_name() -> str:
    """Name of the thing that the nucleus says this is, else of the machine."""
    return (os.environ.get("AWS_IOT_THING_NAME") or socket.gethostname() or "unnamed")[:128]


class EventWriter:
    """Makes the events of one device.

    Args:
        device: Its name.
        model: What it runs.
        max_bytes: Longest event; None for no bound.
        machine: What health events tell of the machine.
    """

    def __init__(
        self,
        device: str,
        model: RunningModel,
        *,
        max_bytes: int | None = None,
        machine: Machine | None = None,
    ) -> None:
        self._device, self._model, self._max_bytes = device, model, max_bytes
        self._machine = machine or Machine()
        self._started_at = datetime.now(UTC)

    def use(self, model: RunningModel) -> None:
        """From now on, the device runs this; counts begin anew with it."""
        self._model, self._started_at = model, datetime.now(UTC)

    def detection(self, result: PictureResult, *, request: str | None = None) -> DetectionEvent:
        """What one picture shows.

        Args:
            request: What the request named itself, where one asked for it.
        """
        event = DetectionEvent(
            **self._said_by(),
            reason="look" if request is None else "request",
            request=None if request is None else request[:_MAX_REQUEST_CHARS],
            source=_end_of(result.source),
            width=result.width,
            height=result.height,
            error=None if result.error is None else result.error[:_MAX_ERROR_CHARS],
            faces=[_face(face) for face in result.faces],
        )
        return event if self._max_bytes is None else within(event, self._max_bytes)

    def sighting(
        self,
        sighting: Sighting,
        frame: Frame,
        reason: Literal["change", "heartbeat"],
        shown_name: Callable[[str], str],
        *,
        include: Collection[Include] = (),
    ) -> DetectionEvent:
        """Who a camera sees: names first, then strangers, then those of whom nothing is decided.

        Args:
            sighting: One look.
            frame: What was looked at; crops are cut from it where they are configured.
            reason: Why it is said.
            shown_name: The name to show for a person id.
            include: Personal data that somebody configured to leave the device.
        """
        height, width = frame.pixels.shape[:2]
        faces = [with_extras(event_face(track, shown_name), track, include, frame.pixels) for track in sighting.tracks]
        event = DetectionEvent(
            **self._said_by(),
            reason=reason,
            source=_end_of(frame.source),
            width=width,
            height=height,
            faces=sorted(faces, key=first_named),
            left_out=sighting.more,
        )
        return event if self._max_bytes is None else within(event, self._max_bytes)

    def model_change(self, arrival: Arrival) -> ModelEvent:
        """What became of a bundle that arrived; the device's model is told with ``use`` first."""
        event = ModelEvent(
            **self._said_by(),
            change="refused" if arrival.bundle is None else "swapped",
            bundle=arrival.sha256,
            reason=arrival.reason[:_MAX_ERROR_CHARS],
        )
        return event if self._max_bytes is None else model_within(event, self._max_bytes)

    def health(
        self,
        health: Health,
        *,
        lost: int,
        shadow: ShadowCount | None,
        trouble: list[str],
        camera: CameraHealth | None = None,
        queues: Sequence[QueueHealth] = (),
    ) -> HealthEvent:
        """How the device is doing.

        Args:
            health: Its counts.
            lost: Messages that were not handed on.
            shadow: Counts of what runs in the shadow.
            trouble: What is wrong now.
            camera: None where there is none.
            queues: One for each place that messages wait for.
        """
        machine = self._machine.state()
        event = HealthEvent(
            **self._said_by(),
            version=__version__,
            started_at=self._started_at,
            frames=health.frames,
            unreadable=health.unreadable,
            failures=health.failures + lost,
            ms_p50=health.percentile_ms(50),
            ms_p95=health.percentile_ms(95),
            memory_bytes=machine.memory_bytes,
            steps=health.steps,
            swaps=health.swaps,
            swaps_refused=health.swaps_refused,
            camera=None if camera is None else _rounded(camera),
            queues=list(queues),
            temperature_c=machine.temperature_c,
            throttled=list(machine.throttled),
            shadow=shadow,
            trouble=trouble,
        )
        return event if self._max_bytes is None else health_within(event, self._max_bytes)

    def _said_by(self) -> dict[str, Any]:
        """What every event has."""
        return {"id": uuid.uuid4().hex, "device": self._device, "at": datetime.now(UTC), "model": self._model}


def _face(face: FaceResult) -> EventFace:
    x1, y1, x2, y2 = face.box
    return EventFace(
        box=(px(x1), px(y1), px(x2), px(y2)),
        score=share(face.score),
        person_id=face.person_id,
        name=face.name,
        confidence=share(face.confidence),
        similarity=finite(face.similarity, 4),
    )


def _rounded(camera: CameraHealth) -> CameraHealth:
    return camera if camera.fps is None else camera.model_copy(update={"fps": round(camera.fps, 2)})


def _end_of(source: str) -> str:
    """The end of a long path tells more than its beginning."""
    return source if len(source) <= _MAX_SOURCE_CHARS else "…" + source[1 - _MAX_SOURCE_CHARS :]
