"""Results of pictures already looked at, kept in the store until the data set is committed."""

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.candidates import Candidate, Examined
from actorrec.types import FaceQuality

logger = logging.getLogger(__name__)
# A file of a batch costs one flush to disk (4 ms); a kill loses at most this much work.
_BATCH_PICTURES: Final = 24
_BATCH_BYTES: Final = 8 * 2**20
Looked = tuple[Examined, list[bytes]]


class WorkCache:
    """Batches of examined pictures under ``<artifact>/unfinished/``; one writer at a time.

    Args:
        store: Where the artifact will live.
        artifact: ``kind/key``.
    """

    def __init__(self, store: ArtifactStore, artifact: str) -> None:
        self._store, self._prefix = store, f"{artifact}/unfinished"
        self._batch_of: dict[str, str] = {}
        self._waiting: list[Looked] = []

    def load(self) -> dict[str, Examined]:
        """Everything that an earlier run finished, by SHA-256 of the picture."""
        found: dict[str, Examined] = {}
        for name in list(self._store.names(self._prefix)):
            try:
                batch = list(_unpack(self._store.read_bytes(name), with_crops=False))
            except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
                logger.warning("%s is damaged (%s); its pictures are looked at again", name, error)
                self._store.delete(name)
                continue
            for examined, _ in batch:
                found[examined.sha256] = examined
                self._batch_of[examined.sha256] = name
        return found

    def add(self, examined: Examined, crops: list[bytes]) -> None:
        """Keep one picture; written with the next full batch."""
        self._waiting.append((examined, crops))
        size = sum(len(crop) for _, waiting in self._waiting for crop in waiting)
        if len(self._waiting) >= _BATCH_PICTURES or size >= _BATCH_BYTES:
            self.flush()

    def flush(self) -> None:
        """Write what waits."""
        if not self._waiting:
            return
        members = " ".join(sorted(examined.sha256 for examined, _ in self._waiting))
        name = f"{self._prefix}/{hashlib.sha256(members.encode()).hexdigest()[:20]}.npz"
        self._store.put_bytes(name, _pack(self._waiting))
        self._batch_of.update({examined.sha256: name for examined, _ in self._waiting})
        self._waiting = []

    def crops(self, wanted: Iterable[tuple[str, int]]) -> Iterator[tuple[tuple[str, int], bytes]]:
        """The stored JPEG of each (SHA-256 of the picture, index of the face), one batch in memory at a time."""
        by_batch: dict[str, dict[str, set[int]]] = {}
        for sha256, index in wanted:
            by_batch.setdefault(self._batch_of[sha256], {}).setdefault(sha256, set()).add(index)
        for name, pictures in by_batch.items():
            for examined, crops in _unpack(self._store.read_bytes(name), with_crops=True):
                for index in sorted(pictures.get(examined.sha256, ())):
                    yield (examined.sha256, index), crops[index]

    def clear(self) -> None:
        """Remove every batch, once the data set is committed."""
        for name in list(self._store.names(self._prefix)):
            self._store.delete(name)


def _pack(batch: list[Looked]) -> bytes:
    faces = [face for examined, _ in batch for face in examined.faces]
    crops = [crop for _, crops in batch for crop in crops]
    pictures = []
    for examined, _ in batch:
        fields = {name: getattr(examined, name) for name in Examined.__slots__ if name != "faces"}
        numbers = [{"box": f.box, "score": f.score, "quality": asdict(f.quality)} for f in examined.faces]
        pictures.append({**fields, "faces": numbers})
    arrays: dict[str, NDArray[Any]] = {
        "pictures": np.frombuffer(json.dumps(pictures).encode(), np.uint8),
        "points": np.array([face.points for face in faces], np.float64).reshape(-1, 5, 2),
        "crop_points": np.array([face.crop_points for face in faces], np.float64).reshape(-1, 5, 2),
        "vectors": np.array([face.vector for face in faces], np.float32),
        "prints": np.array([face.face_print for face in faces], np.uint8),
        "crop_ends": np.cumsum([len(crop) for crop in crops], dtype=np.int64),
        "crops": np.frombuffer(b"".join(crops), np.uint8),
    }
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _unpack(data: bytes, *, with_crops: bool) -> Iterator[Looked]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        pictures = json.loads(arrays["pictures"].tobytes())
        points, crop_points, vectors, prints = (arrays[k] for k in ("points", "crop_points", "vectors", "prints"))
        ends = [0, *arrays["crop_ends"].tolist()]
        blob = arrays["crops"].tobytes() if with_crops else b""
    row = 0
    for fields in pictures:
        faces, crops = [], []
        for numbers in fields.pop("faces"):
            quality = FaceQuality(**numbers["quality"])
            arrays_of_face = points[row], crop_points[row], numbers["score"], quality, vectors[row], prints[row]
            faces.append(Candidate(tuple(numbers["box"]), *arrays_of_face))
            if with_crops:
                crops.append(blob[ends[row] : ends[row + 1]])
            row += 1
        yield Examined(**fields, faces=tuple(faces)), crops
