"""What a device says: one JSON document a message. The schema is part of what fleets rely on."""

from datetime import datetime
from typing import Any, Final, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationError,
    model_serializer,
    model_validator,
)
from pydantic_core import from_json, to_json

from actorrec.manifests.base import Record, Sha256

EVENT_SCHEMA_VERSION: Final = 1
HEALTH_SUBTOPIC: Final = "health"
"""Health goes to ``RESULTS_TOPIC/health``, detections to the topic itself."""
MODEL_SUBTOPIC: Final = "model"
"""What becomes of a bundle that arrives while the program runs."""
REQUEST_SUBTOPIC: Final = "request"
"""Where others name pictures to look at."""
_SELDOM: Final = frozenset({"considered", "track", "crop", "embedding"})


class RunningModel(Record):
    """The model that spoke.

    Attributes:
        model_id: Of the embedder.
        bundle: SHA-256 of ``bundle.zip``: which model exactly.
    """

    model_id: str
    bundle: Sha256


class Considered(Record):
    """Somebody whom a face may be. That is no name for it."""

    person_id: str
    name: str
    confidence: float = Field(ge=0, le=1)


class EventFace(Record):
    """One face, boxes in px of the whole picture.

    Attributes:
        person_id, name: Whom it was decided to be; None for somebody not known, and while nothing is decided.
        decided: False while a camera has seen too little of the face for an answer.
        confidence, similarity: Of the nearest person, named or not.
        considered: The nearest people of a face that is not decided, the nearest first.
        track: A camera's number for the face while it stays in view; new with each run of the program.
        crop: JPEG of the face, base64; only where that is configured.
        embedding: float32, little-endian, base64; only where that is configured.
    """

    box: tuple[float, float, float, float]
    score: float = Field(ge=0, le=1)
    person_id: str | None
    name: str | None
    confidence: float = Field(ge=0, le=1)
    similarity: float
    decided: bool = True
    considered: list[Considered] = []
    track: int | None = None
    crop: str | None = None
    embedding: str | None = None

    @model_validator(mode="after")
    def _never_mixed_up(self) -> Self:
        if not self.decided and (self.person_id is not None or self.name is not None):
            raise ValueError("a face that is not decided has no name")
        if self.decided and self.considered:
            raise ValueError("a face that is decided has nobody who is considered")
        return self

    @model_serializer(mode="wrap")
    def _short(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """Without the keys that most faces have nothing for: a message may be 5,000 bytes long."""
        values: dict[str, Any] = handler(self)
        return {key: value for key, value in values.items() if key not in _SELDOM or value}


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
        reason: Why it is said: a ``look`` at a picture, a ``change`` of who a camera sees, a ``heartbeat`` while
            nothing changes, or a ``request`` of somebody.
        request: What the request named itself.
        source: As the device knows the picture or the camera.
        error: Why it could not be looked at; None where it could.
        faces: Everybody found, known or not.
        left_out: Faces that are not listed: too many to follow, or for a message (those with a name go before others).
    """

    event: Literal["detection"] = "detection"
    reason: Literal["look", "change", "heartbeat", "request"] = "look"
    request: str | None = Field(default=None, max_length=64)
    source: str = Field(max_length=1024)
    width: int | None = None
    height: int | None = None
    error: str | None = None
    faces: list[EventFace] = []
    left_out: int = Field(default=0, ge=0)


class ModelEvent(_Event):
    """What became of a bundle that arrived while the program ran; ``model`` is what runs after it.

    Attributes:
        change: ``swapped`` or ``refused``.
        bundle: SHA-256 of what arrived; None where it could not be read.
        reason: Why it was refused; empty where it runs.
    """

    event: Literal["model"] = "model"
    change: Literal["swapped", "refused"]
    bundle: Sha256 | None
    reason: str = Field(default="", max_length=1000)


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


class StepTime(Record):
    """Milliseconds of one step, over the last times that it was taken."""

    p50: float
    p95: float


class CameraHealth(Record):
    """How a camera is doing: counts since it was first opened, those of what was made of its frames as in health.

    Attributes:
        source: Its name, without what opens it.
        connected: Whether frames come.
        fps: Frames that the loop took a second, over the last ones.
        captured: Frames that came.
        dropped: Of those, frames that a newer one replaced before the loop took them.
        unchanged: Of those taken, frames in which nothing had changed.
        detections: Of those taken, frames in which faces were searched for.
        reconnects: Times that it was opened anew.
    """

    source: str
    connected: bool
    fps: float | None = None
    captured: int = Field(default=0, ge=0)
    dropped: int = Field(default=0, ge=0)
    unchanged: int = Field(default=0, ge=0)
    detections: int = Field(default=0, ge=0)
    reconnects: int = Field(default=0, ge=0)


class QueueHealth(Record):
    """Messages on their way to one place.

    Attributes:
        name: The place, in words.
        waiting: Not yet taken there.
        dropped: Oldest ones that gave way to newer ones, ever.
        refused: That the place will never take, ever.
        durable: Whether they outlive the program.
    """

    name: str
    waiting: int = Field(ge=0)
    dropped: int = Field(default=0, ge=0)
    refused: int = Field(default=0, ge=0)
    durable: bool = True


class HealthEvent(_Event):
    """How a device is doing: counts since its program started, or last took another bundle.

    Attributes:
        version: Of the program.
        started_at: When that was: counts begin anew with it.
        frames: Pictures that came up, those that could not be looked at included.
        unreadable: Pictures that could not be looked at.
        failures: Times that a step failed for another reason than the picture: a message that could not be handed on
            counts, too.
        ms_p50, ms_p95: Of a whole picture, over the last ones; None before the first.
        steps: Milliseconds by step: decode, change, follow, detect, align, embed, match.
        swaps: Bundles that were taken while the program ran.
        swaps_refused: Bundles that were not.
        camera: None where there is none.
        queues: One for each place that messages wait for.
        temperature_c: Of the processor, °C; None where the system does not say.
        throttled: What holds a Raspberry Pi back, now or since it started; empty where nothing does.
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
    steps: dict[str, StepTime] = {}
    swaps: int = Field(default=0, ge=0)
    swaps_refused: int = Field(default=0, ge=0)
    camera: CameraHealth | None = None
    queues: list[QueueHealth] = []
    temperature_c: float | None = None
    throttled: list[str] = []
    shadow: ShadowCount | None = None
    trouble: list[str] = []


Event = DetectionEvent | HealthEvent | ModelEvent
_T = TypeVar("_T", bound=Record)
_KINDS: Final[dict[str, type[Event]]] = {"detection": DetectionEvent, "health": HealthEvent, "model": ModelEvent}


class _Kind(BaseModel):
    """What every reader looks at first."""

    model_config = ConfigDict(extra="ignore")

    event: Literal["detection", "health", "model"]


def read_event(data: bytes) -> Event:
    """A message of this version's program or of a later one: keys that are not known here are left out.

    Args:
        data: JSON, as it came in.

    Raises:
        ValidationError: If it is none, or of another ``schema_version``.
    """
    return _read(_KINDS[_Kind.model_validate_json(data).event], data)


def read_health(data: bytes) -> HealthEvent:
    """A health message, as in ``read_event``.

    Raises:
        ValidationError: If it is none, or of another ``schema_version``.
    """
    return _read(HealthEvent, data)


def _read(kind: type[_T], data: bytes) -> _T:
    try:
        return kind.model_validate_json(data)
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
    return kind.model_validate_json(to_json(body))
