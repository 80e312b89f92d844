"""Every face of a data set as vectors, computed once; a run that was killed goes on where it was."""

import io
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actorrec.artifacts.store import ArtifactStore
from actorrec.faces.protocols import Embedder
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.progress import Progress
from actorrec.recognition.crops import read_crop
from actorrec.recognition.views import enrolment_views
from actorrec.types import Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate
from actorrec.vision.similarity import normalise

CHUNK_FACES = 256
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


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """Which views of a face are embedded: itself, and with ``jitters`` > 0 its mirror image and moved copies."""

    template: FaceTemplate
    jitters: int = 0
    seed: int = 0

    @property
    def count(self) -> int:
        return 2 + self.jitters if self.jitters > 0 else 1

    def cut(self, store: ArtifactStore, dataset: DatasetManifest, face: FaceRecord) -> UInt8Image:
        """The views of a face, shape (count, S, S, 3), uint8, RGB."""
        crop = read_crop(store, dataset, face)
        landmarks = Landmarks(np.asarray(face.crop_landmarks, np.float32))
        # A face's views depend on the face and the seed alone, whichever faces come before it.
        seed = (int(face.face_id, 16) ^ self.seed) & 0x7FFFFFFFFFFFFFFF
        return enrolment_views(crop, landmarks, self.template, jitters=self.jitters, seed=seed)


def embed_faces(
    faces: Sequence[FaceRecord],
    plan: ViewPlan,
    embedder: Embedder,
    source: "CropSource",
    *,
    work: str,
    progress: Progress,
) -> FaceEmbeddings:
    """Embed faces, all views of each.

    Args:
        faces: F records of the source's data set.
        plan: Which views.
        embedder: Its template is the plan's.
        source: Where the crops are.
        work: Store name under which finished chunks are kept.
        progress: Told of every chunk.
    """
    chunks = [np.zeros((0, plan.count, embedder.spec.dim), np.float32)]
    with progress.step("embedding faces", len(faces), "faces") as step:
        for start in range(0, len(faces), CHUNK_FACES):
            part = faces[start : start + CHUNK_FACES]
            name = f"{work}-{start:06d}.npy"
            if source.store.exists(name):
                chunks.append(np.load(io.BytesIO(source.store.read_bytes(name)), allow_pickle=False))
            else:
                chunks.append(_embed_chunk(part, plan, embedder, source))
                if len(faces) > CHUNK_FACES:  # smaller sets are quicker done again than kept
                    source.store.put_bytes(name, _npy(chunks[-1]))
            step.advance(len(part))
    return FaceEmbeddings(tuple(faces), np.concatenate(chunks))


@dataclass(frozen=True, slots=True, eq=False)
class CropSource:
    """A data set and the store its crops are in."""

    store: ArtifactStore
    dataset: DatasetManifest


def _embed_chunk(
    faces: Sequence[FaceRecord], plan: ViewPlan, embedder: Embedder, source: CropSource
) -> NDArray[np.float32]:
    views = np.concatenate([plan.cut(source.store, source.dataset, face) for face in faces])
    units, _ = normalise(embedder.embed(views))
    return units.reshape(len(faces), plan.count, -1)


def _npy(values: NDArray[np.float32]) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, values, allow_pickle=False)
    return buffer.getvalue()
