"""The faces that training looks at: where their crops are, and which views are cut out of them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from actorrec.artifacts.bulk import in_parallel
from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.errors import ArtifactError
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.progress import SilentStep, Step
from actorrec.recognition.crops import crop_of
from actorrec.recognition.views import enrolment_views
from actorrec.training.ahead import ahead, input_threads
from actorrec.types import Landmarks, UInt8Image
from actorrec.vision.align import FaceTemplate


@dataclass(frozen=True, slots=True, eq=False)
class CropSource:
    """A data set and the store its crops are in."""

    store: ArtifactStore
    dataset: DatasetManifest

    def fetch(self, faces: Sequence[FaceRecord], step: Step | None = None) -> list["FetchedCrop"]:
        """Bring the crops of some faces to this machine, several at a time."""
        names = (file_name(self.dataset, face.crop) for face in faces)
        paths = self.store.fetch_files(names, step or SilentStep())
        return [FetchedCrop(self.dataset, face, path) for face, path in zip(faces, paths, strict=True)]


@dataclass(frozen=True, slots=True, eq=False)
class FetchedCrop:
    """A crop that is a file of this machine."""

    dataset: DatasetManifest
    face: FaceRecord
    path: Path

    def read(self) -> UInt8Image:
        """Its pixels, shape (S, S, 3), uint8, RGB; checked as ``recognition.crops.read_crop`` does."""
        try:
            data = self.path.read_bytes()
        except OSError as error:
            raise ArtifactError(f"cannot read {self.path}: {error.strerror or error}") from None
        return crop_of(data, self.dataset, self.face)


@dataclass(frozen=True, slots=True)
class ViewPlan:
    """Which views of a face are embedded: itself, and with ``jitters`` > 0 its mirror image and moved copies."""

    template: FaceTemplate
    jitters: int = 0
    seed: int = 0

    @property
    def count(self) -> int:
        return 2 + self.jitters if self.jitters > 0 else 1

    def cut(self, crop: FetchedCrop) -> UInt8Image:
        """The views of a face, shape (count, S, S, 3), uint8, RGB."""
        return self._views(crop, self.jitters)

    def cut_one(self, crop: FetchedCrop, view: int) -> UInt8Image:
        """One of those views, shape (S, S, 3), without cutting those after it."""
        jitters = min(self.jitters, max(1, view - 1)) if view else 0
        return np.asarray(self._views(crop, jitters)[view])

    def _views(self, crop: FetchedCrop, jitters: int) -> UInt8Image:
        face = crop.face
        landmarks = Landmarks(np.asarray(face.crop_landmarks, np.float32))
        # A face's views depend on the face and the seed alone, whichever faces come before it.
        seed = (int(face.face_id, 16) ^ self.seed) & 0x7FFFFFFFFFFFFFFF
        return enrolment_views(crop.read(), landmarks, self.template, jitters=jitters, seed=seed)


def cut_faces(faces: Sequence[FaceRecord], plan: ViewPlan, source: CropSource) -> UInt8Image:
    """All views of some faces, in their order, shape (F · plan.count, S, S, 3), uint8, RGB."""
    views = in_parallel(plan.cut, source.fetch(faces), input_threads())
    size_px = plan.template.size_px
    return np.concatenate([np.zeros((0, size_px, size_px, 3), np.uint8), *views])


@contextmanager
def cut_ahead(
    parts: Sequence[Sequence[FaceRecord]], plan: ViewPlan, source: CropSource
) -> Iterator[Iterator[UInt8Image]]:
    """``cut_faces`` of one part after the other, the next one while the net looks at the last."""
    with ahead(lambda part: cut_faces(part, plan, source), parts, threads=1, depth=1) as cut:
        yield cut
