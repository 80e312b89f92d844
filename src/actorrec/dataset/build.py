"""The stage: folders of photos in, a committed data set out."""

from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

from actorrec.artifacts.catalog import artifact_key, commit_manifest, find_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.dataset.decide import Decided, decide
from actorrec.dataset.examine import EXAMINE_VERSION, Examiner
from actorrec.dataset.extract import Looker, look_at_all, worker_count
from actorrec.dataset.photos import Photo, find_photos, hash_photos
from actorrec.dataset.records import person_record
from actorrec.dataset.workcache import WorkCache
from actorrec.errors import DataError
from actorrec.faces.detectors import make_detector
from actorrec.faces.embedders import DEFAULT_SPEC, make_embedder
from actorrec.manifests.base import FileRecord, ProducedBy, digest_json
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.nets import TemplateRecord
from actorrec.progress import Progress, SilentProgress
from actorrec.recognition.configured import configured_detector
from actorrec.vision.align import CANONICAL_272

BUILD_VERSION = 1
"""Raised when the same results of looking would be decided differently."""
# Settings that change how the work is done, not what comes out.
_NOT_IN_KEY = {"workers", "max_skip_ratio"}
_UPLOADS = 4


def build_dataset(
    photos: Sequence[Path], config: Config, *, store: ArtifactStore, progress: Progress | None = None
) -> DatasetManifest:
    """Make a clean, aligned, leak-free face data set of folders of photos.

    Who agrees with whom is always judged by the shipped embedder, whatever embedder is to be trained: the
    thresholds are measured on it, and one data set serves every embedder.

    Args:
        photos: Folders that hold a folder per person.
        config: Sections ``detector``, ``models`` and ``dataset``.
        store: Gets the data set; one that is there already for the same files and settings is returned as it is.
        progress: Where long steps are told.

    Raises:
        DataError: If there is nothing to work on, or more than ``dataset.max_skip_ratio`` of it is of no use.
        ArtifactError: If the store cannot be written; what was done so far is kept.
    """
    settings = config.dataset
    told = progress or SilentProgress()
    workers = worker_count(settings.workers)
    listed = hash_photos(find_photos(photos), settings.max_bytes, workers, told)
    make_examiner = examiner_maker(config, told)

    def make_looker() -> Looker:
        examiner = make_examiner()
        return lambda photo: examiner.examine(photo.path, photo.sha256 or "")

    return assemble(listed, make_looker, config, store=store, progress=told)


def examiner_maker(config: Config, progress: Progress) -> Callable[[], Examiner]:
    """What makes an examiner for each thread; the detector's files are found (or fetched) once, here."""
    parts = configured_detector(config.detector, config.models, progress=progress)
    return lambda: Examiner(make_detector(parts.spec, parts.files), make_embedder(DEFAULT_SPEC, None), config.dataset)


def assemble(
    photos: Sequence[Photo],
    make_looker: Callable[[], Looker],
    config: Config,
    *,
    store: ArtifactStore,
    progress: Progress,
) -> DatasetManifest:
    """Look at the photos, decide, write the crops and commit; or return the data set that is already there."""
    key = _key(photos, config)
    with store.lock(f"dataset/{key}"):
        cache = WorkCache(store, f"dataset/{key}")
        committed = find_manifest(store, DatasetManifest, key)
        if committed is None:
            workers = worker_count(config.dataset.workers)
            seen = look_at_all(photos, make_looker, cache, workers, progress)
            with progress.step("choosing, cleaning and splitting", None):
                decided = decide(photos, seen, config.dataset, workers)
            _check_yield(decided, config.dataset.max_skip_ratio)
            files = _write_crops(decided, cache, store, f"dataset/{key}", progress)
            committed = commit_manifest(store, _manifest(key, decided, files, config))
        cache.clear()
        return committed


def _key(photos: Sequence[Photo], config: Config) -> str:
    inputs = sorted(
        [photo.person_id, photo.name, photo.sha256 or (photo.problem.reason if photo.problem else "")]
        for photo in photos
    )
    settings: dict[str, Any] = {
        "dataset": config.dataset.model_dump(mode="json", exclude=_NOT_IN_KEY),
        "detector": config.detector.model_dump(mode="json", exclude={"path"}),
        "detector_files": configured_detector(config.detector, config.models).spec.files,
        "embedder": DEFAULT_SPEC.model_id,
        "template": CANONICAL_272.name,
        "versions": [EXAMINE_VERSION, BUILD_VERSION],
    }
    return artifact_key("dataset", inputs, settings)


def _check_yield(decided: Decided, max_skip_ratio: float) -> None:
    """Stop rather than commit a set that is mostly missing; copies do not count as lost."""
    lost = Counter(
        image.reason for image in decided.images if image.outcome in ("failed", "dropped") and image.reason != "near-duplicate"
    )
    ratio = lost.total() / len(decided.images)
    if decided.faces and ratio <= max_skip_ratio:
        return
    reasons = ", ".join(f"{reason} {count}" for reason, count in lost.most_common())
    raise DataError(
        f"{lost.total()} of {len(decided.images)} photos are of no use: {reasons}",
        hint="look at the folder; or raise dataset.max_skip_ratio if this is as it should be",
    )


def _write_crops(
    decided: Decided, cache: WorkCache, store: ArtifactStore, artifact: str, progress: Progress
) -> list[FileRecord]:
    names: dict[tuple[str, int], list[str]] = {}
    for face, source in zip(decided.faces, decided.sources, strict=True):
        names.setdefault(source, []).append(face.crop)
    records: list[FileRecord] = []
    with progress.step("writing crops", len(decided.faces), "faces") as step, ThreadPoolExecutor(_UPLOADS) as pool:
        for source, data in cache.crops(names):
            # One batch of crops is in memory at a time: wait for each before the next is read.
            for record in pool.map(lambda name, data=data: store.put_bytes(f"{artifact}/{name}", data), names[source]):
                records.append(record)
                step.advance()
    return sorted(records, key=lambda record: record.name)


def _manifest(key: str, decided: Decided, files: list[FileRecord], config: Config) -> DatasetManifest:
    template = TemplateRecord.model_validate(
        {"name": CANONICAL_272.name, "size_px": CANONICAL_272.size_px, "points_px": CANONICAL_272.points_px}
    )
    parts = configured_detector(config.detector, config.models)
    return DatasetManifest(
        key=key,
        produced_by=ProducedBy(config_hash=digest_json(config.model_dump(mode="json"))),
        files=files,
        template=template,
        detector_id=parts.spec.detector_id,
        embedder_id=DEFAULT_SPEC.model_id,
        people=[person_record(person_id) for person_id in sorted({face.person_id for face in decided.faces})],
        images=decided.images,
        faces=decided.faces,
        not_measured=decided.not_measured,
    )
