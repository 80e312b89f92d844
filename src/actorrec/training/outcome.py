"""Where a training run works and what it hands over, whichever preset it follows."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from actorrec.artifacts.store import ArtifactStore
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.manifests.model import Calibration, Rate
from actorrec.manifests.nets import EmbedderSpec
from actorrec.progress import Progress
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.crops import CropSource
from actorrec.training.workers import ALONE, Workers


@dataclass(slots=True)
class Trained:
    """What a preset made; its files are already in the store."""

    spec: EmbedderSpec
    gallery_people: Sequence[str]
    calibration: Calibration
    model_file: str
    embedder_file: str | None = None
    metrics: dict[str, float] = field(default_factory=dict)
    rates: dict[str, Rate] = field(default_factory=dict)
    timings_s: dict[str, float] = field(default_factory=dict)


class Workplace:
    """The data set, the store, and the artifact that is being made.

    Args:
        store: Holds the crops and receives the model.
        dataset: What is learned from.
        ref: ``model/key``.
        progress: Where to report.
        workers: Who trains it.
    """

    def __init__(
        self, store: ArtifactStore, dataset: DatasetManifest, ref: str, progress: Progress, workers: Workers = ALONE
    ) -> None:
        self.store, self.dataset, self.ref, self.progress = store, dataset, ref, progress
        self.workers = workers
        self.files: list[FileRecord] = []

    @property
    def source(self) -> CropSource:
        """Where its crops are."""
        return CropSource(self.store, self.dataset)

    def put(self, name: str, data: bytes) -> str:
        """Write a file of the artifact; returns its name inside it."""
        self.files.append(self.store.put_bytes(f"{self.ref}/{name}", data))
        return name

    def work(self, name: str) -> str:
        """Store name for what a killed run wants to find again; gone once the model is committed."""
        return f"{self.ref}/unfinished/{name}"

    def checkpoints(self, name: str) -> Checkpoints:
        """Checkpoints of a step of the training."""
        return Checkpoints(self.store, self.work(name))

    def clear_work(self) -> None:
        """Remove what only a killed run would need."""
        for name in list(self.store.names(f"{self.ref}/unfinished")):
            self.store.delete(name)

    def photo_names(self, faces: Sequence[FaceRecord]) -> list[str]:
        """Name of the picture each face was cut from, as the user would know it."""
        path_of = {(image.sha256, image.person_id): image.path for image in reversed(self.dataset.images)}
        return [path_of.get((face.image_sha256, face.person_id), face.face_id) for face in faces]
