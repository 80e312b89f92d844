"""The training stage: from a data set to a model that says who, and how sure."""

import logging
import time
from collections.abc import Sequence
from contextlib import nullcontext

import numpy as np

from actorrec.artifacts.catalog import again, artifact_key, commit_manifest, find_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.errors import ConfigError, TrainingError
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.progress import Progress
from actorrec.rights.restricted import picture_licences, refuse_restricted_dataset, restricted_counts
from actorrec.training.backbone import embedder_identity
from actorrec.training.cosine import learn_cosine
from actorrec.training.original import learn_original
from actorrec.training.outcome import Trained, Workplace
from actorrec.training.workers import ALONE, Workers

_log = logging.getLogger(__name__)


def model_key(dataset: DatasetManifest, config: Config) -> str:
    """Key of the model that ``train`` makes of this data set and these settings.

    Raises:
        ConfigError: If a file that the settings name cannot be read.
    """
    settings = {
        "training": config.training.model_dump(mode="json"),
        "embedder": embedder_identity(config.embedder),
        "calibration": config.calibration.model_dump(mode="json"),
    }
    return artifact_key("model", _inputs(dataset), settings)


def _inputs(dataset: DatasetManifest) -> dict[str, str]:
    return {dataset.ref: dataset.content_digest()}


def train(
    dataset: DatasetManifest, config: Config, *, store: ArtifactStore, progress: Progress, workers: Workers = ALONE
) -> ModelManifest | None:
    """Train a recogniser; the same data set and settings again return the model that is already there.

    A run that was killed goes on from the embeddings and checkpoints it had put away. Two runs on one machine give
    equal content digests.

    Args:
        dataset: Committed in ``store``.
        config: Sections ``embedder``, ``training`` and ``calibration`` matter; ``rights`` says what may be used.
        store: Holds the crops and receives the model.
        progress: Told of every long step.
        workers: The machines that train this one model, as ``join_workers`` found them.

    Returns:
        The model; None on a worker that is not the chief.

    Raises:
        DataError: If the licence of some of its pictures is restricted or unknown, and ``rights.allow_restricted`` is
            off; whether such a model is there already makes no difference.
        TrainingError: If there are fewer than two people to tell apart, or training came to nothing.
        ConfigError: If the settings do not fit, also to several workers.
    """
    if workers.count > 1 and config.training.preset == "original":
        raise ConfigError(
            f"training.preset 'original' learns on one machine, not on {workers.count}",
            hint="use one instance, or training.preset: cosine",
        )
    pictures = refuse_restricted_dataset(dataset, allow=config.rights.allow_restricted)
    key = model_key(dataset, config)
    place = Workplace(store, dataset, f"model/{key}", progress, workers)
    # The others work under the chief's lock: they may be on its very store.
    with store.lock(place.ref) if workers.is_chief else nullcontext():
        found = find_manifest(store, ModelManifest, key) if workers.is_chief else None
        if _chief_says(found is not None, workers):
            workers.leave()
            if found is None:
                return None
            _log.info("%s is already there for this data set and these settings", place.ref)
            place.clear_work()  # a run may have been killed right after its commit
            return again(store, found)
        started = time.perf_counter()
        classes = people_to_learn(dataset)
        learn = learn_original if config.training.preset == "original" else learn_cosine
        trained = learn(classes, config, place)
        if trained is not None:
            trained.timings_s["total"] = round(time.perf_counter() - started, 3)
            found = commit_manifest(store, _manifest(trained, classes, place, config, pictures))
        workers.barrier()
        workers.leave()
        place.clear_work()
    return found


def _chief_says(answer: bool, workers: Workers) -> bool:
    return bool(workers.sum([np.array([answer and workers.is_chief], np.int32)])[0][0])


def people_to_learn(dataset: DatasetManifest) -> list[str]:
    """Ids of the people with a face on the training side, in order.

    Raises:
        TrainingError: If there are fewer than two to tell apart.
    """
    classes = sorted({face.person_id for face in dataset.faces if face.split == "train"})
    if len(classes) < 2:
        known = f"only {classes[0]} has" if classes else "nobody has"
        raise TrainingError(
            f"training needs at least two people with a usable face: {known} one in {dataset.ref}",
            hint="add a folder of photos of somebody else; to know a single person, use `actorrec enroll`",
        )
    return classes


def _manifest(
    trained: Trained,
    classes: Sequence[str],
    place: Workplace,
    config: Config,
    pictures: dict[str, int],
) -> ModelManifest:
    if list(trained.gallery_people) != list(classes):
        raise TrainingError("the gallery and the classes of the net do not name the same people")
    known = set(classes)
    return ModelManifest(
        key=place.ref.split("/")[1],
        produced_by=provenance(config),
        inputs=_inputs(place.dataset),
        files=sorted(place.files, key=lambda record: record.name),
        preset=config.training.preset,
        embedder=trained.spec,
        people=[person for person in place.dataset.people if person.person_id in known],
        classes=list(classes),
        model_file=trained.model_file,
        embedder_file=trained.embedder_file,
        gallery_file="gallery.npz",
        calibration=trained.calibration,
        metrics=trained.metrics,
        rates=trained.rates,
        timings_s=trained.timings_s,
        licences=[f"{trained.spec.model_id}: {trained.spec.licence}", *picture_licences(pictures)],
        restricted=restricted_counts(pictures),
    )
