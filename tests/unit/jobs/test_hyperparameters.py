"""Settings as JSON in strings, within what SageMaker takes; nets by name."""

import json
from pathlib import Path
from typing import Any

import pytest

from actorrec.config import Config
from actorrec.errors import ConfigError
from actorrec.jobs.hyperparameters import encoded, net_files, net_uploads, nets_prefix, settings_parameters


def config(**sections: dict[str, Any]) -> Config:
    return Config.model_validate(sections)


def test_values_come_back_as_they_went() -> None:
    made = config(embedder={"mean": (1, 2.5, 3), "licence": 'über "MIT"\n$(id)'}, rights={"allow_restricted": True})
    sent = settings_parameters(made, "dataset/x")
    assert all(isinstance(text, str) and "\n" not in text and text.isascii() for text in sent.values())
    assert json.loads(sent["embedder.mean"]) == [1, 2.5, 3]
    assert json.loads(sent["embedder.licence"]) == 'über "MIT"\n$(id)'
    assert json.loads(sent["rights.allow_restricted"]) is True
    assert "detector.path" not in sent


def test_limits_of_the_service() -> None:
    assert encoded({"a": "x" * 2498})["a"] == f'"{"x" * 2498}"'
    with pytest.raises(ConfigError, match=r"embedder\.licence is too long"):
        encoded({"embedder.licence": "x" * 2499})
    assert len(encoded({str(n): n for n in range(100)})) == 100
    with pytest.raises(ConfigError, match="at most 100"):
        encoded({str(n): n for n in range(101)})


def test_words_are_no_files_and_files_are_found(tmp_path: Path) -> None:
    assert net_files(config(embedder={"weights": "none"})) == ()
    assert net_files(config()) == ()
    one, two = tmp_path / "a" / "w.keras", tmp_path / "d.tflite"
    one.parent.mkdir()
    one.write_bytes(b"1")
    two.write_bytes(b"22")
    found = net_files(config(embedder={"weights": str(one)}, detector={"path": two}))
    assert [(net.setting, net.path, net.bytes) for net in found] == [
        ("embedder.weights", one, 1),
        ("detector.path", two, 2),
    ]
    prefix = nets_prefix("s3://b/jobs", found)
    assert [upload.uri for upload in net_uploads(prefix, found)] == [f"{prefix}w.keras", f"{prefix}d.tflite"]
    sent = settings_parameters(config(), "dataset/x", found)
    assert (sent["embedder.weights"], sent["detector.path"]) == ('"w.keras"', '"d.tflite"')


def test_one_file_may_serve_twice_and_two_of_one_name_may_not(tmp_path: Path) -> None:
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "n.onnx").write_bytes(folder.encode())
    same = net_files(config(embedder={"path": tmp_path / "a/n.onnx"}, detector={"path": tmp_path / "a/n.onnx"}))
    assert len(net_uploads(nets_prefix("s3://b", same), same)) == 1
    other = net_files(config(embedder={"path": tmp_path / "b/n.onnx"}))
    assert nets_prefix("s3://b", same) != nets_prefix("s3://b", other), "a running job keeps the net it began with"
    with pytest.raises(ConfigError, match="one name"):
        net_files(config(embedder={"path": tmp_path / "a/n.onnx"}, detector={"path": tmp_path / "b/n.onnx"}))


@pytest.mark.parametrize("name", ["missing.onnx", "folder"])
def test_a_net_that_cannot_be_read_is_named(tmp_path: Path, name: str) -> None:
    (tmp_path / "folder").mkdir()
    with pytest.raises(ConfigError, match=r"cannot read embedder\.path"):
        net_files(config(embedder={"path": tmp_path / name}))
