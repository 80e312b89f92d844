"""What a loop does, as it was configured last."""

from dataclasses import dataclass, field

from actorrec.sections import CameraSection, EventsSection, TrackingSection


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """What a loop does.

    Attributes:
        sources: Pictures, folders and globs; not looked at where there is a camera.
        interval_s: From the start of a round of pictures to the start of the next.
        health_s: From one health event to the next.
        topic: Of detections; other events go to topics below it.
        shadow: Whether the previous bundle runs beside the live one.
        camera: Its ``source`` is empty where pictures are looked at.
        tracking: How faces are followed.
        events: What is said of a camera's frames.
    """

    sources: tuple[str, ...]
    interval_s: float
    health_s: float
    topic: str
    shadow: bool = False
    camera: CameraSection = field(default_factory=CameraSection)
    tracking: TrackingSection = field(default_factory=TrackingSection)
    events: EventsSection = field(default_factory=EventsSection)
