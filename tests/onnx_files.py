"""Writes dlib's ResNet-29 as an ONNX file (NCHW), so that the ONNX path is tested on a real face net.

Encodes the few protocol buffer messages of onnx.proto3 that it takes, by hand: no ONNX package is needed.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.faces.keras_backbones.dlib_net import ConvShape, conv_shapes


def varint(value: int) -> bytes:
    found = b""
    while value > 0x7F:
        found += bytes([value & 0x7F | 0x80])
        value >>= 7
    return found + bytes([value])


def field(number: int, value: int | str | bytes) -> bytes:
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    content = value.encode() if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(content)) + content


def tensor(name: str, array: NDArray[Any]) -> bytes:
    dims = b"".join(field(1, axis) for axis in array.shape)
    return dims + field(2, 1) + field(8, name) + field(9, array.astype("<f4").tobytes())


def value_info(name: str, shape: tuple[int, ...]) -> bytes:
    dims = b"".join(field(1, field(1, axis) if axis > 0 else field(2, "n")) for axis in shape)
    return field(1, name) + field(2, field(1, field(1, 1) + field(2, dims)))


class Graph:
    """Collects nodes and weights; every node has one output, named after its number."""

    def __init__(self) -> None:
        self.nodes: list[bytes] = []
        self.weights: list[bytes] = []

    def add(self, op: str, *inputs: str, output: str | None = None, **ints: tuple[int, ...] | int) -> str:
        name = output or f"t{len(self.nodes)}"
        node = b"".join(field(1, each) for each in inputs) + field(2, name) + field(3, f"n_{name}") + field(4, op)
        for key, value in ints.items():
            if isinstance(value, int):
                node += field(5, field(1, key) + field(3, value) + field(20, 2))
            else:
                node += field(5, field(1, key) + b"".join(field(8, each) for each in value) + field(20, 7))
        self.nodes.append(node)
        return name

    def weight(self, name: str, array: NDArray[Any]) -> str:
        self.weights.append(tensor(name, array))
        return name

    def model(self, inputs: dict[str, tuple[int, ...]], outputs: dict[str, tuple[int, ...]]) -> bytes:
        graph = b"".join(field(1, node) for node in self.nodes) + field(2, "net")
        graph += b"".join(field(5, weight) for weight in self.weights)
        graph += b"".join(field(11, value_info(*item)) for item in inputs.items())
        graph += b"".join(field(12, value_info(*item)) for item in outputs.items())
        return field(1, 6) + field(7, graph) + field(8, field(1, "") + field(2, 9))


def dlib_as_onnx(weights: dict[str, NDArray[Any]]) -> bytes:
    graph, shapes = Graph(), conv_shapes()

    def conv(x: str, shape: ConvShape) -> str:
        pad = shape.kernel_px // 2 if shape.stride == 1 else 0
        kernel = graph.weight(f"{shape.name}_k", weights[f"{shape.name}_kernel"].transpose(3, 2, 0, 1))
        bias = graph.weight(f"{shape.name}_b", weights[f"{shape.name}_bias"])
        sides = {"kernel_shape": (shape.kernel_px,) * 2, "strides": (shape.stride,) * 2, "pads": (pad,) * 4}
        return graph.add("Conv", x, kernel, bias, **sides)

    x = graph.add("Relu", conv("crops", next(shapes)))
    x = graph.add("MaxPool", x, kernel_shape=(3, 3), strides=(2, 2))
    side = 35
    for first in shapes:
        branch = conv(graph.add("Relu", conv(x, first)), next(shapes))
        if first.stride == 2:
            halved, pooled = (side - 3) // 2 + 1, side // 2
            x = graph.add("AveragePool", x, kernel_shape=(2, 2), strides=(2, 2))
            if first.channels_out > first.channels_in:
                x = graph.add("Pad", x, pads=(0, 0, 0, 0, 0, first.channels_out - first.channels_in, 0, 0))
            if pooled > halved:
                branch = graph.add("Pad", branch, pads=(0, 0, 0, 0, 0, 0, pooled - halved, pooled - halved))
            side = pooled
        x = graph.add("Relu", graph.add("Add", branch, x))
    x = graph.add("Flatten", graph.add("GlobalAveragePool", x), axis=1)
    dense = graph.weight("dense", np.asarray(weights["dense_kernel"]))
    graph.add("MatMul", x, dense, output="embedding_128")
    return graph.model({"crops": (1, 3, 150, 150)}, {"embedding_128": (1, 128)})
