"""From the looks at several faces to names that stand.

A stranger whom one photo calls by a name is called so by every look at the same pose: looks do not make up for a low
threshold. So a name that stands for as long as a face is in view takes more than a photo's (``sure``), of the mean of
all looks; keeping it takes less, so that it does not flicker. What was tried is in docs/evaluation.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.inference.tracking.evidence import Evidence
from actorrec.inference.tracking.name_bars import NameBars, name_bars
from actorrec.inference.tracking.sighting import Candidate
from actorrec.manifests.model import Calibration
from actorrec.recognition.calibration import confidences, decision_scores
from actorrec.recognition.matching import after_other
from actorrec.sections.device import TrackingSection
from actorrec.types import Gallery, Prediction
from actorrec.vision.similarity import cosine_similarity

PATIENCE: Final = 3
"""Times ``decide_looks``: a face that may be somebody known, but not surely, is then said to be nobody known."""
HOLD_S: Final = 0.5
"""How long a name stands where looks began anew (after a gap or a cut) and speak neither for it nor against it."""
_LEAST_CONSIDERED: Final = 0.05
_MOST_REMEMBERED: Final = 1024
_NOBODY: Final = -1

_Scores = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Answer:
    """Who a face in view is, over all looks so far.

    Attributes:
        decided: Whether ``prediction`` is an answer.
        prediction: ``person_id`` is None for strangers, and while nothing is decided.
        candidates: The nearest people who are worth a word, nearest first; at most two.
        held: Whether a name stands but for a moment: the looks, which began anew, do not say it yet.
    """

    decided: bool
    prediction: Prediction
    candidates: tuple[Candidate, ...]
    held: bool = False


class Namer:
    """Names the tracks of one bundle; one name at most once in view.

    Args:
        gallery: Who is known; may be empty.
        calibration: Made for this gallery.
        settings: How many looks a decision takes, and how sure a name must be.
    """

    def __init__(self, gallery: Gallery, calibration: Calibration, settings: TrackingSection) -> None:
        self._gallery, self._calibration, self._settings = gallery, calibration, settings
        self._bars: NameBars = name_bars(calibration, settings.sure)
        self._decided: dict[int, int] = {}  # track → row of the person, or nobody

    def answers(self, evidence: Mapping[int, Evidence]) -> dict[int, Answer]:
        """Who the faces in view are. The same looks in another order of tracks give the same answers.

        Args:
            evidence: Looks by track, of every track in view; those without a look get no answer.

        Returns:
            By track.
        """
        tracks = sorted(track for track, each in evidence.items() if each.looks)
        if not tracks:
            return {}
        if not self._gallery.person_ids:
            nobody = Prediction(None, 0.0, 0.0, None)
            return {each: Answer(evidence[each].looks >= self._settings.decide_looks, nobody, ()) for each in tracks}
        means = np.stack([evidence[track].mean for track in tracks])
        recent = np.stack([evidence[track].recent for track in tracks])
        similarities = cosine_similarity(means, self._gallery.prototypes)
        scores = decision_scores(similarities, self._gallery, self._calibration)
        latest = decision_scores(cosine_similarity(recent, self._gallery.prototypes), self._gallery, self._calibration)
        named = self._assign([(track, evidence[track]) for track in tracks], scores, latest)
        sure = confidences(scores, self._calibration)
        found = {}
        for row, track in enumerate(tracks):
            decided = self._decide(track, evidence[track].looks, scores[row], named.get(row))
            answer = self._answer(similarities[row], sure[row], named.get(row), decided=decided)
            held = row in named and float(scores[row, named[row]]) < self._bars.keep
            found[track] = replace(self._beside_others(answer, row, named, sure), held=held)
        self._bound(evidence)
        return found

    def forget(self, track_id: int) -> None:
        """A track has left."""
        self._decided.pop(track_id, None)

    def _assign(self, tracks: list[tuple[int, Evidence]], scores: _Scores, latest: _Scores) -> dict[int, int]:
        """Row of the track → row of the person; the surest first, each once, those who have a name before others."""
        needed = np.full(scores.shape, self._bars.take, np.float32)
        needed[[each.looks < self._settings.decide_looks for _, each in tracks]] = np.inf
        bonus = np.zeros(scores.shape, np.float32)
        for row, (track, looks) in enumerate(tracks):
            held = self._decided.get(track, _NOBODY)
            if held != _NOBODY:
                anew = looks.span_s < HOLD_S  # looks began anew after a gap: is it still them?
                needed[row, held] = self._bars.stranger if anew else self._bars.keep
                bonus[row, held] = self._bars.challenge
        needed[latest < self._bars.drop] = np.inf
        rows, people = np.nonzero(scores >= needed)
        order = np.argsort(-(scores + bonus)[rows, people], kind="stable")
        found: dict[int, int] = {}
        for row, person in zip(rows[order].tolist(), people[order].tolist(), strict=True):
            if row not in found and person not in found.values():
                found[row] = person
        return found

    def _decide(self, track: int, looks: int, scores: _Scores, person: int | None) -> bool:
        """Remember what is decided about a track; whether anything is."""
        if person is not None:
            self._decided[track] = person
            return True
        stranger = float(scores.max()) < self._bars.stranger
        enough = self._settings.decide_looks * (1 if stranger else PATIENCE)
        if looks >= enough or self._decided.get(track) == _NOBODY:
            self._decided[track] = _NOBODY
            return True
        self._decided.pop(track, None)
        return False

    def _answer(self, similarities: _Scores, sure: _Scores, person: int | None, *, decided: bool) -> Answer:
        ids = self._gallery.person_ids
        order = np.argsort(-sure, kind="stable")[:2].tolist()
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
        near = (Candidate(ids[each], float(sure[each])) for each in order)
        return Answer(decided, prediction, tuple(each for each in near if each.confidence >= _LEAST_CONSIDERED))

    def _beside_others(self, answer: Answer, row: int, named: dict[int, int], sure: _Scores) -> Answer:
        """Where a surer face has the name, this one's confidence in it counts that."""
        if row in named:
            return answer
        best = int(np.argmax(sure[row]))
        owner = next((other for other, person in named.items() if person == best), None)
        if owner is None:
            return answer
        confidence = after_other(float(sure[row, best]), float(sure[owner, best]))
        others = tuple(each for each in answer.candidates if each.person_id != self._gallery.person_ids[best])
        return Answer(answer.decided, replace(answer.prediction, confidence=confidence), others)

    def _bound(self, evidence: Mapping[int, Evidence]) -> None:
        if len(self._decided) > _MOST_REMEMBERED:
            self._decided = {track: person for track, person in self._decided.items() if track in evidence}
