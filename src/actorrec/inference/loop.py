"""Looking again and again: pictures or frames in, events out, until somebody asks to stop."""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from actorrec.errors import ActorRecError
from actorrec.inference.eye import Eye
from actorrec.inference.first_bundle import ABOUT_BUNDLE
from actorrec.inference.picture_eye import PictureEye, look_at
from actorrec.inference.plan import LoopPlan
from actorrec.inference.running_bundle import RunningBundle
from actorrec.inference.sending.requests import Requests
from actorrec.inference.shadow import ABOUT_SHADOW, ShadowRun
from actorrec.inference.station import Station
from actorrec.inference.swap.arrival import Arrivals
from actorrec.manifests.events import HEALTH_SUBTOPIC, MODEL_SUBTOPIC, HealthEvent, QueueHealth

_LONGEST_WAIT_S: Final = 0.5  # what arrives meanwhile, and a watchdog, do not wait longer
_ABOUT_NEW: Final = "the new bundle"
_ABOUT_PLAN: Final = "the changed configuration"
_NEWS_PAUSE_S: Final = 5.0  # between a health event and one that says what went wrong or is well again


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a loop asks of the place where it runs.

    Attributes:
        open_eye: Makes what a plan looks with.
        newer_plan: Asked at each health event for the plan to go on with.
        plan_changed: Whether it should be asked at once.
        on_good: Called once for each bundle, after the first picture that it could look at.
        on_swap: Called with another bundle before it is used.
        open_shadow: Makes the shadow run, before the first look; None where there is nothing to run.
        ask_shadow: Begins to make it while looks go on.
        opened_shadow: The shadow run that was asked for, once, when it is ready; never waits.
        on_health: Called with each health event.
        arrivals: Brings new bundles; None where none can come.
        requests: Pictures that others ask for; None where nobody may.
        queues: How messages that wait are doing.
        alive: Called at least once a second while all is well.
    """

    open_eye: Callable[[Station, LoopPlan], Eye] = PictureEye
    newer_plan: Callable[[LoopPlan], LoopPlan] = lambda plan: plan
    plan_changed: Callable[[], bool] = lambda: False
    on_good: Callable[[], None] = lambda: None
    on_swap: Callable[[RunningBundle], None] = lambda live: None
    open_shadow: Callable[[], ShadowRun | None] = lambda: None
    ask_shadow: Callable[[], None] = lambda: None
    opened_shadow: Callable[[], ShadowRun | None] = lambda: None
    on_health: Callable[[HealthEvent], None] = lambda event: None
    arrivals: Arrivals | None = None
    requests: Requests | None = None
    queues: Callable[[], list[QueueHealth]] = list
    alive: Callable[[], None] = lambda: None


class InferenceLoop:
    """Looks with one eye, and tends to all else between two looks.

    Args:
        station: The bundle that runs, and where events go.
        around: The place where it runs.
        clock: Seconds that only grow.
    """

    def __init__(self, station: Station, around: Surroundings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self._station, self._around, self._clock = station, around, clock
        self._eye: Eye | None = None
        self._kept = self._going = False
        self._reported_s: float | None = None
        self._began_s = 0.0
        self._told: tuple[bool, list[str]] = (True, [])

    def run(self, plan: LoopPlan, stop: threading.Event) -> None:
        """Go on until ``stop`` is set or there is nothing left to look at; the last event is one of health."""
        try:
            self._began_s = self._clock()
            eye = self._take(plan)
            self._station.shadow = self._around.open_shadow() if plan.shadow else None
            self._going = True
            while not stop.is_set() and not eye.over:
                eye.step(stop, self._longest_wait_s())
                self._around.alive()
                self._swap_if_arrived()
                self._answer_requests()
                self._keep_if_good()
                self._run_shadow_if_opened()
                eye = self._go_on(eye, asked=self._report_if_due())
        finally:
            try:
                if self._eye is not None:
                    self._report()
            finally:  # also where nobody reads standard output any more
                self._close()

    def _close(self) -> None:
        if self._eye is not None:
            self._eye.close()
        if self._around.arrivals is not None:
            self._around.arrivals.close()

    def _longest_wait_s(self) -> float:
        if self._reported_s is None:
            return _LONGEST_WAIT_S
        due_s = self._reported_s + self._station.plan.health_s - self._clock()
        return min(_LONGEST_WAIT_S, max(0.0, due_s))

    def _take(self, plan: LoopPlan) -> Eye:
        """Go on with another plan; what does not change in it goes on as it was."""
        station, before = self._station, self._station.plan
        station.plan = plan
        if self._eye is None or not self._eye.set(plan):
            if self._eye is not None:
                self._eye.close()
                self._eye = None
            self._eye = self._around.open_eye(station, plan)
        if not plan.shadow:
            station.shadow = None
            station.troubles.end(ABOUT_SHADOW)
        elif not before.shadow and self._going:
            self._around.ask_shadow()
        return self._eye

    def _go_on(self, eye: Eye, *, asked: bool) -> Eye:
        """With the plan that holds now; it is asked for at each health event, and when it may have changed."""
        if not asked and not self._around.plan_changed():
            return eye
        before = self._station.plan
        plan = self._around.newer_plan(before)
        if plan == before:
            return eye
        try:
            eye = self._take(plan)
        except ActorRecError as error:
            self._station.troubles.begin(_ABOUT_PLAN, f"{_ABOUT_PLAN}: {error.in_full}; the one before goes on")
            return self._take(before)
        self._station.troubles.end(_ABOUT_PLAN)
        return eye

    def _swap_if_arrived(self) -> None:
        arrivals = self._around.arrivals
        if arrivals is None:
            return
        arrival = arrivals.poll()
        if arrival is None:
            if arrivals.in_order:  # what runs was put back, as a deployment that failed is taken back
                self._bundle_in_order()
            return
        if arrival.bundle is None:
            self._station.health.swaps_refused += 1
            self._station.troubles.begin(_ABOUT_NEW, f"{_ABOUT_NEW} is refused: {arrival.reason}")
        else:
            self._use(arrival.bundle)
        event = self._station.writer.model_change(arrival)
        self._station.say_below(MODEL_SUBTOPIC, event.model_dump_json().encode())
        self._report()

    def _use(self, live: RunningBundle) -> None:
        self._bundle_in_order()
        self._around.on_swap(live)
        self._station.use(live)
        self._kept = False
        if self._eye is not None:
            self._eye.use()
        if self._station.plan.shadow:
            self._around.ask_shadow()

    def _bundle_in_order(self) -> None:
        self._station.troubles.end(_ABOUT_NEW)
        self._station.troubles.end(ABOUT_BUNDLE)

    def _answer_requests(self) -> None:
        if self._around.requests is None:
            return
        for due in self._around.requests.due():
            result = look_at(self._station, due.picture)
            self._station.say(self._station.writer.detection(result, request=due.request))

    def _keep_if_good(self) -> None:
        if self._station.good and not self._kept:
            self._kept = True
            self._around.on_good()

    def _run_shadow_if_opened(self) -> None:
        opened = self._around.opened_shadow()
        if not self._station.plan.shadow:  # turned off while it was being opened: nobody wants it, nor its troubles
            self._station.troubles.end(ABOUT_SHADOW)
        elif opened is not None:
            self._station.shadow = opened

    def _report_if_due(self) -> bool:
        """The first health event follows the first look; what is new in how it goes is said soon, not at once."""
        now_s, health_s = self._clock(), self._station.plan.health_s
        if self._reported_s is None:
            due = self._station.health.frames > 0 or now_s - self._began_s >= min(_NEWS_PAUSE_S, health_s)
        else:
            since_s = now_s - self._reported_s
            due = since_s >= health_s or (since_s >= _NEWS_PAUSE_S and self._news() != self._told)
        if due:
            self._report()
        return due

    def _news(self) -> tuple[bool, list[str]]:
        return self._eye is None or self._eye.connected, self._station.troubles.lines

    def _report(self) -> None:
        station, self._reported_s = self._station, self._clock()
        self._told = self._news()
        event = station.writer.health(
            station.health,
            lost=station.lost,
            shadow=None if station.shadow is None else station.shadow.count,
            trouble=self._told[1],
            camera=None if self._eye is None else self._eye.health(),
            queues=self._around.queues(),
        )
        station.say_below(HEALTH_SUBTOPIC, event.model_dump_json().encode())
        self._around.on_health(event)
