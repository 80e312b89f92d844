"""The program of a training container, in folders of the test's: what it leaves behind, and what it survives."""

import json
import os
import signal
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from actorrec.artifacts.catalog import MANIFEST_NAME, commit_manifest
from actorrec.artifacts.local import LocalStore
from actorrec.config import load_config
from actorrec.dataset.build import build_dataset
from actorrec.dataset.npz import export_npz
from actorrec.faces.dlib_resnet29 import SPEC, shipped_tflite
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import SilentProgress
from actorrec.recognition.bundle import open_bundle
from actorrec.sections import Config
from actorrec.training.entrypoint import main
from actorrec.training.train import train
from forked_programs import start_forked
from invented_faces import tiny_embedder

keras = pytest.importorskip("keras")
QUICK = {"training.epochs": 2, "training.augmentations": 1, "edge.variant": "dynamic"}
EXAMPLES = Path(__file__).resolve().parents[2] / "examples" / "people"


@dataclass(frozen=True)
class Opt:
    """An /opt/ml somewhere else."""

    root: Path
    train: Path
    nets: Path | None = None

    @property
    def model(self) -> Path:
        return self.root / "model"

    @property
    def checkpoints(self) -> Path:
        return self.root / "checkpoints" / "actorrec"

    def environ(self, settings: Mapping[str, Any]) -> dict[str, str]:
        (self.root / "checkpoints").mkdir(exist_ok=True)
        nets = {} if self.nets is None else {"SM_CHANNEL_NETS": str(self.nets)}
        return nets | {
            "SM_HPS": json.dumps(settings),
            "SM_HOSTS": '["algo-1"]',
            "SM_CHANNEL_TRAIN": str(self.train),
            "SM_MODEL_DIR": str(self.model),
            "SM_OUTPUT_DIR": str(self.root / "output"),
            "SM_OUTPUT_DATA_DIR": str(self.root / "output" / "data"),
            "SM_CHECKPOINT_DIR": str(self.root / "checkpoints"),
        }

    def run(self, settings: Mapping[str, Any]) -> int:
        return main([], self.environ(settings))

    def interrupt(
        self, settings: Mapping[str, Any], number: int, stop_at: str, when: Callable[[str], bool]
    ) -> "Interrupted":
        """Start it as a process that waits at some words, and send it a signal once ``when`` says so of its log."""
        log = self.root / "log"
        log.unlink(missing_ok=True)
        process = start_forked(_job, self.environ(settings), log, stop_at)
        while process.is_alive() and not (log.exists() and when(log.read_text())):
            time.sleep(0.01)
        if process.is_alive():
            os.kill(process.pid, number)
            with suppress(ProcessLookupError):  # killed, it may be gone already, and buried by the server of forks
                os.kill(process.pid, signal.SIGCONT)
        process.join()
        return Interrupted(process.exitcode, log.read_text())

    def manifest(self) -> ModelManifest:
        return ModelManifest.model_validate_json((self.model / MANIFEST_NAME).read_bytes())


def _job() -> int:
    return main([])


@dataclass(frozen=True)
class Interrupted:
    code: int
    log: str


@pytest.fixture(scope="module")
def people(tmp_path_factory: pytest.TempPathFactory) -> tuple[LocalStore, DatasetManifest]:
    """The data set of examples/people."""
    store = LocalStore(tmp_path_factory.mktemp("store"))
    return store, build_dataset([EXAMPLES], Config(), store=store, progress=SilentProgress())


