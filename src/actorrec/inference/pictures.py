"""Names for the faces of pictures: one result for every input, whatever becomes of it."""

import time
from collections.abc import Callable, Iterator, Sequence

from actorrec.errors import ItemError
from actorrec.inference.sources import PictureSource, expand_sources
from actorrec.manifests.results import FaceResult, PictureResult, Timings
from actorrec.recognition.recogniser import Recogniser, StepTimings
from actorrec.sections import InferenceSection
from actorrec.types import RecognisedFace, UInt8Image
from actorrec.vision.decode import read_picture

OnPicture = Callable[[PictureSource, UInt8Image, PictureResult], None]
"""Called with the source, the pixels (H, W, 3 uint8 RGB) and the result of each picture that could be read."""

OnFaces = Callable[[str, UInt8Image, Sequence[RecognisedFace]], None]
"""Called with the name of each picture that could be read, its pixels and its faces, embeddings included."""


def recognise_pictures(
    sources: Sequence[str],
    recogniser: Recogniser,
    settings: InferenceSection,
    *,
    explain: int = 0,
    on_picture: OnPicture | None = None,
    on_faces: OnFaces | None = None,
) -> Iterator[PictureResult]:
    """Name the faces of every picture that is meant; one picture at a time is in memory.

    Args:
        sources: Picture files, folders and globs.
        settings: Limits on what is decoded.
        explain: How many of the nearest gallery photos to give with each face.
        on_picture: For example ``annotate.Annotator``.
        on_faces: For example ``unknowns.UnknownKeeper``.

    Yields:
        One result for each picture, and for each source that means none, in order; ``error`` says what failed.
    """
    for source in expand_sources(sources):
        yield recognise_picture(source, recogniser, settings, explain=explain, on_picture=on_picture, on_faces=on_faces)


def recognise_picture(
    source: PictureSource,
    recogniser: Recogniser,
    settings: InferenceSection,
    *,
    explain: int = 0,
    on_picture: OnPicture | None = None,
    on_faces: OnFaces | None = None,
) -> PictureResult:
    """Name the faces of one picture; the parameters are those of ``recognise_pictures``."""
    if source.path is None:
        return failed(source.name, recogniser.model_id, source.error)
    start = time.perf_counter()
    limits = {"max_bytes": settings.max_bytes, "max_pixels": settings.max_pixels}
    try:
        pixels = read_picture(source.path, **limits, beneath=source.beneath).pixels
    except ItemError as error:
        return failed(source.name, recogniser.model_id, error.in_full)
    decode_ms = (time.perf_counter() - start) * 1000
    found, timings = recogniser.recognise(pixels, explain=explain)
    if on_faces is not None:
        on_faces(source.name, pixels, found)
    result = PictureResult(
        source=source.name,
        width=pixels.shape[1],
        height=pixels.shape[0],
        model_id=recogniser.model_id,
        error=None,
        faces=[face_result(face, recogniser, explained=explain > 0) for face in found],
        timings_ms=_timings(decode_ms, timings),
    )
    if on_picture is not None:
        on_picture(source, pixels, result)
    return result


def failed(source: str, model_id: str, error: str) -> PictureResult:
    """The result of an input that could not be read."""
    return PictureResult(
        source=source, width=None, height=None, model_id=model_id, error=error, faces=[], timings_ms=Timings()
    )


def face_result(found: RecognisedFace, recogniser: Recogniser, *, explained: bool) -> FaceResult:
    """A face as it is written: px rounded to 2 decimals, probabilities and similarities to 4."""
    box, prediction = found.face.box, found.prediction
    named = prediction.person_id
    return FaceResult(
        box=(round(box.x1, 2), round(box.y1, 2), round(box.x2, 2), round(box.y2, 2)),
        score=round(found.face.score, 4),
        landmarks=tuple((round(float(x), 2), round(float(y), 2)) for x, y in found.face.landmarks.points),
        person_id=named,
        name=None if named is None else recogniser.shown_name(named),
        similarity=round(prediction.similarity, 4),
        confidence=round(prediction.confidence, 4),
        runner_up=prediction.runner_up,
        nearest_photos=[(name, round(value, 4)) for name, value in found.nearest_photos] if explained else None,
    )


def _timings(decode_ms: float, steps: StepTimings) -> Timings:
    return Timings(
        decode=round(decode_ms, 3),
        detect=round(steps.detect_ms, 3),
        align=round(steps.align_ms, 3),
        embed=round(steps.embed_ms, 3),
        match=round(steps.match_ms, 3),
    )
