"""What one picture holds, before anybody decides which of its faces is whose."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from actorrec.types import FaceQuality


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """A face that was found in a picture.

    Attributes:
        box: x1, y1, x2, y2 px of the picture.
        points: Shape (5, 2), float64, px of the picture.
        crop_points: Shape (5, 2), float64, px of the stored crop.
        vector: Shape (D,), float32, unit length: the cleaning embedder's.
        face_print: Shape (48, 48), uint8; see ``vision.phash.face_print``.
    """

    box: tuple[float, float, float, float]
    points: NDArray[np.float64]
    crop_points: NDArray[np.float64]
    score: float
    quality: FaceQuality
    vector: NDArray[np.float32]
    face_print: NDArray[np.uint8]

    @property
    def area_px(self) -> float:
        """Area of the box."""
        return max(0.0, self.box[2] - self.box[0]) * max(0.0, self.box[3] - self.box[1])


@dataclass(frozen=True, slots=True, eq=False)
class Examined:
    """A picture that was looked at.

    Attributes:
        sha256: Of the file's bytes.
        phash, phash_mirrored: 64-bit hashes of the whole picture and of its mirror image; None if it failed.
        faces: Most prominent first (``vision.main_face``); empty if it failed.
        reason, detail: Why it failed; empty if it did not.
    """

    sha256: str
    width_px: int | None = None
    height_px: int | None = None
    phash: int | None = None
    phash_mirrored: int | None = None
    faces: tuple[Candidate, ...] = ()
    reason: str = ""
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Pictures:
    """JPEGs that were made while a picture was looked at.

    Attributes:
        crops: The aligned crop of each face, as data sets store it.
        thumbs: The same, small, for the review page.
        preview: The whole picture, small; None if it was not decoded or previews are off.
    """

    crops: tuple[bytes, ...] = ()
    thumbs: tuple[bytes, ...] = ()
    preview: bytes | None = None


Looked = tuple[Examined, Pictures]