@pytest.fixture(scope="module")
def tiny(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a small net of one's own: what a job leaves is the same, and made in a fifth of the time."""
    folder = tmp_path_factory.mktemp("nets")
    tiny_embedder(folder / "own.keras")
    return folder


def folder_of(store: LocalStore, dataset: DatasetManifest) -> Path:
    return Path(store.uri) / dataset.ref


def test_a_job_leaves_what_the_desk_would_have_made_and_more(
    people: tuple[LocalStore, DatasetManifest], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, dataset = people
    opt = Opt(tmp_path, folder_of(store, dataset), tiny)
    before = {path: path.stat().st_mtime_ns for path in opt.train.rglob("*")}
    assert opt.run({**QUICK, "embedder.path": "own.keras", "dataset": dataset.ref}) == 0
    assert {path: path.stat().st_mtime_ns for path in opt.train.rglob("*")} == before
    ours = {**QUICK, "embedder.path": str(tiny / "own.keras")}
    here = train(dataset, load_config(environ={}, flags=ours).config, store=store, progress=SilentProgress())
    assert here is not None
    model = opt.manifest()
    assert model.content_digest() == here.content_digest()
    assert sorted(path.name for path in opt.model.iterdir()) == [
        "1", "bundle.json", "bundle.zip", "gallery.npz", "history.json", "history.png", "manifest.json",
        "metrics.json", "model.keras",
    ]  # fmt: skip
    assert not any((tmp_path / "output").glob("failure"))
    assert sorted(path.name for path in (tmp_path / "output" / "data").iterdir()) == [
        "history.json", "history.png", "metrics.json",
    ]  # fmt: skip
    assert open_bundle(opt.model / "bundle.zip").card.inputs == {model.ref: model.content_digest()}
    _check_saved_model(opt.model)
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("actorrec ")
    assert all(f"{name} " in lines[0] for name in ("python", "tensorflow", "keras", "numpy", "gpus"))
    assert any(line.startswith("metrics: epoch=2 loss=") for line in lines)
    summary = json.loads((opt.model / "metrics.json").read_text())
    assert summary["metrics"] == model.metrics
    assert summary["bundle"]["ref"].startswith("bundle/")


def _check_saved_model(folder: Path) -> None:
    import tensorflow as tf

    net = keras.saving.load_model(folder / "model.keras")
    faces = np.random.default_rng(1).normal(size=(3, *net.input_shape[1:])).astype(np.float32)
    served = tf.saved_model.load(str(folder / "1")).signatures["serving_default"](faces=tf.constant(faces))
    for name, values in net(faces).items():
        assert np.allclose(served[name], values, atol=1e-5), name


def test_a_model_that_cannot_be_converted_is_kept(
    people: tuple[LocalStore, DatasetManifest], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Weights that float16 cannot hold: the conversion gives no numbers."""
    inputs = keras.Input((112, 112, 3))
    x = keras.layers.Flatten()(keras.layers.AveragePooling2D(16)(inputs))
    net = keras.Model(inputs, keras.layers.Dense(16, use_bias=False)(x))
    net.set_weights([np.random.default_rng(0).normal(size=(147, 16), scale=1e6)])
    (tmp_path / "nets").mkdir()
    net.save(tmp_path / "nets" / "own.keras")
    opt = Opt(tmp_path, folder_of(*people), tmp_path / "nets")
    assert opt.run({**QUICK, "embedder.path": "own.keras", "edge.variant": "float16"}) == 0
    assert opt.manifest().classes == sorted(person.person_id for person in people[1].people)
    assert (opt.model / "1" / "saved_model.pb").is_file()
    assert not list(opt.model.glob("bundle*"))
    reason = json.loads((opt.model / "metrics.json").read_text())["bundle"]["reason"]
    assert reason.startswith("the float16 conversion does not agree with its model")
    assert f"no edge bundle: {reason}" in capsys.readouterr().out


def test_a_brought_net_stays_its_own_and_an_npz_serves(
    people: tuple[LocalStore, DatasetManifest], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    store, dataset = people
    (tmp_path / "train").mkdir()
    export_npz(dataset, store, tmp_path / "train" / "dataset.npz")
    (tmp_path / "nets").mkdir()
    (tmp_path / "nets" / "own.tflite").write_bytes(shipped_tflite().read_bytes())
    opt = Opt(tmp_path, tmp_path / "train", tmp_path / "nets")
    embedder = {"template": SPEC.template.name, "mean": SPEC.mean, "std": SPEC.std, "colour_order": SPEC.colour_order}
    brought = {f"embedder.{name}": value for name, value in embedder.items()} | {"embedder.path": "own.tflite"}
    assert opt.run({**QUICK, **brought}) == 0
    assert opt.manifest().embedder_file == "embedder.tflite"
    assert not (opt.model / "1").exists()
    assert "no SavedModel" in capsys.readouterr().out
    assert open_bundle(opt.model / "bundle.zip").card.head_file == "head.tflite"
    # An interrupted import goes on, too: the data set lies with the checkpoints.
    assert list(opt.checkpoints.glob("dataset/*/manifest.json"))


def many_faces(people: tuple[LocalStore, DatasetManifest], root: Path) -> tuple[LocalStore, DatasetManifest]:
    """The few faces over and over, under other ids: more than are embedded at a time."""
    old, dataset = people
    store, files, faces = LocalStore(root), [], []
    for face in dataset.faces:
        record = store.put_bytes(f"dataset/many/{face.crop}", old.read_bytes(f"{dataset.ref}/{face.crop}"))
        files.append(record)
        faces += [
            face.model_copy(update={"face_id": f"{index:03d}{face.face_id[3:]}", "group": f"{index}{face.group}"})
            for index in range(60)
        ]
    return store, commit_manifest(
        store, dataset.model_copy(update={"key": "many", "files": files, "faces": faces, "inputs": {}})
    )


def test_a_job_that_is_interrupted_again_and_again_ends_as_an_unbroken_one(
    people: tuple[LocalStore, DatasetManifest], tiny: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = {**QUICK, "training.augmentations": 0, "embedder.path": "own.keras"}
    store, dataset = many_faces(people, tmp_path / "store")
    config = load_config(environ={}, flags={**settings, "embedder.path": str(tiny / "own.keras")}).config
    unbroken = train(dataset, config, store=store, progress=SilentProgress())
    assert unbroken is not None
    (tmp_path / "opt").mkdir()
    broken = Opt(tmp_path / "opt", folder_of(store, dataset), tiny)

    def put_away(_log: str) -> bool:
        return any(broken.checkpoints.glob("model/*/unfinished/learn-000000.npy"))

    embedding, head = "embedding faces: 0/", "training the head: 0/"
    stopped = broken.interrupt(settings, signal.SIGTERM, embedding, lambda log: embedding in log)
    assert stopped.code == 128 + signal.SIGTERM
    assert stopped.log.splitlines()[-1].startswith("told to stop: what is done so far is kept")
    assert broken.interrupt(settings, signal.SIGKILL, head, put_away).code == -signal.SIGKILL
    kept = next(broken.checkpoints.glob("model/*/unfinished/learn-000000.npy")).stat().st_mtime_ns
    in_the_head = broken.interrupt(settings, signal.SIGKILL, head, lambda log: head in log)
    assert in_the_head.code == -signal.SIGKILL
    assert "going on from" in in_the_head.log
    # A locked-up machine must not lock its successor out, and what was embedded is not embedded again.
    assert not list(broken.checkpoints.rglob("*.lock"))
    assert next(broken.checkpoints.glob("model/*/unfinished/learn-000000.npy")).stat().st_mtime_ns == kept
    assert not (broken.model / MANIFEST_NAME).exists()
    capsys.readouterr()
    assert broken.run(settings) == 0
    assert "parts that an interrupted run left" in capsys.readouterr().out
    assert broken.manifest().content_digest() == unbroken.content_digest()
