"""What a device says: one JSON document a message. The schema is part of what fleets rely on."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field, ValidationError
from pydantic_core import from_json, to_json

from actorrec.manifests.base import Record, Sha256

EVENT_SCHEMA_VERSION: Final = 1
HEALTH_SUBTOPIC: Final = "health"
"""Health goes to ``RESULTS_TOPIC/health``, detections to the topic itself."""


class RunningModel(Record):
    """The model that spoke.

    Attributes:
        model_id: Of the embedder.
        bundle: SHA-256 of ``bundle.zip``: which model exactly.
    """

    model_id: str
    bundle: Sha256


class EventFace(Record):
    """One face, boxes in px of the whole picture. ``person_id`` and ``name`` are None for somebody not known."""

    box: tuple[float, float, float, float]
    score: float = Field(ge=0, le=1)
    person_id: str | None
    name: str | None
    confidence: float = Field(ge=0, le=1)
    similarity: float


class _Event(Record):
    """What every message has.

    Attributes:
        id: Unique to the event: a reader that sees it twice drops one.
        device: Name of the thing, or of the machine.
        at: By the device's own clock, UTC.
    """

    schema_version: Literal[1] = EVENT_SCHEMA_VERSION
    id: str = Field(min_length=1, max_length=64)
    device: str = Field(min_length=1, max_length=128)
    at: datetime
    model: RunningModel


class DetectionEvent(_Event):
    """What one picture shows.

    Attributes:
        source: As the device knows the picture.
        error: Why it could not be looked at; None where it could.
        faces: Everybody found, known or not.
        left_out: Faces that are not listed because the message would be too long; those with a name go before others.
    """

    event: Literal["detection"] = "detection"
    source: str = Field(max_length=1024)
    width: int | None = None
    height: int | None = None
    error: str | None = None
    faces: list[EventFace] = []
    left_out: int = Field(default=0, ge=0)


class ShadowCount(Record):
    """Two models on the same frames: how often they differed. No picture and no name travels.

    Attributes:
        bundle: SHA-256 of the bundle that ran in the shadow.
        frames: Looked at by both.
        faces: Faces that both found (their boxes cover each other by half or more of their union), and faces that
            only one of them found but gave a name to. A face without a name that only one found is not counted.
        disagreements: Of those, the ones with different answers: another name, a name against unknown, a name
            against no face.
    """

    bundle: Sha256
    frames: int = Field(ge=0)
    faces: int = Field(ge=0)
    disagreements: int = Field(ge=0)


class HealthEvent(_Event):
    """How a device is doing, all counts since its program started.

    Attributes:
        version: Of the program.
        started_at: When it started: counts begin anew with it.
        frames: Pictures that came up, those that could not be looked at included.
        unreadable: Pictures that could not be looked at.
        failures: Times that a step failed for another reason than the picture: a message that could not be handed on
            counts, too.
        ms_p50, ms_p95: Of a whole picture, over the last ones; None before the first.
        shadow: None where nothing runs in the shadow; its counts begin with its run.
        trouble: What is wrong at the moment and did not end the program, one line each.
    """

    event: Literal["health"] = "health"
    version: str
    started_at: datetime
    frames: int = Field(ge=0)
    unreadable: int = Field(ge=0)
    failures: int = Field(ge=0)
    ms_p50: float | None = None
    ms_p95: float | None = None
    memory_bytes: int | None = None
    shadow: ShadowCount | None = None
    trouble: list[str] = []


def read_health(data: bytes) -> HealthEvent:
    """A health message of this version's program or of a later one: keys that are not known here are left out.

    Args:
        data: JSON, as it came in.

    Raises:
        ValidationError: If it is none, or of another ``schema_version``.
    """
    try:
        return HealthEvent.model_validate_json(data)
    except ValidationError as error:
        unknown = [each["loc"] for each in error.errors(include_url=False) if each["type"] == "extra_forbidden"]
        if len(unknown) < error.error_count():
            raise
    body = from_json(data)
    for *way, key in unknown:
        inner = body
        for step in way:
            inner = inner[step]
        del inner[key]
    return HealthEvent.model_validate_json(to_json(body))
