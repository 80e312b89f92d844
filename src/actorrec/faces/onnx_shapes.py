"""Reads the input and output shapes out of an ONNX file, which OpenCV does not tell.

An ONNX file is a protocol buffer message; the field numbers are those of onnx.proto3 (ONNX specification, version 1).
Only the few fields on the way to the shapes are followed; weights are skipped, not parsed.
"""

from collections.abc import Iterator
from dataclasses import dataclass

from actorrec.errors import ModelContractError

_GRAPH, _NODE_WEIGHTS, _INPUTS, _OUTPUTS, _WEIGHT_NAME = 7, 5, 11, 12, 8
_VARINT, _FIXED64, _BYTES, _FIXED32 = 0, 1, 2, 5


@dataclass(frozen=True, slots=True)
class OnnxShapes:
    """Shapes by name, in the file's order; -1 where the file leaves an axis open. Weights are not inputs."""

    inputs: dict[str, tuple[int, ...]]
    outputs: dict[str, tuple[int, ...]]


def read_onnx_shapes(data: bytes, name: str) -> OnnxShapes:
    """Read the shapes of a graph's inputs and outputs.

    Args:
        data: The whole file.
        name: How errors call it.

    Raises:
        ModelContractError: If it is not an ONNX file.
    """
    try:
        graph = next((bytes_ for field, bytes_ in _fields(memoryview(data)) if field == _GRAPH), None)
        if graph is None:
            raise ValueError("no graph in it")
        inputs: dict[str, tuple[int, ...]] = {}
        outputs: dict[str, tuple[int, ...]] = {}
        weights: set[str] = set()
        for field, content in _fields(graph):
            if field == _INPUTS:
                inputs.update([_value_info(content)])
            elif field == _OUTPUTS:
                outputs.update([_value_info(content)])
            elif field == _NODE_WEIGHTS:
                weights.add(_text(content, _WEIGHT_NAME))
    except (ValueError, IndexError, UnicodeDecodeError) as error:
        raise ModelContractError(f"{name}: expected an ONNX file, cannot read it as one: {error}") from None
    return OnnxShapes({key: shape for key, shape in inputs.items() if key not in weights}, outputs)


def _value_info(data: memoryview) -> tuple[str, tuple[int, ...]]:
    """ValueInfoProto: name = 1, type = 2 → tensor_type = 1 → shape = 2 → dim = 1 → dim_value = 1."""
    shape: list[int] = []
    for step in _follow(data, 2, 1, 2):
        for field, dim in _fields(step):
            if field == 1:
                shape.append(next((_varint(value, 0)[0] for key, value in _fields(dim) if key == 1), -1))
    return _text(data, 1), tuple(shape)


def _follow(data: memoryview, *path: int) -> Iterator[memoryview]:
    if not path:
        yield data
        return
    for field, content in _fields(data):
        if field == path[0]:
            yield from _follow(content, *path[1:])


def _text(data: memoryview, wanted: int) -> str:
    return next((str(content, "utf-8") for field, content in _fields(data) if field == wanted), "")


def _fields(data: memoryview) -> Iterator[tuple[int, memoryview]]:
    """Yield field number and content of every field of a message; a varint's content is its bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        start, kind = at, key & 7
        if kind == _VARINT:
            _, at = _varint(data, at)
        elif kind == _BYTES:
            length, start = _varint(data, at)
            at = start + length
        elif kind in (_FIXED32, _FIXED64):
            at += 4 if kind == _FIXED32 else 8
        else:
            raise ValueError(f"wire type {kind}")
        if at > len(data):
            raise ValueError("it ends too early")
        yield key >> 3, data[start:at]


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at, shift = at + 1, shift + 7
        if byte < 0x80:
            return value, at
        if shift > 63:
            raise ValueError("a number without end")
