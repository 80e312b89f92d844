"""From looks at faces in view to who they are."""

from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.faces_in_view import FacesInView
from actorrec.inference.tracking.looks import Likeness, look_weight
from actorrec.inference.tracking.naming import Namer
from actorrec.inference.tracking.tracks import Track
from actorrec.recognition.matching import doubtful_faces, match_faces
from actorrec.recognition.recogniser import Recogniser
from actorrec.sections.device import TrackingSection
from actorrec.types import Prediction, RecognisedFace, UInt8Image
from actorrec.vision.similarity import normalise

_DOUBTFUL_VIEWS: Final = 2  # the face and its mirror image; the face moves by itself from look to look
_NAMED: Final = 0.5  # confidence of one look that says the name of before, where it looks unlike those of before
_ODD_LOOKS: Final = 2  # in a row that show somebody else, at a face that was followed without a gap


class Identifier:
    """Embeds faces, tells people apart who stand in one place, and names.

    Args:
        recogniser: Of the bundle in use.
        settings: How many looks a decision takes.
    """

    def __init__(self, recogniser: Recogniser, settings: TrackingSection) -> None:
        self._recogniser = recogniser
        self._likeness = Likeness(recogniser.model_id)
        self._namer = Namer(recogniser.gallery, recogniser.calibration, settings)
        self._answered: frozenset[int] = frozenset()

    def set(self, settings: TrackingSection) -> None:
        """Other settings."""
        self._namer = Namer(self._recogniser.gallery, self._recogniser.calibration, settings)
        self._answered = frozenset()

    def forget(self, track_id: int) -> None:
        """A face has left."""
        self._namer.forget(track_id)

    def embed(self, pixels: UInt8Image, tracks: Sequence[Track], now_s: float) -> NDArray[np.float32]:
        """Embed faces of a frame.

        Returns:
            Shape (N, D), float32, unit rows; a row of zeros where the net gave nothing that can be compared.
        """
        raw = self._recogniser.embed_faces(pixels, [track.face for track in tracks])
        units, _ = normalise(np.where(np.isfinite(raw).all(axis=1, keepdims=True), raw, np.float32(0)))
        for row in doubtful_faces(units, self._recogniser.gallery, self._recogniser.calibration).tolist():
            both = self._recogniser.embed_in_views(pixels, tracks[row].face, views=_DOUBTFUL_VIEWS)
            if np.isfinite(both).all():
                units[row] = both
        for track in tracks:
            track.looked_s = now_s
        return units

    def take(
        self,
        view: FacesInView,
        pixels: UInt8Image,
        looks: Sequence[tuple[Track, NDArray[np.float32]]],
        times_s: tuple[float, float],
    ) -> None:
        """Let looks count, and begin anew where they show somebody else.

        Args:
            view: All faces.
            pixels: Shape (H, W, 3), uint8, RGB: the frame.
            looks: Each track with its unit embedding, shape (D,).
            times_s: The watcher's time, and the frame's own.
        """
        now_s, time_s = times_s
        taken = [(track, unit) for track, unit in looks if unit.any()]
        units = np.stack([unit for _, unit in taken]) if taken else np.empty((0, 0), np.float32)
        predictions = match_faces(units, self._recogniser.gallery, self._recogniser.calibration) if taken else []
        for (track, unit), prediction in zip(taken, predictions, strict=True):
            if self._fits(view, track, unit, prediction, time_s):
                track.evidence.add(unit, look_weight(pixels, track.face, now_s - track.found_s), now_s)
                track.moved = False
            track.latest = RecognisedFace(track.face, prediction, unit)

    def answer(self, view: FacesInView, *, asked: bool) -> bool:
        """Say who the faces in sight are, where there are new looks or others in sight; whether there were."""
        seen = view.in_sight
        ids = frozenset(track.track_id for track in seen)
        if not asked and ids == self._answered:
            return False
        self._answered = ids
        answers = self._namer.answers({track.track_id: track.evidence for track in seen})
        for track in seen:
            track.answer = answers.get(track.track_id)
        names = {track.answer.prediction.person_id for track in seen if track.answer and track.answer.decided}
        for track in [each for each in view.tracks if each.lost and not each.hidden and each.answer]:
            if track.answer is not None and track.answer.prediction.person_id in names - {None}:
                view.leave(track)  # the same person is seen elsewhere
        return True

    def _fits(
        self, view: FacesInView, track: Track, unit: NDArray[np.float32], prediction: Prediction, time_s: float
    ) -> bool:
        """Whether a look is of the track's person, after making it another's where it must be; False to wait."""
        if track.evidence.looks:
            similarity = float(unit @ track.evidence.mean)
            other = self._likeness.is_other(similarity, followed=not track.unsure)
            if not other or _says(prediction, track):
                if other or track.lapsed or (track.unsure and not self._likeness.is_same(similarity)):
                    track.evidence = Evidence()  # looks before a gap speak for nobody after it
                track.unsure, track.lapsed, track.odd_looks = False, False, 0
                return True
            track.odd_looks += 1
            if not track.unsure and track.odd_looks < _ODD_LOOKS:
                return False
            view.replace(track, time_s)
        lost = [each for each in view.tracks if each.lost and each.evidence.looks]
        if lost:
            similarities = [float(unit @ each.evidence.mean) for each in lost]
            best = int(np.argmax(similarities))
            back = lost[best] if self._likeness.is_same(similarities[best]) else None
            back = back or next((each for each in lost if _says(prediction, each)), None)
            if back is not None:
                view.revive(track, back)
                track.evidence = Evidence()
        track.unsure = track.lapsed = False
        return True


def _says(prediction: Prediction, track: Track) -> bool:
    """Whether one look calls a face by the name that it has: another pose, light or picture of the same person."""
    held = track.answer.prediction.person_id if track.answer is not None and track.answer.decided else None
    return held is not None and prediction.best_id == held and prediction.confidence >= _NAMED
