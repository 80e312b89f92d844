"""Domain types that live inside one process: frozen dataclasses over numpy arrays.

What crosses a stage boundary (written, sent, read back) is in ``manifests.py`` instead.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

UInt8Image = NDArray[np.uint8]
"""Shape (H, W, 3), uint8, RGB."""


@dataclass(frozen=True, slots=True)
class BoundingBox:
    """A box in pixels of the picture it belongs to.

    Origin top-left, x to the right, y down; x2 and y2 are exclusive. May reach past the picture.
    """

    x1: float
    y1: float
    x2: float
    y2: float

    @property
    def width_px(self) -> float:
        return self.x2 - self.x1

    @property
    def height_px(self) -> float:
        return self.y2 - self.y1

    @property
    def area_px(self) -> float:
        return max(0.0, self.width_px) * max(0.0, self.height_px)


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """Five points of a face.

    Attributes:
        points: Shape (5, 2), float32, (x, y) px: image-left eye, image-right eye, nose,
            image-left mouth corner, image-right mouth corner.
    """

    points: NDArray[np.float32]


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A detected face: its box, five landmarks and the detector's score in [0, 1]."""

    box: BoundingBox
    landmarks: Landmarks
    score: float


@dataclass(frozen=True, slots=True)
class FaceQuality:
    """What the quality gate looks at.

    Attributes:
        face_px: Shorter side of the face box, px.
        sharpness: Variance of the Laplacian of the aligned grey crop at 112 px (8-bit units squared).
        yaw: Nose offset from the line between the eye and mouth midpoints, in eye distances; 0 is frontal.
        roll_deg: Angle of the line through the eyes, degrees; 0 is level.
        visible: Part of the aligned crop that lies inside the picture, in [0, 1].
    """

    face_px: float
    sharpness: float
    yaw: float
    roll_deg: float
    visible: float


@dataclass(frozen=True, slots=True, eq=False)
class AlignedFace:
    """A face warped onto a template.

    Attributes:
        pixels: Shape (H, W, 3), uint8, RGB.
        face: The face it was cut from, in the coordinates of the whole picture.
        quality: What the quality gate measured.
    """

    pixels: UInt8Image
    face: Face
    quality: FaceQuality


@dataclass(frozen=True, slots=True, eq=False)
class Embedding:
    """One face as a unit vector.

    Attributes:
        vector: Shape (D,), float32, unit length.
        norm: Length of the vector before it was normalised.
        model_id: The embedder that made it; vectors of two embedders must never be compared.
    """

    vector: NDArray[np.float32]
    norm: float
    model_id: str


@dataclass(frozen=True, slots=True, eq=False)
class Gallery:
    """Who is known: one prototype a person and the photos it was made from.

    Attributes:
        model_id: The embedder that made every vector in it.
        person_ids: M stable person ids, sorted, no duplicates.
        prototypes: Shape (M, D), float32, unit rows: the normalised mean of a person's photo embeddings.
        photo_embeddings: Shape (K, D), float32, unit rows: one a photo.
        photo_person: Shape (K,), int32: row of ``person_ids`` each photo belongs to.
        photo_sources: K names of the pictures, as the user would know them.
    """

    model_id: str
    person_ids: tuple[str, ...]
    prototypes: NDArray[np.float32]
    photo_embeddings: NDArray[np.float32]
    photo_person: NDArray[np.int32]
    photo_sources: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Prediction:
    """Who a face is.

    Attributes:
        person_id: None means unknown.
        similarity: Cosine to the best prototype, in [-1, 1]; kept when the answer is unknown.
        confidence: Calibrated probability that ``best_id`` is right, in [0, 1].
        best_id: The nearest person whether or not the similarity was enough; None for an empty gallery.
        runner_up: The second nearest person, if there is one.
        runner_up_similarity: Its cosine, or None.
    """

    person_id: str | None
    similarity: float
    confidence: float
    best_id: str | None
    runner_up: str | None = None
    runner_up_similarity: float | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One picture of a source: a photo, or a film's frame.

    Attributes:
        pixels: Shape (H, W, 3), uint8, RGB.
        source: Where it came from, as the user named it.
        index: 0 for a photo; the frame number in a film.
        time_s: Seconds from the film's start; 0.0 for a photo.
    """

    pixels: UInt8Image
    source: str
    index: int = 0
    time_s: float = 0.0


@dataclass(frozen=True, slots=True, eq=False)
class RecognisedFace:
    """A face and who it is.

    Attributes:
        embedding: Shape (D,), float32, unit length: what was matched.
        nearest_photos: Gallery photos and their cosines, where they were asked for.
    """

    face: Face
    prediction: Prediction
    embedding: NDArray[np.float32]
    nearest_photos: tuple[tuple[str, float], ...] = field(default=())
