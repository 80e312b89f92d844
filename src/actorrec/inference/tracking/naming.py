"""From the looks at several faces to names that stand."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.sighting import Candidate
from actorrec.manifests.model import Calibration
from actorrec.recognition.calibration import confidences, decision_scores
from actorrec.sections.device import TrackingSection
from actorrec.types import Gallery, Prediction
from actorrec.vision.similarity import cosine_similarity


@dataclass(frozen=True, slots=True)
class Answer:
    """Who a face in view is, over all looks so far.

    Attributes:
        decided: Whether ``prediction`` is an answer.
        prediction: ``person_id`` is None for strangers, and while nothing is decided.
        candidates: The nearest people, nearest first; at most two.
    """

    decided: bool
    prediction: Prediction
    candidates: tuple[Candidate, ...]


class Namer:
    """Names the tracks of one bundle; one name at most once in view.

    Args:
        gallery: Who is known; may be empty.
        calibration: Made for this gallery.
        settings: How many looks a decision takes.
    """

    def __init__(self, gallery: Gallery, calibration: Calibration, settings: TrackingSection) -> None:
        self._gallery, self._calibration, self._settings = gallery, calibration, settings
        self._held: dict[int, int] = {}

    def answers(self, evidence: Mapping[int, Evidence], now_s: float) -> dict[int, Answer]:
        """Who the faces in view are.

        Args:
            evidence: Looks by track, of every track in view; those without a look get no answer.
            now_s: Time of the frame.

        Returns:
            By track.
        """
        tracks = sorted(track for track, each in evidence.items() if each.looks)
        if not self._gallery.person_ids:
            nobody = Prediction(None, 0.0, 0.0, None)
            return {t: Answer(evidence[t].looks >= self._settings.decide_looks, nobody, ()) for t in tracks}
        if not tracks:
            return {}
        means = np.stack([evidence[track].mean for track in tracks])
        similarities = cosine_similarity(means, self._gallery.prototypes)
        scores = decision_scores(similarities, self._gallery, self._calibration)
        ready = [evidence[track].looks >= self._settings.decide_looks for track in tracks]
        named = self._assign(tracks, scores, ready)
        for row, track in enumerate(tracks):
            self._held.pop(track, None)
            if row in named:
                self._held[track] = named[row]
        return {
            track: self._answer(similarities[row], scores[row], named.get(row), ready[row])
            for row, track in enumerate(tracks)
        }

    def forget(self, track_id: int) -> None:
        """A track has left."""
        self._held.pop(track_id, None)

    def _assign(self, tracks: list[int], scores: NDArray[np.float32], ready: list[bool]) -> dict[int, int]:
        found: dict[int, int] = {}
        rows, people = np.nonzero(scores >= self._calibration.threshold)
        for index in np.argsort(-scores[rows, people], kind="stable").tolist():
            row, person = int(rows[index]), int(people[index])
            if ready[row] and row not in found and person not in found.values():
                found[row] = person
        return found

    def _answer(
        self, similarities: NDArray[np.float32], scores: NDArray[np.float32], person: int | None, decided: bool
    ) -> Answer:
        order = np.argsort(-scores, kind="stable")[:2].tolist()
        sure = confidences(scores, self._calibration)
        ids = self._gallery.person_ids
        best = order[0] if person is None else person
        second = next((other for other in order if other != best), None)
        prediction = Prediction(
            person_id=None if person is None else ids[person],
            similarity=float(similarities[best]),
            confidence=float(sure[best]),
            best_id=ids[best],
            runner_up=None if second is None else ids[second],
            runner_up_similarity=None if second is None else float(similarities[second]),
        )
        return Answer(decided, prediction, tuple(Candidate(ids[each], float(sure[each])) for each in order))
