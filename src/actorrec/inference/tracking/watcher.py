"""Who is in view of a camera, frame by frame: what changed, where faces went, who they are."""

import time
from typing import Final

import numpy as np

from actorrec.inference.pictures import OnFaces
from actorrec.inference.tracking.change import Change, ChangeDetector
from actorrec.inference.tracking.faces_in_view import FacesInView
from actorrec.inference.tracking.follow import follow_faces
from actorrec.inference.tracking.grey import GreyFrame
from actorrec.inference.tracking.identify import Identifier
from actorrec.inference.tracking.schedule import FrameClock, SearchSchedule, looks_due
from actorrec.inference.tracking.sighting import Sighting
from actorrec.inference.tracking.steady_size import SteadySize, Times
from actorrec.inference.tracking.tracks import MAX_FACES, usable
from actorrec.inference.tracking.zones import changed_faces, outside_faces
from actorrec.recognition.recogniser import Recogniser
from actorrec.sections.device import TrackingSection
from actorrec.types import Frame

_GAP_S: Final = 2.0  # between two frames: longer than this, whoever stands there may be somebody else


class FaceWatcher:
    """Looks at the frames of one camera, one after the other; for one thread at a time.

    A frame in which nothing changed costs a comparison of small pictures. Otherwise faces are followed, on a schedule
    the frame is searched for others, and a few faces a frame are embedded until who they are is decided.

    Args:
        recogniser: Finds, embeds and names.
        settings: The pace.
        on_faces: Called with the frame's source, its pixels and the faces that were embedded in it.
    """

    def __init__(self, recogniser: Recogniser, settings: TrackingSection, *, on_faces: OnFaces | None = None) -> None:
        self._recogniser, self._settings, self._on_faces = recogniser, settings, on_faces
        self._clock, self._change, self._searches = FrameClock(), ChangeDetector(), SearchSchedule()
        self._view, self._sizes = FacesInView(), SteadySize()
        self._identifier = Identifier(recogniser, settings)
        self._grey: GreyFrame | None = None  # of the frame that the faces' places are true in
        self._more = 0  # found, but too many to be followed

    def use(self, recogniser: Recogniser) -> None:
        """Go on with another bundle: faces stay where they are, who they are is asked anew."""
        self._recogniser = recogniser
        self._view.forget_answers()
        self._identifier = Identifier(recogniser, self._settings)
        self._searches = SearchSchedule()  # its detector has not seen this scene, however still it is

    def set(self, settings: TrackingSection) -> None:
        """Go on at another pace; decisions hold by the new settings from the next look on."""
        self._settings = settings
        self._identifier.set(settings)

    def look(self, frame: Frame) -> Sighting:
        """Take in the next frame.

        Args:
            frame: Of any size from 1×1 up; its time may stand still.

        Returns:
            Who is in view, and who left.
        """
        steps: dict[str, float] = {}
        start = time.perf_counter()
        gone_s = self._clock.tick(frame.time_s)
        grey, times = self._sizes.look(frame.pixels)
        if times is not None and (times != 1).any():
            self._resized(times)
        change = self._change.look(grey.pixels)
        if times is None or gone_s > max(_GAP_S, self._settings.forget_s):
            change = Change(change.cells, cut=True)
        start = _told(steps, "change", start)
        loss = self._follow(change, grey)
        if change.any and not change.cut and self._view.tracks:
            start = _told(steps, "follow", start)
        searched = self._search(frame, change, loss=loss)
        if searched:
            start = _told(steps, "detect", start)
        self._embed(frame, steps, searched)
        tracks, left, lost = self._view.told(self._clock.now_s, frame.time_s, self._settings.forget_s)
        for track in left:
            self._identifier.forget(track.track_id)
        return Sighting(tracks, left, lost, self._more, change.any, searched, steps)

    def _resized(self, times: Times) -> None:
        """The frame is so many times as large as the one before: so is all that is known of places in it."""
        self._view.scale(times)
        if self._grey is not None:
            self._grey = GreyFrame(self._grey.pixels, self._grey.scale_xy / times)

    def _follow(self, change: Change, grey: GreyFrame) -> bool:
        """Move the faces that changed; whether one was lost."""
        before, view, now_s = self._grey, self._view, self._clock.now_s
        if change.any or change.cut:
            self._grey = grey
            self._searches.changed(settled=view.settled)
        if change.cut:
            view.cut()
            self._more = 0
            return False
        seen = view.in_sight
        if not change.any or before is None or not seen:
            return False
        touched = changed_faces(change.cells, [track.face for track in seen], grey.scale_xy)
        moving = [track for track, is_touched in zip(seen, touched, strict=True) if is_touched]
        faces = follow_faces(before, grey, [track.face for track in moving])
        for track, face in zip(moving, faces, strict=True):
            view.moved(track, face, now_s)
        view.mark_tangled()
        return None in faces

    def _search(self, frame: Frame, change: Change, *, loss: bool) -> bool:
        now_s = self._clock.now_s
        lost = change.any and any(track.lost and not track.hidden for track in self._view.tracks)
        scale = self._grey.scale_xy if self._grey is not None else np.ones(2, np.float32)
        cells = outside_faces(change.cells, [track.face for track in self._view.in_sight], scale)
        if not self._searches.due(self._settings, now_s, cells=cells, cut=change.cut, lost=lost, loss=loss):
            return False
        found = usable(self._recogniser.detector.detect(frame.pixels))
        self._view.found(found[:MAX_FACES], now_s, frame.time_s)
        self._more = max(0, len(found) - len(self._view.in_sight))
        self._searches.done(now_s)
        return True

    def _embed(self, frame: Frame, steps: dict[str, float], searched: bool) -> None:
        start = time.perf_counter()
        now_s = self._clock.now_s
        due = looks_due(self._view.tracks, self._settings, now_s, searched=searched)
        if due:
            units = self._identifier.embed(frame.pixels, due, now_s)
            start = _told(steps, "embed", start)
            looks = list(zip(due, units, strict=True))
            self._identifier.take(self._view, frame.pixels, looks, (now_s, frame.time_s))
        if self._identifier.answer(self._view, asked=bool(due)):
            _told(steps, "match", start)
        if due and self._on_faces is not None:
            self._on_faces(frame.source, frame.pixels, [track.latest for track in due if track.latest is not None])


def _told(steps: dict[str, float], step: str, start: float) -> float:
    now = time.perf_counter()
    steps[step] = (now - start) * 1000
    return now
