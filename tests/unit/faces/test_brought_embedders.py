"""Which file is taken as which embedder, and what is refused. The numbers are in tests/contract/test_embedders.py."""

import threading
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from actorrec.errors import ConfigError, ModelContractError
from actorrec.faces import dlib_resnet29
from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder, spec_for_file, template_record
from actorrec.faces.fetch import fetch_model
from actorrec.faces.net_embedder import NetEmbedder, SquareInput
from actorrec.faces.onnx_shapes import read_onnx_shapes
from actorrec.manifests.nets import EmbedderSpec
from onnx_files import Graph, dlib_as_onnx, field
from real_faces import model_file

SCALING = {"mean": (127.5, 127.5, 127.5), "std": (127.5, 127.5, 127.5)}
SHIPPED = dlib_resnet29.shipped_tflite()


def spec_of(path: Path, template: str = "dlib-150") -> EmbedderSpec:
    return spec_for_file(path, template=template, mean=(0, 0, 0), std=(1, 1, 1))


def pooling_onnx(shape: tuple[int, ...], outputs: tuple[str, ...] = ("out",)) -> bytes:
    graph = Graph()
    pooled = graph.add("GlobalAveragePool", "picture")
    for name in outputs:
        graph.add("Flatten", pooled, output=name, axis=1)
    return graph.model({"picture": shape}, dict.fromkeys(outputs, (1, 3)))


class Numbered:
    """A net that gives each face its mean and its place in the run: a check of what it was handed."""

    def __init__(self, given: SquareInput, dim: int = 2) -> None:
        self.input, self.dim, self.shapes = given, dim, list[tuple[int, ...]]()

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        arranged = self.input.arrange(inputs)
        self.shapes.append(arranged.shape)
        found = np.stack([arranged.mean(axis=(1, 2, 3)), np.arange(len(arranged))], axis=1)
        return found[: len(inputs), : self.dim].astype(np.float32)


def numbered_spec(dim: int = 2, layout: str = "nhwc", version: int = 1) -> EmbedderSpec:
    return EmbedderSpec.model_validate(
        {
            "model_id": "n",
            "template": template_record("arcface-112", 16),
            "dim": dim,
            "layout": layout,
            "preprocess_version": version,
        }
    )


def grey_faces(levels: list[int]) -> NDArray[np.uint8]:
    return np.broadcast_to(np.array(levels, np.uint8)[:, None, None, None], (len(levels), 16, 16, 3)).copy()


def test_runs_are_bounded_and_rows_keep_their_order() -> None:
    net = Numbered(SquareInput(2, 16, "nhwc", fixed_batch=False))
    found = NetEmbedder(net, numbered_spec()).embed(grey_faces([5, 3, 9, 1, 7]))
    assert found[:, 0].tolist() == [5, 3, 9, 1, 7]
    assert [shape[0] for shape in net.shapes] == [2, 2, 1]


def test_a_fixed_batch_is_filled_up_and_the_filling_is_dropped() -> None:
    net = Numbered(SquareInput(4, 16, "nchw", fixed_batch=True))
    found = NetEmbedder(net, numbered_spec(layout="nchw")).embed(grey_faces([5, 3, 9, 1, 7]))
    assert found[:, 0].tolist() == [5, 3, 9, 1, 7]
    assert net.shapes == [(4, 3, 16, 16)] * 2


def test_a_net_that_breaks_its_spec_is_refused() -> None:
    given = SquareInput(1, 16, "nhwc", fixed_batch=True)
    with pytest.raises(ModelContractError, match=r"expected embeddings \(1, 3\), found \(1, 2\)"):
        NetEmbedder(Numbered(given), numbered_spec(dim=3)).embed(grey_faces([1]))
    with pytest.raises(ModelContractError, match="expected an input of 16 px, nchw, found 16 px, nhwc"):
        NetEmbedder(Numbered(given), numbered_spec(layout="nchw"))
    with pytest.raises(ModelContractError, match="made for preprocessing 2, this is 1"):
        NetEmbedder(Numbered(given), numbered_spec(version=2))


@pytest.mark.parametrize(
    ("shape", "expected"),
    [
        ((1, 112, 112, 3), SquareInput(1, 112, "nhwc", True)),
        ((-1, 3, 96, 96), SquareInput(1, 96, "nchw", False)),
        ((None, 150, 150, 3), SquareInput(1, 150, "nhwc", False)),
        ((2, 112, 112, 3), SquareInput(2, 112, "nhwc", True)),
        ((1, 3, 16, 3), None),
        ((1, 112, 96, 3), None),
        ((1, 112, 112, 1), None),
        ((None, None, None, 3), None),
        ((1, 512), None),
    ],
)
def test_input_shapes(shape: tuple[int | None, ...], expected: SquareInput | None) -> None:
    if expected is not None:
        assert SquareInput.parse(shape, "net") == expected
        return
    with pytest.raises(ModelContractError, match=r"net: expected an input of shape .*, found \("):
        SquareInput.parse(shape, "net")


