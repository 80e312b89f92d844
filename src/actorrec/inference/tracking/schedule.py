"""What is due in a frame: to search it for faces, and which faces to embed."""

import math
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.tracks import Track
from actorrec.sections.device import TrackingSection

LEAST_PAUSE_S: Final = 0.2
"""Between two searches that were not planned; and between two looks at one face, so that they see it differently."""
_STILL_SEARCH_S: Final = 30.0  # a scene in which nothing changes is still searched so often: a search can miss a face
_STILL_PAUSE_S: Final = 0.3
_LOST_PAUSE_S: Final = 0.3
_CALM: Final = 2  # times ``detect_every_s``: where nothing moves but decided faces that are followed, nobody has come
_UNPLANNED: Final = 2  # searches before their time that are saved up
_LOSSES: Final = 2  # losses and cuts that bring a search in their own frame, saved up
_LOSS_EVERY_S: Final = 0.6
_LOOKS_BESIDE_SEARCH: Final = 2
_LOOKS_ALONE: Final = 4
_PATIENCE: Final = 3  # times ``decide_looks``: a face that is not decided by then is looked at like a decided one
_SLOWER_S: Final = 0.5
_NO_TIME_S: Final = 0.04  # what a frame counts for whose time does not tell
_ZONE_CELLS: Final = 13  # how far around motion that was searched other motion is no news
_NEWS_CELLS: Final = 6
_CAMERA_SHARE: Final = 0.2  # of the cells: where more moves it is the camera or the light, and says nothing of where


class FrameClock:
    """Seconds that only grow, from times of frames that may stand still, jump back or be no numbers."""

    def __init__(self) -> None:
        self.now_s = 0.0
        self._last_s: float | None = None

    def tick(self, time_s: float) -> float:
        """The next frame came; seconds since the one before."""
        gone = 0.0 if self._last_s is None else time_s - self._last_s
        if not (math.isfinite(gone) and gone > 0):
            gone = 0.0 if self._last_s is None else _NO_TIME_S
        self._last_s = time_s if math.isfinite(time_s) else self._last_s
        self.now_s += gone
        return gone


class SearchSchedule:
    """When the whole frame is searched for faces.

    Every ``detect_every_s`` where something changed, half as often where only settled faces moved; at once after a cut;
    before its time, but a few times only, where something moves that neither is a known face nor moved when the frame
    was searched last; and while a face is lost, at once where it is lost in this frame.
    """

    def __init__(self) -> None:
        self._last_s = float("-inf")
        self._unplanned, self._losses = float(_UNPLANNED), float(_LOSSES)
        self._told_s = 0.0
        self._changed = self._unsettled = self._cut = False
        self._still = 0
        self._motion: NDArray[np.bool_] | None = None
        self._zone: NDArray[np.bool_] | None = None

    def due(
        self, settings: TrackingSection, now_s: float, *, cells: NDArray[np.bool_], cut: bool, lost: bool, loss: bool
    ) -> bool:
        """Whether to search now; to be asked in every frame.

        Args:
            settings: The pace.
            now_s: Time of the frame.
            cells: Shape (h, w), bool: what changed and is no known face.
            cut: Whether this is another scene.
            lost: Whether a face is lost and something changed: another one may stand there.
            loss: Whether a face was lost in this very frame.
        """
        every_s = settings.detect_every_s
        self._unplanned = min(_UNPLANNED, self._unplanned + (now_s - self._told_s) / max(2 * every_s, LEAST_PAUSE_S))
        self._losses = min(_LOSSES, self._losses + (now_s - self._told_s) / _LOSS_EVERY_S)
        self._told_s = now_s
        if cut:  # everything changed, which says nothing of where to look
            self._cut, self._motion = True, None
        news = not cut and self._take(cells)
        pause_s = now_s - self._last_s
        if self._cut:
            return pause_s >= LEAST_PAUSE_S - 1e-6 or (cut and self._saved_loss())
        calm = not self._unsettled and self._motion is None
        if self._changed and pause_s >= every_s * (_CALM if calm else 1) - 1e-6:
            return True
        if lost and pause_s >= _LOST_PAUSE_S - 1e-6:
            return True
        if loss and self._saved_loss():
            return True
        if news and pause_s >= LEAST_PAUSE_S - 1e-6 and self._unplanned >= 1:
            self._unplanned -= 1
            return True
        return not self._changed and self._still_due(every_s, pause_s)

    def _saved_loss(self) -> bool:
        if self._losses < 1:
            return False
        self._losses -= 1
        return True

    def changed(self, *, settled: bool = False) -> None:
        """Something changed, if only a known face.

        Args:
            settled: Whether all faces in view are followed and it is decided who they are.
        """
        self._changed = True
        self._unsettled |= not settled
        self._still = 0

    def done(self, now_s: float) -> None:
        """The frame was searched."""
        self._still = 0 if self._changed or self._cut else self._still + 1
        self._last_s, self._changed, self._unsettled, self._cut = now_s, False, False, False
        self._zone = None if self._motion is None else _widened(self._motion)
        self._motion = None

    def _still_due(self, every_s: float, pause_s: float) -> bool:
        # Once more soon after the last change: a face may have been missed for a moment's blur.
        return pause_s >= (max(every_s, LEAST_PAUSE_S) if self._still == 0 else max(every_s, _STILL_SEARCH_S)) - 1e-6

    def _take(self, cells: NDArray[np.bool_]) -> bool:
        """Remember what moves; whether some of it is news."""
        if not cells.any():
            return False
        same = self._motion is not None and self._motion.shape == cells.shape
        self._motion = (self._motion | cells) if same and self._motion is not None else cells
        if float(cells.mean()) > _CAMERA_SHARE:
            return False
        if self._zone is None or self._zone.shape != cells.shape:
            return int(cells.sum()) >= _NEWS_CELLS
        return int((cells & ~self._zone).sum()) >= _NEWS_CELLS


