"""Every face of a data set as vectors, computed once, by all workers; a run that was killed goes on where it was."""

import io
import logging
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ArtifactError
from actorrec.faces.protocols import Embedder
from actorrec.manifests.dataset import FaceRecord
from actorrec.progress import Progress
from actorrec.training.backbone import EMBED_BATCH
from actorrec.training.crops import CropSource, ViewPlan, cut_ahead
from actorrec.training.workers import ALONE, Workers
from actorrec.vision.similarity import normalise

_log = logging.getLogger(__name__)
CHUNK_FACES: Final = 256
"""Faces embedded and kept at a time: half a minute's work at most is lost, 70 MB of crops at most are held."""


@dataclass(frozen=True, slots=True, eq=False)
class FaceEmbeddings:
    """Faces of one side of a data set, in the manifest's order.

    Attributes:
        faces: F records.
        views: Shape (F, V, D), float32, unit rows: the face as it is, then its mirror image and jitters.
    """

    faces: tuple[FaceRecord, ...]
    views: NDArray[np.float32]

    @property
    def plain(self) -> NDArray[np.float32]:
        """Shape (F, D), float32, unit rows: each face as it is."""
        return self.views[:, 0]

    @property
    def photos(self) -> NDArray[np.float32]:
        """Shape (F, D), float32, unit rows: the mean of each face's views, as ``recognition.views.embed_photo``."""
        return normalise(self.views.mean(axis=1))[0]


@dataclass(frozen=True, slots=True, eq=False)
class EmbeddingWork:
    """Where embeddings come from and go to.

    Attributes:
        source: Where the crops are.
        name: Store name under which finished chunks are kept.
        progress: Told of every chunk.
        workers: Who shares the faces.
    """

    source: CropSource
    name: str
    progress: Progress
    workers: Workers = ALONE


def embed_faces(faces: Sequence[FaceRecord], plan: ViewPlan, embedder: Embedder, work: EmbeddingWork) -> FaceEmbeddings:
    """Embed faces, all views of each; with several workers, each embeds its share and all get everything.

    Args:
        faces: F records of the work's data set.
        plan: Which views.
        embedder: Its template is the plan's.
        work: Where from and where to.
    """
    size, workers = _chunk_size(len(faces), work.workers.count), work.workers
    starts = range(0, len(faces), size)
    own = [faces[start : start + size] for start in starts[workers.index :: workers.count]]
    shape = (plan.count, embedder.spec.dim)
    chunks = _Chunks(work, starts[workers.index :: workers.count], shape, keeps=len(faces) > CHUNK_FACES)
    done = _embed(own, chunks, plan, embedder)
    together = workers.gather(np.concatenate([np.zeros((0, *shape), np.float32), *done]))
    # They come worker after worker, and each had every count-th chunk.
    order = np.concatenate(
        [np.arange(s, min(s + size, len(faces))) for w in range(workers.count) for s in starts[w :: workers.count]]
        or [np.arange(0)]
    )
    views = np.empty_like(together)
    views[order] = together
    return FaceEmbeddings(tuple(faces), views)


def _chunk_size(faces: int, workers: int) -> int:
    """Small enough that every worker has some; a multiple of the net's batch, so that sharing changes no batch."""
    share = -(-faces // (workers * EMBED_BATCH)) * EMBED_BATCH
    return CHUNK_FACES if workers == 1 else max(EMBED_BATCH, min(CHUNK_FACES, share))


def _embed(
    parts: Sequence[Sequence[FaceRecord]], chunks: "_Chunks", plan: ViewPlan, embedder: Embedder
) -> list[NDArray[np.float32]]:
    kept = [chunks.read(index, len(part)) for index, part in enumerate(parts)]
    missing = [part for part, there in zip(parts, kept, strict=True) if there is None]
    progress, count, computed_s, computed = chunks.work.progress, sum(map(len, parts)), 0.0, 0
    with (
        progress.step("embedding faces", count, "faces") as step,
        cut_ahead(missing, plan, chunks.work.source) as cut,
    ):
        for index, part in enumerate(parts):
            there = kept[index]
            if there is None:
                start = time.perf_counter()
                units, _ = normalise(embedder.embed(next(cut)))
                there = kept[index] = units.reshape(len(part), plan.count, -1)
                chunks.keep(index, there)
                computed, computed_s = computed + len(part), computed_s + time.perf_counter() - start
                step.measure(faces_per_s=computed / computed_s)
            step.advance(len(part))
    return [each for each in kept if each is not None]


@dataclass(frozen=True, slots=True, eq=False)
class _Chunks:
    """Finished chunks of one worker, kept for a run that is killed."""

    work: EmbeddingWork
    starts: Sequence[int]
    shape: tuple[int, int]
    keeps: bool  # smaller sets are quicker done again than kept

    def read(self, index: int, faces: int) -> NDArray[np.float32] | None:
        name, store = self._name(index), self.work.source.store
        if not self.keeps or not store.exists(name):
            return None
        try:
            found = np.load(io.BytesIO(store.read_bytes(name)), allow_pickle=False)
        except (ValueError, EOFError, ArtifactError):
            _log.warning("%s is damaged; its faces are embedded again", name)
            return None
        # Another number of workers cuts other chunks.
        return np.asarray(found) if found.shape == (faces, *self.shape) and found.dtype == np.float32 else None

    def keep(self, index: int, units: NDArray[np.float32]) -> None:
        if self.keeps:
            buffer = io.BytesIO()
            np.save(buffer, units, allow_pickle=False)
            self.work.source.store.put_bytes(self._name(index), buffer.getvalue())

    def _name(self, index: int) -> str:
        return f"{self.work.name}-{self.starts[index]:06d}.npy"
