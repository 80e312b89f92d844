"""Learning that was killed after any epoch ends, bit for bit, where unbroken learning does."""

from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.manifests.base import FileRecord
from actorrec.progress import SilentProgress
from actorrec.sections import TrainingSection
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.head import Head, Samples, train_head
from actorrec.training.history import History
from actorrec.training.original_net import FeatureTable, fit
from actorrec.training.outcome import Workplace
from invented_faces import invented_dataset

keras = pytest.importorskip("keras")
PEOPLE, DIM = 5, 16
SETTINGS = TrainingSection(epochs=6, batch_size=32, dropout=0.3, patience=6, hidden_units=8, learning_rate=0.001)


class Killed(Exception):  # noqa: N818
    """Stands for kill -9."""


class DyingStore(LocalStore):
    """Dies at the n-th checkpoint."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def put_file(self, name: str, path: Path) -> FileRecord:
        self.left -= 1
        if self.left < 0:
            raise Killed(name)
        return super().put_file(name, path)


class EagerPlace(Workplace):
    """Keeps a checkpoint of every epoch, however short."""

    def checkpoints(self, name: str) -> Checkpoints:
        return Checkpoints(self.store, self.work(name), every_s=0)


def samples(seed: int, count: int) -> Samples:
    rng = np.random.default_rng(seed)
    classes = np.arange(count, dtype=np.int32) % PEOPLE
    middles = np.random.default_rng(9).normal(size=(PEOPLE, DIM))
    vectors = middles[classes] + rng.normal(0, 1.2, (count, DIM))
    return Samples((vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32), classes)


def place_in(store: LocalStore) -> EagerPlace:
    return EagerPlace(store, invented_dataset(store, (1, 1)), "model/k", SilentProgress())


def head_in(store: LocalStore) -> Head:
    return train_head(samples(0, 150), samples(1, 50), PEOPLE, SETTINGS, place_in(store))


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Head:
    return head_in(LocalStore(tmp_path_factory.mktemp("whole")))


@pytest.mark.parametrize("writes", [1, 4, 6])
def test_the_head(writes: int, whole: Head, tmp_path: Path) -> None:
    assert len(whole.history.val_loss) == 6
    assert len(set(whole.history.loss)) == 6
    with pytest.raises(Killed):
        head_in(DyingStore(tmp_path / "killed", writes))
    assert list(LocalStore(tmp_path / "killed").names("model"))
    resumed = head_in(LocalStore(tmp_path / "killed"))
    assert (resumed.weights == whole.weights).all()
    assert (resumed.history, resumed.epochs) == (whole.history, whole.epochs)


def original_in(store: LocalStore) -> tuple[list[np.ndarray], History]:
    faces = samples(0, 75)
    held_out = np.arange(75) % 7 == 0
    model, history = fit(
        FeatureTable(faces.vectors, faces.classes),
        held_out,
        SETTINGS,
        dropout=0.3,
        progress=SilentProgress(),
        checkpoints=place_in(store).checkpoints("original"),
    )
    return model.get_weights(), history


def test_the_original_net(tmp_path: Path) -> None:
    weights, history = original_in(LocalStore(tmp_path / "whole"))
    assert len(history.val_accuracy) == 6
    with pytest.raises(Killed):
        original_in(DyingStore(tmp_path / "killed", 3))
    resumed, its_history = original_in(LocalStore(tmp_path / "killed"))
    assert its_history == history
    assert all((first == second).all() for first, second in zip(resumed, weights, strict=True))
