"""The shelf of unknown faces in a store: bounded in number and age, no face twice."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import numpy as np
from pydantic import ValidationError

from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.unknowns import UnknownFace
from actorrec.sections import UnknownsSection

NEAR_COPY_COSINE: Final = 0.985
"""From here on two faces come from near-copies of one picture (the same as ``dataset.near_copy_cosine``)."""
_FOLDER: Final = "unknowns"
_CLEAR_HINT: Final = "`actorrec forget --unknowns` deletes every face that was kept"


@dataclass(frozen=True, slots=True)
class Shelved:
    """What ``add`` did.

    Attributes:
        kept: Whether the face is new on the shelf.
        dropped: How many faces left it: too old, or the oldest of too many.
    """

    kept: bool
    dropped: int


class UnknownShelf:
    """Unknown faces of a store: ``unknowns/<face_id>.json``, which makes a face exist, and its crop beside it.

    Args:
        store: Where they are.
    """

    def __init__(self, store: ArtifactStore) -> None:
        self._store = store
        self._read: dict[str, UnknownFace] = {}

    def add(self, face: UnknownFace, crop: bytes, *, limits: UnknownsSection) -> Shelved:
        """Put a face on the shelf, unless it or a near-copy of it is there.

        Args:
            face: Its ``seen_at`` counts as now.
            crop: The JPEG that ``face.crop_sha256`` belongs to.
            limits: ``max_faces`` and ``max_age_days`` bound the shelf; the oldest make room.

        Raises:
            ArtifactError: If the store cannot be written.
        """
        with self._store.lock(_FOLDER):
            held = self._refresh(alone=True)
            dropped = self._drop(_outlived(held, limits, face.seen_at))
            if face.face_id in held or _near_copy(face, held.values()):
                return Shelved(False, dropped)
            dropped += self._drop(_in_order(held)[: max(0, len(held) + 1 - limits.max_faces)])
            self._store.put_bytes(_name(face.face_id, "jpg"), crop)
            self._store.put_bytes(_name(face.face_id, "json"), face.model_dump_json().encode())
            held[face.face_id] = face
        return Shelved(True, dropped)

    def expire(self, limits: UnknownsSection, now: datetime) -> int:
        """Drop the faces that are older than ``max_age_days``, and what a killed process left; returns how many."""
        if not any(True for _ in self._store.names(_FOLDER)):
            return 0
        with self._store.lock(_FOLDER):
            return self._drop(_outlived(self._refresh(alone=True), limits, now))

    def faces(self) -> list[UnknownFace]:
        """Every face, the newest first.

        Raises:
            ArtifactError: If one cannot be read.
        """
        return _in_order(self._refresh())[::-1]

    def crop(self, face_id: str) -> bytes:
        """The crop of a face: a JPEG of the template ``canonical-272``.

        Raises:
            ArtifactError: If there is no such face, or its crop is not the one that was kept.
        """
        face = self._refresh().get(face_id)
        if face is None:
            raise ArtifactError(f"no unknown face {face_id!r} is kept in {self._store.uri}")
        data = self._store.read_bytes(_name(face_id, "jpg"))
        if hashlib.sha256(data).hexdigest() != face.crop_sha256:
            raise ArtifactError(f"the crop of the unknown face {face_id} was changed or damaged", hint=_CLEAR_HINT)
        return data

    def crop_file(self, face_id: str) -> Path:
        """The checked crop as a file of this machine; errors as ``crop``."""
        self.crop(face_id)
        return self._store.local_path(_name(face_id, "jpg"))

    def remove(self, face_ids: Iterable[str]) -> int:
        """Delete faces; returns how many of them there were."""
        with self._store.lock(_FOLDER):
            held = self._refresh(alone=True)
            return self._drop([held[face_id] for face_id in set(face_ids) & set(held)])

    def clear(self) -> int:
        """Delete every face, damaged ones too; returns how many there were."""
        with self._store.lock(_FOLDER):
            names = list(self._store.names(_FOLDER))
            for name in sorted(names, key=lambda name: not name.endswith(".json")):
                self._store.delete(name)
        self._read.clear()
        return sum(name.endswith(".json") for name in names)

    def _refresh(self, *, alone: bool = False) -> dict[str, UnknownFace]:
        """What is on the shelf now; only what is new there is read.

        Args:
            alone: Whether nobody else writes at this moment: a crop without its record is then what a killed process
                or a full disk left, and goes.
        """
        names = [name.rsplit("/", 1)[-1] for name in self._store.names(_FOLDER)]
        there = {name.removesuffix(".json") for name in names if name.endswith(".json")}
        for name in names if alone else ():
            if name.endswith(".jpg") and name.removesuffix(".jpg") not in there:
                self._store.delete(f"{_FOLDER}/{name}")
        for face_id in self._read.keys() - there:
            del self._read[face_id]
        for face_id in there - self._read.keys():
            self._read[face_id] = _parse(self._store.read_bytes(_name(face_id, "json")), face_id, self._store.uri)
        return self._read

    def _drop(self, faces: Iterable[UnknownFace]) -> int:
        count = 0
        for face in faces:
            # The record first: without it the face does not exist, whatever happens next.
            self._store.delete(_name(face.face_id, "json"))
            self._store.delete(_name(face.face_id, "jpg"))
            self._read.pop(face.face_id, None)
            count += 1
        return count


def _name(face_id: str, suffix: str) -> str:
    return f"{_FOLDER}/{face_id}.{suffix}"


def _in_order(held: dict[str, UnknownFace]) -> list[UnknownFace]:
    return sorted(held.values(), key=lambda face: (face.seen_at, face.face_id))


def _outlived(held: dict[str, UnknownFace], limits: UnknownsSection, now: datetime) -> list[UnknownFace]:
    oldest = now - timedelta(days=limits.max_age_days)
    return [face for face in held.values() if face.seen_at < oldest]


def _near_copy(face: UnknownFace, held: Iterable[UnknownFace]) -> bool:
    others = [other.embedding for other in held if other.model_id == face.model_id]
    return bool(others) and float(np.max(np.array(others) @ np.array(face.embedding))) >= NEAR_COPY_COSINE


def _parse(data: bytes, face_id: str, uri: str) -> UnknownFace:
    try:
        face = UnknownFace.model_validate_json(data)
    except ValidationError:
        face = None
    if face is None or face.face_id != face_id:
        raise ArtifactError(f"{uri}/{_name(face_id, 'json')} is damaged", hint=_CLEAR_HINT)
    return face
