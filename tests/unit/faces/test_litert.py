from pathlib import Path

import numpy as np
import pytest

from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.faces.mtcnn_nets import shipped_nets


def rnet() -> LiteRtNet:
    return LiteRtNet(shipped_nets()["rnet.tflite"], name="rnet.tflite")


def test_shapes_and_names_of_a_net() -> None:
    net = rnet()
    assert net.input_names == ("image",) and len(net.output_names) == 1
    assert net.input_shape() == (-1, 24, 24, 3)
    assert net.output_shape() == (-1, 5)
    assert net.input_dtype() == np.float32
    assert net.input_scale() == (0.0, 0)


def test_a_file_and_its_bytes_are_the_same_net(tmp_path: Path) -> None:
    path = tmp_path / "net.tflite"
    path.write_bytes(shipped_nets()["rnet.tflite"])
    crops = np.random.default_rng(0).uniform(0, 255, (3, 24, 24, 3)).astype(np.float32)
    from_file = LiteRtNet(path, name="net").run(crops)
    from_bytes = rnet().run({"image": crops})
    assert from_file.keys() == from_bytes.keys()
    assert all((from_file[name] == from_bytes[name]).all() for name in from_file)


def test_batches_of_changing_size() -> None:
    net = rnet()
    crops = np.random.default_rng(0).uniform(0, 255, (5, 24, 24, 3)).astype(np.float32)
    whole = net.run(crops)[net.output_names[0]]
    for count in (1, 4, 2):
        np.testing.assert_allclose(net.run(crops[:count])[net.output_names[0]], whole[:count], atol=1e-5)


@pytest.mark.parametrize("content", [b"", b"not a model", bytes(100)], ids=["empty", "text", "zeros"])
def test_bytes_that_are_no_model_are_refused(content: bytes) -> None:
    with pytest.raises(ModelContractError, match="mine"):
        LiteRtNet(content, name="mine")


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ModelContractError, match="no file"):
        LiteRtNet(tmp_path / "none.tflite", name="mine")


def test_an_input_of_the_wrong_shape_or_type_names_both() -> None:
    with pytest.raises(ModelContractError, match=r"float32\[1, 24, 20, 3\]"):
        rnet().run(np.zeros((1, 24, 20, 3), np.float32))
    with pytest.raises(ModelContractError, match="uint8"):
        rnet().run(np.zeros((1, 24, 24, 3), np.uint8))


def test_an_unknown_signature_is_refused() -> None:
    with pytest.raises(ModelContractError, match="serving_default"):
        LiteRtNet(shipped_nets()["rnet.tflite"], name="net", signature="encode")


def test_loading_says_nothing(capfd: pytest.CaptureFixture[str]) -> None:
    rnet().run(np.zeros((1, 24, 24, 3), np.float32))
    assert capfd.readouterr() == ("", "")
