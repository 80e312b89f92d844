"""From embeddings to names: nearest prototype, threshold, and one name at most once a picture."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.model import Calibration
from actorrec.recognition.calibration import confidences, decision_scores
from actorrec.types import Gallery, Prediction
from actorrec.vision.similarity import cosine_similarity

_DOUBT: Final = (0.05, 0.95)
"""Confidences between which a second look pays: outside, hardly any answer changed on either embedder measured."""


def match_faces(embeddings: NDArray[np.float32], gallery: Gallery, calibration: Calibration) -> list[Prediction]:
    """Name the faces of one picture.

    Names go out the surest pair first, each once. A face whose nearest person was taken by a surer face gets its next
    nearest only if that score is itself enough; else it is unknown, and its confidence counts that the other has
    the name.

    Args:
        embeddings: Shape (N, D), float32, unit rows; N may be 0.
        gallery: Who is known; may be empty.
        calibration: Made for this gallery.

    Returns:
        One prediction a face, in the order of ``embeddings``.
    """
    if not gallery.person_ids:
        return [Prediction(None, 0.0, 0.0, None) for _ in embeddings]
    similarities = cosine_similarity(embeddings, gallery.prototypes)
    scores = decision_scores(similarities, gallery, calibration)
    sure = confidences(scores, calibration)
    named = _assign(scores, calibration.threshold)
    owners = {person: face for face, person in named.items()}
    found: list[Prediction] = []
    for face in range(len(embeddings)):
        order = np.argsort(-scores[face], kind="stable")[:2].tolist()
        best = named.get(face, order[0])
        confidence = float(sure[face, best])
        if owners.get(best, face) != face:
            confidence = after_other(confidence, float(sure[owners[best], best]))
        found.append(_prediction(gallery, similarities[face], (order, best, confidence), face in named))
    return found


def doubtful_faces(embeddings: NDArray[np.float32], gallery: Gallery, calibration: Calibration) -> NDArray[np.intp]:
    """Faces whose answer hangs in the balance, and for which embedding more views is worth its time.

    The mean with the mirror image and eight small moves names 2 to 3 in 100 more of the faces known from one photo, at
    as many strangers (docs/evaluation.md); only the doubtful (one known face in four with one photo a person) need it.

    Args:
        embeddings: Shape (N, D), float32, unit rows; N may be 0.
        gallery: May be empty.
        calibration: Made for this gallery.

    Returns:
        Rows of ``embeddings``, rising.
    """
    if not gallery.person_ids or not len(embeddings):
        return np.zeros(0, np.intp)
    scores = decision_scores(cosine_similarity(embeddings, gallery.prototypes), gallery, calibration)
    sure = confidences(scores.max(axis=1), calibration)
    return np.flatnonzero((sure > _DOUBT[0]) & (sure < _DOUBT[1]))


def nearest_photos(embedding: NDArray[np.float32], gallery: Gallery, count: int) -> list[tuple[str, float]]:
    """The gallery photos most like a face, as (``person_id: source``, cosine), best first.

    Args:
        embedding: Shape (D,), float32, unit length.
        gallery: May be empty.
        count: Most photos to give.
    """
    similarities = cosine_similarity(embedding[None], gallery.photo_embeddings)[0]
    nearest = np.argsort(-similarities, kind="stable")[:count].tolist()
    return [
        (f"{gallery.person_ids[gallery.photo_person[i]]}: {gallery.photo_sources[i]}", float(similarities[i]))
        for i in nearest
    ]


def _assign(scores: NDArray[np.float32], threshold: float) -> dict[int, int]:
    """Face → person for every pair that is enough, the surest first, each face and each person once."""
    faces, people = np.nonzero(scores >= threshold)
    order = np.argsort(-scores[faces, people], kind="stable")
    named: dict[int, int] = {}
    taken: set[int] = set()
    for face, person in zip(faces[order].tolist(), people[order].tolist(), strict=True):
        if face not in named and person not in taken:
            named[face] = person
            taken.add(person)
    return named


def after_other(confidence: float, other: float) -> float:
    """Probability that this face is the person, where a surer face may be but not both (Bayes' rule).

    Args:
        confidence: Of this face alone, in [0, 1].
        other: Of the surer one alone, in [0, 1].
    """
    return confidence * (1 - other) / max(1 - confidence * other, 1e-9)


def _prediction(
    gallery: Gallery, similarities: NDArray[np.float32], ranked: tuple[list[int], int, float], named: bool
) -> Prediction:
    order, best, confidence = ranked
    second = next((person for person in order if person != best), None)
    return Prediction(
        person_id=gallery.person_ids[best] if named else None,
        similarity=float(similarities[best]),
        confidence=confidence,
        best_id=gallery.person_ids[best],
        runner_up=None if second is None else gallery.person_ids[second],
        runner_up_similarity=None if second is None else float(similarities[second]),
    )
