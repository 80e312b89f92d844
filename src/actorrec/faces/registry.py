"""Detectors and embedders with a licence that their publisher states: what ships, and what can be fetched."""

from dataclasses import dataclass
from typing import Final, Literal

from actorrec.errors import ConfigError
from actorrec.faces import dlib_resnet29
from actorrec.faces.embedders import template_record
from actorrec.manifests.nets import EmbedderSpec

ZOO_URL: Final = "https://media.githubusercontent.com/media/opencv/opencv_zoo/main"
"""OpenCV Zoo keeps its nets in Git LFS, which GitHub serves from this host."""


@dataclass(frozen=True, slots=True)
class Download:
    """A file that a user can fetch.

    Attributes:
        path: Below the publisher's base URL, or the one that ``models.base_url`` sets.
        sha256, bytes: Of the file, from the publisher's Git LFS pointer (read in May 2025).
    """

    path: str
    sha256: str
    bytes: int

    @property
    def file_name(self) -> str:
        """Last part of the path."""
        return self.path.rsplit("/", 1)[-1]


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """One detector or embedder.

    Attributes:
        input: What it takes, for a table.
        accuracy: Published or measured here, with the protocol, for a table.
        download: None for what ships with the package.
        spec: The contract of an embedder; None for a detector.
    """

    name: str
    role: Literal["detector", "embedder"]
    licence: str
    source: str
    input: str
    accuracy: str
    download: Download | None = None
    spec: EmbedderSpec | None = None


def _sface(name: str, file_name: str, sha256: str, size_bytes: int, accuracy: str) -> ModelEntry:
    # Preprocessing as in OpenCV's FaceRecognizerSF: RGB as it is, 0 to 255, on ArcFace's template.
    spec = EmbedderSpec(
        model_id=f"{name}-{sha256[:12]}",
        template=template_record("arcface-112", 112),
        layout="nchw",
        dim=128,
        licence="Apache-2.0",
    )
    return ModelEntry(
        name,
        "embedder",
        "Apache-2.0",
        "opencv/opencv_zoo, models/face_recognition_sface",
        "112×112 RGB, template arcface-112, 128-d",
        accuracy,
        Download(f"models/face_recognition_sface/{file_name}", sha256, size_bytes),
        spec,
    )


def _yunet(name: str, file_name: str, sha256: str, size_bytes: int) -> ModelEntry:
    return ModelEntry(
        name,
        "detector",
        "MIT",
        "opencv/opencv_zoo, models/face_detection_yunet",
        "any size, 5 landmarks",
        "not measured here",
        Download(f"models/face_detection_yunet/{file_name}", sha256, size_bytes),
    )


_ENTRIES: Final = (
    ModelEntry(
        "mtcnn",
        "detector",
        "MIT",
        "ships with actorrec (from the package mtcnn 1.0.0)",
        "any size, 5 landmarks",
        "docs/benchmarks.md",
    ),
    _yunet(
        "yunet",
        "face_detection_yunet_2023mar.onnx",
        "8f2383e4dd3cfbb4553ea8718107fc0423210dc964f9f4280604804ed2552fa4",
        232_589,
    ),
    _yunet(
        "yunet-int8",
        "face_detection_yunet_2023mar_int8.onnx",
        "321aa5a6afabf7ecc46a3d06bfab2b579dc96eb5c3be7edd365fa04502ad9294",
        100_416,
    ),
    ModelEntry(
        "dlib-resnet29",
        "embedder",
        dlib_resnet29.SPEC.licence,
        "ships with actorrec (davisking/dlib-models)",
        "150×150 RGB, template dlib-150, 128-d",
        "LFW 99.38 % as published",
        spec=dlib_resnet29.SPEC,
    ),
    _sface(
        "sface",
        "face_recognition_sface_2021dec.onnx",
        "0ba9fbfa01b5270c96627c4ef784da859931e02f04419c829e83484087c34e79",
        38_696_353,
        "LFW 99.40 % as published",
    ),
    _sface(
        "sface-int8",
        "face_recognition_sface_2021dec_int8.onnx",
        "2b0e941e6f16cc048c20aee0c8e31f569118f65d702914540f7bfdc14048d78a",
        9_896_933,
        "LFW 99.32 % as published",
    ),
)
REGISTRY: Final = {entry.name: entry for entry in _ENTRIES}


def find_model(name: str) -> ModelEntry:
    """Look up an entry.

    Raises:
        ConfigError: If there is none of that name.
    """
    entry = REGISTRY.get(name)
    if entry is None:
        raise ConfigError(f"there is no model '{name}'", hint=f"known: {', '.join(REGISTRY)}")
    return entry
