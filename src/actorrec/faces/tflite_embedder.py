"""Embedder nets in TensorFlow Lite files, run by LiteRT."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.faces.net_embedder import SquareInput


class TfliteNet:
    """A .tflite net, as many faces a run as its file states (one where that is open).

    Nothing is ever resized: batches of 4 and 8 measured no faster a face than single ones, and a file with a fixed
    batch refuses another.

    Args:
        file: The file or its bytes.
        name: How errors call it.
        num_threads: Threads of one run.

    Raises:
        ModelContractError: If it is not a TFLite file with one square three-channel float32 input of a stated
            size and one output, or one called ``embedding``.
        MissingExtraError: If LiteRT is not installed.
    """

    def __init__(self, file: bytes | Path, name: str, num_threads: int = 1) -> None:
        self._net = LiteRtNet(file, name=name, num_threads=num_threads)
        inputs, outputs = self._net.input_names, self._net.output_names
        if len(inputs) != 1 or self._net.input_dtype() != np.float32:
            found = ", ".join(f"{self._net.input_dtype(i)} {self._net.input_shape(i)}" for i in inputs)
            raise ModelContractError(f"{name}: expected one float32 input, found {found}")
        if len(outputs) != 1 and "embedding" not in outputs:
            raise ModelContractError(f"{name}: expected one output or one called 'embedding', found {list(outputs)}")
        self._output = "embedding" if "embedding" in outputs else outputs[0]
        self.input = SquareInput.parse(self._net.input_shape(), name)

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``EmbedderNet.run``."""
        found = np.asarray(self._net.run(self.input.arrange(inputs))[self._output], np.float32)
        return found.reshape(self.input.batch, -1)[: len(inputs)]
