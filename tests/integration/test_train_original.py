"""The original design: its layers, its split and its figures; on random weights and a narrow Dense, for speed."""

import json
from pathlib import Path

import numpy as np
import pytest

from actor_models import FEW, actors_dataset
from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.local import LocalStore
from actorrec.config import Config, load_config
from actorrec.progress import SilentProgress
from actorrec.recognition.gallery import gallery_from_bytes
from actorrec.sections import TrainingSection
from actorrec.training.compare_original import compare_original
from actorrec.training.original_net import frozen_features, learning_part
from actorrec.training.train import train

keras = pytest.importorskip("keras")
PRESET = Path(__file__).parents[2] / "configs" / "resnet50-imagenet.yaml"
UNITS = 64  # fewer fall silent for some faces
SMALL = {"embedder.name": "mobilenet", "embedder.weights": "none", "training.hidden_units": UNITS, "training.epochs": 2}


def small_config(**more: object) -> Config:
    return load_config(PRESET, environ={}, flags={**SMALL, **more}).config


def test_the_preset_says_what_the_original_did() -> None:
    config = load_config(PRESET, environ={}).config
    training = config.training
    assert (config.embedder.name, config.embedder.weights) == ("resnet50", "imagenet")
    assert (training.preset, training.epochs, training.batch_size, training.seed) == ("original", 10, 10, 0)
    assert training.hidden_units == 1024


def test_the_layers_are_the_originals() -> None:
    features = frozen_features("resnet50", "none", 272)
    assert [layer.name for layer in features.layers] == ["faces", "resizing", "resnet50", "flatten"]
    assert features.get_layer("resizing").output.shape == (None, 224, 224, 3)
    assert features.output.shape == (None, 7 * 7 * 2048)
    assert not features.trainable_weights
    head = learning_part(100_352, 100, TrainingSection(hidden_units=4), 0.5)
    assert [type(layer).__name__ for layer in head.layers] == ["InputLayer", "Dense", "Dropout", "Dense"]
    assert head.get_layer("dense").activation is keras.activations.relu
    assert head.get_layer("probabilities").activation is keras.activations.softmax
    assert isinstance(head.optimizer, keras.optimizers.Adam)
    assert (head.optimizer.learning_rate.numpy(), head.loss) == (np.float32(0.001), "sparse_categorical_crossentropy")
    assert "Dropout" not in [type(layer).__name__ for layer in learning_part(8, 2, TrainingSection(), 0.0).layers]


def test_the_preset_trains_and_its_dense_layer_is_the_embedding(tmp_path: Path) -> None:
    store = LocalStore(tmp_path)
    dataset = actors_dataset(store, FEW[:3])
    model = train(dataset, small_config(), store=store, progress=SilentProgress())
    assert model.preset == "original"
    assert set(model.rates) == {"random_split_top1_gallery", "random_split_top1_probabilities"}
    assert model.metrics["faces_train"] + model.metrics["faces_test"] == len(dataset.faces)
    assert model.embedder.dim == UNITS
    assert model.embedder.template == dataset.template
    gallery = gallery_from_bytes(store.read_bytes(file_name(model, model.gallery_file)))
    assert gallery.prototypes.shape == (3, UNITS)
    net = keras.saving.load_model(store.local_path(file_name(model, model.model_file)))
    outputs = net(np.zeros((1, 272, 272, 3), np.float32))
    assert {name: value.shape for name, value in outputs.items()} == {"embedding": (1, UNITS), "probabilities": (1, 3)}
    again = LocalStore(tmp_path / "again")
    repeated = train(actors_dataset(again, FEW[:3]), small_config(), store=again, progress=SilentProgress())
    assert repeated.content_digest() == model.content_digest()


def test_the_two_figures_beside_the_same_without_leak(tmp_path: Path) -> None:
    store = LocalStore(tmp_path / "store")
    dataset = actors_dataset(store, FEW[:2])
    out = tmp_path / "figures"
    report = compare_original(dataset, small_config(), store=store, out_dir=out, progress=SilentProgress())
    assert json.loads((out / "original.json").read_text()) == json.loads(json.dumps(report))
    assert {split: set(runs) for split, runs in report["runs"].items()} == {
        "random": {"dropout 0", "dropout 0.5"},
        "leak-free": {"dropout 0", "dropout 0.5"},
    }
    assert report["faces_held_out"]["leak-free"] == sum(face.split == "test" for face in dataset.faces)
    for runs in report["runs"].values():
        assert all(len(history["val_accuracy"]) == 2 for history in runs.values())
    assert (out / "original.png").read_bytes().startswith(b"\x89PNG")
