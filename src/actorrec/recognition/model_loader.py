"""Recognisers that come from no bundle: a trained model (``evaluate`` measures it), or nothing but the settings."""

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.faces.detectors import make_detector
from actorrec.faces.embedders import make_embedder
from actorrec.manifests.model import ModelManifest
from actorrec.progress import Progress
from actorrec.recognition.calibration import calibrate
from actorrec.recognition.configured import configured_detector, configured_embedder
from actorrec.recognition.gallery import empty_gallery, gallery_from_bytes
from actorrec.recognition.recogniser import Recogniser, threads_for


def recogniser_from_model(store: ArtifactStore, manifest: ModelManifest, config: Config) -> Recogniser:
    """Make a trained model ready to say names.

    A brought ``.tflite`` or ``.onnx`` embedder runs as it is; otherwise the end-to-end ``.keras`` model runs, and its
    output ``embedding`` is used.

    Args:
        store: Where the model lives.
        manifest: The model.
        config: Which detector finds the faces.

    Raises:
        MissingExtraError: If the model needs Keras and it is not installed.
        ModelContractError: If its files are not what the manifest says.
    """
    threads = threads_for(config.inference.threads)
    detector = configured_detector(config.detector, config.models)
    net = manifest.embedder_file or manifest.model_file
    return Recogniser(
        make_detector(detector.spec, detector.files, num_threads=threads),
        make_embedder(manifest.embedder, store.local_path(file_name(manifest, net)), num_threads=threads),
        gallery_from_bytes(store.read_bytes(file_name(manifest, manifest.gallery_file))),
        manifest.calibration,
        tuple(manifest.people),
    )


def recogniser_without_people(config: Config, *, progress: Progress | None = None) -> Recogniser:
    """The detector and embedder that the settings name, knowing nobody: for comparing faces with each other.

    Raises:
        ConfigError: If a net that the settings name cannot be had.
        RemoteError: If one must be fetched and cannot be.
    """
    threads = threads_for(config.inference.threads)
    detector = configured_detector(config.detector, config.models, progress=progress)
    spec, path = configured_embedder(config.embedder, config.models, progress=progress)
    gallery = empty_gallery(spec.model_id, spec.dim)
    return Recogniser(
        make_detector(detector.spec, detector.files, num_threads=threads),
        make_embedder(spec, path, num_threads=threads),
        gallery,
        calibrate(gallery, target_fpir=config.calibration.target_fpir),
        (),
    )
