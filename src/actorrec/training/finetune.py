"""Training the backbone itself, a little: small steps, balanced batches, a checkpoint after every epoch."""

import hashlib
import io
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import TrainingError
from actorrec.faces.keras_runtime import fresh_session
from actorrec.manifests.dataset import FaceRecord
from actorrec.progress import Progress
from actorrec.sections import TrainingSection
from actorrec.training.backbone import Backbone, scaled
from actorrec.training.embeddings import CropSource, ViewPlan
from actorrec.training.losses import contrastive_loss, margin_loss, triplet_loss

PEOPLE_A_BATCH, FACES_A_PERSON = 8, 4
"""32 faces: every batch holds pairs to compare, and dlib's activations stay under 1 GB."""


@dataclass(frozen=True, slots=True, eq=False)
class TuningData:
    """What the backbone learns from.

    Attributes:
        faces: The training side.
        classes: Shape (F,), int32.
        source: Where the crops are.
        plan: Which views are drawn from; one at random each time a face comes up.
    """

    faces: Sequence[FaceRecord]
    classes: NDArray[np.int32]
    source: CropSource
    plan: ViewPlan

    def batches(self, seed: int, epoch: int) -> Iterator[tuple[NDArray[np.uint8], NDArray[np.int32]]]:
        """Batches of PEOPLE × FACES crops, each person as likely; the same seed and epoch give the same ones."""
        rng = np.random.default_rng([seed, epoch])
        members = [np.flatnonzero(self.classes == c) for c in range(int(self.classes.max()) + 1)]
        for _ in range(self.steps):
            people = rng.choice(len(members), min(PEOPLE_A_BATCH, len(members)), replace=False)
            chosen = np.concatenate(
                [rng.choice(members[p], FACES_A_PERSON, replace=len(members[p]) < FACES_A_PERSON) for p in people]
            )
            yield np.stack([self._crop(int(index), rng) for index in chosen]), self.classes[chosen]

    @property
    def steps(self) -> int:
        return math.ceil(len(self.faces) / (PEOPLE_A_BATCH * FACES_A_PERSON))

    def _crop(self, index: int, rng: np.random.Generator) -> NDArray[np.uint8]:
        plan = replace(self.plan, jitters=2, seed=int(rng.integers(2**62)))
        views = plan.cut(self.source.store, self.source.dataset, self.faces[index])
        return np.asarray(views[rng.integers(plan.count)])


def fine_tune(
    backbone: Backbone, data: TuningData, settings: TrainingSection, *, work: str, progress: Progress
) -> Backbone:
    """Train the backbone's weights, from where a killed run stopped.

    Args:
        backbone: Changed in place; its batch normalisations keep their statistics.
        data: What to learn from.
        settings: Loss, learning rate, epochs, seed.
        work: Store name that checkpoints begin with.
        progress: Told of every step.

    Returns:
        The backbone under a new model id, because its embeddings must not be compared with the old one's.

    Raises:
        TrainingError: If the net is no Keras model, or the loss stops being a number.
    """
    if backbone.keras_model is None:
        raise TrainingError(
            f"{backbone.spec.model_id} cannot be fine-tuned: it is not a Keras model",
            hint="bring the embedder as a .keras file, or leave out --fine-tune",
        )
    model = _tuning_model(backbone, int(data.classes.max()) + 1, settings)
    first = _restore(model, data, settings, work)
    with progress.step("fine-tuning the backbone", data.steps * settings.fine_tune_epochs, "steps") as step:
        step.advance(first * data.steps)
        for epoch in range(first, settings.fine_tune_epochs):
            for crops, classes in data.batches(settings.seed, epoch):
                loss = model.train_on_batch(scaled(crops, backbone.spec), classes)
                if not np.isfinite(loss):
                    raise TrainingError("fine-tuning diverged", hint="use a smaller training.fine_tune_learning_rate")
                step.advance()
            data.source.store.put_bytes(f"{work}-{epoch:03d}.npz", _state(model))
    return Backbone(backbone.spec.model_copy(update={"model_id": _tuned_id(backbone)}), backbone.keras_model)


def _tuning_model(backbone: Backbone, people: int, settings: TrainingSection) -> Any:
    keras = fresh_session(settings.seed)
    net = backbone.keras_model
    assert net is not None
    net.trainable = True
    inputs = keras.Input(net.inputs[0].shape[1:])
    units = keras.layers.UnitNormalization()(net(inputs, training=False))
    outputs, loss = units, None
    if settings.fine_tune_loss == "cosine":
        outputs = keras.layers.Dense(people, use_bias=False, kernel_constraint=keras.constraints.UnitNorm(0))(units)
        loss = margin_loss(keras, people, scale=settings.scale, margin=settings.margin)
    else:
        loss = (contrastive_loss if settings.fine_tune_loss == "contrastive" else triplet_loss)(keras)
    model = keras.Model(inputs, outputs)
    model.compile(keras.optimizers.Adam(settings.fine_tune_learning_rate), loss=loss)
    model.optimizer.build(model.trainable_variables)
    return model


def _state(model: Any) -> bytes:
    variables = [*model.variables, *model.optimizer.variables]
    buffer = io.BytesIO()
    np.savez(buffer, *[np.asarray(variable) for variable in variables])
    return buffer.getvalue()


def _restore(model: Any, data: TuningData, settings: TrainingSection, work: str) -> int:
    """Load the newest checkpoint; returns how many epochs are done."""
    store = data.source.store
    for epoch in reversed(range(settings.fine_tune_epochs)):
        name = f"{work}-{epoch:03d}.npz"
        if store.exists(name):
            with np.load(io.BytesIO(store.read_bytes(name)), allow_pickle=False) as kept:
                for index, variable in enumerate([*model.variables, *model.optimizer.variables]):
                    variable.assign(kept[f"arr_{index}"])
            return epoch + 1
    return 0


def _tuned_id(backbone: Backbone) -> str:
    digest = hashlib.sha256()
    assert backbone.keras_model is not None
    for array in backbone.keras_model.get_weights():
        digest.update(np.ascontiguousarray(array).data)
    return f"{backbone.spec.model_id}-tuned-{digest.hexdigest()[:12]}"
