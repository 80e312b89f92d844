"""The faces of one camera: they come, move, are lost and leave."""

from collections.abc import Sequence
from typing import Final

from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.sighting import TrackedFace
from actorrec.inference.tracking.steady_size import Times, scaled
from actorrec.inference.tracking.tracks import MAX_FACES, Track, pair, tangled, upon_one_another
from actorrec.types import Face

_MOST_MISSES: Final = 2  # searches in a row that do not find a face that seems to be followed well


class FacesInView:
    """Every face that has not left; at most ``MAX_FACES`` in sight and as many out of it.

    Attributes:
        tracks: The oldest first.
    """

    def __init__(self) -> None:
        self.tracks: list[Track] = []
        self._left: list[TrackedFace] = []
        self._last_id = 0

    @property
    def in_sight(self) -> list[Track]:
        """Faces that are seen in this frame."""
        return [track for track in self.tracks if not track.lost]

    @property
    def settled(self) -> bool:
        """Whether all faces are seen, were found when they were searched for, and it is decided who they are."""
        here = [track for track in self.tracks if not track.hidden]
        return bool(here) and not any(
            track.lost or track.unsure or track.misses or track.answer is None or not track.answer.decided
            for track in here
        )

    def cut(self) -> None:
        """Another scene: nobody is where they were."""
        for track in self.tracks:
            track.lost = track.hidden = True

    def scale(self, times: Times) -> None:
        """The frame has another size and shows the same."""
        for track in self.tracks:
            track.face = scaled(track.face, times)

    def moved(self, track: Track, face: Face | None, now_s: float) -> None:
        """A face that changed was followed, or None: it was lost."""
        track.moved = True
        if face is None:
            track.lost = True
        else:
            track.face, track.seen_s = face, now_s

    def mark_tangled(self) -> None:
        """Doubt faces that lie upon one another."""
        seen = self.in_sight
        for index in tangled([track.face for track in seen]):
            seen[index].unsure = True

    def found(self, faces: Sequence[Face], now_s: float, time_s: float) -> None:
        """The whole frame was searched.

        Args:
            faces: All that were found; at most ``MAX_FACES``.
            now_s: The watcher's time.
            time_s: The frame's own.
        """
        candidates = [track for track in self.tracks if not track.hidden]
        pairs = pair([track.face for track in candidates], faces)
        for row, column in pairs:
            self._refound(candidates[row], faces[column], now_s)
        matched = {row for row, _ in pairs}
        for row, track in enumerate(candidates):
            if row not in matched:
                track.misses += 1
                track.lost |= track.misses >= _MOST_MISSES
        known = {column for _, column in pairs}
        self._born([face for column, face in enumerate(faces) if column not in known], now_s, time_s)
        self._bound()

    def _refound(self, track: Track, face: Face, now_s: float) -> None:
        track.unsure |= track.lost
        track.lapsed |= track.lost
        track.face, track.seen_s, track.found_s = face, now_s, now_s
        track.lost, track.misses = False, 0

    def _born(self, new: Sequence[Face], now_s: float, time_s: float) -> None:
        """Faces stand where none is known: one that was lost there has gone, or is this one and asked first."""
        lost = [track for track in self.tracks if track.lost]
        taken = upon_one_another([track.face for track in lost], new)
        for track, by in zip(lost, taken, strict=True):
            track.hidden |= bool(by.any())
        for face, whose in zip(new, taken.T, strict=True):
            self._last_id += 1
            born = Track(self._last_id, face, time_s, time_s, now_s, now_s, unsure=bool(whose.any()))
            self.tracks.append(born)

    def _bound(self) -> None:
        """Let the longest lost leave, where there are too many."""
        lost = sorted((track for track in self.tracks if track.lost), key=lambda track: track.seen_s)
        for track in lost[: max(0, len(self.tracks) - 2 * MAX_FACES)]:
            self.leave(track)

    def revive(self, track: Track, lost: Track) -> None:
        """A face that seemed new is one that was lost: it goes on under the older number."""
        if track.told:
            self._left.append(track.as_told())
        track.track_id, track.first_s, track.told = lost.track_id, lost.first_s, lost.told
        track.evidence, track.answer = lost.evidence, lost.answer
        track.unsure, track.odd_looks = False, 0
        self.tracks.remove(lost)
        self.tracks.sort(key=lambda each: each.track_id)

    def replace(self, track: Track, time_s: float) -> None:
        """Somebody else stands where a face was: it goes on under a new number."""
        if track.told:
            self._left.append(track.as_told())
        self._last_id += 1
        track.track_id, track.first_s, track.told = self._last_id, time_s, False
        track.evidence, track.answer = Evidence(), None
        track.unsure, track.odd_looks = False, 0
        self.tracks.sort(key=lambda each: each.track_id)

    def leave(self, track: Track) -> None:
        """A face has left."""
        self.tracks.remove(track)
        track.latest = None
        if track.told:
            self._left.append(track.as_told())

    def forget_answers(self) -> None:
        """Who they are is asked anew."""
        for track in [each for each in self.tracks if each.hidden]:
            self.leave(track)
        for track in self.tracks:
            track.evidence, track.answer, track.looked_s = Evidence(), None, float("-inf")
            track.unsure, track.odd_looks, track.moved = False, 0, True

    def told(
        self, now_s: float, time_s: float, forget_s: float
    ) -> tuple[tuple[TrackedFace, ...], tuple[TrackedFace, ...], tuple[TrackedFace, ...]]:
        """Who is seen, who left since this was asked last, and who is lost.

        A face has left when it was not seen for ``forget_s``; until then it is lost, unless the scene was cut.
        """
        for track in list(self.tracks):
            if not track.lost:
                track.seen_s, track.last_s = now_s, time_s
            elif now_s - track.seen_s >= forget_s:
                self.leave(track)
        # Where it was last may be somebody else by now: its name is not said of a place where it is not seen.
        shown = self.in_sight
        told = tuple(track.as_told() for track in shown)
        lost = tuple(track.as_told() for track in self.tracks if track.lost and track.told and not track.hidden)
        for track in self.tracks:
            track.told, track.latest = track.told or not track.lost, None
        left, self._left = tuple(self._left), []
        return told, left, lost
