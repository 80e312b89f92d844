"""From an enrolment photo to the faces in it, ready to be embedded."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.config import Config, DatasetSection
from actorrec.errors import ItemError
from actorrec.recognition.recogniser import Recogniser
from actorrec.recognition.views import enrolment_views
from actorrec.types import Face, FaceQuality, UInt8Image
from actorrec.vision.align import FaceTemplate
from actorrec.vision.decode import decode_picture, read_bytes
from actorrec.vision.quality import measure_quality
from actorrec.vision.similarity import normalise

_MOST_FACES: Final = 6  # of a crowd only the largest can be meant; each keeps up to 52 crops in memory


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One face of a photo.

    Attributes:
        views: Shape (V, S, S, 3), uint8, RGB; the first is the face as it is.
        vector: Shape (D,), float32, unit length: the embedding of the first view.
    """

    face: Face
    quality: FaceQuality
    views: UInt8Image
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ReadPhoto:
    """A photo with at least one face; the largest ones only, largest first."""

    path: Path
    faces_found: int
    candidates: tuple[Candidate, ...]


def read_photo(path: Path, recogniser: Recogniser, config: Config, *, jitters: int) -> ReadPhoto:
    """Read a photo and cut out its faces.

    Args:
        jitters: How many moved copies of each face to cut beside its mirror image; 0 for the face alone.

    Raises:
        ItemError: If it cannot be read or holds no face.
    """
    data = read_bytes(path, max_bytes=config.inference.max_bytes)
    pixels = decode_picture(data, max_pixels=config.inference.max_pixels).pixels
    faces = recogniser.detector.detect(pixels)
    if not faces:
        raise ItemError("no-face", "no face was found in it")
    largest = sorted(faces, key=lambda face: -face.box.area_px)[:_MOST_FACES]
    record = recogniser.embedder.spec.template
    template = FaceTemplate(record.name, record.size_px, record.points_px)
    seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
    views = [enrolment_views(pixels, face.landmarks, template, jitters=jitters, seed=seed) for face in largest]
    units, _ = normalise(recogniser.embedder.embed(np.stack([cut[0] for cut in views])))
    candidates = tuple(
        Candidate(face, measure_quality(pixels, face), cut, unit)
        for face, cut, unit in zip(largest, views, units, strict=True)
    )
    return ReadPhoto(path, len(faces), candidates)


def quality_warnings(quality: FaceQuality, limits: DatasetSection) -> list[str]:
    """What is poor about an enrolment face, one sentence each."""
    found: list[str] = []
    if quality.face_px < limits.min_face_px:
        found.append(f"the face is small: {quality.face_px:.0f} px, better {limits.min_face_px:.0f} or more")
    if quality.sharpness < limits.min_sharpness:
        found.append("the face is blurred")
    if abs(quality.yaw) > limits.max_yaw:
        found.append("the face is turned far to the side")
    if quality.visible < limits.min_visible:
        found.append("much of the face lies outside the picture")
    return found
