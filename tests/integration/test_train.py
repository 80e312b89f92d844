"""Training on real actors: names, files, skips, resumes, repeats, and refuses what cannot be learned."""

import json
from pathlib import Path

import numpy as np
import pytest

from actor_models import FEW, QUICK, actors_dataset, trained_actors, trained_on_brought
from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.errors import TrainingError
from actorrec.manifests.base import FileRecord
from actorrec.progress import SilentProgress
from actorrec.recognition.gallery import gallery_from_bytes
from actorrec.sections import EmbedderSection
from actorrec.training.backbone import open_backbone, scaled
from actorrec.training.crops import CropSource, ViewPlan, cut_faces
from actorrec.training.embeddings import EmbeddingWork, embed_faces
from actorrec.training.train import train
from actorrec.vision.align import DLIB_150
from real_faces import model_file

keras = pytest.importorskip("keras")

QUIET = SilentProgress()


class Killed(Exception):  # noqa: N818
    """Stands for kill -9."""


class DyingStore(LocalStore):
    """Dies at the n-th file it is asked to write."""

    def __init__(self, root: Path, writes: int) -> None:
        super().__init__(root)
        self.left = writes

    def put_bytes(self, name: str, data: bytes) -> FileRecord:
        self.left -= 1
        if self.left < 0:
            raise Killed(name)
        return super().put_bytes(name, data)


def test_the_head_and_the_gallery_know_the_actors() -> None:
    _, dataset, model = trained_actors()
    pictures = len(dataset.images)
    tested = sum(face.split == "test" for face in dataset.faces)
    for name in ("top1_gallery", "top1_probabilities"):
        assert model.rates[name].n == tested >= 12
        assert model.rates[name].value >= 0.95, name
    assert model.metrics["epochs"] <= QUICK.epochs
    nets = f"{model.embedder.model_id}: public domain (CC0-1.0)"
    assert model.licences == [nets, f"{pictures} pictures: user-supplied"] and model.restricted == {}


def test_both_outputs_know_the_same_people() -> None:
    store, _, model = trained_actors()
    gallery = gallery_from_bytes(store.read_bytes(file_name(model, model.gallery_file)))
    assert model.classes == list(gallery.person_ids) == sorted(FEW) == [p.person_id for p in model.people]
    assert gallery.model_id == model.embedder.model_id == "dlib-resnet29-v1"
    assert all(
        source.startswith(person) for source, person in zip(gallery.photo_sources, _owners(gallery), strict=True)
    )


def _owners(gallery: object) -> list[str]:
    return [gallery.person_ids[row] for row in gallery.photo_person]  # type: ignore[attr-defined]


def test_the_file_opens_in_plain_keras_and_its_outputs_have_names() -> None:
    store, dataset, model = trained_actors()
    net = keras.saving.load_model(store.local_path(file_name(model, model.model_file)))
    faces = [face for face in dataset.faces if face.split == "test"]
    crops = cut_faces(faces, ViewPlan(DLIB_150), CropSource(store, dataset))
    outputs = {name: np.asarray(value) for name, value in net(scaled(crops, model.embedder)).items()}
    assert set(outputs) == {"embedding", "probabilities"}
    assert np.allclose(np.linalg.norm(outputs["embedding"], axis=1), 1, atol=1e-5)
    assert np.allclose(outputs["probabilities"].sum(axis=1), 1, atol=1e-5)
    right = [
        model.classes[row] == face.person_id
        for row, face in zip(outputs["probabilities"].argmax(1), faces, strict=True)
    ]
    assert np.mean(right) == pytest.approx(model.rates["top1_probabilities"].value)


def test_the_history_is_kept_as_numbers_and_as_a_picture() -> None:
    store, _, model = trained_actors()
    history = json.loads(store.read_bytes(file_name(model, "history.json")))
    assert len(history["loss"]) == len(history["val_loss"]) >= history["best_epoch"] == model.metrics["epochs"]
    assert store.read_bytes(file_name(model, "history.png")).startswith(b"\x89PNG")
    assert not list(store.names(f"{model.ref}/unfinished"))


