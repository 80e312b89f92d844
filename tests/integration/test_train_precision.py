"""Fine-tuning in mixed precision: it learns, ends in float32, and near to where float32 alone ends."""

from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.faces.keras_runtime import keras_bytes
from actorrec.progress import SilentStep
from actorrec.sections import EmbedderSection
from actorrec.training.backbone import Backbone, open_backbone
from actorrec.training.crops import CropSource, ViewPlan
from actorrec.training.precision import in_mixed_precision, precision_of
from actorrec.training.tuner import Tuner
from actorrec.training.tuning_data import BatchCutter, Share, TuningData
from actorrec.training.workers import ALONE
from actorrec.vision.align import ARCFACE_112
from invented_faces import invented_dataset, tiny_embedder
from training_worker import TUNING

keras = pytest.importorskip("keras")
EPOCHS = 8


def losses_and_net(
    path: Path, store: LocalStore, precision: str, loss: str = "contrastive"
) -> tuple[list[float], Backbone]:
    dataset = invented_dataset(store, (4, 4, 4))
    backbone = open_backbone(EmbedderSection(path=path), Config().models)
    classes = np.repeat(np.arange(3, dtype=np.int32), 4)
    data = TuningData(dataset.faces, classes, CropSource(store, dataset), ViewPlan(ARCFACE_112))
    settings = TUNING.model_copy(update={"precision": precision, "fine_tune_loss": loss})
    tuner, losses = Tuner(backbone, 3, settings, ALONE), []
    cutter = BatchCutter(data, data.fetch(), backbone.spec, Share())
    for epoch in range(EPOCHS):
        with cutter.batches(0, epoch) as batches:
            losses.append(tuner.learn(batches, SilentStep()))
    tuner.finish()
    return losses, backbone


def test_it_learns_as_float32_does_and_its_net_is_float32(tmp_path: Path) -> None:
    tiny_embedder(tmp_path / "tiny.keras")
    plain, expected = losses_and_net(tmp_path / "tiny.keras", LocalStore(tmp_path), "float32")
    mixed, found = losses_and_net(tmp_path / "tiny.keras", LocalStore(tmp_path), "mixed_float16")
    assert mixed != plain  # it was computed otherwise
    assert mixed[-1] < 0.8 * mixed[0]
    assert np.allclose(mixed, plain, rtol=0.01)
    net = found.keras_model
    assert net is not None and expected.keras_model is not None
    assert {array.dtype for array in net.get_weights()} == {np.dtype(np.float32)}
    assert {layer.dtype_policy.name for layer in net.layers} == {"float32"}
    crops = np.random.default_rng(0).normal(0, 1, (4, 112, 112, 3)).astype(np.float32)
    first, second = (np.asarray(each(crops, training=False)) for each in (net, expected.keras_model))
    cosines = np.sum(first * second, axis=1) / np.linalg.norm(first, axis=1) / np.linalg.norm(second, axis=1)
    assert cosines.min() > 0.99
    assert b"mixed_float16" not in keras_bytes(net)


def test_steps_that_overflow_are_left_out(tmp_path: Path) -> None:
    """The cosine loss has gradients that float16 cannot hold at first, until the scale of the loss has come down."""
    tiny_embedder(tmp_path / "tiny.keras")
    losses, found = losses_and_net(tmp_path / "tiny.keras", LocalStore(tmp_path), "mixed_float16", "cosine")
    assert found.keras_model is not None
    assert losses[-1] < 0.5 * losses[0]
    assert all(np.isfinite(array).all() for array in found.keras_model.get_weights())


def test_the_default_backbone_can_be_computed_in_float16() -> None:
    backbone = open_backbone(EmbedderSection(), Config().models)
    assert backbone.keras_model is not None
    mixed = in_mixed_precision(backbone.keras_model)
    crops = np.random.default_rng(0).normal(0, 1, (2, 150, 150, 3)).astype(np.float32)
    found = np.asarray(mixed(crops, training=False))
    assert found.dtype == np.float16
    expected = np.asarray(backbone.keras_model(crops, training=False))
    assert np.abs(found - expected).max() < 0.01 * np.abs(expected).max()


def test_auto_is_float32_without_a_gpu() -> None:
    tf = pytest.importorskip("tensorflow")
    if tf.config.list_physical_devices("GPU"):
        pytest.skip("there is a GPU")
    assert precision_of(TUNING) == "float32"
    assert precision_of(TUNING.model_copy(update={"precision": "mixed_float16"})) == "mixed_float16"
