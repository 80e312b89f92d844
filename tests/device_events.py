"""Events as a device says them, for tests of who reads them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from actorrec.manifests.events import DetectionEvent, EventFace, HealthEvent, RunningModel

MODEL = RunningModel(model_id="dlib-resnet29", bundle="ab" * 32)
AT = datetime(2026, 5, 1, 12, 0, tzinfo=UTC)


def health_event(**changed: Any) -> HealthEvent:
    """A device that is well, but for what is given."""
    values: dict[str, Any] = {
        "id": "h1", "device": "pi", "at": AT, "model": MODEL, "version": "1.0", "started_at": AT - timedelta(hours=5),
        "frames": 1200, "unreadable": 0, "failures": 0,
    }  # fmt: skip
    return HealthEvent.model_validate(values | changed)


def detection_event(*names: str | None) -> DetectionEvent:
    """A face for each name; None for a stranger."""
    faces = [
        EventFace(box=(0, 0, 9, 9), score=1, person_id=name and name.lower(), name=name, confidence=0.9, similarity=0.7)
        for name in names
    ]
    return DetectionEvent(id="d1", device="pi", at=AT, model=MODEL, source="camera", faces=faces)
