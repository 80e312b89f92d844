"""What every way of looking needs of the loop: the bundle that runs, and where to say what was seen."""

from collections.abc import Callable, Sequence
from typing import Final

from actorrec.errors import ActorRecError
from actorrec.inference.event_writer import EventWriter
from actorrec.inference.failures import step_failures
from actorrec.inference.health import Health
from actorrec.inference.pictures import OnFaces
from actorrec.inference.plan import LoopPlan
from actorrec.inference.publishers import FanOut
from actorrec.inference.running_bundle import RunningBundle
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.troubles import Troubles
from actorrec.manifests.events import DetectionEvent
from actorrec.sections import InferenceSection
from actorrec.types import RecognisedFace, UInt8Image

_ABOUT_UNKNOWN: Final = "unknown faces cannot be kept"


class Station:
    """The bundle that runs, what is known of how it does, and where events go.

    Args:
        live: The bundle.
        writer: Makes the events.
        out: Where they go.
        limits: On what is decoded.
        troubles: What stands there goes into health events.
        keep: Called with faces that have no name, where they are kept.

    Attributes:
        plan: What is done at present.
        shadow: What runs beside the live bundle.
        health: Counts since the live bundle began to run.
        good: Whether the live bundle has looked at a picture and lived.
    """

    def __init__(
        self,
        live: RunningBundle,
        writer: EventWriter,
        out: FanOut,
        limits: InferenceSection,
        troubles: Troubles,
        keep: OnFaces | None = None,
    ) -> None:
        self.live, self.writer, self._out = live, writer, out
        self.limits, self.troubles, self.keep = limits, troubles, keep
        self.plan = LoopPlan((), 0.0, 0.0, "")
        self.health = Health()
        self.shadow: ShadowRun | None = None
        self.good = False
        self._lost_before = 0

    def use(self, live: RunningBundle) -> None:
        """Go on with another bundle; counts begin anew with it."""
        self.live, self.good, self.shadow = live, False, None
        self.health = Health(swaps=self.health.swaps + 1, swaps_refused=self.health.swaps_refused)
        self._lost_before = self._out.lost
        self.writer.use(live.model)

    def say(self, event: DetectionEvent) -> None:
        """Publish a detection."""
        self._out.publish(self.plan.topic, event.model_dump_json().encode())

    def say_below(self, subtopic: str, payload: bytes) -> None:
        """Publish another event on a topic below that of the detections."""
        self._out.publish(f"{self.plan.topic}/{subtopic}", payload)

    @property
    def lost(self) -> int:
        """Messages that a place did not take since the live bundle began to run."""
        return self._out.lost - self._lost_before

    def keep_unknown(self, source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Keep the faces without a name, where that is turned on; what cannot be kept harms nothing else."""
        if self.keep is None:
            return
        try:
            self.keep(source, pixels, found)
        except step_failures() as error:
            self.health.failures += 1
            self.troubles.begin(_ABOUT_UNKNOWN, f"{_ABOUT_UNKNOWN}: {said(error)}")
        else:
            self.troubles.end(_ABOUT_UNKNOWN)

    def compare(self, source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Let the shadow look at a whole picture, too."""
        self._beside(lambda shadow: shadow(source, pixels, found))

    def compare_faces(self, source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Let the shadow name the same faces, some of those in view."""
        self._beside(lambda shadow: shadow.name(pixels, found))

    def _beside(self, look: Callable[[ShadowRun], None]) -> None:
        """What the shadow cannot do harms the live one in nothing, and ends the comparison."""
        if self.shadow is None:
            return
        try:
            look(self.shadow)
        except step_failures() as error:
            self.health.failures += 1
            self.shadow = None
            self.troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW} ended: {said(error)}")


def said(error: Exception) -> str:
    """An error on one line."""
    return error.in_full if isinstance(error, ActorRecError) else f"{type(error).__name__}: {error}"
