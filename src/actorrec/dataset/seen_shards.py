"""What the shares of other machines saw, read with care: their files may be damaged or meant to harm."""

import hashlib
import io
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.dataset.batches import DamagedBatchError, unpack
from actorrec.dataset.candidates import Candidate, Examined, Looked, Pictures
from actorrec.dataset.examine import MAX_FACES
from actorrec.dataset.jpegs import PREVIEW_MAX_PX, THUMB_PX
from actorrec.dataset.photos import Photo
from actorrec.errors import ModelContractError
from actorrec.faces.embedders import DEFAULT_SPEC
from actorrec.manifests.base import FileRecord
from actorrec.manifests.shard import ShardManifest
from actorrec.progress import Progress
from actorrec.vision.align import CANONICAL_272

_UNIT: Final = 1e-3
"""How far an embedding's length may be from 1."""
_MOST_BYTES: Final = 1 << 30
"""Of a batch, which is read as a whole; ours have 8 MiB and one picture more."""
_FARTHEST_PX: Final = 1e6
"""Beyond the corner of any picture that is decoded."""


@dataclass(frozen=True, slots=True)
class _Batch:
    """A file of a share, on this machine."""

    shard: ShardManifest
    record: FileRecord
    path: Path

    def looked(self, *, with_pictures: bool) -> list[Looked]:
        same_size = self.path.stat().st_size == self.record.bytes
        data = self.path.read_bytes() if same_size else b""
        if not same_size or hashlib.sha256(data).hexdigest() != self.record.sha256:
            raise self.broken("its size or SHA-256 is not the one of the manifest")
        try:
            looked = list(unpack(data, with_pictures=with_pictures))
        except DamagedBatchError as error:
            raise self.broken(str(error)) from None
        for examined, _ in looked:
            if wrong := _wrong(examined):
                raise self.broken(wrong)
        return looked

    def broken(self, why: str) -> ModelContractError:
        shard = self.shard
        return ModelContractError(
            f"{file_name(shard, self.record)} is not what a share holds: {why}",
            hint=f"remove {shard.ref} from the store and make it again: --shard {shard.share}",
        )


class SeenShards:
    """What the shares hold, each telling of its own pictures alone.

    Args:
        shards: Every share of a run.
        store: Holds them.
        progress: Where long steps are told.
    """

    def __init__(self, shards: Sequence[ShardManifest], store: ArtifactStore, progress: Progress) -> None:
        self._shards, self._store, self._progress = shards, store, progress
        self._batch_of: dict[str, _Batch] = {}

    def examined(self, photos: Sequence[Photo]) -> Mapping[str, Examined]:
        found: dict[str, Examined] = {}
        own = {shard.ref: {photo.sha256 for photo in shard.photos} for shard in self._shards}
        for batch in self._batches():
            for examined, _ in batch.looked(with_pictures=False):
                if examined.sha256 in own[batch.shard.ref] and examined.sha256 not in found:
                    found[examined.sha256] = examined
                    self._batch_of[examined.sha256] = batch
        lacking = next((photo for photo in photos if photo.sha256 is not None and photo.sha256 not in found), None)
        if lacking is not None:
            shard = next(each for each in self._shards if any(p.sha256 == lacking.sha256 for p in each.photos))
            raise ModelContractError(
                f"{shard.ref} does not say what is in {lacking.name}",
                hint=f"remove it from the store and make it again: --shard {shard.share}",
            )
        return found

    def pictures(self, wanted: Iterable[str]) -> Iterator[tuple[str, Pictures]]:
        by_batch: dict[Path, tuple[_Batch, set[str]]] = {}
        for sha256 in wanted:
            batch = self._batch_of[sha256]
            by_batch.setdefault(batch.path, (batch, set()))[1].add(sha256)
        for batch, members in by_batch.values():
            for examined, pictures in batch.looked(with_pictures=True):
                if examined.sha256 in members:
                    _check_jpegs(batch, pictures)
                    yield examined.sha256, pictures

    def _batches(self) -> Iterator[_Batch]:
        wanted = [(shard, record) for shard in self._shards for record in shard.files]
        for shard, record in wanted:
            if record.bytes > _MOST_BYTES:
                raise _Batch(shard, record, Path()).broken(f"it has {record.bytes:,} bytes")
        with self._progress.step("bringing shares", len(wanted), "files") as step:
            paths = self._store.fetch_files([file_name(shard, record) for shard, record in wanted], step)
        for (shard, record), path in zip(wanted, paths, strict=True):
            yield _Batch(shard, record, path)


def _wrong(examined: Examined) -> str:
    """What cannot be so; empty where nothing is odd."""
    if len(examined.faces) > MAX_FACES:
        return f"a picture has {len(examined.faces)} faces"
    if not examined.reason and (examined.phash is None or examined.phash_mirrored is None):
        return "a picture has no hash"
    if any(side is not None and side < 1 for side in (examined.width_px, examined.height_px)):
        return "a picture has no size"
    if examined.reason and examined.faces:
        return "a picture that failed has faces"
    return next(filter(None, map(_wrong_face, examined.faces)), "")


def _wrong_face(face: Candidate) -> str:
    if max(np.abs(face.points).max(), np.abs(face.crop_points).max(), *map(abs, face.box)) > _FARTHEST_PX:
        return "a face lies in no picture"
    length = float(np.linalg.norm(face.vector.astype(np.float64)))
    if len(face.vector) != DEFAULT_SPEC.dim or abs(length - 1) > _UNIT:
        return "a face's embedding is none of the embedder's"
    return ""


def _check_jpegs(batch: _Batch, pictures: Pictures) -> None:
    side = CANONICAL_272.size_px
    sizes = [(crop, side, side) for crop in pictures.crops]
    sizes += [(thumb, THUMB_PX, THUMB_PX) for thumb in pictures.thumbs]
    sizes += [(pictures.preview, 1, PREVIEW_MAX_PX)] if pictures.preview is not None else []
    for data, least, most in sizes:
        if not all(least <= length <= most for length in _jpeg_size(data)):
            raise batch.broken("one of its pictures is none")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    """Width and height as the header says; zeros if it is no JPEG."""
    from PIL import Image

    try:
        with Image.open(io.BytesIO(data), formats=("JPEG",)) as image:
            return image.size
    except (OSError, SyntaxError, ValueError):
        return 0, 0
