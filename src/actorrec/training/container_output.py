"""What a training container leaves behind: the model, a SavedModel to serve, the edge bundle, measures."""

import importlib.metadata
import json
import logging
import platform
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np

from actorrec import __version__
from actorrec.artifacts.catalog import MANIFEST_NAME, file_name
from actorrec.artifacts.store import ArtifactStore
from actorrec.artifacts.whole_file import DISK_HINTS, write_whole
from actorrec.errors import ArtifactError, TrainingError
from actorrec.faces.keras_embedder import load_keras
from actorrec.faces.keras_runtime import import_keras, import_tensorflow, stderr_closed
from actorrec.manifests.bundle import BundleManifest
from actorrec.manifests.jobs import BUNDLE_FILE, BUNDLE_MANIFEST, METRICS_FILE, MODEL_MANIFEST, SAVED_MODEL
from actorrec.manifests.model import ModelManifest
from actorrec.training.assemble import EMBEDDING

_log = logging.getLogger(__name__)
_LEAST_COSINE: Final = 0.9999
_PLOTS: Final = (".png", ".json")


@dataclass(frozen=True, slots=True)
class BundleOutcome:
    """The edge bundle of a model, or why there is none."""

    manifest: BundleManifest | None
    reason: str = ""


class ModelFolder:
    """``/opt/ml/model``: ``begin``, ``add_saved_model``, ``add_bundle``, ``finish``; whole once its manifest is there.

    Args:
        folder: Where.
        model: Committed in ``store``.
        store: Holds the files.
    """

    def __init__(self, folder: Path, model: ModelManifest, store: ArtifactStore) -> None:
        self._folder, self._model, self._store = folder, model, store

    def begin(self) -> None:
        """Copy the model's own files; what an earlier run left goes first, its manifest before all."""
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
            for name in (MODEL_MANIFEST, BUNDLE_MANIFEST, BUNDLE_FILE, METRICS_FILE):
                (self._folder / name).unlink(missing_ok=True)
            shutil.rmtree(self._folder / SAVED_MODEL, ignore_errors=True)
            for record in self._model.files:
                self._copy(file_name(self._model, record), record.name)
        except OSError as error:
            raise _cannot_write(self._folder, error) from None

    def add_saved_model(self) -> bool:
        """Export what TensorFlow Serving loads; False for a brought net, of which only the head is a Keras model.

        Raises:
            TrainingError: If the exported model gives other embeddings.
        """
        if self._model.embedder_file is not None:
            _log.info(
                "no SavedModel: %s stays a net of its own (%s), and %s is the head alone",
                *(self._model.embedder.model_id, self._model.embedder_file, self._model.model_file),
            )
            return False
        model = load_keras(self._folder / self._model.model_file, self._model.ref)
        target = self._folder / SAVED_MODEL
        try:
            with stderr_closed():
                model.export(target, format="tf_saved_model", verbose=False)
        except OSError as error:
            raise _cannot_write(target, error) from None
        _check_served(model, target)
        return True

    def add_bundle(self, bundle: BundleManifest) -> None:
        """Copy the edge bundle and its manifest."""
        try:
            self._copy(file_name(bundle, bundle.bundle_file), BUNDLE_FILE)
            self._copy(f"{bundle.ref}/{MANIFEST_NAME}", BUNDLE_MANIFEST)
        except OSError as error:
            raise _cannot_write(self._folder, error) from None

    def finish(self, summary: Mapping[str, Any], more: Path) -> None:
        """Write the measures here and, with the plots, to ``more``; then the manifest, which makes the folder whole."""
        text = (json.dumps(summary, indent=1) + "\n").encode()
        write_whole(self._folder / METRICS_FILE, text)
        write_whole(more / METRICS_FILE, text)
        for record in self._model.files:
            if record.name.endswith(_PLOTS):
                write_whole(more / record.name, self._store.read_bytes(file_name(self._model, record)))
        write_whole(self._folder / MODEL_MANIFEST, self._store.read_bytes(f"{self._model.ref}/{MANIFEST_NAME}"))

    def _copy(self, name: str, as_name: str) -> None:
        target = self._folder / as_name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._store.local_path(name), target)


def summarise(model: ModelManifest, bundle: BundleOutcome) -> dict[str, Any]:
    """What ``metrics.json`` holds."""
    made = bundle.manifest
    return {
        "model": model.ref,
        "content_digest": model.content_digest(),
        "metrics": model.metrics,
        "rates": {name: rate.model_dump() for name, rate in model.rates.items()},
        "timings_s": model.timings_s,
        "bundle": {"ref": None, "reason": bundle.reason} if made is None else {"ref": made.ref, "reason": ""},
        "versions": versions(),
    }


def versions() -> dict[str, str | int]:
    """Which software this runs on, and how many GPUs TensorFlow sees."""
    tf, keras = import_tensorflow(), import_keras()
    return {
        "actorrec": __version__,
        "python": platform.python_version(),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
        "numpy": importlib.metadata.version("numpy"),
        "gpus": len(tf.config.list_physical_devices("GPU")),
    }


def _check_served(model: Any, folder: Path) -> None:
    tf = import_tensorflow()
    rng = np.random.default_rng(0)
    inputs = rng.standard_normal((2, *model.inputs[0].shape[1:])).astype(np.float32)
    served = tf.saved_model.load(str(folder)).signatures["serving_default"]
    [name] = served.structured_input_signature[1]
    found = np.asarray(served(**{name: tf.constant(inputs)})[EMBEDDING])
    wanted = np.asarray(model(inputs, training=False)[EMBEDDING])
    least = float(np.min(np.sum(found * wanted, axis=1)))
    if not least >= _LEAST_COSINE:  # also when it is not a number
        raise TrainingError(f"the SavedModel does not give the model's embeddings (cosine {least:.4f})")


def _cannot_write(path: Path, error: OSError) -> ArtifactError:
    return ArtifactError(f"cannot write {path}: {error.strerror or error}", hint=DISK_HINTS.get(error.errno or 0, ""))
