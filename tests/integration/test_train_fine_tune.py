"""Fine-tuning and its losses: hand-computed numbers, a new model id, and a resume that ends where it would have."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actor_models import FEW, QUICK, actors_dataset
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.manifests.base import FileRecord
from actorrec.progress import SilentProgress
from actorrec.sections import EmbedderSection
from actorrec.training.backbone import Backbone, open_backbone
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.crops import ViewPlan
from actorrec.training.finetune import fine_tune
from actorrec.training.losses import CONTRASTIVE_MARGIN, contrastive_loss, margin_loss, triplet_loss
from actorrec.training.outcome import Workplace
from actorrec.training.train import train
from actorrec.training.tuning_data import TuningData
from actorrec.vision.align import ARCFACE_112
from invented_faces import invented_dataset, tiny_embedder

keras = pytest.importorskip("keras")
TUNING = QUICK.model_copy(
    update={"fine_tune": True, "fine_tune_epochs": 2, "epochs": 2, "fine_tune_learning_rate": 1e-4}
)


def value(loss: Any, labels: list[int], vectors: list[list[float]]) -> float:
    return float(np.mean(np.asarray(loss(np.array(labels, np.int32), np.array(vectors, np.float32)))))


def test_margin_loss_by_hand() -> None:
    loss = margin_loss(keras, 2, scale=2.0, margin=0.5)
    # logits 2 (0.8 − 0.5) and 2 · 0.1
    assert value(loss, [0], [[0.8, 0.1]]) == pytest.approx(np.log(1 + np.exp(0.2 - 0.6)), abs=1e-5)


def test_contrastive_loss_by_hand() -> None:
    loss = contrastive_loss(keras)
    near = [np.cos(0.5), np.sin(0.5)]
    squared = 2 - 2 * np.cos(0.5)
    assert value(loss, [0, 0], [[1, 0], near]) == pytest.approx(squared, abs=1e-5)
    assert value(loss, [0, 1], [[1, 0], near]) == pytest.approx((CONTRASTIVE_MARGIN - squared**0.5) ** 2, abs=1e-5)
    assert value(loss, [0, 1], [[1, 0], [-1, 0]]) == 0


def test_triplet_loss_takes_the_semi_hard_negative() -> None:
    loss = triplet_loss(keras)

    def at(angle: float) -> list[float]:
        return [float(np.cos(angle)), float(np.sin(angle))]

    def squared(angle: float) -> float:
        return 2 - 2 * float(np.cos(angle))

    # One person at 0 and 0.6, strangers at −0.5 (nearer to 0 than the positive: not semi-hard) and at −0.65.
    vectors, labels = [at(0), at(0.6), at(-0.5), at(-0.65)], [0, 0, 1, 2]
    from_0 = squared(0.6) - squared(0.65) + 0.2
    from_06 = max(0.0, squared(0.6) - squared(1.1) + 0.2)
    assert value(loss, labels, vectors) == pytest.approx((from_0 + from_06) / 2, abs=1e-5)
    assert value(loss, [0, 0, 1], [at(0), at(0.1), at(3.0)]) == 0


@pytest.mark.parametrize("kind", ["cosine", "contrastive", "triplet"])
def test_a_tuned_net_tells_people_apart_under_a_name_of_its_own(tmp_path: Path, kind: str) -> None:
    """The default loss on the shipped net and real faces; the others on a small net."""
    store, shipped = LocalStore(tmp_path), kind == "cosine"
    dataset = actors_dataset(store, FEW[:2]) if shipped else invented_dataset(store, (7, 6))
    embedder = EmbedderSection() if shipped else tiny_embedder(tmp_path / "tiny.keras")
    tuning = TUNING.model_copy(update={"fine_tune_loss": kind, "fine_tune_epochs": 1})
    config = Config(training=tuning, embedder=embedder)
    model = train(dataset, config, store=store, progress=SilentProgress())
    before = open_backbone(embedder, Config().models).spec.model_id
    assert model.embedder.model_id.startswith(f"{before}-tuned-")
    assert model.rates["top1_gallery"].value >= 0.5
    assert not list(store.names(f"{model.ref}/unfinished"))


class Killed(Exception):  # noqa: N818
    """Stands for kill -9."""


class DyingStore(LocalStore):
    """Dies once it holds the checkpoint of the first epoch and is asked for that of the second."""

    def put_file(self, name: str, path: Path) -> FileRecord:
        if name.endswith("-001.npz"):
            raise Killed(name)
        return super().put_file(name, path)


class EagerPlace(Workplace):
    """Keeps a checkpoint of every epoch, however short."""

    def checkpoints(self, name: str) -> Checkpoints:
        return Checkpoints(self.store, self.work(name), every_s=0)


def test_a_killed_run_ends_where_an_unbroken_one_does(tmp_path: Path) -> None:
    dataset = invented_dataset(LocalStore(tmp_path), (6, 6))
    tiny = tiny_embedder(tmp_path / "tiny.keras")

    def tuned(store: LocalStore, ref: str) -> Backbone:
        faces = [face for face in dataset.faces if face.split == "train"]
        classes = np.array([int(face.person_id == "p1") for face in faces], np.int32)
        place = EagerPlace(store, dataset, ref, SilentProgress())
        data = TuningData(faces, classes, place.source, ViewPlan(ARCFACE_112))
        return fine_tune(open_backbone(tiny, Config().models), data, TUNING, place)

    unbroken = tuned(LocalStore(tmp_path), "model/whole")
    with pytest.raises(Killed):
        tuned(DyingStore(tmp_path), "model/broken")
    assert LocalStore(tmp_path).exists("model/broken/unfinished/tuning-000.npz")
    resumed = tuned(LocalStore(tmp_path), "model/broken")
    assert resumed.spec.model_id == unbroken.spec.model_id
    plain = open_backbone(tiny, Config().models).spec
    assert resumed.spec.model_id != plain.model_id
