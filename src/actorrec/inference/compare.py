"""Whether two pictures show one person."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from actorrec.errors import ItemError
from actorrec.inference.sources import shown
from actorrec.manifests.results import CompareResult
from actorrec.recognition.calibration import same_person_probability
from actorrec.recognition.recogniser import Recogniser
from actorrec.sections import InferenceSection
from actorrec.types import BoundingBox
from actorrec.vision.decode import read_picture
from actorrec.vision.main_face import by_prominence
from actorrec.vision.similarity import cosine_similarity, normalise


def compare(path_a: Path, path_b: Path, recogniser: Recogniser, settings: InferenceSection) -> CompareResult:
    """Compare the main faces of two pictures.

    Args:
        path_a, path_b: Picture files.
        recogniser: Its detector and embedder are used; who it knows does not matter.
        settings: Limits on what is decoded.

    Returns:
        Similarity, distance and probability; ``error`` says why where one of them shows no face or cannot be read.
    """
    result: dict[str, Any] = {
        "source_a": shown(str(path_a)),
        "source_b": shown(str(path_b)),
        "model_id": recogniser.model_id,
    }
    vectors: list[NDArray[np.float32]] = []
    for path, side in ((path_a, "a"), (path_b, "b")):
        try:
            box, vector, faces = _main_face(path, recogniser, settings)
        except ItemError as error:
            return CompareResult(**result, error=f"{shown(str(path))}: {error.in_full}")
        result[f"faces_{side}"] = faces
        result[f"box_{side}"] = tuple(round(value, 2) for value in (box.x1, box.y1, box.x2, box.y2))
        vectors.append(vector)
    units, _ = normalise(np.stack(vectors))
    cosine = float(cosine_similarity(units[:1], units[1:])[0, 0])
    probability, calibrated = same_person_probability(recogniser.model_id, cosine)
    return CompareResult(
        **result,
        same_person=probability >= 0.5,
        probability=round(probability, 4),
        calibrated=calibrated,
        cosine=round(cosine, 4),
        euclidean=round(float(np.linalg.norm(vectors[0] - vectors[1])), 4),
    )


def _main_face(
    path: Path, recogniser: Recogniser, settings: InferenceSection
) -> tuple[BoundingBox, NDArray[np.float32], int]:
    """Box, raw embedding of shape (D,), and how many faces there are."""
    pixels = read_picture(path, max_bytes=settings.max_bytes, max_pixels=settings.max_pixels).pixels
    faces = recogniser.detector.detect(pixels)
    if not faces:
        raise ItemError("no-face", "no face was found in it")
    meant = by_prominence(faces, pixels.shape[:2])[0]
    return meant.box, recogniser.embed_faces(pixels, [meant])[0], len(faces)
