"""Results of pictures already looked at, kept in the store until the data set is committed."""

import hashlib
import io
import json
import logging
import zipfile
from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import asdict
from itertools import pairwise
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.candidates import Candidate, Examined, Looked, Pictures
from actorrec.types import FaceQuality

logger = logging.getLogger(__name__)
# A file of a batch costs one flush to disk (4 ms); a kill loses at most this much work.
_BATCH_PICTURES: Final = 24
_BATCH_BYTES: Final = 8 * 2**20


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
                batch = list(_unpack(self._store.read_bytes(name), with_pictures=False))
            except (ValueError, KeyError, TypeError, EOFError, OSError, zipfile.BadZipFile) as error:
                logger.warning("%s is damaged (%s); its pictures are looked at again", name, error)
                self._store.delete(name)
                continue
            for examined, _ in batch:
                found[examined.sha256] = examined
                self._batch_of[examined.sha256] = name
        return found

    def add(self, examined: Examined, pictures: Pictures) -> None:
        """Keep one picture; written with the next full batch."""
        self._waiting.append((examined, pictures))
        size = sum(len(crop) for _, waiting in self._waiting for crop in waiting.crops)
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

    def pictures(self, wanted: Iterable[str]) -> Iterator[tuple[str, Pictures]]:
        """The JPEGs of each picture, named by its SHA-256; one batch in memory at a time."""
        by_batch: dict[str, set[str]] = {}
        for sha256 in wanted:
            by_batch.setdefault(self._batch_of[sha256], set()).add(sha256)
        for name, members in by_batch.items():
            for examined, pictures in _unpack(self._store.read_bytes(name), with_pictures=True):
                if examined.sha256 in members:
                    yield examined.sha256, pictures

    def clear(self) -> None:
        """Remove every batch, once the data set is committed."""
        for name in list(self._store.names(self._prefix)):
            self._store.delete(name)


def _pack(batch: list[Looked]) -> bytes:
    faces = [face for examined, _ in batch for face in examined.faces]
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
        **_packed_files("crops", [crop for _, each in batch for crop in each.crops]),
        **_packed_files("thumbs", [thumb for _, each in batch for thumb in each.thumbs]),
        **_packed_files("previews", [each.preview or b"" for _, each in batch]),
    }
    out = io.BytesIO()
    np.savez(out, allow_pickle=False, **arrays)
    return out.getvalue()


def _packed_files(name: str, files: Collection[bytes]) -> dict[str, NDArray[Any]]:
    ends = np.cumsum([len(file) for file in files], dtype=np.int64)
    return {f"{name}_ends": ends, name: np.frombuffer(b"".join(files), np.uint8)}


def _unpacked_files(arrays: Mapping[str, NDArray[Any]], name: str) -> list[bytes]:
    blob, ends = arrays[name].tobytes(), [0, *arrays[f"{name}_ends"].tolist()]
    return [blob[start:end] for start, end in pairwise(ends)]


def _unpack(data: bytes, *, with_pictures: bool) -> Iterator[Looked]:
    with np.load(io.BytesIO(data), allow_pickle=False) as arrays:
        records = json.loads(arrays["pictures"].tobytes())
        points, crop_points, vectors, prints = (arrays[k] for k in ("points", "crop_points", "vectors", "prints"))
        names = ("crops", "thumbs", "previews") if with_pictures else ()
        files = {name: _unpacked_files(arrays, name) for name in names}
    row = 0
    for index, fields in enumerate(records):
        faces, first = [], row
        for numbers in fields.pop("faces"):
            quality = FaceQuality(**numbers["quality"])
            arrays_of_face = points[row], crop_points[row], numbers["score"], quality, vectors[row], prints[row]
            faces.append(Candidate(tuple(numbers["box"]), *arrays_of_face))
            row += 1
        pictures = Pictures()
        if with_pictures:
            crops, thumbs = (tuple(files[name][first:row]) for name in ("crops", "thumbs"))
            pictures = Pictures(crops, thumbs, files["previews"][index] or None)
        yield Examined(**fields, faces=tuple(faces)), pictures
