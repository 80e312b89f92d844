"""Looking again and again: pictures in, events out, until somebody asks to stop."""

import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final

from actorrec.errors import ActorRecError
from actorrec.inference.event_writer import EventWriter
from actorrec.inference.health import Health
from actorrec.inference.pictures import failed, recognise_picture
from actorrec.inference.publishers import FanOut
from actorrec.inference.running_bundle import RunningBundle
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.sources import PictureSource
from actorrec.inference.troubles import Troubles
from actorrec.inference.watch import Watched
from actorrec.manifests.events import HEALTH_SUBTOPIC
from actorrec.manifests.results import PictureResult
from actorrec.sections import InferenceSection
from actorrec.types import RecognisedFace, UInt8Image

_STEP_FAILED: Final = (ActorRecError, MemoryError, ArithmeticError, LookupError, RuntimeError, ValueError)


@dataclass(frozen=True, slots=True)
class LoopPlan:
    """What a loop does.

    Attributes:
        sources: Pictures, folders and globs.
        interval_s: From the start of a round to the start of the next.
        health_s: From one health event to the next.
        topic: Of detections; health goes to the topic ``health`` below it.
        shadow: Whether the previous bundle runs beside the live one.
    """

    sources: tuple[str, ...]
    interval_s: float
    health_s: float
    topic: str
    shadow: bool = False


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a loop asks of the place where it runs.

    Attributes:
        newer_plan: Asked at each health event for the plan to go on with.
        on_good: Called once, after the first picture that the bundle could look at.
        open_shadow: Makes the shadow run; None where there is nothing to run.
    """

    newer_plan: Callable[[LoopPlan], LoopPlan] = lambda plan: plan
    on_good: Callable[[], None] = lambda: None
    open_shadow: Callable[[], ShadowRun | None] = lambda: None


class InferenceLoop:
    """One bundle, looking at what its plan says.

    Args:
        live: The bundle.
        writer: Makes the events.
        out: Where they go.
        limits: On what is decoded.
        troubles: What stands there goes into health events.
        around: The place where it runs.
    """

    def __init__(
        self,
        live: RunningBundle,
        writer: EventWriter,
        out: FanOut,
        limits: InferenceSection,
        troubles: Troubles,
        around: Surroundings,
    ) -> None:
        self._live, self._writer, self._out = live, writer, out
        self._limits, self._troubles, self._around = limits, troubles, around
        self._health = Health()
        self._good = False
        self._plan = LoopPlan((), 0.0, 0.0, "")
        self._watched = Watched(())
        self._shadow: ShadowRun | None = None
        self._report_at_s = time.monotonic()  # the first health event follows the first picture

    def run(self, plan: LoopPlan, stop: threading.Event, *, rounds: int | None = None) -> None:
        """Go on until ``stop`` is set or so many rounds are done; the last event is one of health."""
        self._take(plan)
        while not stop.is_set():
            began_s = time.monotonic()
            self._round(stop)
            rounds = None if rounds is None else rounds - 1
            if rounds == 0:
                break
            self._rest(began_s, stop)
        self._report()

    def _take(self, plan: LoopPlan) -> None:
        """Go on with another plan; what does not change in it goes on as it was."""
        if plan == self._plan:
            return
        self._plan = plan
        if self._watched.sources != plan.sources:
            self._watched = Watched(plan.sources)
        if not plan.shadow:
            self._shadow = None
            self._troubles.end(ABOUT_SHADOW)
        elif self._shadow is None:
            self._shadow = self._around.open_shadow()

    def _round(self, stop: threading.Event) -> None:
        for picture in self._watched.due():
            if stop.is_set():
                return
            self._look(picture)
            self._report_if_due()
        self._report_if_due()

    def _rest(self, began_s: float, stop: threading.Event) -> None:
        """Wait for the next round; a health event may be due before it, and may change when that is."""
        while not stop.is_set():
            now_s = time.monotonic()
            left_s = began_s + self._plan.interval_s - now_s
            if left_s <= 0:
                return
            stop.wait(min(left_s, max(0.0, self._report_at_s - now_s)))
            self._report_if_due()

    def _look(self, picture: PictureSource) -> None:
        try:
            result = recognise_picture(picture, self._live.recogniser, self._limits, on_faces=self._compare)
        except _step_failures() as error:
            self._health.failures += 1
            result = failed(picture.name, self._live.recogniser.model_id, f"could not be looked at: {_said(error)}")
        self._count(result)
        self._out.publish(self._plan.topic, self._writer.detection(result).model_dump_json().encode())

    def _compare(self, source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Let the shadow look, too; what it cannot do harms the live one in nothing, and ends the comparison."""
        if self._shadow is None:
            return
        try:
            self._shadow(source, pixels, found)
        except _step_failures() as error:
            self._health.failures += 1
            self._shadow = None
            self._troubles.begin(ABOUT_SHADOW, f"{ABOUT_SHADOW} ended: {_said(error)}")

    def _count(self, result: PictureResult) -> None:
        if result.error is not None:
            self._health.could_not_read()
            return
        self._health.looked(result.timings_ms)
        if not self._good:
            self._good = True
            self._around.on_good()

    def _report_if_due(self) -> None:
        if time.monotonic() < self._report_at_s:
            return
        self._report()
        self._take(self._around.newer_plan(self._plan))
        self._report_at_s = time.monotonic() + self._plan.health_s

    def _report(self) -> None:
        shadow = None if self._shadow is None else self._shadow.count
        event = self._writer.health(self._health, lost=self._out.lost, shadow=shadow, trouble=self._troubles.lines)
        self._out.publish(f"{self._plan.topic}/{HEALTH_SUBTOPIC}", event.model_dump_json().encode())


def _step_failures() -> tuple[type[Exception], ...]:
    """What nets and array functions raise on a picture that was decoded well; the next picture may fare better."""
    import cv2

    return (*_STEP_FAILED, cv2.error)


def _said(error: Exception) -> str:
    return error.in_full if isinstance(error, ActorRecError) else f"{type(error).__name__}: {error}"
