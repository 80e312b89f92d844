"""Make the three TFLite nets of the default detector from the weights in the ``mtcnn`` package.

Run once: ``python tools/make_mtcnn_tflite.py`` (needs the ``tools`` extra). It writes ``pnet.tflite``, ``rnet.tflite``,
``onet.tflite`` and ``SHA256SUMS`` to ``src/actorrec/faces/weights/mtcnn`` and refuses to when a net and the package's
own net differ by more than 1e-5.

The nets compute what the package's do, arranged for speed:

* they take raw RGB (0 to 255): the scaling ``(x − 127.5) / 128`` is folded into the first convolution, which has no
  padding, so that the fold is exact;
* they give one tensor. Its first channel is the logit of "face" (the softmax over two classes is the sigmoid of
  their difference, so the other channel says nothing new), the next four the box regression, and for the O-Net the
  next ten the landmarks, five x and then five y;
* the axis swap before the first dense layer is folded into that layer's weights.
"""

import argparse
import hashlib
from pathlib import Path
from typing import Any

import keras
import numpy as np
from mtcnn.network.onet import ONet
from mtcnn.network.pnet import PNet
from mtcnn.network.rnet import RNet
from mtcnn.utils.tensorflow import load_weights  # reads the package's own file format (joblib); never used at run time
from numpy.typing import NDArray

Weights = list[NDArray[np.float32]]
OUT = Path(__file__).resolve().parents[1] / "src/actorrec/faces/weights/mtcnn"
TOLERANCE = 1e-5
PACKAGE_NETS = {"pnet": PNet, "rnet": RNet, "onet": ONet}
# Per net: (kernel side, filters, pooling side or 0, padding of the pooling) of each convolution, width of the dense
# layer or 0, side of the input or None. Zhang et al., 2016, figure 2; paddings as in the package.
CONVS: dict[str, list[tuple[int, int, int, str]]] = {
    "pnet": [(3, 10, 2, "same"), (3, 16, 0, ""), (3, 32, 0, "")],
    "rnet": [(3, 28, 3, "same"), (3, 48, 3, "valid"), (2, 64, 0, "")],
    "onet": [(3, 32, 3, "same"), (3, 64, 3, "valid"), (3, 64, 2, "same"), (2, 128, 0, "")],
}
DENSE = {"pnet": 0, "rnet": 128, "onet": 256}
SIDE: dict[str, int | None] = {"pnet": None, "rnet": 24, "onet": 48}


def fold_scaling(kernel: NDArray[np.float32], bias: NDArray[np.float32]) -> Weights:
    """Weights of a first convolution that takes 0–255 instead of (x − 127.5) / 128."""
    wide = kernel.astype(np.float64)
    return [(wide / 128).astype(np.float32), (bias - wide.sum(axis=(0, 1, 2)) * 127.5 / 128).astype(np.float32)]


def swap_axes(kernel: NDArray[np.float32], height: int, width: int) -> NDArray[np.float32]:
    """Rows of a dense kernel written for (width, height, channels), put in the order (height, width, channels)."""
    by_place = kernel.reshape(width, height, -1, kernel.shape[1])
    return np.ascontiguousarray(by_place.transpose(1, 0, 2, 3).reshape(kernel.shape))


def head(weights: Weights) -> Weights:
    """One kernel and bias for logit, box and landmarks from those of the separate outputs (the class comes last)."""
    class_kernel, class_bias = weights[-2:]
    kernels = [class_kernel[..., 1:] - class_kernel[..., :1], *weights[:-2:2]]
    biases = [class_bias[1:] - class_bias[:1], *weights[1:-2:2]]
    return [np.concatenate(kernels, axis=-1), np.concatenate(biases)]


def build(name: str, weights: Weights) -> keras.Model:
    """The Keras model of one net with the package's weights folded in."""
    layers = keras.layers
    inputs = keras.Input((SIDE[name], SIDE[name], 3), name="image")
    x, at = inputs, 0
    todo: list[tuple[Any, Weights]] = []
    for side, filters, pool, padding in CONVS[name]:
        conv, prelu = layers.Conv2D(filters, side), layers.PReLU(shared_axes=[1, 2])
        x = prelu(conv(x))
        conv_weights = fold_scaling(*weights[:2]) if at == 0 else weights[at : at + 2]
        todo += [(conv, conv_weights), (prelu, [weights[at + 2]])]
        at += 3
        if pool:
            x = layers.MaxPooling2D(pool, 2, padding=padding)(x)
    if DENSE[name]:
        height, width = x.shape[1:3]
        dense, prelu = layers.Dense(DENSE[name]), layers.PReLU()
        x = prelu(dense(layers.Flatten()(x)))
        todo += [(dense, [swap_axes(weights[at], height, width), weights[at + 1]]), (prelu, [weights[at + 2]])]
        at += 3
    merged = head(weights[at:])
    last = layers.Dense(merged[1].size) if DENSE[name] else layers.Conv2D(merged[1].size, 1)
    model = keras.Model(inputs, last(x), name=name)
    for layer, values in [*todo, (last, merged)]:
        layer.set_weights(values)
    return model


def convert(model: keras.Model) -> bytes:
    """Float32 TFLite of a Keras model. ``from_keras_model``: other ways lose a Keras 3 model's weights silently."""
    import tensorflow as tf

    return bytes(tf.lite.TFLiteConverter.from_keras_model(model).convert())


def package_output(name: str, weights: Weights, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the package's own net gives, in the channel order of ours, with the probability of "face" first."""
    net = PACKAGE_NETS[name]()
    net.build()
    net.set_weights(weights)
    *regressions, classes = (np.asarray(part) for part in net((pixels - 127.5) / 128))
    return np.concatenate([classes[..., 1:], *regressions], axis=-1)


def our_output(content: bytes, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
    """What the converted net gives, with the probability of "face" first."""
    from ai_edge_litert.interpreter import Interpreter

    interpreter = Interpreter(model_content=content, num_threads=1)
    interpreter.resize_tensor_input(interpreter.get_input_details()[0]["index"], pixels.shape)
    interpreter.allocate_tensors()
    interpreter.set_tensor(interpreter.get_input_details()[0]["index"], pixels)
    interpreter.invoke()
    out = np.array(interpreter.get_tensor(interpreter.get_output_details()[0]["index"]))
    out[..., 0] = 1 / (1 + np.exp(-out[..., 0].astype(np.float64)))
    return out


def main() -> None:
    """Convert, compare and write."""
    parser = argparse.ArgumentParser(description="Make the TFLite nets of the mtcnn detector.")
    parser.add_argument("--out", type=Path, default=OUT)
    out: Path = parser.parse_args().out
    out.mkdir(parents=True, exist_ok=True)
    sums = []
    for name in PACKAGE_NETS:
        weights = [np.asarray(part, np.float32) for part in load_weights(f"{name}.lz4")]
        content = convert(build(name, weights))
        side = SIDE[name] or 61
        shape = (1 if name == "pnet" else 5, side, side, 3)
        pixels = np.random.default_rng(0).uniform(0, 255, shape).astype(np.float32)
        difference = float(np.abs(our_output(content, pixels) - package_output(name, weights, pixels)).max())
        if not difference <= TOLERANCE:
            raise SystemExit(f"{name}: differs from the package's net by {difference:.1e}")
        (out / f"{name}.tflite").write_bytes(content)
        sums.append(f"{hashlib.sha256(content).hexdigest()}  {name}.tflite\n")
        print(f"{name}: {len(content):,} bytes, largest difference {difference:.1e}")
    (out / "SHA256SUMS").write_text("".join(sums))


if __name__ == "__main__":
    main()
