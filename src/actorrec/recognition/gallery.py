"""Who is known: building a gallery, changing it, and the bytes it travels as."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import DataError
from actorrec.recognition.gallery_file import gallery_from_bytes, gallery_to_bytes
from actorrec.types import Gallery
from actorrec.vision.similarity import normalise

__all__ = [
    "build_gallery",
    "empty_gallery",
    "gallery_from_bytes",
    "gallery_to_bytes",
    "merge_people",
    "person_means",
    "photo_counts",
    "rename_person",
    "with_person",
    "without_person",
]

SAME_PHOTO_COSINE = 0.9995
"""A person's new photo this near to one already there is that photo again (8-bit storage alone keeps 0.9999)."""


def empty_gallery(model_id: str, dim: int) -> Gallery:
    """A gallery that knows nobody, for embeddings of ``dim`` numbers."""
    nothing = np.zeros((0, dim), np.float32)
    return Gallery(model_id, (), nothing, nothing, np.zeros(0, np.int32), ())


def build_gallery(
    model_id: str, embeddings: NDArray[np.float32], photo_people: Sequence[str], sources: Sequence[str]
) -> Gallery:
    """Make a gallery; a person's prototype is the normalised mean of the photos' unit embeddings.

    Centroids beat the nearest photo on every set measured (docs/evaluation.md).

    Args:
        model_id: The embedder that made the embeddings.
        embeddings: Shape (K, D), float32, unit rows, one a photo; K may be 0.
        photo_people: K person ids.
        sources: K names of the pictures, as the user would know them.

    Raises:
        ValueError: If the lengths differ or a row is not a finite unit vector.
    """
    if embeddings.ndim != 2 or not len(embeddings) == len(photo_people) == len(sources):
        raise ValueError(
            f"expected K embeddings, people and sources, got {embeddings.shape}, {len(photo_people)} and {len(sources)}"
        )
    lengths = np.linalg.norm(embeddings, axis=1)
    if not np.all(np.abs(lengths - 1) < 1e-3):  # false for NaN too
        raise ValueError("gallery embeddings must be finite and of unit length")
    person_ids = tuple(sorted(set(photo_people)))
    row_of = {person_id: row for row, person_id in enumerate(person_ids)}
    photo_person = np.array([row_of[person_id] for person_id in photo_people], np.int32)
    photos = np.ascontiguousarray(embeddings, np.float32)
    prototypes = person_means(photos, photo_person, len(person_ids))
    return Gallery(model_id, person_ids, prototypes, photos, photo_person, tuple(sources))


def person_means(photos: NDArray[np.float32], photo_person: NDArray[np.int32], people: int) -> NDArray[np.float32]:
    """The normalised mean of each person's photos.

    Args:
        photos: Shape (K, D), float32, unit rows.
        photo_person: Shape (K,), int32, each below ``people``.
        people: M.

    Returns:
        Shape (M, D), float32, unit rows.
    """
    sums = np.zeros((people, photos.shape[1]), np.float64)
    np.add.at(sums, photo_person, photos)
    return normalise(sums.astype(np.float32))[0]


def photo_counts(gallery: Gallery) -> NDArray[np.int64]:
    """Photos of each person, shape (M,)."""
    return np.bincount(gallery.photo_person, minlength=len(gallery.person_ids)).astype(np.int64)


def with_person(gallery: Gallery, person_id: str, embeddings: NDArray[np.float32], sources: Sequence[str]) -> Gallery:
    """Add a person, or more photos of one; a photo that is already there is not counted twice.

    Args:
        embeddings: Shape (K, D), float32, unit rows, K ≥ 1, of the gallery's embedder.
        sources: K names of the pictures.

    Raises:
        DataError: If there is no photo.
        ValueError: If shapes differ or a row is not a unit vector.
    """
    if not len(embeddings):
        raise DataError(f"{person_id} needs at least one photo with a face")
    known = person_id in gallery.person_ids
    row = gallery.person_ids.index(person_id) if known else -1
    kept = gallery.photo_embeddings[gallery.photo_person == row]
    new: list[int] = []
    for index, vector in enumerate(embeddings):
        if not len(kept) or float(np.max(kept @ vector)) < SAME_PHOTO_COSINE:
            new.append(index)
            kept = np.vstack([kept, vector[None]])
    photos = np.vstack([gallery.photo_embeddings, embeddings[new]])
    people = [*_people_of_photos(gallery), *[person_id] * len(new)]
    return build_gallery(gallery.model_id, photos, people, [*gallery.photo_sources, *(sources[i] for i in new)])


def without_person(gallery: Gallery, person_id: str) -> Gallery:
    """Forget a person: prototype, photo embeddings and picture names.

    Raises:
        DataError: If the gallery does not know them.
    """
    row = _row(gallery, person_id)
    kept = np.flatnonzero(gallery.photo_person != row)
    people = _people_of_photos(gallery)
    return build_gallery(
        gallery.model_id,
        gallery.photo_embeddings[kept],
        [people[i] for i in kept],
        [gallery.photo_sources[i] for i in kept],
    )


def rename_person(gallery: Gallery, person_id: str, new_id: str) -> Gallery:
    """Give a person another id.

    Raises:
        DataError: If the gallery does not know them, or the new id is someone else's (that is a merge).
    """
    _row(gallery, person_id)
    if new_id != person_id and new_id in gallery.person_ids:
        raise DataError(f"{new_id} is already in the gallery", hint="merge the two if they are one person")
    return _relabelled(gallery, {person_id: new_id})


def merge_people(gallery: Gallery, person_id: str, into: str) -> Gallery:
    """Make two people one: ``person_id``'s photos become photos of ``into``.

    Raises:
        DataError: If the gallery does not know both, or they are the same.
    """
    _row(gallery, person_id), _row(gallery, into)
    if person_id == into:
        raise DataError(f"{person_id} cannot be merged into itself")
    return _relabelled(gallery, {person_id: into})


def _relabelled(gallery: Gallery, new_ids: dict[str, str]) -> Gallery:
    people = [new_ids.get(person_id, person_id) for person_id in _people_of_photos(gallery)]
    return build_gallery(gallery.model_id, gallery.photo_embeddings, people, gallery.photo_sources)


def _people_of_photos(gallery: Gallery) -> list[str]:
    return [gallery.person_ids[row] for row in gallery.photo_person]


def _row(gallery: Gallery, person_id: str) -> int:
    if person_id not in gallery.person_ids:
        raise DataError(f"nobody called {person_id!r} is in the gallery", hint="`actorrec people ls` lists who is")
    return gallery.person_ids.index(person_id)