def test_the_same_again_does_nothing() -> None:
    store, dataset, model = trained_actors()
    path = store.local_path(file_name(model, model.model_file))
    before = path.stat().st_mtime_ns
    store.put_bytes(f"{model.ref}/unfinished/head-001.npz", b"of a run that was killed right after its commit")
    assert train(dataset, Config(training=QUICK), store=store, progress=QUIET) == model
    assert path.stat().st_mtime_ns == before
    assert not list(store.names(f"{model.ref}/unfinished"))


def test_another_run_gives_equal_content(tmp_path: Path) -> None:
    store, _, model = trained_actors()
    again = LocalStore(tmp_path)
    repeated = train(actors_dataset(again), Config(training=QUICK), store=again, progress=QUIET)
    assert repeated.content_digest() == model.content_digest()
    assert again.read_bytes(file_name(repeated, "model.keras")) == store.read_bytes(file_name(model, "model.keras"))


def test_another_seed_is_another_model(tmp_path: Path) -> None:
    _, _, model = trained_actors()
    store = LocalStore(tmp_path)
    other = QUICK.model_copy(update={"seed": 1, "epochs": 1})
    assert train(actors_dataset(store, FEW[:2]), Config(training=other), store=store, progress=QUIET).key != model.key


def test_embeddings_that_are_there_are_not_computed_again(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    dataset = actors_dataset(store, FEW[:2])
    faces = dataset.faces * 20  # more than a chunk
    source, plan = CropSource(store, dataset), ViewPlan(DLIB_150)
    embedder = open_backbone(EmbedderSection(), Config().models).embedder()
    whole = embed_faces(faces, plan, embedder, EmbeddingWork(source, "model/k/unfinished/a", QUIET))
    dying = CropSource(DyingStore(tmp_path, 1), dataset)
    with pytest.raises(Killed):
        embed_faces(faces, plan, embedder, EmbeddingWork(dying, "model/k/unfinished/b", QUIET))
    kept = store.local_path("model/k/unfinished/b-000000.npy").stat().st_mtime_ns
    resumed = embed_faces(faces, plan, embedder, EmbeddingWork(source, "model/k/unfinished/b", QUIET))
    assert store.local_path("model/k/unfinished/b-000000.npy").stat().st_mtime_ns == kept
    assert (resumed.views == whole.views).all()


def test_one_person_cannot_be_told_apart(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    with pytest.raises(TrainingError, match="only Emma_Watson has one"):
        train(actors_dataset(store, ["Emma_Watson"]), Config(training=QUICK), store=store, progress=QUIET)
    assert not list(store.names("model"))


def test_two_people_are_enough_without_a_validation_part(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    dataset = actors_dataset(store, FEW[:2])
    few = [face for face in dataset.faces if face.split == "train"]
    kept = [few[0], few[1], *(face for face in few if face.person_id != few[0].person_id)][:5]
    small = dataset.model_copy(update={"faces": [face.model_copy(update={"split": "train"}) for face in kept]})
    model = train(
        small, Config(training=QUICK.model_copy(update={"epochs": 2, "dropout": 0.3})), store=store, progress=QUIET
    )
    assert len(model.classes) == 2
    assert model.rates == {}
    assert "val_loss" not in model.metrics
    assert model.metrics["epochs"] == 2


def test_a_brought_tflite_stays_a_net_of_its_own() -> None:
    store, dataset, model = trained_on_brought()
    assert model.embedder_file == "embedder.tflite"
    brought = model_file("MobileFaceNet.tflite").read_bytes()
    assert store.read_bytes(file_name(model, "embedder.tflite")) == brought
    head = keras.saving.load_model(store.local_path(file_name(model, model.model_file)))
    assert head.input_shape == (None, 192)
    assert model.rates["top1_gallery"].value >= 0.95
    assert model.licences[0] == f"{model.embedder.model_id}: as stated"
    assert model.licences[1:] == [f"{len(dataset.images)} pictures: user-supplied"]


def test_a_brought_tflite_cannot_be_fine_tuned(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    tuning = QUICK.model_copy(update={"fine_tune": True})
    config = Config(training=tuning, embedder=EmbedderSection(path=model_file("MobileFaceNet.tflite")))
    with pytest.raises(TrainingError, match="cannot be fine-tuned"):
        train(actors_dataset(store, FEW[:2]), config, store=store, progress=QUIET)