def looks_due(tracks: Sequence[Track], settings: TrackingSection, now_s: float, *, searched: bool) -> list[Track]:
    """Which faces to embed in this frame: a few, the most urgent first.

    Args:
        tracks: Faces, those out of sight among them.
        settings: The pace.
        now_s: Time of the frame.
        searched: Whether the frame was searched: then less time is left, and landmarks are at their best.
    """
    ranked = [(_urgency(track, settings, now_s, searched), track) for track in tracks if not track.lost]
    due = [(urgency, track) for urgency, track in ranked if urgency is not None]
    due.sort(key=lambda each: (each[0], each[1].looked_s, -each[1].face.box.area_px))
    return [track for _, track in due[: _LOOKS_BESIDE_SEARCH if searched else _LOOKS_ALONE]]


def _urgency(track: Track, settings: TrackingSection, now_s: float, searched: bool) -> int | None:
    pause_s = now_s - track.looked_s
    looks = track.evidence.looks
    if track.unsure and track.found_s == now_s:  # its name may be another's: the sooner it is asked the better
        return 0
    if pause_s < LEAST_PAUSE_S - 1e-6:
        return None
    if track.unsure or looks == 0:
        return 0 if track.unsure else 1
    held = track.answer is not None and track.answer.held
    if looks < settings.decide_looks or track.odd_looks or held:
        return 2 if track.moved or pause_s >= _STILL_PAUSE_S - 1e-6 else None
    if not track.moved:
        return None
    decided = track.answer is not None and track.answer.decided
    if not decided and looks < _PATIENCE * settings.decide_looks:
        return 3 if pause_s >= _SLOWER_S - 1e-6 else None
    # Landmarks that were just found are worth waiting for.
    wait_s = settings.look_again_s + (0.0 if searched else settings.detect_every_s)
    return 4 if pause_s >= wait_s - 1e-6 else None


def _widened(cells: NDArray[np.bool_]) -> NDArray[np.bool_]:
    import cv2

    kernel = np.ones((_ZONE_CELLS, _ZONE_CELLS), np.uint8)
    return np.asarray(cv2.dilate(cells.astype(np.uint8), kernel), np.bool_)
