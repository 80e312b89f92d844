"""What a net expects and gives, as it travels in manifests and bundles."""

from typing import Final, Literal

from pydantic import Field

from actorrec.manifests.base import Record, Sha256

PREPROCESS_VERSION: Final = 1
"""Of ``vision.preprocess``: raised when the same parameters would give other numbers there."""

Point = tuple[float, float]
Triple = tuple[float, float, float]


class TemplateRecord(Record):
    """A face template, spelled out so that a bundle does not depend on a name's meaning."""

    name: str
    size_px: int = Field(ge=16, le=1024)
    points_px: tuple[Point, Point, Point, Point, Point]


class EmbedderSpec(Record):
    """An embedder's contract.

    Attributes:
        model_id: Name and version of the weights; embeddings of two ids are never compared.
        template: How faces are aligned for it.
        mean, std: (x − mean) / std per channel on the 0–255 scale, in the net's channel order.
        colour_order: Channel order of the net's input.
        layout: Axis order of the net's input.
        dim: Width of the embedding.
        licence: What the publisher of the weights states.
        preprocess_version: Which ``vision.preprocess`` this was written for.
    """

    model_id: str
    template: TemplateRecord
    mean: Triple = (0.0, 0.0, 0.0)
    std: Triple = (1.0, 1.0, 1.0)
    colour_order: Literal["rgb", "bgr"] = "rgb"
    layout: Literal["nhwc", "nchw"] = "nhwc"
    dim: int = Field(ge=2, le=65536)
    licence: str = "unknown"
    preprocess_version: int = 1


class DetectorSpec(Record):
    """A detector as a bundle carries it.

    Attributes:
        name: ``mtcnn``, ``yunet``, ``ssd`` or ``haar``.
        detector_id: Name and version of the weights.
        files: File name inside the bundle → sha256; empty where the detector needs none.
        min_face_px: Smallest face looked for, px.
        score_threshold: Lowest detector score kept.
        max_side_px: Pictures are shrunk to this longer side before detection.
    """

    name: str
    detector_id: str
    files: dict[str, Sha256] = {}
    min_face_px: int = Field(default=24, ge=12)
    score_threshold: float = Field(default=0.9, ge=0, le=1)
    max_side_px: int = Field(default=1280, ge=64)
    licence: str = "unknown"
