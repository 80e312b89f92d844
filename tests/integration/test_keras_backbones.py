"""Backbones for training: their scaling is keras.applications' own, and weights that cannot be had say so."""

import logging
from pathlib import Path

import numpy as np
import pytest

from actorrec.errors import ConfigError, ModelContractError, TrainingError
from actorrec.faces.embedders import embedder_of_model, spec_for_file
from actorrec.faces.keras_backbones import BACKBONES, build_backbone
from actorrec.vision.preprocess import to_net_input

keras = pytest.importorskip("keras")


@pytest.mark.parametrize(
    ("name", "module", "dim"),
    [
        ("resnet50", "resnet50", 2048),
        ("vgg16", "vgg16", 512),
        ("mobilenet", "mobilenet", 1024),
        ("mobilenet_v2", "mobilenet_v2", 1280),
    ],
)
def test_an_imagenet_backbone_is_scaled_as_keras_scales_it(
    name: str, module: str, dim: int, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        model, spec = build_backbone(name, "none")
    assert "random weights" in caplog.text
    assert model.output.shape == (None, dim) == (None, spec.dim)
    assert (spec.template.name, spec.template.size_px) == ("canonical-272@224", 224)
    assert spec.model_id.startswith(f"{name}-random-")
    crops = np.random.default_rng(1).integers(0, 256, (2, 224, 224, 3), np.uint8)
    expected = getattr(keras.applications, module).preprocess_input(crops.astype(np.float32))
    assert np.allclose(to_net_input(crops, spec.mean, spec.std, spec.colour_order), expected, atol=1e-5)
    raw = embedder_of_model(model, spec).embed(crops)
    assert raw.shape == (2, dim)
    assert np.linalg.norm(raw, axis=1).min() > 1e-3  # also of random weights, so that a direction is left


def test_weights_from_a_file_are_the_files(tmp_path: Path) -> None:
    saved = keras.applications.MobileNet(include_top=False, weights=None, input_shape=(224, 224, 3))
    path = tmp_path / "mobilenet.weights.h5"
    saved.save_weights(path)
    model, spec = build_backbone("mobilenet", str(path))
    assert all(np.array_equal(a, b) for a, b in zip(model.get_weights(), saved.get_weights(), strict=True))
    assert build_backbone("mobilenet", str(path))[1].model_id == spec.model_id
    with pytest.raises(ModelContractError, match=r"expected weights of mobilenet_v2 without its top"):
        build_backbone("mobilenet_v2", str(path))


def test_weights_that_are_not_there_or_no_weights_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match="expected weights of mobilenet"):
        build_backbone("mobilenet", str(tmp_path / "none.weights.h5"))
    (tmp_path / "text.weights.h5").write_text("no weights")
    with pytest.raises(ModelContractError, match="expected weights of mobilenet"):
        build_backbone("mobilenet", str(tmp_path / "text.weights.h5"))


def test_imagenet_weights_that_cannot_be_downloaded_say_what_to_do(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    # A dead proxy on loopback stands for no internet, wherever the test runs; an empty home has no earlier download.
    for name in ("http_proxy", "https_proxy", "HTTPS_PROXY", "HTTP_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    # urllib keeps the proxies of its first call for as long as the process lives.
    monkeypatch.setattr("urllib.request._opener", None)
    monkeypatch.delenv("no_proxy", raising=False)
    monkeypatch.delenv("NO_PROXY", raising=False)
    monkeypatch.setattr(keras.config, "keras_home", lambda: str(tmp_path), raising=False)
    monkeypatch.setattr("keras.src.backend.config._KERAS_DIR", str(tmp_path))
    with pytest.raises(TrainingError, match="ImageNet weights of mobilenet cannot be downloaded") as caught:
        build_backbone("mobilenet", "imagenet")
    assert "--weights FILE" in caught.value.hint
    assert capsys.readouterr().out == ""


def test_names_and_weights_that_make_no_sense_are_config_errors() -> None:
    assert BACKBONES[0] == "dlib-resnet29"
    with pytest.raises(ConfigError, match="no backbone 'resnet51'"):
        build_backbone("resnet51")
    with pytest.raises(ConfigError, match="takes none from 'none'"):
        build_backbone("dlib-resnet29", "none")


def test_a_keras_file_with_code_or_of_another_kind_is_refused(tmp_path: Path) -> None:
    inputs = keras.Input((64, 64, 3))
    keras.Model(inputs, keras.layers.Lambda(lambda x: x[:, 0, 0])(inputs)).save(tmp_path / "code.keras")
    flat = keras.Input((64,))
    keras.Model(flat, keras.layers.Dense(8)(flat)).save(tmp_path / "flat.keras")
    (tmp_path / "zip.keras").write_bytes(b"PK\x03\x04 and no more")
    for name, says in (
        ("code", "Keras cannot load it"),
        ("zip", "Keras cannot load it"),
        ("flat", r"found \(\?, 64\)"),
    ):
        with pytest.raises(ModelContractError, match=says):
            spec_for_file(tmp_path / f"{name}.keras", template="arcface-112", mean=(0, 0, 0), std=(1, 1, 1))