def test_a_brought_net_is_described_by_its_file_and_digest() -> None:
    spec = spec_for_file(model_file("MobileFaceNet.tflite"), template="arcface-112", licence="MIT", **SCALING)
    assert spec.model_id == "mobilefacenet-d8ba40c0127f"
    assert (spec.template.size_px, spec.dim, spec.layout, spec.licence) == (112, 192, "nhwc", "MIT")


def test_a_template_is_scaled_to_the_nets_input() -> None:
    record = spec_of(SHIPPED, "arcface-112").template
    assert (record.name, record.size_px) == ("arcface-112@150", 150)
    assert record.points_px[2] == pytest.approx((56.0252 * 150 / 112, 71.7366 * 150 / 112), abs=1e-3)
    points = [(1.0, 2.0), (3.0, 2.0), (2.0, 3.0), (1.0, 4.0), (3.0, 4.0)]
    assert template_record(points, 64).points_px == tuple(points)


def test_wrong_templates_and_scales_are_config_errors(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="no template 'arcface'") as caught:
        template_record("arcface", 112)
    assert "arcface-112" in caught.value.hint
    with pytest.raises(ConfigError, match="five"):
        template_record([(1.0, 2.0)], 112)
    with pytest.raises(ConfigError, match="16 to 1024"):
        template_record("arcface-112", 8)
    with pytest.raises(ConfigError, match="zero"):
        spec_for_file(SHIPPED, template="dlib-150", mean=(0, 0, 0), std=(1, 0, 1))
    with pytest.raises(ConfigError, match="cannot read the embedder"):
        spec_of(tmp_path / "none.tflite")


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"", "found a file that starts with b''"),
        (b"once upon a time", "expected a .tflite, .onnx or .keras net"),
        (SHIPPED.read_bytes()[:100_000], "not a TensorFlow Lite model"),
        (b"\x08\x06" + b"\xff" * 40, "expected an ONNX file"),
        (b"\x08\x06:\x64abc", "it ends too early"),
        (field(1, 6), "no graph in it"),
        (pooling_onnx((1, 3, 64, 64))[:-40], "expected an ONNX file"),
        (pooling_onnx((1, 3, 64, 48)), r"found \(1, 3, 64, 48\)"),
        (pooling_onnx((1, 512, 3, 3), ("one", "two")), r"expected one output, found \['one', 'two'\]"),
    ],
)
def test_what_is_no_embedder_says_what_it_is(tmp_path: Path, content: bytes, says: str) -> None:
    path = tmp_path / "net.bin"
    path.write_bytes(content)
    with pytest.raises(ModelContractError, match=says):
        spec_of(path)


def test_a_detector_is_no_embedder() -> None:
    with pytest.raises(ModelContractError, match="expected one output, found"):
        spec_of(model_file("face_detection_yunet_2023mar.onnx"))


def test_another_net_than_the_specs_is_refused() -> None:
    with pytest.raises(ModelContractError, match="expected an input of 150 px, nhwc, found 112 px"):
        make_embedder(DEFAULT_SPEC, model_file("MobileFaceNet.tflite"))
    with pytest.raises(ModelContractError, match="no net for other is shipped"):
        make_embedder(DEFAULT_SPEC.model_copy(update={"model_id": "other"}), None)
    with pytest.raises(ModelContractError, match="cannot read"):
        make_embedder(DEFAULT_SPEC, Path("/nowhere/net.tflite"))


def test_onnx_shapes_leave_weights_out_and_open_axes_open() -> None:
    graph = Graph()
    kernel = graph.weight("kernel", np.zeros((4, 3, 1, 1)))
    graph.add("Conv", "picture", kernel, output="out", kernel_shape=(1, 1))
    shapes = read_onnx_shapes(
        graph.model({"picture": (-1, 3, 64, 64), "kernel": (4, 3, 1, 1)}, {"out": (-1, 4, 64, 64)}), "net"
    )
    assert shapes.inputs == {"picture": (-1, 3, 64, 64)}
    assert shapes.outputs == {"out": (-1, 4, 64, 64)}


def test_a_registered_net_comes_from_a_mirror_on_loopback(tmp_path: Path) -> None:
    folder = tmp_path / "mirror" / "models" / "face_detection_yunet"
    folder.mkdir(parents=True)
    content = model_file("face_detection_yunet_2023mar.onnx").read_bytes()
    (folder / "face_detection_yunet_2023mar.onnx").write_bytes(content)
    wrong = tmp_path / "mirror" / "models" / "face_recognition_sface" / "face_recognition_sface_2021dec.onnx"
    wrong.parent.mkdir()
    wrong.write_bytes(dlib_as_onnx(dlib_resnet29.shipped_weights()))

    class Quiet(SimpleHTTPRequestHandler):
        def log_message(self, format: str, *args: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(tmp_path / "mirror"))) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        thread.start()
        base_url = f"http://127.0.0.1:{server.server_address[1]}"
        try:
            path = fetch_model("yunet", cache_dir=tmp_path / "cache", base_url=base_url)
            with pytest.raises(ModelContractError, match="sface: expected 38696353 bytes with sha256 0ba9fbfa"):
                fetch_model("sface", cache_dir=tmp_path / "cache", base_url=base_url)
        finally:
            server.shutdown()
            thread.join()
    assert path.read_bytes() == content
    assert [each.name for each in (tmp_path / "cache").iterdir()] == [path.name]
