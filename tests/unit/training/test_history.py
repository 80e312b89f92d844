import json

import pytest

from actorrec.training.history import History, history_png


def test_the_best_epoch_is_the_one_of_least_validation_loss() -> None:
    assert History((3.0, 2.0, 1.0), (0.1, 0.2, 0.3), (2.0, 1.5, 1.6), (0.1, 0.3, 0.2)).best_epoch == 2
    assert History((3.0, 2.0, 1.0), (0.1, 0.2, 0.3)).best_epoch == 3
    assert History((), ()).best_epoch == 0


def test_json_holds_every_epoch() -> None:
    epochs = [{"loss": 1.00000049, "accuracy": 0.5}, {"loss": 0.5, "accuracy": 1.0}]
    read = json.loads(History.of_epochs(epochs).to_json())
    assert read == {"loss": [1.0, 0.5], "accuracy": [0.5, 1.0], "val_loss": [], "val_accuracy": [], "best_epoch": 2}


def test_the_picture_is_repeatable() -> None:
    pytest.importorskip("matplotlib", reason="curves are drawn where matplotlib is installed")
    history = History((3.0, 2.0), (0.1, 0.2), (2.0, 1.5), (0.1, 0.3))
    first = history_png(history, "title")
    assert first.startswith(b"\x89PNG")
    assert first == history_png(history, "title")
    assert first != history_png(History((3.0, 2.5), (0.1, 0.2), (2.0, 1.5), (0.1, 0.3)), "title")
