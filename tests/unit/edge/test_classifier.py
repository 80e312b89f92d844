"""What AWS's public component can run, and what it hands over."""

from pathlib import Path

import numpy as np
import pytest

from actorrec.artifacts.local import LocalStore
from actorrec.config import Config
from actorrec.edge.classifier import as_handed_over, check_classifier, classifier
from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.manifests.model import ModelManifest
from small_bundles import small_bundle


def test_pictures_are_handed_over_as_bytes_in_bgr_of_one_size() -> None:
    crops = np.zeros((2, 30, 30, 3), np.uint8)
    crops[1] = (255, 128, 1)
    found = as_handed_over(crops)
    assert found.shape == (2, 224, 224, 3) and found.dtype == np.uint8
    assert not found[0].any() and (found[1] == (1, 128, 255)).all()
    whole = np.arange(224 * 224 * 3, dtype=np.uint8).reshape(1, 224, 224, 3)
    assert np.array_equal(as_handed_over(whole), whole[..., ::-1])


def test_a_net_of_floats_cannot_be_run_there() -> None:
    net = LiteRtNet(small_bundle()[1]["embedder.tflite"], name="embedder")
    with pytest.raises(ModelContractError, match=r"embedder takes float32\[.*150, 150, 3\] at 0, no picture's bytes"):
        check_classifier(net, 3)


def test_a_brought_net_is_not_one_classifier(tmp_path: Path) -> None:
    card, _ = small_bundle()
    model = ModelManifest(
        key="0123456789abcdef", embedder=card.embedder, people=card.people, classes=["Ada", "Bea", "Cy"],
        model_file="head.keras", embedder_file="brought.onnx", gallery_file="gallery.npz", calibration=card.calibration,
    )  # fmt: skip
    with pytest.raises(ModelContractError, match="was trained on a brought net"):
        classifier(model, Config(), store=LocalStore(tmp_path))
