"""What ``infer`` says of a picture: one JSON line each."""

from typing import Any

from pydantic import SerializerFunctionWrapHandler, model_serializer

from actorrec.manifests.base import Record


class FaceResult(Record):
    """One face of a picture. Boxes and points are px of the whole picture, orientation applied.

    Attributes:
        nearest_photos: Written only where an explanation was asked for: gallery photos and their cosines.
    """

    box: tuple[float, float, float, float]
    score: float
    landmarks: tuple[tuple[float, float], ...]
    person_id: str | None
    name: str | None
    similarity: float
    confidence: float
    runner_up: str | None
    nearest_photos: list[tuple[str, float]] | None = None

    @model_serializer(mode="wrap")
    def _without_what_was_not_asked(self, write: SerializerFunctionWrapHandler) -> dict[str, Any]:
        written: dict[str, Any] = write(self)
        if self.nearest_photos is None:
            del written["nearest_photos"]
        return written

    @property
    def label(self) -> str:
        """For people: the name and how sure it is, or ``unknown``. Nothing is ever 100 % sure."""
        return "unknown" if self.name is None else f"{self.name} {min(self.confidence, 0.99):.0%}"


class Timings(Record):
    """Milliseconds spent in each step."""

    decode: float = 0.0
    detect: float = 0.0
    align: float = 0.0
    embed: float = 0.0
    match: float = 0.0


class PictureResult(Record):
    """One input picture; ``error`` is None when it could be read."""

    source: str
    width: int | None
    height: int | None
    model_id: str
    error: str | None
    faces: list[FaceResult]
    timings_ms: Timings


class CompareResult(Record):
    """What ``compare`` says of the main face of each of two pictures.

    Attributes:
        same_person: Whether ``probability`` is at least one half; None where a picture shows no face.
        probability: Calibrated probability that both faces are of one person, where same and different are equally
            likely beforehand.
        calibrated: Whether that rests on the embedder's own score model; else it is a rough guess.
        cosine: Cosine of the two embeddings, in [-1, 1]; higher is more alike.
        euclidean: Distance of the two embeddings as the net gives them, not normalised; lower is more alike.
        faces_a, faces_b: How many faces each picture shows; the main one is compared.
        error: What could not be done; None where both faces were compared.
    """

    source_a: str
    source_b: str
    model_id: str
    same_person: bool | None = None
    probability: float | None = None
    calibrated: bool | None = None
    cosine: float | None = None
    euclidean: float | None = None
    faces_a: int = 0
    faces_b: int = 0
    box_a: tuple[float, float, float, float] | None = None
    box_b: tuple[float, float, float, float] | None = None
    error: str | None = None
