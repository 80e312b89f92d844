"""The detector and the embedder that the settings ask for, with the files they are made of."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from actorrec.errors import ConfigError
from actorrec.faces.detectors import default_detector_spec, detector_files
from actorrec.faces.dlib_resnet29 import shipped_tflite
from actorrec.faces.embedders import DEFAULT_SPEC, spec_for_file
from actorrec.faces.fetch import fetch_model
from actorrec.faces.registry import REGISTRY
from actorrec.manifests.nets import DetectorSpec, EmbedderSpec
from actorrec.progress import Progress
from actorrec.sections import DetectorSection, EmbedderSection, ModelsSection

_NO_MODELS = ModelsSection()


@dataclass(frozen=True, slots=True, eq=False)
class DetectorParts:
    """A detector's contract and its files by name, as they travel in a bundle."""

    spec: DetectorSpec
    files: dict[str, bytes]


def configured_detector(
    section: DetectorSection, models: ModelsSection = _NO_MODELS, *, progress: Progress | None = None
) -> DetectorParts:
    """The detector that the settings name; a registered one is fetched once.

    Raises:
        ConfigError: If its model file is not given or cannot be read.
        RemoteError: If a registered one is not in the cache and cannot be downloaded.
    """
    path, entry = section.path, REGISTRY.get(section.name)
    if path is None and entry is not None and entry.download is not None:
        path = fetch_model(entry, cache_dir=models.cache_dir, base_url=models.base_url, progress=progress)
    kind = section.name.removesuffix("-int8")  # a smaller file for the same detector
    files = detector_files(kind, path)
    changes: dict[str, Any] = {
        "files": {name: hashlib.sha256(data).hexdigest() for name, data in sorted(files.items())},
        "min_face_px": section.min_face_px,
        "max_side_px": section.max_side_px,
    }
    if section.score_threshold is not None:
        changes["score_threshold"] = section.score_threshold
    spec = default_detector_spec(kind)
    if kind != section.name:
        changes["detector_id"] = f"{spec.detector_id}-int8"
    return DetectorParts(spec.model_copy(update=changes), files)


def configured_embedder(
    section: EmbedderSection, models: ModelsSection = _NO_MODELS, *, progress: Progress | None = None
) -> tuple[EmbedderSpec, Path]:
    """The embedder that the settings name, as a file that can be run without training; a registered one is fetched.

    Raises:
        ConfigError: If there is no such embedder, or it serves ``train`` alone.
        ModelContractError: If the file is not what it should be.
        RemoteError: If a registered one is not in the cache and cannot be downloaded.
    """
    if section.path is not None:
        spec = spec_for_file(
            section.path,
            template=section.template,
            mean=section.mean,
            std=section.std,
            colour_order=section.colour_order,
            licence=section.licence,
        )
        return spec, section.path
    entry = REGISTRY.get(section.name)
    if entry is None or entry.spec is None:
        from actorrec.faces.keras_backbones import BACKBONES

        known = ", ".join(name for name, each in REGISTRY.items() if each.spec is not None)
        to_train = ", ".join(name for name in BACKBONES if name not in REGISTRY)
        raise ConfigError(
            f"'{section.name}' is no embedder that runs without training",
            hint=f"one of {known}, or a .tflite, .onnx or .keras file; train also takes {to_train}",
        )
    if entry.spec.model_id == DEFAULT_SPEC.model_id:
        return entry.spec, shipped_tflite()
    return entry.spec, fetch_model(entry, cache_dir=models.cache_dir, base_url=models.base_url, progress=progress)
