"""From a list of photos to a committed data set, whatever the photos were read from."""

import logging
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from actorrec.artifacts.catalog import again, artifact_key, commit_manifest, find_manifest
from actorrec.artifacts.review_log import Decisions, ReviewLog, decisions
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.dataset.decide import Decided, decide
from actorrec.dataset.examine import EXAMINE_VERSION
from actorrec.dataset.extract import worker_count
from actorrec.dataset.given import Given
from actorrec.dataset.left_out import RESTRICTED, TAKEN_DOWN, leave_out, only_free
from actorrec.dataset.looking import Seen
from actorrec.dataset.photos import identity
from actorrec.dataset.pick import REVIEWED
from actorrec.dataset.review_sheet import review_sheet, wanted_files
from actorrec.dataset.workcache import WorkCache
from actorrec.dataset.write import write_pictures
from actorrec.errors import DataError
from actorrec.faces.embedders import DEFAULT_SPEC
from actorrec.manifests.base import FileRecord
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.nets import DetectorSpec, TemplateRecord
from actorrec.manifests.review import SHEET_NAME
from actorrec.progress import Progress
from actorrec.rights.takedown import Takedown, load_takedown
from actorrec.vision.align import CANONICAL_272

logger = logging.getLogger(__name__)
BUILD_VERSION: Final = 3
"""Raised when the same results of looking would be decided or written differently."""
# Settings that change how the work is done, not what comes out.
_NOT_IN_KEY: Final = {"workers", "max_skip_ratio"}
# Left out on purpose, so not lost.
_MEANT: Final = frozenset({"near-duplicate", REVIEWED, RESTRICTED, TAKEN_DOWN})


def assemble(
    given: Given,
    see: Callable[[WorkCache], Seen],
    detector: DetectorSpec,
    config: Config,
    *,
    store: ArtifactStore,
    progress: Progress,
) -> DatasetManifest:
    """See what the photos hold, decide, write the crops and commit; or return the data set that is already there.

    Args:
        given: Sorted photos with SHA-256 or problem; and whose they are.
        see: Where what they hold comes from, given a place for unfinished work; asked only if there is work.
        detector: That finds, or found, the faces.
        config: Sections ``dataset`` and ``rights``.
        store: Gets the data set; holds the log of what reviewers decided.
        progress: Where long steps are told.

    Raises:
        DataError: If too few of the photos are of use.
        ArtifactError: If the store cannot be written.
        ConfigError: If the takedown list cannot be read.
    """
    plan = _plan(given, detector, config, store)
    artifact = f"dataset/{plan.key}"
    with store.lock(artifact):
        cache = WorkCache(store, artifact)
        manifest = find_manifest(store, DatasetManifest, plan.key)
        if manifest is None:
            manifest = commit_manifest(store, _write(plan, see(cache), store, progress))
        cache.clear()
        return again(store, manifest)


def find_assembled(
    given: Given, detector: DetectorSpec, config: Config, *, store: ArtifactStore
) -> DatasetManifest | None:
    """What ``assemble`` would return without work; None if there is none.

    Raises:
        ArtifactError: If the store cannot be read.
        ConfigError: If the takedown list cannot be read.
    """
    manifest = find_manifest(store, DatasetManifest, _plan(given, detector, config, store).key)
    return None if manifest is None else again(store, manifest)


@dataclass(frozen=True, slots=True)
class _Plan:
    """What is to be made of what, under which key."""

    key: str
    given: Given
    held: Decisions
    config: Config
    detector: DetectorSpec


def _plan(given: Given, detector: DetectorSpec, config: Config, store: ArtifactStore) -> _Plan:
    """Without what may not be used."""
    takedown, held = load_takedown(config.rights.takedown), decisions(ReviewLog(store).events())
    given = leave_out(given, takedown, held)
    if config.dataset.free_only:
        given = only_free(given)
    return _Plan(_key(given, config, detector, held, takedown), given, held, config, detector)


def _write(plan: _Plan, seen: Seen, store: ArtifactStore, progress: Progress) -> DatasetManifest:
    """Decide, and write every file but the manifest."""
    settings, artifact = plan.config.dataset, f"dataset/{plan.key}"
    examined = seen.examined(plan.given.photos)
    with progress.step("choosing, cleaning and splitting", None):
        decided = decide(plan.given, examined, plan.held, settings, worker_count(settings.workers))
    _check_yield(decided, settings.max_skip_ratio)
    if len({face.person_id for face in decided.faces}) == 1:
        logger.warning("only one person is in this set: enough to enrol, too few to train")
    sheet = review_sheet(plan.given, examined, plan.held, decided, settings)
    files = write_pictures(wanted_files(decided, sheet), seen, store, artifact, progress)
    files.append(store.put_bytes(f"{artifact}/{SHEET_NAME}", sheet.model_dump_json().encode()))
    return _manifest(plan, decided, sorted(files, key=lambda record: record.name))


def _pairs(given: Given) -> list[tuple[str, str]]:
    return [(photo.sha256 or "", photo.person_id) for photo in given.photos]


def _key(given: Given, config: Config, detector: DetectorSpec, held: Decisions, takedown: Takedown) -> str:
    inputs = {
        "photos": [identity(photo) for photo in given.photos],
        "people": [given.people[person].model_dump(mode="json") for person in sorted(given.people)],
        "sets": given.inputs,
        "decisions": held.digest(_pairs(given)),
        "takedown": takedown.digest,
    }
    settings: dict[str, Any] = {
        "dataset": config.dataset.model_dump(mode="json", exclude=_NOT_IN_KEY),
        "detector": detector.model_dump(mode="json"),
        "embedder": DEFAULT_SPEC.model_id,
        "template": CANONICAL_272.name,
        "versions": [EXAMINE_VERSION, BUILD_VERSION],
    }
    return artifact_key("dataset", inputs, settings)


def _check_yield(decided: Decided, max_skip_ratio: float) -> None:
    """Stop rather than commit a set that is mostly missing; what was left out on purpose does not count as lost."""
    gone = [image.reason for image in decided.images if image.outcome in ("failed", "dropped")]
    lost = Counter(reason for reason in gone if reason not in _MEANT)
    if decided.faces and lost.total() <= max_skip_ratio * len(decided.images):
        return
    if not lost:
        raise DataError(
            f"no photo is left: {_told(Counter(gone))}",
            hint="undo some of the review, or look at rights.takedown and dataset.free_only",
        )
    hint = "are these photos of people, in a folder per person?"
    if decided.faces:
        hint = "look at the folder; or raise dataset.max_skip_ratio if this is as it should be"
    raise DataError(f"{lost.total()} of {len(decided.images)} photos are of no use: {_told(lost)}", hint=hint)


def _told(reasons: Counter[str]) -> str:
    return ", ".join(f"{reason} {count}" for reason, count in reasons.most_common())


def _manifest(plan: _Plan, decided: Decided, files: list[FileRecord]) -> DatasetManifest:
    given = plan.given
    template = TemplateRecord.model_validate(
        {"name": CANONICAL_272.name, "size_px": CANONICAL_272.size_px, "points_px": CANONICAL_272.points_px}
    )
    return DatasetManifest(
        key=plan.key,
        produced_by=provenance(plan.config),
        inputs=given.inputs,
        files=files,
        template=template,
        detector_id=plan.detector.detector_id,
        embedder_id=DEFAULT_SPEC.model_id,
        people=[given.person(person_id) for person_id in sorted({face.person_id for face in decided.faces})],
        images=decided.images,
        faces=decided.faces,
        not_measured=decided.not_measured,
        decisions=plan.held.touching(_pairs(given)),
    )
