"""What ``infer`` says of a picture: one JSON line each."""

from actorrec.manifests.base import Record


class FaceResult(Record):
    """One face of a picture. Boxes and points are px of the whole picture, orientation applied."""

    box: tuple[float, float, float, float]
    score: float
    landmarks: tuple[tuple[float, float], ...]
    person_id: str | None
    name: str | None
    similarity: float
    confidence: float
    runner_up: str | None
    nearest_photos: list[tuple[str, float]] | None = None


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
