"""Several workers on loopback train the one model that a single one trains; a worker that dies ends the others."""

import json
from collections.abc import Sequence
from functools import partial
from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.catalog import file_name, load_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.errors import ConfigError, TrainingError
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from actorrec.recognition.gallery import gallery_from_bytes
from actorrec.sections import EmbedderSection, TrainingSection
from actorrec.training.train import train
from actorrec.training.workers import ALONE, join_workers
from forked_programs import start_forked
from held_ports import held_port
from invented_faces import invented_dataset, tiny_embedder
from training_worker import LOSSES, TUNING, tuned_weights, work

pytest.importorskip("keras")
PHOTOS = (40, 30, 9)  # 12 faces a batch
HANGS_S = 300  # nothing here takes so long unless it hangs


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("net") / "tiny.keras"
    tiny_embedder(path)
    return path


class Ports(list[int]):
    """Ports that nobody else gets while this lives."""

    def __init__(self, count: int) -> None:
        super().__init__(held_port(self) for _ in range(count))


def tf_config(ports: Sequence[int], index: int) -> str:
    task = {"type": "worker", "index": index}
    return json.dumps({"cluster": {"worker": [f"127.0.0.1:{port}" for port in ports]}, "task": task})


def run_workers(stores: Sequence[Path], tiny: Path, out: Path, *what: str) -> list[tuple[int, str]]:
    """Run one process for each store; their exit codes and what they said."""
    ports = Ports(len(stores))
    arguments, logs = (str(tiny), str(out), *what), [out / f"log-{index}" for index in range(len(stores))]
    started = [
        start_forked(partial(work, str(store), *arguments), {"TF_CONFIG": tf_config(ports, index)}, logs[index])
        for index, store in enumerate(stores)
    ]
    try:
        for process in started:
            process.join(HANGS_S)
    finally:
        for process in started:
            process.kill()
            process.join()
    return [(process.exitcode, log.read_text()) for process, log in zip(started, logs, strict=True)]


