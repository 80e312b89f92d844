"""Embedder nets in ONNX files, run by OpenCV."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import MissingExtraError, ModelContractError
from actorrec.faces.net_embedder import SquareInput
from actorrec.faces.onnx_shapes import read_onnx_shapes


class OnnxNet:
    """An .onnx net, as many faces a run as its file states (one where that is open).

    OpenCV has one set of threads for the process: ``num_threads`` sets it for everything OpenCV does.

    Args:
        file: The file or its bytes.
        name: How errors call it.
        num_threads: Threads of one run.

    Raises:
        ModelContractError: If it is not an ONNX file with one square three-channel input of a stated size and one
            output, or one called ``embedding``; or if OpenCV cannot run it.
        MissingExtraError: If OpenCV is not installed.
    """

    def __init__(self, file: bytes | Path, name: str, num_threads: int = 1) -> None:
        data = file.read_bytes() if isinstance(file, Path) else file
        shapes = read_onnx_shapes(data, name)
        if len(shapes.inputs) != 1:
            raise ModelContractError(f"{name}: expected one input, found {list(shapes.inputs)}")
        if len(shapes.outputs) != 1 and "embedding" not in shapes.outputs:
            raise ModelContractError(f"{name}: expected one output, found {list(shapes.outputs)}")
        self._name = name
        self._output = "embedding" if "embedding" in shapes.outputs else next(iter(shapes.outputs))
        self.input = SquareInput.parse(next(iter(shapes.inputs.values())), name)
        self._net = _open(data, name, num_threads)

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``EmbedderNet.run``."""
        import cv2

        try:
            self._net.setInput(self.input.arrange(inputs))
            found = np.array(self._net.forward(self._output), np.float32)
        except cv2.error as error:
            raise ModelContractError(f"{self._name}: OpenCV cannot run it: {_first_line(error)}") from None
        return found.reshape(self.input.batch, -1)[: len(inputs)]


def _open(data: bytes, name: str, num_threads: int) -> Any:
    try:
        import cv2
    except ImportError as error:
        raise MissingExtraError("edge", "opencv-python-headless") from error
    cv2.setNumThreads(num_threads)
    try:
        return cv2.dnn.readNetFromONNX(np.frombuffer(data, np.uint8))
    except cv2.error as error:
        raise ModelContractError(f"{name}: OpenCV cannot read this ONNX file: {_first_line(error)}") from None


def _first_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0]
