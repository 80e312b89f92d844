"""From embeddings to names: nearest prototype, threshold, and one name at most once a picture."""

import numpy as np
from numpy.typing import NDArray

from actorrec.manifests.model import Calibration
from actorrec.recognition.calibration import confidences
from actorrec.types import Gallery, Prediction
from actorrec.vision.similarity import cosine_similarity


def match_faces(
    embeddings: NDArray[np.float32],
    gallery: Gallery,
    calibration: Calibration,
    *,
    norms: NDArray[np.float32] | None = None,
) -> list[Prediction]:
    """Name the faces of one picture.

    Args:
        embeddings: Shape (N, D), float32, unit rows; N may be 0.
        gallery: Who is known; may be empty.
        calibration: Made for this gallery.
        norms: Shape (N,), lengths before normalising; not needed by today's scores.

    Returns:
        One prediction a face, in the order of ``embeddings``.
    """
    if not gallery.person_ids:
        return [Prediction(None, 0.0, 0.0, None) for _ in embeddings]
    similarities = cosine_similarity(embeddings, gallery.prototypes)
    probable = confidences(similarities, calibration)
    named = _assign(similarities, calibration.threshold)
    return [_prediction(gallery, similarities[i], probable[i], named.get(i)) for i in range(len(embeddings))]


def _assign(scores: NDArray[np.float32], threshold: float) -> dict[int, int]:
    """Give names to faces, the surest pair first; a face whose person is taken may be its next best, if that is enough."""
    faces, people = np.nonzero(scores >= threshold)
    order = np.argsort(-scores[faces, people], kind="stable")
    named: dict[int, int] = {}
    taken: set[int] = set()
    for face, person in zip(faces[order].tolist(), people[order].tolist(), strict=True):
        if face not in named and person not in taken:
            named[face] = person
            taken.add(person)
    return named


def _prediction(
    gallery: Gallery, similarities: NDArray[np.float32], probable: NDArray[np.float32], named: int | None
) -> Prediction:
    order = np.argsort(-similarities, kind="stable").tolist()
    best = order[0] if named is None else named
    second = next((person for person in order if person != best), None)
    return Prediction(
        person_id=None if named is None else gallery.person_ids[named],
        similarity=float(similarities[best]),
        confidence=float(probable[best]),
        best_id=gallery.person_ids[best],
        runner_up=None if second is None else gallery.person_ids[second],
        runner_up_similarity=None if second is None else float(similarities[second]),
    )


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
