"""Looking at pictures, round after round."""

import threading
import time
from collections.abc import Iterator, Sequence

from actorrec.inference.failures import step_failures
from actorrec.inference.pictures import failed, recognise_picture
from actorrec.inference.plan import LoopPlan
from actorrec.inference.preview.preview import Preview
from actorrec.inference.sources import PictureSource
from actorrec.inference.station import Station, said
from actorrec.inference.watch import Watched
from actorrec.manifests.events import CameraHealth
from actorrec.manifests.results import PictureResult
from actorrec.types import RecognisedFace, UInt8Image


class PictureEye:
    """Looks at the pictures of a plan; an ``Eye``.

    Args:
        station: Of the loop.
        plan: Names the pictures.
        rounds: Over after so many; None for never.
        preview: Shown each picture, where somebody wants to look on.
    """

    def __init__(
        self, station: Station, plan: LoopPlan, *, rounds: int | None = None, preview: Preview | None = None
    ) -> None:
        self._station, self._plan, self._rounds, self._preview = station, plan, rounds, preview
        self._watched = Watched(plan.sources)
        self._due: Iterator[PictureSource] | None = None
        self._began_s = self._next_s = time.monotonic()

    @property
    def over(self) -> bool:
        return self._rounds is not None and self._rounds <= 0

    def step(self, stop: threading.Event, wait_s: float) -> None:
        """Look at the next picture of a round, or wait for the next round."""
        now_s = time.monotonic()
        if self._due is None:
            if now_s < self._next_s:
                stop.wait(min(wait_s, self._next_s - now_s))
                return
            self._began_s, self._due = now_s, self._watched.due()
        picture = next(self._due, None)
        if picture is not None:
            self._station.say(self._station.writer.detection(look_at(self._station, picture, self._preview)))
            return
        self._due, self._next_s = None, self._began_s + self._plan.interval_s
        self._rounds = None if self._rounds is None else self._rounds - 1

    def use(self) -> None:
        """Each look asks the station which bundle runs."""

    def set(self, plan: LoopPlan) -> bool:
        """Pictures and interval may change; the round that is under way ends first."""
        if plan.camera.source:
            return False
        if self._watched.sources != plan.sources:
            self._watched, self._due, self._next_s = Watched(plan.sources), None, time.monotonic()
        else:
            self._next_s = min(self._next_s, self._began_s + plan.interval_s)
        self._plan = plan
        return True

    @property
    def connected(self) -> bool:
        """Nothing can be lost."""
        return True

    def health(self) -> CameraHealth | None:
        return None

    def close(self) -> None:
        """Nothing is held."""


def look_at(station: Station, picture: PictureSource, preview: Preview | None = None) -> PictureResult:
    """Look at one picture; what fails is said in the result, and counted.

    Args:
        station: Of the loop.
        picture: What to look at.
        preview: Shown it.
    """

    def on_faces(source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        station.compare(source, pixels, found)
        station.keep_unknown(source, pixels, found)
        if preview is not None:
            preview.offer_picture(pixels, found, station.live.recogniser.shown_name)

    recogniser = station.live.recogniser
    try:
        result = recognise_picture(picture, recogniser, station.limits, on_faces=on_faces)
    except step_failures() as error:
        station.health.failures += 1
        result = failed(picture.name, recogniser.model_id, f"could not be looked at: {said(error)}")
    if result.error is None:
        station.health.looked(result.timings_ms)
        station.good = True
    else:
        station.health.could_not_read()
    return result
