"""Messages no longer than the way they go allows: what matters least is left out first."""

from collections.abc import Iterator
from typing import Final

from pydantic_core import to_json

from actorrec.manifests.events import DetectionEvent, EventFace, HealthEvent, ModelEvent

_EXTRAS: Final[tuple[dict[str, object], ...]] = ({"crop": None}, {"embedding": None}, {"considered": []})
_SHORT_BYTES: Final = 600


def within(event: DetectionEvent, max_bytes: int) -> DetectionEvent:
    """The event with as much as fits.

    Crops are left out first, then embeddings, then who is considered, each of the last faces first; then faces: those
    without a name first, of those the least certain.

    Args:
        max_bytes: Longest UTF-8 JSON document.
    """
    over = _length(event) - max_bytes
    if over <= 0:
        return event
    faces = list(event.faces)
    for extra in _EXTRAS:
        for index in reversed(range(len(faces))):
            if over <= 0:
                break
            plain = faces[index].model_copy(update=extra)
            over -= _length(faces[index]) - _length(plain)
            faces[index] = plain
    if over > 0:
        over += len(str(event.left_out + len(faces))) - len(str(event.left_out))
    kept = _fewer(faces, over)
    left_out = event.left_out + len(faces) - len(kept)
    event = event.model_copy(update={"faces": kept, "left_out": left_out})
    return event if _length(event) <= max_bytes else _shorter(event)


def model_within(event: ModelEvent, max_bytes: int) -> ModelEvent:
    """The event with as much of its reason as fits."""
    if _length(event) <= max_bytes:
        return event
    return event.model_copy(update={"reason": cut(event.reason, _SHORT_BYTES)})


def health_within(event: HealthEvent, max_bytes: int) -> HealthEvent:
    """The event with as much as fits: lines of trouble are shortened first, then queues, lines and steps left out."""
    for shorter in _shorter_health(event):
        event = shorter
        if _length(event) <= max_bytes:
            break
    return event


def cut(text: str, max_bytes: int) -> str:
    """The beginning of a text that has at most so many bytes as JSON, quotes not counted."""
    if len(to_json(text)) - 2 <= max_bytes:
        return text
    room, kept = max_bytes - len("…".encode()), []
    for letter in text:
        room -= len(to_json(letter)) - 2
        if room < 0:
            break
        kept.append(letter)
    return "".join(kept) + "…"


def _fewer(faces: list[EventFace], over: int) -> list[EventFace]:
    """Without the least important faces that take so many bytes, in the order that they had."""
    order = sorted(range(len(faces)), key=lambda index: (faces[index].person_id is not None, faces[index].score))
    gone: set[int] = set()
    for index in order:
        if over <= 0:
            break
        over -= _length(faces[index]) + 1  # and its comma
        gone.add(index)
    return [face for index, face in enumerate(faces) if index not in gone]


def _shorter(event: DetectionEvent) -> DetectionEvent:
    """With less of the long texts that a device chose itself."""
    error = None if event.error is None else cut(event.error, _SHORT_BYTES)
    source = event.source
    if len(to_json(source)) > _SHORT_BYTES:  # the end of a path tells more than its beginning
        source = cut(source[::-1], _SHORT_BYTES)[::-1]
    return event.model_copy(update={"error": error, "source": source})


def _shorter_health(event: HealthEvent) -> Iterator[HealthEvent]:
    yield event
    for line_bytes in (300, 200, 120):
        event = event.model_copy(update={"trouble": [cut(line, line_bytes) for line in event.trouble]})
        yield event
    if event.camera is not None and len(to_json(event.camera.source)) > 200:
        event = event.model_copy(
            update={"camera": event.camera.model_copy(update={"source": cut(event.camera.source, 200)})}
        )
        yield event
    for queues in (6, 3):
        event = event.model_copy(
            update={"queues": [q.model_copy(update={"name": cut(q.name, 100)}) for q in event.queues[:queues]]}
        )
        yield event
    yield (event := event.model_copy(update={"trouble": event.trouble[:5]}))
    yield (event := event.model_copy(update={"steps": {}, "throttled": []}))
    yield event.model_copy(update={"queues": []})


def _length(event: DetectionEvent | HealthEvent | ModelEvent | EventFace) -> int:
    return len(event.model_dump_json().encode())
