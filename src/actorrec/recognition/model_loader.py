"""A trained model, ready to say names without being converted first (``evaluate`` measures it so)."""

from actorrec.artifacts.catalog import file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.config import Config
from actorrec.faces.detectors import make_detector
from actorrec.faces.embedders import make_embedder
from actorrec.manifests.model import ModelManifest
from actorrec.recognition.configured import configured_detector
from actorrec.recognition.gallery import gallery_from_bytes
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
