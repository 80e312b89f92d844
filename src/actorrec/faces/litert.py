"""The one place that talks to LiteRT: load a .tflite from bytes or a file, run it on arrays."""

import contextlib
import os
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import MissingExtraError, ModelContractError

_FIRST: Final = threading.Lock()
_announced = False


class LiteRtNet:
    """A .tflite ready to run. Not thread-safe: make one per thread.

    Inputs are resized to the arrays that come, and nothing is reallocated while their shapes stay the same; callers
    that care for speed or memory keep to few shapes.

    Args:
        model: The file's bytes or its path.
        name: What the user knows it as, for error messages.
        num_threads: CPU threads, at least 1.
        signature: Which signature to run; needed only where the file has several and none is ``serving_default``.

    Raises:
        MissingExtraError: If ``ai-edge-litert`` is not installed.
        ModelContractError: If the file is missing, is not a .tflite, or lacks the signature.
    """

    def __init__(self, model: bytes | Path, *, name: str, num_threads: int = 1, signature: str | None = None) -> None:
        self.name = name
        self._interpreter = _load(model, name, num_threads)
        self._runner = self._choose(signature)
        if self._runner is not None:
            inputs, outputs = self._runner.get_input_details(), self._runner.get_output_details()
        else:
            inputs = {detail["name"]: detail for detail in self._interpreter.get_input_details()}
            outputs = {detail["name"]: detail for detail in self._interpreter.get_output_details()}
        self._inputs: dict[str, dict[str, Any]] = dict(inputs)
        self._outputs: dict[str, dict[str, Any]] = dict(outputs)

    @property
    def input_names(self) -> tuple[str, ...]:
        """Names of the inputs: the signature's, or the tensors' where there is no signature."""
        return tuple(self._inputs)

    @property
    def output_names(self) -> tuple[str, ...]:
        """Names of the outputs, likewise."""
        return tuple(self._outputs)

    def input_shape(self, name: str | None = None) -> tuple[int, ...]:
        """Shape of an input (of the only one where no name is given); −1 where any length will do."""
        return _shape(self._inputs[name or self.input_names[0]])

    def output_shape(self, name: str | None = None) -> tuple[int, ...]:
        """Shape of an output (of the first where no name is given); −1 where it follows the input."""
        return _shape(self._outputs[name or self.output_names[0]])

    def input_dtype(self, name: str | None = None) -> np.dtype[Any]:
        """Element type of an input."""
        dtype: np.dtype[Any] = np.dtype(self._inputs[name or self.input_names[0]]["dtype"])
        return dtype

    def input_scale(self, name: str | None = None) -> tuple[float, int]:
        """Scale and zero point of a quantised input; (0.0, 0) for a float one."""
        scale, zero_point = self._inputs[name or self.input_names[0]]["quantization"]
        return float(scale), int(zero_point)

    def run(self, values: NDArray[Any] | Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        """Run once.

        Args:
            values: The only input, or every input by name; of the model's own element types.

        Returns:
            Every output by name; the arrays are the caller's own.

        Raises:
            ModelContractError: If shapes or types are not what the model takes.
        """
        named = dict(values) if isinstance(values, Mapping) else {self.input_names[0]: values}
        try:
            with contextlib.nullcontext() if _announced else _quiet_once():
                return dict(self._runner(**named)) if self._runner is not None else self._run_plain(named)
        except (ValueError, RuntimeError, KeyError) as error:
            shapes = {key: f"{value.dtype}{list(value.shape)}" for key, value in named.items()}
            raise ModelContractError(f"{self.name} cannot run on {shapes}: {error}") from error

    def _run_plain(self, named: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
        interpreter = self._interpreter
        for key, value in named.items():
            interpreter.resize_tensor_input(self._inputs[key]["index"], value.shape)
        interpreter.allocate_tensors()
        for key, value in named.items():
            interpreter.set_tensor(self._inputs[key]["index"], value)
        interpreter.invoke()
        return {key: interpreter.get_tensor(detail["index"]) for key, detail in self._outputs.items()}

    def _choose(self, signature: str | None) -> Any:
        known = list(self._interpreter.get_signature_list())
        if signature is None:
            if not known:
                return None
            signature = "serving_default" if "serving_default" in known else known[0]
        if signature not in known:
            has = ", ".join(known) or "none"
            raise ModelContractError(f"{self.name} has no signature {signature!r} (it has {has})")
        return self._interpreter.get_signature_runner(signature)


def _shape(detail: Mapping[str, Any]) -> tuple[int, ...]:
    signature = detail.get("shape_signature")
    return tuple(int(side) for side in (signature if signature is not None and len(signature) else detail["shape"]))


def _load(model: bytes | Path, name: str, num_threads: int) -> Any:
    try:
        from ai_edge_litert.interpreter import Interpreter
    except ImportError as error:
        raise MissingExtraError("edge", "ai-edge-litert") from error
    source = {"model_content": model} if isinstance(model, bytes) else {"model_path": str(model)}
    if isinstance(model, Path) and not model.is_file():
        raise ModelContractError(f"{name}: there is no file {model}")
    try:
        return Interpreter(**source, num_threads=num_threads)
    except (ValueError, RuntimeError) as error:
        raise ModelContractError(f"{name} is not a TensorFlow Lite model that can be run here: {error}") from error


@contextlib.contextmanager
def _quiet_once() -> Iterator[None]:
    """Keep LiteRT's one-time line about its CPU delegate off stderr, which belongs to our own messages.

    C++ writes it straight to file descriptor 2 when the first model is prepared, and no setting turns it off.
    """
    global _announced
    with _FIRST:
        if _announced:
            yield
            return
        saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
            _announced = True
        finally:
            os.dup2(saved, 2)
            os.close(saved)
            os.close(nowhere)
