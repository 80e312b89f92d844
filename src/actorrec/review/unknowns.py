"""Faces that ``infer`` did not know: shown in groups, named or deleted."""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

from pydantic import Field

from actorrec.errors import DataError
from actorrec.manifests.base import Record
from actorrec.manifests.unknowns import UnknownFace
from actorrec.review.changes import PersonName


class UnknownShelf(Protocol):
    """Where kept faces lie (``artifacts.unknowns``)."""

    def faces(self) -> list[UnknownFace]:
        """Every kept face."""
        ...

    def crop(self, face_id: str) -> bytes:
        """Its JPEG.

        Raises:
            ArtifactError: If it is not there.
        """
        ...

    def remove(self, face_ids: Iterable[str]) -> object:
        """Delete faces; nothing happens to those that are not there."""
        ...


class FaceIds(Record):
    """Which faces to delete."""

    face_ids: list[str] = Field(min_length=1, max_length=100_000)


class Naming(FaceIds):
    """Which faces are whose."""

    name: PersonName


@dataclass(frozen=True)
class UnknownsDesk:
    """What the page of unknown faces works with. Several requests may use it at once.

    Attributes:
        shelf: Not asked twice at a time.
        enrol: Teaches the newest bundle a person of kept faces: (name, face ids) → one line of what became of it.
            Faces that were learned leave the shelf.
        names: Who is known already, to choose from.
        keeping: Whether ``infer`` keeps unknown faces now (``unknowns.keep``).
    """

    shelf: UnknownShelf
    enrol: Callable[[str, list[str]], str]
    names: Callable[[], list[str]]
    keeping: bool
    _one_at_a_time: threading.RLock = field(default_factory=threading.RLock)

    def listed(self) -> dict[str, Any]:
        """Groups of similar faces, the largest first; faces of different nets are never mixed."""
        with self._one_at_a_time:
            groups = sorted(_groups(self.shelf.faces()), key=lambda group: -len(group))
            names = self.names()
        return {"keeping": self.keeping, "names": names, "groups": [[_told(face) for face in each] for each in groups]}

    def crop(self, face_id: str) -> bytes:
        """The JPEG of a face that is on the shelf.

        Raises:
            DataError: If it is not.
            ArtifactError: If it is damaged.
        """
        with self._one_at_a_time:
            return self.shelf.crop(self._there([face_id])[0])

    def name(self, naming: Naming) -> dict[str, Any]:
        """Enrol faces; answers as ``listed``, with what became of it.

        Raises:
            DataError: If the faces are gone or none of them could be learned.
        """
        with self._one_at_a_time:
            told = self.enrol(naming.name, self._there(naming.face_ids))
            return {"told": told, **self.listed()}

    def remove(self, chosen: FaceIds) -> dict[str, Any]:
        """Delete faces; answers as ``listed``."""
        with self._one_at_a_time:
            self.shelf.remove(self._there(chosen.face_ids))
            return self.listed()

    def _there(self, face_ids: Sequence[str]) -> list[str]:
        """Those of the faces that are on the shelf, each once: no other id ever reaches the store."""
        known = {face.face_id for face in self.shelf.faces()}
        found = [face_id for face_id in dict.fromkeys(face_ids) if face_id in known]
        if not found:
            raise DataError("these faces are not there any more", hint="another page or program named or deleted them")
        return found


def _groups(faces: Sequence[UnknownFace]) -> list[list[UnknownFace]]:
    import numpy as np

    from actorrec.review.cluster import cluster

    groups: list[list[UnknownFace]] = []
    for model_id in sorted({face.model_id for face in faces}):
        of_net = [face for face in faces if face.model_id == model_id]
        vectors = np.array([face.embedding for face in of_net], np.float32)
        groups += [[of_net[row] for row in rows] for rows in cluster(vectors)]
    return groups


def _told(face: UnknownFace) -> dict[str, Any]:
    return {
        "id": face.face_id,
        "seen_at": face.seen_at.isoformat(),
        "source": face.source,
        "face_px": round(face.face_px),
    }
