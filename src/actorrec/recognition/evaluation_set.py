"""What an evaluation was measured on, as a digest: figures of two models compare only where this is the same."""

from collections.abc import Iterable, Sequence
from typing import Final

from actorrec.manifests.base import digest_json
from actorrec.manifests.dataset import DatasetManifest, FaceRecord

STRANGER: Final = ""
"""Stands for who a picture shows where it shows nobody that was to be known."""


def set_digest(shown: Iterable[tuple[str, str]]) -> str:
    """SHA-256 of an evaluation set; the order does not count, nor does what files are called.

    Args:
        shown: For each picture who it shows by its label (``STRANGER`` for a stranger), and the SHA-256 of its
            contents. The label is the set's own, not what some model makes of it, so that every model measured on the
            same pictures has the same digest. A picture that is there twice counts twice.

    Returns:
        64 hex digits.
    """
    return digest_json(sorted([who, sha256] for who, sha256 in shown))


def held_back_faces(dataset: DatasetManifest) -> list[FaceRecord]:
    """The faces that were kept back from learning; empty for a set without a test side."""
    return [face for face in dataset.faces if face.split == "test"]


def shown_by_faces(dataset: DatasetManifest, faces: Sequence[FaceRecord]) -> list[tuple[str, str]]:
    """Who each face shows, and the SHA-256 of its crop."""
    return [(face.person_id, dataset.digests[face.crop]) for face in faces]


def held_back_words(dataset: DatasetManifest, faces: Sequence[FaceRecord]) -> str:
    """What a test side is, in words."""
    return f"{len(faces)} held-back faces of {dataset.ref}"