@pytest.fixture(scope="module")
def pair(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with what two workers made, each with a store of its own: ``chief`` and ``other``."""
    folder = tmp_path_factory.mktemp("pair")
    stores = [folder / name for name in ("chief", "other")]
    for store in stores:
        invented_dataset(LocalStore(store), PHOTOS)
    ended = run_workers(stores, tiny, folder, "all")
    assert [code for code, _ in ended] == [0, 0], ended
    return folder


@pytest.mark.parametrize("loss", LOSSES)
def test_two_workers_tune_the_weights_that_one_does(loss: str, pair: Path, tiny: Path, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    invented_dataset(store, PHOTOS)
    alone = tuned_weights(store, tiny, loss, ALONE)
    of_chief, of_other = (_arrays(pair / f"{loss}-{index}.npz") for index in range(2))
    assert max(map(_apart, of_chief, alone)) <= 1e-5
    assert max(map(_apart, of_chief, of_other)) == 0
    # What was compared is not where they began.
    assert max(map(_apart, alone, open_net(tiny))) > 1e-3


class Leaving(type(ALONE)):  # type: ignore[misc]
    """One worker, and what it is asked to hand over, to wait for and to leave."""

    def __init__(self) -> None:
        self.calls: list[str] = []

    def sum(self, arrays: Sequence[np.ndarray]) -> list[np.ndarray]:
        self.calls.append("sum")
        return list(arrays)

    def barrier(self) -> None:
        self.calls.append("barrier")

    def leave(self) -> None:
        self.calls.append("leave")


def _apart(first: np.ndarray, second: np.ndarray) -> float:
    return float(np.abs(first - second).max())


def _arrays(path: Path) -> list[np.ndarray]:
    with np.load(path) as kept:
        return [kept[f"arr_{index}"] for index in range(len(kept.files))]


def open_net(path: Path) -> list[np.ndarray]:
    import keras

    return [np.asarray(array) for array in keras.saving.load_model(path).get_weights()]


def test_two_workers_without_a_common_disk_make_the_model_that_one_makes(
    pair: Path, tiny: Path, tmp_path: Path
) -> None:
    config = Config(training=TUNING.model_copy(update={"fine_tune": False}), embedder=EmbedderSection(path=tiny))
    alone = LocalStore(tmp_path)
    dataset, workers = invented_dataset(alone, PHOTOS), Leaving()
    model = train(dataset, config, store=alone, progress=SilentProgress(), workers=workers)
    assert model is not None and workers.calls[-1] == "leave", "else one may go while another needs it"
    assert train(dataset, config, store=alone, progress=SilentProgress(), workers=workers) == model
    assert workers.calls[-1] == "leave" and workers.calls.count("leave") == 2
    chief = LocalStore(pair / "chief")
    made = load_manifest(chief, ModelManifest, "newest")
    assert json.loads((pair / "model-0.json").read_text()) == made.content_digest() == model.content_digest()
    assert json.loads((pair / "model-1.json").read_text()) is None
    assert not list(LocalStore(pair / "other").names(made.ref))
    assert not list(chief.names(f"{made.ref}/unfinished"))


def test_more_workers_than_faces(tiny: Path, tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    invented_dataset(store, (1, 1))
    ended = run_workers([tmp_path] * 3, tiny, tmp_path, "train")
    assert [code for code, _ in ended] == [0, 0, 0], ended
    assert load_manifest(store, ModelManifest, "newest").metrics["faces_train"] == 2


def test_a_worker_that_dies_ends_the_others_and_the_same_again_goes_on(tiny: Path, tmp_path: Path) -> None:
    stores = [tmp_path / name for name in ("chief", "other", "alone")]
    datasets = [invented_dataset(LocalStore(store), PHOTOS) for store in stores]
    ended = run_workers(stores[:2], tiny, tmp_path, "die", "4")  # in the second of three epochs
    assert ended[1][0] == 9
    assert ended[0][0] == 1
    assert "error: another worker of this training is gone" in ended[0][1]
    assert "Traceback" not in ended[0][1]
    chief = LocalStore(stores[0])
    assert [name.rpartition("/")[2] for name in chief.names("model")] == ["tuning-000.npz"]
    again = run_workers(stores[:2], tiny, tmp_path, "die", "1000000")
    assert [code for code, _ in again] == [0, 0], again
    config = Config(training=TUNING, embedder=EmbedderSection(path=tiny))
    train(datasets[2], config, store=LocalStore(stores[2]), progress=SilentProgress())
    resumed, alone = (_prototypes(LocalStore(store)) for store in (stores[0], stores[2]))
    assert _apart(resumed, alone) < 1e-4


def _prototypes(store: LocalStore) -> np.ndarray:
    model = load_manifest(store, ModelManifest, "newest")
    return gallery_from_bytes(store.read_bytes(file_name(model, model.gallery_file))).prototypes


def test_who_is_gone_when_all_leave_is_no_matter(tiny: Path, tmp_path: Path) -> None:
    ended = run_workers([tmp_path, tmp_path], tiny, tmp_path, "part")
    assert [code for code, _ in ended] == [0, 0], ended


def test_a_worker_that_never_comes_is_named(tmp_path: Path) -> None:
    ports = Ports(2)
    with pytest.raises(TrainingError, match=f"127.0.0.1:{ports[1]} did not come within 0.5 s"):
        join_workers({"TF_CONFIG": tf_config(ports, 0)}, wait_s=0.5)


class OneOfTwo(type(ALONE)):  # type: ignore[misc]
    """As much of a worker as is asked before anything is sent."""

    count = 2


def test_the_original_preset_is_for_one_machine(tmp_path: Path) -> None:
    dataset = invented_dataset(LocalStore(tmp_path), (2, 2))
    config = Config(training=TrainingSection(preset="original"))
    with pytest.raises(ConfigError, match=r"training\.preset 'original' learns on one machine, not on 2"):
        train(dataset, config, store=LocalStore(tmp_path), progress=SilentProgress(), workers=OneOfTwo())
