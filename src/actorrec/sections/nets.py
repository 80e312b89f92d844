"""How faces are found, told apart, learned and named."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from actorrec.sections.base import Section


class DetectorSection(Section):
    """How faces are found."""

    name: Literal["mtcnn", "yunet", "yunet-int8", "ssd", "haar"] = "mtcnn"
    path: Path | None = None
    min_face_px: int = Field(default=24, ge=12)
    score_threshold: float | None = Field(default=None, ge=0, le=1)
    max_side_px: int = Field(default=1280, ge=64)


class EmbedderSection(Section):
    """What turns a face into a vector. ``path`` brings a net of your own."""

    name: str = "dlib-resnet29"
    path: Path | None = None
    template: str = "arcface-112"
    mean: tuple[float, float, float] = (127.5, 127.5, 127.5)
    std: tuple[float, float, float] = (127.5, 127.5, 127.5)
    colour_order: Literal["rgb", "bgr"] = "rgb"
    licence: str = "unknown"
    weights: str = "imagenet"


class ModelsSection(Section):
    """Where fetched detectors and embedders are kept. ``base_url`` replaces the publisher's host."""

    cache_dir: Path | None = None
    base_url: str | None = None


class DatasetSection(Section):
    """How photos become a clean data set. ``previews`` keeps small whole pictures beside the faces, for ``review``."""

    min_face_px: float = 40
    min_sharpness: float = 12
    max_yaw: float = 0.9
    min_visible: float = 0.25
    max_bytes: int = 64 * 2**20
    max_pixels: int = 80_000_000
    near_duplicate_bits: int = Field(default=8, ge=0, le=32)
    near_copy_cosine: float = Field(default=0.985, ge=0, le=1)
    wrong_person: Literal["drop", "flag", "keep"] = "drop"
    test_share: float = Field(default=0.2, ge=0, lt=1)
    seed: int = Field(default=0, ge=0, lt=2**32)
    max_skip_ratio: float = Field(default=0.9, ge=0, le=1)
    previews: bool = True
    free_only: bool = False
    workers: int = Field(default=0, ge=0)


class TrainingSection(Section):
    """How the recogniser is trained."""

    preset: Literal["cosine", "original"] = "cosine"
    epochs: int = Field(default=40, ge=1)
    batch_size: int = Field(default=128, ge=1)
    dropout: float = Field(default=0.0, ge=0, lt=1)
    learning_rate: float = Field(default=0.01, gt=0)
    margin: float = Field(default=0.15, ge=0, lt=1)
    scale: float = Field(default=24.0, gt=0)
    augmentations: int = Field(default=2, ge=0, le=50)
    seed: int = Field(default=0, ge=0, lt=2**32)
    patience: int = Field(default=8, ge=1)
    precision: Literal["auto", "float32", "mixed_float16"] = "auto"  # of fine-tuning; auto: mixed on a GPU
    fine_tune: bool = False
    fine_tune_learning_rate: float = Field(default=1e-5, gt=0)
    fine_tune_loss: Literal["cosine", "contrastive", "triplet"] = "cosine"
    fine_tune_epochs: int = Field(default=5, ge=1)
    hidden_units: int = Field(default=1024, ge=1)  # of the original preset alone


class CalibrationSection(Section):
    """When a face gets a name."""

    target_fpir: float = Field(default=0.01, gt=0, lt=0.5)


class EdgeSection(Section):
    """How the model is made small."""

    variant: Literal["auto", "float32", "float16", "dynamic", "int8"] = "auto"
    max_accuracy_loss: float = Field(default=0.003, ge=0, le=1)
    enrol_jitters: int = Field(default=10, ge=0, le=50)


class InferenceSection(Section):
    """How frames are read and named. ``bundle`` is what is run where ``--bundle`` names none."""

    bundle: str = "newest"
    threads: int = Field(default=0, ge=0)
    max_bytes: int = 64 * 2**20
    max_pixels: int = 80_000_000
