"""From an enrolment photo to the faces in it, ready to be embedded."""

import hashlib
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.config import Config
from actorrec.errors import ItemError
from actorrec.recognition.recogniser import Recogniser
from actorrec.recognition.views import embed_photo, enrolment_views
from actorrec.sections import DatasetSection
from actorrec.types import Face, FaceQuality
from actorrec.vision.align import FaceTemplate
from actorrec.vision.decode import decode_picture, read_bytes
from actorrec.vision.main_face import by_prominence
from actorrec.vision.quality import measure_quality

_MOST_FACES: Final = 6  # of a crowd only the most prominent can be meant


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One face of a photo.

    Attributes:
        vector: Shape (D,), float32, unit length: the mean of what the face, its mirror image and small jitters of
            both embed to.
    """

    face: Face
    quality: FaceQuality
    vector: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class ReadPhoto:
    """A photo with at least one face; the most prominent ones only, in that order."""

    path: Path
    faces_found: int
    candidates: tuple[Candidate, ...]


def read_photo(path: Path, recogniser: Recogniser, config: Config) -> ReadPhoto:
    """Read a photo and embed its faces. The same file gives the same vectors.

    Every photo gets its views, however many a person has: with one photo that names 2 in 100 more of the known at the
    same rate of strangers, with ten it changes nothing (lfw_dev), and a photo given twice is the same photo.

    Raises:
        ItemError: If it cannot be read or holds no face.
    """
    data = read_bytes(path, max_bytes=config.inference.max_bytes)
    pixels = decode_picture(data, max_pixels=config.inference.max_pixels).pixels
    faces = recogniser.detector.detect(pixels)
    if not faces:
        raise ItemError("no-face", "no face was found in it")
    meant = by_prominence(faces, pixels.shape[:2])[:_MOST_FACES]
    record = recogniser.embedder.spec.template
    template = FaceTemplate(record.name, record.size_px, record.points_px)
    seed = int.from_bytes(hashlib.sha256(data).digest()[:4], "big")
    candidates: list[Candidate] = []
    for face in meant:
        views = enrolment_views(pixels, face.landmarks, template, jitters=config.edge.enrol_jitters, seed=seed)
        vector = embed_photo(recogniser.embedder, views)
        candidates.append(Candidate(face, measure_quality(pixels, face), vector))
    return ReadPhoto(path, len(faces), tuple(candidates))


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
