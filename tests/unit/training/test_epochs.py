"""The loop over epochs, on a learner without a net."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.progress import SilentStep
from actorrec.training.checkpoints import Checkpoints
from actorrec.training.epochs import learn_epochs, shuffled


class Number:
    """A variable as TensorFlow's: has a shape, can be read and assigned."""

    def __init__(self, value: float) -> None:
        self.value = np.array([value], np.float32)
        self.shape = self.value.shape

    def assign(self, value: np.ndarray) -> None:
        self.value = value.copy()

    def __array__(self, dtype: object = None, copy: object = None) -> np.ndarray:
        return self.value


class Learner:
    """Its loss is its number; its validation losses are given; it is killed before some epoch."""

    def __init__(self, val_losses: Sequence[float] = (), killed_at: int = -1) -> None:
        self.weight, self.epochs, self.killed_at, self.val_losses = Number(0), list[int](), killed_at, val_losses

    @property
    def variables(self) -> Sequence[Number]:
        return [self.weight]

    def learn(self, epoch: int) -> dict[str, float]:
        if epoch == self.killed_at:
            raise KeyboardInterrupt
        self.epochs.append(epoch)
        self.weight.assign(self.weight.value * 3 + epoch)
        tried = {"val_loss": self.val_losses[epoch], "val_accuracy": 0.5} if self.val_losses else {}
        return {"loss": float(self.weight.value[0]), "accuracy": 0.25, **tried}


def kept(folder: Path, every_s: float = 0) -> Checkpoints:
    return Checkpoints(LocalStore(folder), "model/k/unfinished/head", every_s=every_s)


def names(folder: Path) -> list[str]:
    return [name.rpartition("/")[2] for name in LocalStore(folder).names("model")]


def test_the_order_of_an_epoch_depends_on_seed_and_epoch_alone() -> None:
    indices = np.arange(50)
    assert sorted(shuffled(indices, 0, 3)) == list(indices)
    assert (shuffled(indices, 0, 3) == shuffled(indices, 0, 3)).all()
    assert (shuffled(indices, 0, 3) != shuffled(indices, 0, 4)).any()
    assert (shuffled(indices, 0, 3) != shuffled(indices, 1, 3)).any()


def test_it_goes_on_where_it_was_killed(tmp_path: Path) -> None:
    whole, killed, resumed = Learner(), Learner(killed_at=3), Learner()
    expected = learn_epochs(whole, 5, None, SilentStep())
    with pytest.raises(KeyboardInterrupt):
        learn_epochs(killed, 5, kept(tmp_path), SilentStep())
    assert names(tmp_path) == ["head-002.npz"]  # older ones are gone
    assert learn_epochs(resumed, 5, kept(tmp_path), SilentStep()) == expected
    assert resumed.epochs == [3, 4]
    assert resumed.weight.value == whole.weight.value


def test_short_epochs_share_a_checkpoint(tmp_path: Path) -> None:
    learn_epochs(Learner(), 50, kept(tmp_path, every_s=3600), SilentStep())
    assert names(tmp_path) == ["head-000.npz"]


@pytest.mark.parametrize(("patience", "done"), [(1, 3), (2, 4), (3, 8), (8, 8)])
def test_it_ends_once_validation_no_longer_improves(patience: int, done: int, tmp_path: Path) -> None:
    losses = (3.0, 2.0, 2.0, 2.5, 1.0, 1.1, 1.2, 1.3)
    learner = Learner(losses)
    history = learn_epochs(learner, 8, kept(tmp_path), SilentStep(), patience=patience)
    assert len(history.loss) == len(history.val_loss) == done
    assert history.best_epoch == (5 if done == 8 else 2)
    again = Learner(losses)
    assert learn_epochs(again, 8, kept(tmp_path), SilentStep(), patience=patience) == history
    assert again.epochs == []  # its end is remembered


@pytest.mark.parametrize("damage", ["cut", "empty", "text", "shape", "count", "type"])
def test_a_checkpoint_that_does_not_fit_is_left_alone(
    damage: str, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    learn_epochs(Learner(), 2, kept(tmp_path), SilentStep())
    path = tmp_path / "model/k/unfinished/head-001.npz"
    data = path.read_bytes()
    path.write_bytes({"cut": data[:-30], "empty": b"", "text": b"weights"}.get(damage, data))
    learner = Learner()
    if damage == "shape":
        learner.weight.shape = (2,)
    if damage == "type":
        learner.weight.value = learner.weight.value.astype(np.float64)
    variables = [learner.weight, Number(0)] if damage == "count" else learner.variables
    assert kept(tmp_path).restore(variables, 2) == []
    assert learner.weight.value == 0
    assert "head-001.npz is damaged or of another net" in caplog.text


def test_a_checkpoint_under_another_epoch_s_name_changes_nothing(tmp_path: Path) -> None:
    learn_epochs(Learner(), 2, kept(tmp_path), SilentStep())
    folder = tmp_path / "model/k/unfinished"
    (folder / "head-001.npz").rename(folder / "head-002.npz")
    learner = Learner()
    assert kept(tmp_path).restore(learner.variables, 4) == [] and learner.weight.value == [0]


def test_a_checkpoint_with_more_in_it_is_of_another_net(tmp_path: Path) -> None:
    learner, step = Learner(), [{"loss": 1.0}]
    kept(tmp_path).save([*learner.variables, Number(5)], step)
    assert kept(tmp_path).restore(learner.variables, 1) == []
