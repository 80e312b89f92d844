"""Looking through a camera: frames become sightings, and what changes in them is said."""

import threading

from actorrec.inference.eye import Eye
from actorrec.inference.failures import step_failures
from actorrec.inference.frames.newest import NewestFrame
from actorrec.inference.plan import LoopPlan
from actorrec.inference.preview.preview import Preview
from actorrec.inference.reporting import Reporter
from actorrec.inference.sparse_frames import SparseFrames
from actorrec.inference.station import Station, said
from actorrec.inference.tracking.sighting import Sighting, TrackedFace
from actorrec.inference.tracking.watcher import FaceWatcher
from actorrec.manifests.events import CameraHealth, DetectionEvent
from actorrec.types import Frame, RecognisedFace

_ABOUT = "frames"


class CameraEye(Eye):
    """Looks at a camera's frames.

    Args:
        station: Of the loop.
        plan: Names the camera.
        frames: Its frames; entered and left here.
        preview: Shown each frame, where somebody wants to look on.
        count: Over after so many frames; None for never.
    """

    def __init__(
        self,
        station: Station,
        plan: LoopPlan,
        frames: NewestFrame,
        *,
        preview: Preview | None = None,
        count: int | None = None,
    ) -> None:
        self._station, self._plan, self._preview, self._left = station, plan, preview, count
        self._watcher = FaceWatcher(station.live.recogniser, plan.tracking, on_faces=station.compare_faces)
        self._reporter = Reporter(plan.events)
        self._sparse = SparseFrames(station.troubles)
        self._kept: set[int] = set()
        self._frames = frames.__enter__()

    @property
    def over(self) -> bool:
        return self._frames.over or self._left == 0

    def step(self, stop: threading.Event, wait_s: float) -> None:
        """Look at the newest frame, or wait for one."""
        frame = self._frames.next(wait_s, stop)
        if frame is None:
            if self._preview is not None and not self._frames.connected:
                self._preview.no_signal()
            return
        if stop.is_set():
            return
        self._left = None if self._left is None else self._left - 1
        self._sparse.came(frame.time_s, self._plan.tracking)
        try:
            sighting = self._watcher.look(frame)
            event = self._due(frame, sighting)
        except step_failures() as error:
            self._station.health.failures += 1
            self._station.health.could_not_read()
            self._station.troubles.begin(_ABOUT, f"{_ABOUT}: cannot be looked at: {said(error)}")
            return
        self._station.troubles.end(_ABOUT)
        self._saw(frame, sighting)
        if event is not None:
            self._station.say(event)

    def _due(self, frame: Frame, sighting: Sighting) -> DetectionEvent | None:
        """What is to be said of it, if anything."""
        reason = self._reporter.due(sighting, frame.time_s)
        if reason is None:
            return None
        shown_name, include = self._station.live.recogniser.shown_name, self._plan.events.include
        return self._station.writer.sighting(sighting, frame, reason, shown_name, include=include)

    def _saw(self, frame: Frame, sighting: Sighting) -> None:
        station = self._station
        station.health.looked_frame(sighting.steps_ms, changed=sighting.changed, detected=sighting.detected)
        station.good = station.good or sighting.detected
        self._keep_unknown(frame, sighting)
        if self._preview is not None:
            self._preview.offer(frame.pixels, sighting.tracks, station.live.recogniser.shown_name)

    def _keep_unknown(self, frame: Frame, sighting: Sighting) -> None:
        """Each stranger once while in view, where that is turned on."""
        self._kept &= {track.track_id for track in (*sighting.tracks, *sighting.lost)}
        if self._station.keep is None:
            return
        for track in sighting.tracks:
            if (found := _stranger(track)) is not None and track.track_id not in self._kept:
                self._kept.add(track.track_id)
                self._station.keep_unknown(frame.source, frame.pixels, [found])

    def use(self) -> None:
        """Names begin anew with another bundle; where faces are stays known."""
        self._watcher.use(self._station.live.recogniser)

    def set(self, plan: LoopPlan) -> bool:
        """All but the camera itself may change."""
        if plan.camera != self._plan.camera:
            return False
        if plan.tracking != self._plan.tracking:
            self._watcher.set(plan.tracking)
        if plan.events != self._plan.events:
            self._reporter = Reporter(plan.events)
        self._plan = plan
        return True

    @property
    def connected(self) -> bool:
        """Whether the camera is there."""
        return self._frames.connected

    def health(self) -> CameraHealth | None:
        """Of the camera, and what was made of its frames."""
        counts = {"unchanged": self._station.health.unchanged, "detections": self._station.health.detections}
        return self._frames.health.model_copy(update=counts)

    def close(self) -> None:
        """Let go of the camera."""
        self._frames.__exit__(None, None, None)
        self._sparse.close()
        self._station.troubles.drop(_ABOUT)


def _stranger(track: TrackedFace) -> RecognisedFace | None:
    """The face as it was embedded in this frame, if it is decided that nobody knows it."""
    if track.latest is None or not track.decided or track.prediction is None or track.prediction.person_id is not None:
        return None
    return RecognisedFace(track.latest.face, track.prediction, track.latest.embedding)
