"""Embedder nets in Keras: a brought .keras file, or a backbone that training built."""

import tempfile
import zipfile
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.keras_runtime import import_keras
from actorrec.faces.net_embedder import SquareInput

_OPEN_BATCH: Final = 32  # bounds memory: ResNet50 keeps under 1 GB of activations at 224 px


class KerasNet:
    """A Keras model from scaled faces (N, S, S, 3) to embeddings (N, D).

    Args:
        model: The model; its only output, or the one called ``embedding``, is taken.
        name: How errors call it.

    Raises:
        ModelContractError: If it has another kind of input or output.
    """

    def __init__(self, model: Any, name: str) -> None:
        if len(model.inputs) != 1:
            raise ModelContractError(f"{name}: expected one input, found {len(model.inputs)}")
        outputs = list(model.output_names)
        if len(outputs) != 1 and "embedding" not in outputs:
            raise ModelContractError(f"{name}: expected one output or one called 'embedding', found {outputs}")
        self._model, self._single = model, len(outputs) == 1
        self._position = outputs.index("embedding") if not self._single else 0
        self.input = SquareInput.parse(model.inputs[0].shape, name, open_batch=_OPEN_BATCH)

    def run(self, inputs: NDArray[np.float32]) -> NDArray[np.float32]:
        """See ``EmbedderNet.run``."""
        import keras

        arranged = self.input.arrange(inputs)
        found = self._model(arranged, training=False)
        if not self._single:
            found = found["embedding"] if isinstance(found, dict) else found[self._position]
        values = np.asarray(keras.ops.convert_to_numpy(found), np.float32)
        return values.reshape(len(arranged), -1)[: len(inputs)].copy()


def load_keras(file: bytes | Path, name: str) -> Any:
    """Load a .keras file without running any code that it may carry.

    Raises:
        ModelContractError: If Keras cannot read it, or it holds code (a Lambda layer) or unknown layers.
        MissingExtraError: If Keras is not installed.
    """
    keras = import_keras()
    with tempfile.TemporaryDirectory() as folder:
        if isinstance(file, Path):
            path = file
        else:
            path = Path(folder) / "model.keras"
            path.write_bytes(file)
        try:
            return keras.saving.load_model(path, compile=False, safe_mode=True)
        except (ValueError, TypeError, KeyError, OSError, zipfile.BadZipFile) as error:
            reason = " ".join(str(error).split())[:300]
            raise ModelContractError(f"{name}: Keras cannot load it: {reason}") from None
