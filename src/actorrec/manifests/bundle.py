"""The edge bundle: the card inside the zip, which is what is believed, and the artifact that holds the zip."""

from datetime import datetime
from typing import Final, Literal

from pydantic import Field

from actorrec.manifests.base import Manifest, ProducedBy, Record, RelativeName, Sha256, digest_json
from actorrec.manifests.dataset import Person
from actorrec.manifests.model import Calibration, Rate
from actorrec.manifests.nets import DetectorSpec, EmbedderSpec

CARD_SCHEMA_VERSION = 1
MIN_COSINE: Final = {"float32": 0.999, "float16": 0.999, "dynamic": 0.99, "int8": 0.99, "as-brought": 0.999}
"""By ``VariantReport.name``: least cosine between source and conversion on any trial face."""


class VariantReport(Record):
    """One way the embedder was converted, as measured on the machine that converted it.

    Attributes:
        name: ``float32``, ``float16``, ``dynamic`` or ``int8``; ``as-brought`` for a net that was not converted.
        median_ms: Per face, one thread, batch 1.
        min_cosine: Least cosine to the source model on the parity faces.
        accuracy_loss: Top-1 on the parity faces lost against the source model, in [0, 1].
    """

    name: Literal["float32", "float16", "dynamic", "int8", "as-brought"]
    bytes: int
    median_ms: float | None = None
    min_cosine: float | None = None
    accuracy_loss: float | None = None
    chosen: bool = False
    refused: str = ""


class CardScore(Record):
    """How well the bundle named faces of one evaluation set: two bundles are compared by it where the set is the same.

    Attributes:
        set_digest: SHA-256 over who the pictures show and their contents, strangers included, in one order.
        measured_on: What the set is, in words.
        target_fpir: The rate of strangers named that both were asked for.
        top1: Pictures of known people whose nearest person is right.
        tpir: Pictures of known people that were given their own name.
        fpir: Pictures of strangers that were given a name; None without strangers.
    """

    set_digest: Sha256
    measured_on: str
    target_fpir: float
    top1: Rate
    tpir: Rate
    fpir: Rate | None = None


class KnownAnswer(Record):
    """What the embedder gave for made-up faces where the bundle was made: a device finds out whether it computes right.

    Attributes:
        patterns_version: Which made-up faces (``recognition.made_up_faces``).
        numbers: Some numbers of the unit embedding, of each face; rounded, so no more than near on any machine.
        least_cosine: By how much another right runtime may differ, from how much the net makes of tiny changes.
    """

    patterns_version: int
    numbers: list[list[float]] = Field(max_length=16)
    least_cosine: float = Field(ge=-1, le=1)


class BundleCard(Record):
    """``card.json``: everything an interpreter must know, and the digest of everything it loads.

    Attributes:
        embedder_file: ``.tflite`` or ``.onnx`` file of the embedding net; its outputs may include
            ``probabilities``.
        head_file: A separate head (unit embedding → probabilities) where the embedder is a brought net.
        classes: Order of the ``probabilities`` output; None once ``enroll``/``forget`` changed who is known.
        gallery_file: ``gallery.npz`` with prototypes and photo embeddings.
        restricted: As in the model it came from: licence → number of pictures that were used all the same.
        evaluation: How well it did on an evaluation set; None where it was never measured.
        self_test: None where the embedder could not be run where the bundle was made.
        files: Every other file of the zip → sha256.
    """

    schema_version: int = CARD_SCHEMA_VERSION
    created_at: datetime
    produced_by: ProducedBy
    people: list[Person]
    detector: DetectorSpec
    embedder: EmbedderSpec
    embedder_file: RelativeName
    head_file: RelativeName | None = None
    classes: list[str] | None = None
    gallery_file: RelativeName = "gallery.npz"
    calibration: Calibration
    variants: list[VariantReport] = []
    rates: dict[str, Rate] = {}
    metrics: dict[str, float] = {}
    evaluation: CardScore | None = None
    self_test: KnownAnswer | None = None
    licences: list[str] = []
    restricted: dict[str, int] = {}
    inputs: dict[str, Sha256] = {}
    files: dict[RelativeName, Sha256]


class BundleManifest(Manifest):
    """The store's record of a ``bundle.zip``."""

    kind: Literal["bundle"] = "bundle"
    card: BundleCard
    bundle_file: RelativeName = "bundle.zip"

    def content_digest(self) -> str:
        """SHA-256 of everything but times, timings, provenance and what depends on the machine that made it.

        The card's ``files`` stand for the zip.
        """
        not_content = {"created_at", "produced_by"}
        return digest_json(
            self.model_dump(mode="json", exclude=not_content | {"files", "card"})
            | {"card": self.card.model_dump(mode="json", exclude=not_content | {"variants", "self_test"})}
        )
