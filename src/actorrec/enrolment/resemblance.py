"""What is odd about who an enrolled photo looks like."""

from collections.abc import Sequence

import numpy as np

from actorrec.manifests.dataset import Person
from actorrec.manifests.model import Calibration
from actorrec.recognition.gallery import build_gallery
from actorrec.recognition.matching import match_faces
from actorrec.types import Gallery, Prediction


def resemblance_warnings(
    gallery: Gallery, rows: Sequence[int], calibration: Calibration, people: Sequence[Person]
) -> list[list[str]]:
    """Compare photos of a gallery with everybody else, and with their own person's other photos.

    Args:
        gallery: Who is known, these photos included.
        rows: Photos to look at: rows of ``gallery.photo_embeddings``.
        calibration: Made for the gallery.
        people: For the names to show.

    Returns:
        Per row, one sentence for each thing to look at.
    """
    names = {person.person_id: person.name for person in people}
    owners = gallery.photo_person
    found: list[list[str]] = []
    for row in rows:
        warnings: list[str] = []
        other = _match(gallery, row, np.flatnonzero(owners != owners[row]), calibration)
        if other is not None and other.person_id is not None:
            shown = names.get(other.person_id, other.person_id)
            warnings.append(f"it looks like {shown}, similarity {other.similarity:.3f}")
        mine = np.flatnonzero(owners == owners[row])
        own = _match(gallery, row, mine[mine != row], calibration)
        if own is not None and own.person_id is None:
            warnings.append(f"it looks unlike the person's other photos, similarity {own.similarity:.3f}")
        found.append(warnings)
    return found


def _match(gallery: Gallery, row: int, photos: np.ndarray, calibration: Calibration) -> Prediction | None:
    """Who a photo would be if only ``photos`` were known; None where they are none."""
    if not len(photos):
        return None
    part = build_gallery(
        gallery.model_id,
        gallery.photo_embeddings[photos],
        [gallery.person_ids[gallery.photo_person[photo]] for photo in photos],
        [gallery.photo_sources[photo] for photo in photos],
    )
    return match_faces(gallery.photo_embeddings[row][None], part, calibration)[0]
