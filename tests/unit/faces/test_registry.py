import re

import pytest

from actorrec.errors import ConfigError
from actorrec.faces.registry import REGISTRY, ZOO_URL, find_model


def test_every_entry_states_licence_source_and_input() -> None:
    assert set(REGISTRY) == {"mtcnn", "yunet", "yunet-int8", "dlib-resnet29", "sface", "sface-int8"}
    for name, entry in REGISTRY.items():
        assert entry.name == name
        assert entry.licence in {"MIT", "Apache-2.0", "public domain (CC0-1.0)"}
        assert entry.source
        assert entry.input
        assert entry.accuracy
        assert (entry.role == "embedder") == (entry.spec is not None)


def test_every_download_is_pinned() -> None:
    assert ZOO_URL.startswith("https://")
    downloads = [entry.download for entry in REGISTRY.values() if entry.download is not None]
    assert len(downloads) == 4
    for download in downloads:
        assert re.fullmatch(r"[0-9a-f]{64}", download.sha256)
        assert 0 < download.bytes < 64 * 2**20
        assert download.file_name.endswith(".onnx")
    assert len({download.file_name for download in downloads}) == 4  # they share one cache folder


def test_embedder_ids_differ_and_carry_the_digest() -> None:
    specs = [entry.spec for entry in REGISTRY.values() if entry.spec is not None]
    assert len({spec.model_id for spec in specs}) == len(specs)
    sface = find_model("sface")
    assert sface.spec is not None
    assert sface.download is not None
    assert sface.spec.model_id == f"sface-{sface.download.sha256[:12]}"
    assert (sface.spec.layout, sface.spec.template.size_px, sface.spec.dim) == ("nchw", 112, 128)


def test_an_unknown_name_lists_the_known() -> None:
    with pytest.raises(ConfigError, match="no model 'arcface'") as caught:
        find_model("arcface")
    assert "sface" in caught.value.hint
