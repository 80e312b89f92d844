"""One worker of a training on several: a program that the tests start, with TF_CONFIG in its environment.

It is ``work(STORE, EMBEDDER, OUT, WHAT)``. STORE holds ``dataset/invented``. WHAT is ``all`` (fine-tunes with each
loss, then trains, then the same again), ``train``, ``part`` (all but the chief go without a word once it leaves), or
``die N`` (trains with fine-tuning, and the last worker dies at its N-th step).
"""

import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from actorrec.artifacts.catalog import load_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.errors import ActorRecError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.progress import SilentProgress, SilentStep, Step
from actorrec.sections import EmbedderSection, TrainingSection
from actorrec.training.backbone import open_backbone
from actorrec.training.crops import ViewPlan
from actorrec.training.finetune import fine_tune
from actorrec.training.measure import class_indices
from actorrec.training.outcome import Workplace
from actorrec.training.train import train
from actorrec.training.tuning_data import TuningData
from actorrec.training.workers import Workers, join_workers
from actorrec.vision.align import ARCFACE_112
from patience import eventually

LOSSES = ("cosine", "contrastive", "triplet")
TUNING = TrainingSection(fine_tune=True, fine_tune_epochs=3, fine_tune_learning_rate=1e-3, epochs=3, augmentations=1)


def tuned_weights(store: LocalStore, embedder: Path, loss: str, workers: Workers) -> list[np.ndarray]:
    """Weights of the tiny net after fine-tuning."""
    dataset = load_manifest(store, DatasetManifest, "invented")
    settings = TUNING.model_copy(update={"fine_tune_loss": loss})
    faces = [face for face in dataset.faces if face.split == "train"]
    classes = class_indices([face.person_id for face in faces], sorted({face.person_id for face in faces}))
    place = Workplace(store, dataset, f"model/{loss}", SilentProgress(), workers)
    data = TuningData(faces, classes, place.source, ViewPlan(ARCFACE_112))
    backbone = open_backbone(EmbedderSection(path=embedder), Config().models)
    tuned = fine_tune(backbone, data, settings, place)
    return [np.asarray(array) for array in tuned.keras_model.get_weights()]  # type: ignore[union-attr]


class DyingProgress(SilentProgress):
    """Ends the process, as a crash would, at the n-th step of fine-tuning."""

    def __init__(self, steps: int) -> None:
        self.left = steps

    @contextmanager
    def step(self, title: str, total: int | None, unit: str = "") -> Iterator[Step]:
        progress = self

        class Dying(SilentStep):
            def advance(self, amount: int = 1) -> None:
                progress.left -= amount
                if progress.left < 0:
                    os._exit(9)

        yield Dying() if title.startswith("fine-tuning") else SilentStep()


def main(store: LocalStore, embedder: Path, out: Path, what: Sequence[str]) -> None:
    workers = join_workers(os.environ)
    if what[0] == "part":
        workers.barrier()
        if workers.is_chief:
            (out / "leaving").touch()
            workers.leave()
            return
        eventually((out / "leaving").exists)
        os._exit(0)  # at once: nothing of it goes on
    for loss in LOSSES if what[0] == "all" else ():
        np.savez(out / f"{loss}-{workers.index}.npz", *tuned_weights(store, embedder, loss, workers))
    dataset = load_manifest(store, DatasetManifest, "invented")
    settings = TUNING if what[0] == "die" else TUNING.model_copy(update={"fine_tune": False})
    config = Config(training=settings, embedder=EmbedderSection(path=embedder))
    dies = what[0] == "die" and workers.index == workers.count - 1
    progress = DyingProgress(int(what[1])) if dies else SilentProgress()
    for _ in range(2 if what[0] == "all" else 1):
        model = train(dataset, config, store=store, progress=progress, workers=workers)
        told = None if model is None else model.content_digest()
        (out / f"model-{workers.index}.json").write_text(json.dumps(told))


def work(store: str, embedder: str, out: str, *what: str) -> int:
    """The program; its exit code."""
    try:
        main(LocalStore(Path(store)), Path(embedder), Path(out), what)
    except ActorRecError as error:
        print(f"error: {error.in_full}", file=sys.stderr)
        return error.exit_code
    return 0
