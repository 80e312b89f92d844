"""A trained model and the calibration that turns similarities into names."""

from typing import ClassVar, Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, Record, RelativeName
from actorrec.manifests.dataset import Person
from actorrec.manifests.nets import EmbedderSpec


class Rate(Record):
    """A measured proportion with its size and 95 % interval (Wilson score interval)."""

    value: float
    n: int = Field(ge=0)
    low: float
    high: float


class Calibration(Record):
    """How a similarity becomes a name, "unknown" and a confidence.

    Attributes:
        method: ``held-back`` when it was set on identities held back from the gallery, ``score-model`` when the
            set was too small for that and the shipped score model of the embedder was used.
        target_fpir: Rate of strangers that may be given a name.
        threshold: Least decision score that names a face.
        parameters: Numbers of the score model (see ``recognition.calibration``).
        strangers_used: How many held-back faces set it; 0 for a score model.
    """

    method: Literal["held-back", "score-model"]
    target_fpir: float = Field(gt=0, lt=1)
    threshold: float
    parameters: dict[str, float] = {}
    strangers_used: int = 0
    note: str = ""


class ModelManifest(Manifest):
    """A trained recogniser.

    Attributes:
        preset: ``cosine`` (embedding and cosine head) or ``original`` (Flatten → Dense → softmax).
        embedder: Contract of the embedding net (also of the end-to-end model's input).
        classes: Person ids in the order of the ``probabilities`` output.
        model_file: End-to-end ``.keras`` file with outputs ``embedding`` and ``probabilities``; for a brought
            ``.tflite``/``.onnx`` embedder, the head alone (its input is the unit embedding).
        embedder_file: A brought embedder that stays a net of its own, else None.
        gallery_file: ``gallery.npz``.
        metrics: Plain numbers (accuracy, loss, counts) by name.
        rates: Measured proportions by name.
        restricted: Licence → number of pictures learned from though it is restricted or unknown, as the user insisted.
        timings_s: Seconds of each step; times are no part of what two runs must agree on.
    """

    kind: Literal["model"] = "model"
    preset: Literal["cosine", "original"] = "cosine"
    embedder: EmbedderSpec
    people: list[Person]
    classes: list[str]
    model_file: RelativeName
    embedder_file: RelativeName | None = None
    gallery_file: RelativeName
    calibration: Calibration
    metrics: dict[str, float] = {}
    rates: dict[str, Rate] = {}
    timings_s: dict[str, float] = {}
    licences: list[str] = []
    restricted: dict[str, int] = {}

    _not_content: ClassVar[frozenset[str]] = Manifest._not_content | {"timings_s"}
