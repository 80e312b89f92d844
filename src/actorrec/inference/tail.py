"""Events read on any machine: repeats dropped, what is wanted picked, and each put into one line for people."""

from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC
from typing import Final

from pydantic import ValidationError

from actorrec.manifests.events import DetectionEvent, Event, EventFace, HealthEvent, ModelEvent, read_event

MAX_EVENT_BYTES: Final = 1 << 20
_MAX_IDS: Final = 10_000
_MAX_LINE: Final = 2000  # characters


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which events are wanted.

    Attributes:
        device: Of this one alone; empty for all.
        kind: ``detection``, ``health`` or ``model``; empty for all.
        person: Detections that give a face this name or ``person_id``, in whatever case, alone; empty for all.
    """

    device: str = ""
    kind: str = ""
    person: str = ""

    def __call__(self, event: Event) -> bool:
        """Whether it is."""
        if (self.device and event.device != self.device) or (self.kind and event.event != self.kind):
            return False
        if not self.person:
            return True
        person = self.person.casefold()
        return isinstance(event, DetectionEvent) and any(
            person in ((face.name or "").casefold(), (face.person_id or "").casefold()) for face in event.faces
        )


class Tail:
    """Picks the events that are wanted out of what comes.

    Args:
        wanted: Which are.

    Attributes:
        bad: What was no event.
        other_schema: What of that may be one, of a version of the program that writes them otherwise.
        repeats: Events that had come before: of the last 10,000 the ids are known.
    """

    def __init__(self, wanted: Wanted) -> None:
        self._wanted = wanted
        self._ids: OrderedDict[str, None] = OrderedDict()
        self.bad = 0
        self.other_schema = 0
        self.repeats = 0

    def take(self, data: bytes) -> Event | None:
        """The event that a message or line holds; None where it is not wanted, came before, or is none."""
        try:
            if len(data) > MAX_EVENT_BYTES:
                raise ValueError("too long")
            event = read_event(data)
        except ValueError as error:
            self.bad += 1
            self.other_schema += _is_of_another_schema(error)
            return None
        if event.id in self._ids:
            self.repeats += 1
            self._ids.move_to_end(event.id)
            return None
        self._ids[event.id] = None
        if len(self._ids) > _MAX_IDS:
            self._ids.popitem(last=False)
        return event if self._wanted(event) else None


def _is_of_another_schema(error: ValueError) -> bool:
    if not isinstance(error, ValidationError):
        return False
    return any(each["loc"] == ("schema_version",) for each in error.errors(include_url=False, include_input=False))


def in_words(event: Event) -> str:
    """One line for people, in UTC; what devices and models call themselves stands in it as it came."""
    try:
        when = f"{event.at.astimezone(UTC):%Y-%m-%d %H:%M:%S}"
        return _cut(f"{when} {event.device} {_of_kind(event)}")
    except (OverflowError, ValueError):  # a year before the first one in UTC, a count of thousands of digits
        return _cut(f"{event.device} {event.event}: holds figures that cannot be shown")


def _cut(text: str) -> str:
    return text if len(text) <= _MAX_LINE else text[: _MAX_LINE - 1] + "…"


def _of_kind(event: Event) -> str:
    if isinstance(event, DetectionEvent):
        return _detection(event)
    if isinstance(event, HealthEvent):
        return f"health: {_health(event)}"
    return f"model: {_model(event)}"


def _detection(event: DetectionEvent) -> str:
    asked = f" (request {event.request or 'without a name'})" if event.reason == "request" else ""
    where = f"{event.source}{asked}"
    if event.error is not None:
        return f"{where}: {event.error}"
    left_out = [f"and {event.left_out} more"] if event.left_out else []
    return f"{where}: {', '.join([*map(_face, event.faces), *left_out]) or 'nobody'}"


def _face(face: EventFace) -> str:
    if face.decided:
        return "unknown" if face.person_id is None else f"{face.name or face.person_id} {face.confidence:.0%}"
    considered = ", ".join(f"{each.name} {each.confidence:.0%}" for each in face.considered)
    return f"undecided (considered: {considered})" if considered else "undecided"


def _health(event: HealthEvent) -> str:
    figures = [f"{event.frames:,} frames"]
    if event.camera is not None:
        fps = "" if event.camera.fps is None else f", {event.camera.fps:.1f} fps"
        figures.append(f"{event.camera.source}{fps}" if event.camera.connected else f"{event.camera.source} is gone")
    if event.ms_p50 is not None and event.ms_p95 is not None:
        figures.append(f"{event.ms_p50:.0f} ms ({event.ms_p95:.0f} at p95)")
    if event.memory_bytes is not None:
        figures.append(f"{event.memory_bytes / 2**20:.0f} MiB")
    if event.temperature_c is not None:
        figures.append(f"{event.temperature_c:.0f} °C")
    if event.throttled:
        figures.append(f"throttled: {', '.join(event.throttled)}")
    if waiting := sum(queue.waiting for queue in event.queues):
        figures.append(f"{waiting:,} messages wait")
    return "; ".join([", ".join(figures), *event.trouble])


def _model(event: ModelEvent) -> str:
    bundle = "a bundle that cannot be read" if event.bundle is None else f"bundle {event.bundle[:12]}"
    if event.change == "swapped":
        return f"{event.model.model_id} of {bundle} runs"
    return f"{bundle} refused: {event.reason or 'no reason given'}; {event.model.bundle[:12]} goes on"
