"""The conversion stage: from a model to ``bundle.zip``, proved equal on real faces."""

import logging
from datetime import UTC, datetime
from pathlib import Path
from tempfile import TemporaryDirectory

from actorrec.artifacts.catalog import again, artifact_key, commit_manifest, find_manifest, load_manifest
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config, provenance
from actorrec.edge.brought import pack_brought
from actorrec.edge.choose import choose
from actorrec.edge.faces import representative_inputs, trial_faces
from actorrec.edge.packed import Packed
from actorrec.edge.trial import Trial
from actorrec.edge.variants import VARIANTS
from actorrec.edge.verified import verified_file
from actorrec.faces.keras_embedder import load_keras
from actorrec.faces.keras_runtime import fresh_session
from actorrec.manifests.bundle import BundleCard, BundleManifest
from actorrec.manifests.dataset import DatasetManifest
from actorrec.manifests.model import ModelManifest
from actorrec.manifests.nets import DetectorSpec
from actorrec.progress import Progress
from actorrec.recognition.bundle import Bundle, write_bundle
from actorrec.recognition.card_score import score_on_test_side
from actorrec.recognition.configured import configured_detector
from actorrec.recognition.gallery import gallery_from_bytes

_log = logging.getLogger(__name__)


def convert(model: ModelManifest, config: Config, *, store: ArtifactStore, progress: Progress) -> BundleManifest:
    """Convert a model for the device; the same model and settings again return the bundle that is already there.

    Args:
        model: Committed in ``store``, as is the data set it was trained on, whose faces serve for the comparison and
            for the card's score.
        config: Sections ``edge`` and ``detector`` matter.
        store: Receives the bundle.
        progress: Told of every variant.

    Raises:
        ParityError: If the conversion does not say what the model says; nothing is written.
        ArtifactError: If the data set is not in the store.
    """
    detector = configured_detector(config.detector, config.models)
    settings = {"edge": config.edge.model_dump(mode="json"), "detector": detector.spec.model_dump(mode="json")}
    inputs = {model.ref: model.content_digest()}
    key = artifact_key("bundle", inputs, settings)
    with store.lock(f"bundle/{key}"):
        found = find_manifest(store, BundleManifest, key)
        if found is not None:
            _log.info("bundle/%s is already there for this model and these settings", key)
            return again(store, found)
        dataset = load_manifest(store, DatasetManifest, next(ref for ref in model.inputs if ref.startswith("dataset/")))
        packed = _pack(model, dataset, config, store, progress)
        card = _card(model, packed, detector.spec, config)
        gallery = verified_file(store, model, model.gallery_file).read_bytes()
        files = {**packed.files, **detector.files, card.gallery_file: gallery}
        bundle = Bundle(card, files, gallery_from_bytes(gallery), model.ref)
        score = score_on_test_side(bundle, dataset, store=store, progress=progress)
        card = card.model_copy(update={"evaluation": score})
        with TemporaryDirectory() as folder:
            path = Path(folder) / "bundle.zip"
            card = write_bundle(path, card, files)
            record = store.put_file(f"bundle/{key}/bundle.zip", path)
        manifest = BundleManifest(
            key=key, produced_by=card.produced_by, inputs=inputs, files=[record], card=card, bundle_file=record.name
        )
        return commit_manifest(store, manifest)


def _card(model: ModelManifest, packed: Packed, detector: DetectorSpec, config: Config) -> BundleCard:
    """The card, without the digests that ``write_bundle`` fills in."""
    return BundleCard(
        created_at=datetime.now(UTC),
        produced_by=provenance(config),
        people=model.people,
        detector=detector,
        embedder=model.embedder,
        embedder_file=packed.embedder_file,
        head_file=packed.head_file,
        classes=model.classes,
        calibration=model.calibration,
        variants=packed.variants,
        rates=model.rates,
        metrics=model.metrics,
        licences=[f"{detector.detector_id}: {detector.licence}", *model.licences],
        restricted=model.restricted,
        inputs={model.ref: model.content_digest()},
        files={},
    )


def _pack(
    model: ModelManifest, dataset: DatasetManifest, config: Config, store: ArtifactStore, progress: Progress
) -> Packed:
    """The embedder and head for the bundle, tried on faces of the data set that the model came from."""
    faces = trial_faces(store, dataset, model.embedder, model.classes)
    fresh_session(0)  # layer names end up in the file: they must not count what was built before
    if model.embedder_file is not None:
        return pack_brought(model, faces, store)
    trial = Trial(
        load_keras(verified_file(store, model, model.model_file), model.ref),
        model.embedder,
        faces,
        representative_inputs(store, dataset, model.embedder),
        gallery_from_bytes(verified_file(store, model, model.gallery_file).read_bytes()),
        model.calibration,
        config.edge.max_accuracy_loss,
    )
    wanted = config.edge.variant
    tried = trial.run(VARIANTS if wanted == "auto" else (wanted,), progress)
    reports = [report for report, _ in tried]
    best = choose(reports)
    chosen = [report.model_copy(update={"chosen": report is best}) for report in reports]
    data = next(data for report, data in tried if report is best)
    return Packed({"model.tflite": data}, "model.tflite", None, chosen)
