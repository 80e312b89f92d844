"""The original design as a preset, exactly: random 80/20 split, ResNet50, Flatten, Dense(1024), softmax."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from actorrec.config import Config
from actorrec.errors import TrainingError
from actorrec.faces.keras_backbones.applications import APPLICATIONS
from actorrec.faces.keras_runtime import fresh_session, keras_bytes
from actorrec.manifests.dataset import DatasetManifest, FaceRecord
from actorrec.manifests.nets import EmbedderSpec
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.gallery import build_gallery, gallery_to_bytes
from actorrec.training.crops import ViewPlan
from actorrec.training.history import History, history_png
from actorrec.training.measure import class_indices, top1_rate
from actorrec.training.original_net import FeatureTable, end_to_end, feature_table, fit, frozen_features
from actorrec.training.outcome import Trained, Workplace
from actorrec.vision.align import FaceTemplate
from actorrec.vision.similarity import cosine_similarity, normalise

TEST_SHARE: Final = 0.2
SPLIT_SEED: Final = 0
_ROWS_AT_ONCE: Final = 256  # 100 MB of features


@dataclass(frozen=True, slots=True, eq=False)
class OriginalDesign:
    """The original's frozen part and what it takes.

    Attributes:
        spec: Scaling and template of its input; its ``dim`` is the width of Dense.
        features: The frozen part, from ``original_net.frozen_features``.
        faces: Every face of the classes, whichever side it is on.
        classes: Shape (F,), int32.
    """

    spec: EmbedderSpec
    features: Any
    faces: tuple[FaceRecord, ...]
    classes: NDArray[np.int32]

    @property
    def plan(self) -> ViewPlan:
        """Its crops: the stored ones, without augmentation."""
        record = self.spec.template
        return ViewPlan(FaceTemplate(record.name, record.size_px, record.points_px))


def open_original(dataset: DatasetManifest, people: Sequence[str], config: Config) -> OriginalDesign:
    """Build the frozen part for a data set.

    Raises:
        TrainingError: If the ImageNet weights cannot be downloaded.
        ModelContractError: If a weights file does not fit.
    """
    name = config.embedder.name if config.embedder.name in APPLICATIONS else "resnet50"
    scaling = APPLICATIONS[name].scaling
    fresh_session(config.training.seed)
    spec = EmbedderSpec(
        model_id=f"original-{name}",
        template=dataset.template,
        mean=scaling.mean,
        std=scaling.std,
        colour_order=scaling.colour_order,
        dim=config.training.hidden_units,
        licence="see the publisher of the backbone's weights",
    )
    known = set(people)
    faces = tuple(face for face in dataset.faces if face.person_id in known)
    classes = class_indices([face.person_id for face in faces], people)
    features = frozen_features(name, config.embedder.weights, dataset.template.size_px)
    return OriginalDesign(spec, features, faces, classes)


def stratified_split(classes: NDArray[np.int32], *, share: float = TEST_SHARE, seed: int = SPLIT_SEED) -> Any:
    """The original's split: a random fifth of each person's pictures, near-copies or not.

    Returns:
        Shape (F,), bool: True for the held-out part. A person always keeps a picture to learn from.
    """
    rng = np.random.default_rng(seed)
    held_out = np.zeros(len(classes), bool)
    for person in np.unique(classes):
        members = rng.permutation(np.flatnonzero(classes == person))
        held_out[members[: min(len(members) - 1, round(share * len(members)))]] = True
    return held_out


def learn_original(classes: list[str], config: Config, place: Workplace) -> Trained:
    """Train the original design; see ``cosine.learn_cosine``."""
    design = open_original(place.dataset, classes, config)
    held_out, settings = stratified_split(design.classes), config.training
    with feature_table(design.features, design.faces, design.classes, place.source, design.spec) as (table, fill):
        fill(design.plan, place.progress)
        kept = place.checkpoints("original")
        head, history = fit(
            table, held_out, settings, dropout=settings.dropout, progress=place.progress, checkpoints=kept
        )
        embeddings, probabilities = _answers(head, table)
    spec = design.spec.model_copy(update={"model_id": f"{design.spec.model_id}-{_weights_digest(head)}"})
    learned = [face for face, out in zip(design.faces, held_out, strict=True) if not out]
    gallery = build_gallery(
        spec.model_id, embeddings[~held_out], [face.person_id for face in learned], place.photo_names(learned)
    )
    place.put("gallery.npz", gallery_to_bytes(gallery))
    place.put("history.json", history.to_json())
    place.put("history.png", history_png(history, "the original net, on its random split"))
    trained = Trained(
        spec,
        gallery.person_ids,
        calibrate(gallery, target_fpir=config.calibration.target_fpir),
        place.put("model.keras", keras_bytes(end_to_end(design.features, head))),
    )
    truth = design.classes[held_out]
    # Named so that nobody takes them for a leak-free measure: the split is the original's own.
    trained.rates = {
        "random_split_top1_gallery": top1_rate(cosine_similarity(embeddings[held_out], gallery.prototypes), truth),
        "random_split_top1_probabilities": top1_rate(probabilities[held_out], truth),
    }
    trained.metrics = _metrics(history, held_out, len(classes))
    return trained


def _answers(head: Any, table: FeatureTable) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    import keras

    both = keras.Model(head.inputs, [head.get_layer("dense").output, head.output])
    parts = [
        both.predict_on_batch(np.asarray(table.rows[start : start + _ROWS_AT_ONCE]))
        for start in range(0, len(table.rows), _ROWS_AT_ONCE)
    ]
    hidden, probabilities = (np.concatenate([np.asarray(part[i], np.float32) for part in parts]) for i in (0, 1))
    units, lengths = normalise(hidden)
    if not np.all(lengths > 1e-6):  # also when it is not a number
        raise TrainingError(
            "the original net came to nothing: its Dense layer is silent for some faces",
            hint="use real weights (--weights imagenet or a file), or more epochs",
        )
    return units, probabilities


def _weights_digest(head: Any) -> str:
    digest = hashlib.sha256()
    for array in head.get_weights():
        digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()[:12]


def _metrics(history: History, held_out: NDArray[np.bool_], people: int) -> dict[str, float]:
    return {
        "people": people,
        "faces_train": int((~held_out).sum()),
        "faces_test": int(held_out.sum()),
        "epochs": len(history.loss),
        "loss": history.loss[-1],
        "accuracy": history.accuracy[-1],
        **({"val_loss": history.val_loss[-1], "val_accuracy": history.val_accuracy[-1]} if history.val_loss else {}),
    }
