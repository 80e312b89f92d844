"""A bundle while it is being changed: opened or started here, committed here."""

from dataclasses import dataclass
from datetime import UTC, datetime

from actorrec.artifacts.catalog import manifests
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.errors import ConfigError
from actorrec.manifests.bundle import BundleCard, BundleManifest
from actorrec.manifests.dataset import Person
from actorrec.progress import Progress
from actorrec.recognition.bundle import Bundle
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.configured import configured_detector, configured_embedder
from actorrec.recognition.gallery import empty_gallery, gallery_to_bytes
from actorrec.recognition.stored_bundle import commit_bundle, open_stored
from actorrec.types import Gallery


@dataclass(frozen=True, slots=True, eq=False)
class Draft:
    """A bundle to be changed, and the committed one it comes from (None: it was just started)."""

    bundle: Bundle
    base: BundleManifest | None


def open_draft(store: ArtifactStore, config: Config, base: BundleManifest | None, *, progress: Progress) -> Draft:
    """Open the bundle to change: the one named, else the store's newest, else a new one that knows nobody.

    Raises:
        ModelContractError: If the bundle is damaged.
        ConfigError: If a new one is needed and its nets cannot be had.
    """
    if base is None:
        base = next(reversed(list(manifests(store, BundleManifest))), None)
    return Draft(_start(config, progress), None) if base is None else Draft(open_stored(store, base), base)


def commit_draft(
    store: ArtifactStore, config: Config, draft: Draft, gallery: Gallery, people: list[Person]
) -> BundleManifest:
    """Commit a changed bundle as a new artifact; the old one stays as it is.

    Args:
        draft: Its nets go into the new one; its labels too, where they still are who is known.
        gallery: Who is known now.
        people: The same people, with names.

    Returns:
        The committed manifest.
    """
    card, files = draft.bundle.card, dict(draft.bundle.files)
    files[card.gallery_file] = gallery_to_bytes(gallery)
    same_labels = card.classes is not None and set(card.classes) == set(gallery.person_ids)
    if not same_labels and card.head_file is not None:
        del files[card.head_file]
    base = draft.base
    inputs = {} if base is None else {base.ref: base.content_digest()}
    changes = {
        "created_at": datetime.now(UTC),
        "produced_by": provenance(config),
        "people": sorted(people, key=lambda person: person.person_id),
        "classes": card.classes if same_labels else None,
        "head_file": card.head_file if same_labels else None,
        "calibration": calibrate(gallery, target_fpir=config.calibration.target_fpir),
        # Rates, metrics and score were measured with other people, or with other photos of them.
        "rates": {},
        "metrics": {},
        "evaluation": None,
        "inputs": inputs,
    }
    return commit_bundle(store, card.model_copy(update=changes), files)


def _start(config: Config, progress: Progress) -> Bundle:
    detector = configured_detector(config.detector, config.models, progress=progress)
    spec, path = configured_embedder(config.embedder, config.models, progress=progress)
    if path.suffix.lower() not in (".tflite", ".onnx"):
        raise ConfigError(f"a device runs .tflite and .onnx nets, not {path.name}", hint="convert it first")
    name, gallery = f"embedder{path.suffix.lower()}", empty_gallery(spec.model_id, spec.dim)
    card = BundleCard(
        created_at=datetime.now(UTC),
        produced_by=provenance(config),
        people=[],
        detector=detector.spec,
        embedder=spec,
        embedder_file=name,
        calibration=calibrate(gallery, target_fpir=config.calibration.target_fpir),
        licences=[f"{detector.spec.detector_id}: {detector.spec.licence}", f"{spec.model_id}: {spec.licence}"],
        files={},
    )
    return Bundle(card, {name: path.read_bytes(), **detector.files}, gallery, "a new bundle")
