"""From a list of photos to a committed data set, whatever the photos were read from."""

import logging
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, Final

from actorrec.artifacts.catalog import artifact_key, commit_manifest, find_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.dataset.decide import Decided, decide
from actorrec.dataset.examine import EXAMINE_VERSION, Examiner
from actorrec.dataset.extract import Looker, look_at_all, worker_count
from actorrec.dataset.photos import Photo
from actorrec.dataset.records import person_record
from actorrec.dataset.sheet import write_sheet
from actorrec.dataset.workcache import Looked, WorkCache
from actorrec.dataset.write import write_crops
from actorrec.errors import DataError
from actorrec.faces.detectors import make_detector
from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.nets import DetectorSpec, TemplateRecord
from actorrec.progress import Progress
from actorrec.recognition.configured import configured_detector
from actorrec.vision.align import CANONICAL_272

logger = logging.getLogger(__name__)
BUILD_VERSION: Final = 2
"""Raised when the same results of looking would be decided or written differently."""
# Settings that change how the work is done, not what comes out.
_NOT_IN_KEY: Final = {"workers", "max_skip_ratio"}


def assemble(
    photos: Sequence[Photo],
    look: Callable[[Examiner, Photo], Looked],
    config: Config,
    *,
    store: ArtifactStore,
    progress: Progress,
) -> DatasetManifest:
    """Look at the photos, decide, write the crops and commit; or return the data set that is already there.

    Args:
        photos: Sorted; with SHA-256 or problem.
        look: Looks at one photo that has a SHA-256; called in several threads, each with an examiner of its own.
        config: Sections ``detector``, ``models`` and ``dataset``.
        store: Gets the data set.
        progress: Where long steps are told.

    Raises:
        DataError: If too few of the photos are of use.
        ArtifactError: If the store cannot be written.
    """
    parts = configured_detector(config.detector, config.models, progress=progress)
    key = _key(photos, config, parts.spec)
    artifact = f"dataset/{key}"

    def make_looker() -> Looker:
        detector, embedder = make_detector(parts.spec, parts.files), make_embedder(DEFAULT_SPEC, None)
        examiner = Examiner(detector, embedder, config.dataset)
        return lambda photo: look(examiner, photo)

    with store.lock(artifact):
        cache = WorkCache(store, artifact)
        manifest = find_manifest(store, DatasetManifest, key)
        if manifest is None:
            workers = worker_count(config.dataset.workers)
            seen = look_at_all(photos, make_looker, cache, workers, progress)
            with progress.step("choosing, cleaning and splitting", None):
                decided = decide(photos, seen, config.dataset, workers)
            _check_yield(decided, config.dataset.max_skip_ratio)
            if len({face.person_id for face in decided.faces}) == 1:
                logger.warning("only one person is in this set: enough to enrol, too few to train")
            files = write_crops(decided.crops, cache, store, artifact, progress)
            files.append(write_sheet(decided.shown, cache, store, artifact))
            manifest = commit_manifest(store, _manifest(key, decided, files, config, parts.spec))
        cache.clear()
        return manifest


def _key(photos: Sequence[Photo], config: Config, detector: DetectorSpec) -> str:
    inputs = sorted(
        [photo.person_id, photo.name, photo.sha256 or (photo.problem.reason if photo.problem else "")]
        for photo in photos
    )
    settings: dict[str, Any] = {
        "dataset": config.dataset.model_dump(mode="json", exclude=_NOT_IN_KEY),
        "detector": detector.model_dump(mode="json"),
        "embedder": DEFAULT_SPEC.model_id,
        "template": CANONICAL_272.name,
        "versions": [EXAMINE_VERSION, BUILD_VERSION],
    }
    return artifact_key("dataset", inputs, settings)


def _check_yield(decided: Decided, max_skip_ratio: float) -> None:
    """Stop rather than commit a set that is mostly missing; copies do not count as lost."""
    gone = [image.reason for image in decided.images if image.outcome in ("failed", "dropped")]
    lost = Counter(reason for reason in gone if reason != "near-duplicate")
    if decided.faces and lost.total() <= max_skip_ratio * len(decided.images):
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in lost.most_common())
    hint = "are these photos of people, in a folder per person?"
    if decided.faces:
        hint = "look at the folder; or raise dataset.max_skip_ratio if this is as it should be"
    raise DataError(f"{lost.total()} of {len(decided.images)} photos are of no use: {reasons}", hint=hint)


def _manifest(
    key: str, decided: Decided, files: list[FileRecord], config: Config, detector: DetectorSpec
) -> DatasetManifest:
    template = TemplateRecord.model_validate(
        {"name": CANONICAL_272.name, "size_px": CANONICAL_272.size_px, "points_px": CANONICAL_272.points_px}
    )
    return DatasetManifest(
        key=key,
        produced_by=provenance(config),
        files=sorted(files, key=lambda record: record.name),
        template=template,
        detector_id=detector.detector_id,
        embedder_id=DEFAULT_SPEC.model_id,
        people=[person_record(person_id) for person_id in sorted({face.person_id for face in decided.faces})],
        images=decided.images,
        faces=decided.faces,
        not_measured=decided.not_measured,
    )
