"""Training the backbone itself, a little: small steps, balanced batches, on one worker or several."""

import hashlib
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TrainingError
from actorrec.progress import Step
from actorrec.sections import TrainingSection
from actorrec.training.backbone import Backbone
from actorrec.training.outcome import Workplace
from actorrec.training.tuner import Tuner
from actorrec.training.tuning_data import BatchCutter, Share, TuningData
from actorrec.training.workers import Workers


def fine_tune(backbone: Backbone, data: TuningData, settings: TrainingSection, place: Workplace) -> Backbone:
    """Train the backbone's weights, from where a killed run stopped.

    Several workers train one net: they share the rows of every batch, and each makes every step of it.

    Args:
        backbone: Changed in place; its batch normalisations keep their statistics.
        data: What to learn from.
        settings: Loss, learning rate, epochs, precision, seed.
        place: Holds the checkpoints (the chief's count), is told of every step, knows the workers.

    Returns:
        The backbone under a new model id, because its embeddings must not be compared with the old one's.

    Raises:
        TrainingError: If the net is no Keras model, the loss stops being a number, or a worker is gone.
    """
    if backbone.keras_model is None:
        raise TrainingError(
            f"{backbone.spec.model_id} cannot be fine-tuned: it is not a Keras model",
            hint="bring the embedder as a .keras file, or leave out --fine-tune",
        )
    workers, steps = place.workers, data.steps
    tuner = Tuner(backbone, data.people, settings, workers)
    with place.progress.step("bringing the faces here", len(data.faces), "faces") as step:
        crops = data.fetch(step)
    cutter = BatchCutter(data, crops, backbone.spec, Share(workers.index, workers.count))
    with place.progress.step("fine-tuning the backbone", steps * settings.fine_tune_epochs, "steps") as step:
        _learn(tuner, cutter, settings, place, step)
    tuner.finish()
    return Backbone(backbone.spec.model_copy(update={"model_id": _tuned_id(backbone)}), backbone.keras_model)


def _learn(tuner: Tuner, cutter: BatchCutter, settings: TrainingSection, place: Workplace, step: Step) -> None:
    checkpoints, workers = place.checkpoints("tuning"), place.workers
    measures = checkpoints.restore(tuner.variables, settings.fine_tune_epochs) if workers.is_chief else []
    first = _start_alike(tuner.variables, len(measures), workers)
    step.advance(first * cutter.data.steps)
    for epoch in range(first, settings.fine_tune_epochs):
        with cutter.batches(settings.seed, epoch) as batches:
            measures.append({"loss": tuner.learn(batches, step)})
        step.measure(epoch=epoch + 1, **measures[-1])
        if workers.is_chief:
            checkpoints.save(tuner.variables, measures)


def _start_alike(variables: Sequence[Any], epochs: int, workers: Workers) -> int:
    """Give every worker what the chief found; returns how many epochs are done."""
    if workers.count == 1:
        return epochs
    states = [np.asarray(variable) for variable in variables]
    mine = [state if workers.is_chief else np.zeros_like(state) for state in states]
    *found, done = workers.sum([*mine, np.array([epochs], np.int64)])  # the others add nothing
    for variable, state in zip(variables, found, strict=True):
        variable.assign(state)
    return int(done[0])


def _tuned_id(backbone: Backbone) -> str:
    digest = hashlib.sha256()
    assert backbone.keras_model is not None
    arrays: list[NDArray[np.float32]] = backbone.keras_model.get_weights()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).data)
    return f"{backbone.spec.model_id}-tuned-{digest.hexdigest()[:12]}"
