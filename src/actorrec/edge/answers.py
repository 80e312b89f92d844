"""What a net says about the trial faces, and how long it takes."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ModelContractError
from actorrec.faces.litert import LiteRtNet
from actorrec.vision.similarity import normalise

_TIMED_ROUNDS, _RUNS_A_ROUND = 5, 8


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """Outputs for N faces.

    Attributes:
        embeddings: Shape (N, D), float32, unit rows.
        probabilities: Shape (N, n), float32; None for a net without that output.
    """

    embeddings: NDArray[np.float32]
    probabilities: NDArray[np.float32] | None


def keras_answers(model: Any, inputs: NDArray[np.float32]) -> Answers:
    """Run an end-to-end Keras model, 32 faces at a time."""
    parts = [model.predict_on_batch(inputs[start : start + 32]) for start in range(0, len(inputs), 32)]
    outputs = {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}
    return answers_of(outputs, "the Keras model")


def tflite_answers(net: LiteRtNet, inputs: NDArray[np.float32]) -> Answers:
    """Run a converted end-to-end model, one face at a time.

    Raises:
        ModelContractError: If it lacks the outputs by name.
    """
    parts = [net.run(item[None]) for item in inputs]
    return answers_of({name: np.concatenate([part[name] for part in parts]) for name in parts[0]}, net.name)


def answers_of(outputs: Mapping[str, NDArray[Any]], name: str) -> Answers:
    """Pick the outputs by name, never by place.

    Raises:
        ModelContractError: If one is missing.
    """
    missing = {"embedding", "probabilities"} - set(outputs)
    if missing:
        raise ModelContractError(f"{name} has no output named {', '.join(sorted(missing))}, only {sorted(outputs)}")
    units, _ = normalise(np.asarray(outputs["embedding"], np.float32))
    return Answers(units, np.asarray(outputs["probabilities"], np.float32))


def median_ms(runs: Sequence[Callable[[int], object]]) -> list[float]:
    """Median time of each of several nets.

    They take turns, so that whatever else the machine does meets all of them alike.

    Args:
        runs: Each runs one net on the face of that number.
    """
    times: list[list[float]] = [[] for _ in runs]
    for round_number in range(_TIMED_ROUNDS + 1):
        for run, of_net in zip(runs, times, strict=True):
            for index in range(_RUNS_A_ROUND):
                start = time.perf_counter()
                run(index)
                if round_number:  # the first round warms caches
                    of_net.append((time.perf_counter() - start) * 1000)
    return [float(np.median(of_net)) for of_net in times]
