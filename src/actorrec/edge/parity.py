"""Whether a converted model still says what its source says. Nothing is written unless it does."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actorrec.edge.answers import Answers
from actorrec.errors import ParityError
from actorrec.manifests.bundle import MIN_COSINE
from actorrec.manifests.model import Calibration
from actorrec.recognition.calibration import decision_scores
from actorrec.recognition.matching import match_faces
from actorrec.types import Gallery
from actorrec.vision.similarity import cosine_similarity

# A call this close is a toss for the source model too, so the last digits may turn it: a distance of the decision
# score from the threshold or from the runner-up's, and a lead in probability.
_CLOSE_SCORE, _CLOSE_PROBABILITY = 0.005, 0.05


@dataclass(frozen=True, slots=True)
class Parity:
    """How two models agree on the trial faces.

    Attributes:
        min_cosine: Over all faces; NaN where an output is not a number.
        renamed: Faces given another name, or none, or one where the source gave none; close calls left out.
        relabelled: Faces whose likeliest class differs; close calls left out.
        faces: How many were compared.
    """

    min_cosine: float
    renamed: int
    relabelled: int
    faces: int

    def problem(self, variant: str) -> str:
        """What is wrong, in one sentence; empty when the conversion holds."""
        least = MIN_COSINE[variant]
        if not self.min_cosine >= least:  # also when it is not a number
            return f"cosine to the source falls to {self.min_cosine:.4f}, {least} is needed"
        if self.renamed or self.relabelled:
            return f"{max(self.renamed, self.relabelled)} of {self.faces} faces get another name"
        return ""


def compare(source: Answers, found: Answers, gallery: Gallery, calibration: Calibration) -> Parity:
    """Compare a conversion with its source, answer by answer.

    Raises:
        ParityError: If their outputs are not even of one shape.
    """
    if source.embeddings.shape != found.embeddings.shape:
        raise ParityError(
            f"the conversion gives embeddings {found.embeddings.shape}, its source {source.embeddings.shape}"
        )
    cosines = np.sum(source.embeddings * found.embeddings, axis=1)
    return Parity(
        float(np.min(cosines)) if np.all(np.isfinite(cosines)) else float("nan"),
        _renamed(source, found, gallery, calibration),
        _relabelled(source, found),
        len(cosines),
    )


def refuse(variant: str, problem: str) -> ParityError:
    """The error that stops a conversion."""
    return ParityError(
        f"the {variant} conversion does not agree with its model: {problem}",
        hint="choose another form with --variant, or auto",
    )


def _renamed(source: Answers, found: Answers, gallery: Gallery, calibration: Calibration) -> int:
    if not np.all(np.isfinite(found.embeddings)):
        return len(found.embeddings)
    before, after = (_names(answers, gallery, calibration) for answers in (source, found))
    close = _close_calls(source, gallery, calibration)
    return sum(was != now and not toss for was, now, toss in zip(before, after, close, strict=True))


def _names(answers: Answers, gallery: Gallery, calibration: Calibration) -> list[str | None]:
    """Who each face is, as if it were alone in its picture."""
    return [match_faces(unit[None], gallery, calibration)[0].person_id for unit in answers.embeddings]


def _close_calls(answers: Answers, gallery: Gallery, calibration: Calibration) -> NDArray[np.bool_]:
    scores = decision_scores(cosine_similarity(answers.embeddings, gallery.prototypes), gallery, calibration)
    best, second = np.partition(scores, (-1, -2), axis=1)[:, [-1, -2]].T
    close: NDArray[np.bool_] = np.minimum(np.abs(best - calibration.threshold), best - second) < _CLOSE_SCORE
    return close


def _relabelled(source: Answers, found: Answers) -> int:
    if source.probabilities is None or found.probabilities is None:
        return 0
    if source.probabilities.shape != found.probabilities.shape or not np.all(np.isfinite(found.probabilities)):
        return len(source.embeddings)
    ordered = np.sort(source.probabilities, axis=1)
    clear = ordered[:, -1] - ordered[:, -2] >= _CLOSE_PROBABILITY
    return int(np.sum((source.probabilities.argmax(axis=1) != found.probabilities.argmax(axis=1)) & clear))
