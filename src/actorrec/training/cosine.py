"""The default preset: embeddings once, a cosine head with margin, a gallery, a calibrated threshold."""

import time
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.config import Config
from actorrec.errors import TrainingError
from actorrec.faces.keras_runtime import fresh_session, keras_bytes
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.gallery import build_gallery, gallery_to_bytes
from actorrec.training.assemble import EMBEDDING, assemble
from actorrec.training.backbone import Backbone, open_backbone, scaled
from actorrec.training.crops import ViewPlan, cut_faces
from actorrec.training.embeddings import EmbeddingWork, FaceEmbeddings, embed_faces
from actorrec.training.finetune import fine_tune
from actorrec.training.head import Head, Samples, train_head
from actorrec.training.history import history_png
from actorrec.training.measure import class_indices, macro_top1, top1_rate
from actorrec.training.outcome import Trained, Workplace
from actorrec.training.tuning_data import TuningData
from actorrec.training.validation import validation_mask
from actorrec.types import Gallery
from actorrec.vision.align import FaceTemplate
from actorrec.vision.similarity import cosine_similarity

_SELF_CHECK_FACES, _SELF_CHECK_COSINE = 16, 0.9999


def learn_cosine(classes: list[str], config: Config, place: Workplace) -> Trained | None:
    """Train the default recogniser; with several workers, all tune and embed, and the chief does the rest.

    Args:
        classes: Sorted ids of everybody with a face on the training side.
        config: The settings.
        place: Where the crops are and the files go.

    Returns:
        What it made; None on a worker that is not the chief.

    Raises:
        TrainingError: If the result does not hold together, or a worker is gone.
    """
    times = [time.perf_counter()]
    fresh_session(config.training.seed)
    backbone = open_backbone(config.embedder, config.models)
    if config.training.fine_tune:
        backbone = _tuned(backbone, classes, config, place)
    times.append(time.perf_counter())
    learned, tested = _embed(backbone, classes, config, place)
    times.append(time.perf_counter())
    if not place.workers.is_chief:
        return None
    gallery = _gallery(backbone, learned, place)
    head = _head(learned, classes, config, place)
    times.append(time.perf_counter())
    place.put("gallery.npz", gallery_to_bytes(gallery))
    place.put("history.json", head.history.to_json())
    place.put("history.png", history_png(head.history, "training the head"))
    model = assemble(backbone, head.weights, config.training.scale)
    if backbone.keras_model is not None:
        _self_check(model, backbone, learned, place)
    trained = Trained(
        backbone.spec,
        gallery.person_ids,
        calibrate(gallery, target_fpir=config.calibration.target_fpir),
        place.put("model.keras", keras_bytes(model)),
        _put_brought(backbone, place),
    )
    _measure(trained, head, gallery, learned, tested)
    steps = ("prepare", "embed", "head")
    trained.timings_s.update({step: round(b - a, 3) for step, a, b in zip(steps, times, times[1:], strict=False)})
    return trained


def _template(backbone: Backbone) -> FaceTemplate:
    record = backbone.spec.template
    return FaceTemplate(record.name, record.size_px, record.points_px)


def _tuned(backbone: Backbone, classes: list[str], config: Config, place: Workplace) -> Backbone:
    faces = [face for face in place.dataset.faces if face.split == "train"]
    truth = class_indices([face.person_id for face in faces], classes)
    data = TuningData(faces, truth, place.source, ViewPlan(_template(backbone)))
    return fine_tune(backbone, data, config.training, place)


def _embed(
    backbone: Backbone, classes: list[str], config: Config, place: Workplace
) -> tuple[FaceEmbeddings, FaceEmbeddings]:
    learn = [face for face in place.dataset.faces if face.split == "train"]
    test = [face for face in place.dataset.faces if face.split == "test" and face.person_id in set(classes)]
    settings, template, embedder = config.training, _template(backbone), backbone.embedder()
    views = ViewPlan(template, settings.augmentations, settings.seed)

    def work(name: str) -> EmbeddingWork:
        return EmbeddingWork(place.source, place.work(name), place.progress, place.workers)

    return (
        embed_faces(learn, views, embedder, work("learn")),
        embed_faces(test, ViewPlan(template), embedder, work("test")),
    )


def _gallery(backbone: Backbone, learned: FaceEmbeddings, place: Workplace) -> Gallery:
    people = [face.person_id for face in learned.faces]
    return build_gallery(backbone.spec.model_id, learned.photos, people, place.photo_names(learned.faces))


def _head(learned: FaceEmbeddings, classes: list[str], config: Config, place: Workplace) -> Head:
    truth = class_indices([face.person_id for face in learned.faces], classes)
    kept_apart = validation_mask(learned.faces, config.training.seed)
    learn, validate = (_samples(learned, truth, mask) for mask in (~kept_apart, kept_apart))
    return train_head(learn, validate, len(classes), config.training, place)


def _samples(embedded: FaceEmbeddings, truth: NDArray[np.int32], mask: NDArray[np.bool_]) -> Samples:
    views = embedded.views[mask]
    return Samples(views.reshape(-1, views.shape[2]), np.repeat(truth[mask], views.shape[1]))


def _put_brought(backbone: Backbone, place: Workplace) -> str | None:
    if backbone.keras_model is not None:
        return None
    if backbone.file is None:
        raise TrainingError(f"{backbone.spec.model_id} has no file that could travel with the model")
    return place.put(f"embedder{backbone.file.suffix.lower()}", backbone.file.read_bytes())


def _self_check(model: Any, backbone: Backbone, learned: FaceEmbeddings, place: Workplace) -> None:
    """The assembled model must give the embeddings that the gallery was built from."""
    faces = learned.faces[:_SELF_CHECK_FACES]
    plan = ViewPlan(_template(backbone))
    crops = cut_faces(faces, plan, place.source)
    found = np.asarray(model(scaled(crops, backbone.spec), training=False)[EMBEDDING])
    least = float(np.min(np.sum(found * learned.plain[: len(faces)], axis=1)))
    if not least >= _SELF_CHECK_COSINE:  # also when it is not a number
        raise TrainingError(f"the end-to-end model does not give the gallery's embeddings (cosine {least:.4f})")


def _measure(trained: Trained, head: Head, gallery: Gallery, learned: FaceEmbeddings, tested: FaceEmbeddings) -> None:
    truth = class_indices([face.person_id for face in tested.faces], gallery.person_ids)
    by_gallery = cosine_similarity(tested.plain, gallery.prototypes)
    by_head = tested.plain @ head.weights
    history = head.history
    if len(truth):
        trained.rates = {"top1_gallery": top1_rate(by_gallery, truth), "top1_probabilities": top1_rate(by_head, truth)}
        trained.metrics["top1_gallery_macro"] = round(macro_top1(by_gallery, truth), 6)
        trained.metrics["top1_probabilities_macro"] = round(macro_top1(by_head, truth), 6)
    last = head.epochs - 1
    trained.metrics |= {
        "people": len(gallery.person_ids),
        "faces_train": len(learned.faces),
        "faces_test": len(tested.faces),
        "views_a_face": learned.views.shape[1],
        "epochs": head.epochs,
        "loss": history.loss[last],
        "accuracy": history.accuracy[last],
    }
    if history.val_loss:
        trained.metrics |= {"val_loss": history.val_loss[last], "val_accuracy": history.val_accuracy[last]}
