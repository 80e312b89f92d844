"""Look at one picture: decode it, find its faces, align, measure and embed each."""

import hashlib
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from actorrec.dataset.candidates import Candidate, Examined, Looked, Pictures
from actorrec.dataset.jpegs import encode_crop, encode_preview, encode_thumb
from actorrec.errors import ItemError
from actorrec.faces.protocols import Embedder, FaceDetector
from actorrec.sections import DatasetSection
from actorrec.types import Face, UInt8Image
from actorrec.vision.align import CANONICAL_272, FaceTemplate, align_face, similarity_transform, transform_points, warp
from actorrec.vision.decode import decode_picture, read_bytes
from actorrec.vision.main_face import by_prominence
from actorrec.vision.phash import face_print, perceptual_hashes
from actorrec.vision.quality import measure_quality
from actorrec.vision.similarity import normalise

EXAMINE_VERSION: Final = 2
"""Raised when the same file would give other numbers; results of another version are not reused."""
MAX_FACES: Final = 64


class Examiner:
    """Looks at pictures with one detector and one embedder; one per thread."""

    def __init__(self, detector: FaceDetector, embedder: Embedder, settings: DatasetSection) -> None:
        self._detector, self._embedder, self._settings = detector, embedder, settings
        template = embedder.spec.template
        self._template = FaceTemplate(template.name, template.size_px, template.points_px)

    def examine(self, path: Path, sha256: str) -> Looked:
        """Look at one picture file.

        Args:
            path: The file.
            sha256: What it held when it was listed.

        Returns:
            What it holds, and the JPEGs of its faces and of the whole.
        """
        try:
            data = read_bytes(path, max_bytes=self._settings.max_bytes)
            if hashlib.sha256(data).hexdigest() != sha256:
                raise ItemError("changed", "the file changed while it was being read")
            pixels = decode_picture(data, max_pixels=self._settings.max_pixels).pixels
        except ItemError as problem:
            hint = f" ({problem.hint})" if problem.hint else ""
            return Examined(sha256, reason=problem.reason, detail=problem.message + hint), Pictures()
        return self.examine_pixels(pixels, sha256)

    def find(self, pixels: UInt8Image) -> list[Face]:
        """Every face of a picture, shape (H, W, 3), uint8, RGB."""
        return self._detector.detect(pixels)

    def examine_pixels(self, pixels: UInt8Image, sha256: str, faces: list[Face] | None = None) -> Looked:
        """Look at a decoded picture; ``faces`` are given where somebody already found them."""
        found = self.find(pixels) if faces is None else faces
        # Points that fall together are no face and cannot be aligned.
        usable = [face for face in found if np.ptp(face.landmarks.points, axis=0).max() >= 1.0]
        candidates, crops = [], []
        for face in by_prominence(usable, pixels.shape[:2])[:MAX_FACES]:
            candidate, crop = self._candidate(pixels, face)
            candidates.append(candidate)
            crops.append(crop)
        height, width = pixels.shape[:2]
        preview = encode_preview(pixels) if self._settings.previews else None
        pictures = Pictures(tuple(map(encode_crop, crops)), tuple(map(encode_thumb, crops)), preview)
        return Examined(sha256, width, height, *perceptual_hashes(pixels), tuple(candidates)), pictures

    def _candidate(self, pixels: UInt8Image, face: Face) -> tuple[Candidate, UInt8Image]:
        matrix = similarity_transform(face.landmarks.points, CANONICAL_272.points)
        crop = warp(pixels, matrix, CANONICAL_272.size_px)
        raw = self._embedder.embed(align_face(pixels, face.landmarks, self._template)[None])
        box = face.box
        # Rounded, so that a digest does not hang on the last bit of a processor's arithmetic.
        candidate = Candidate(
            box=(round(box.x1, 2), round(box.y1, 2), round(box.x2, 2), round(box.y2, 2)),
            points=_rounded(face.landmarks.points),
            crop_points=_rounded(transform_points(matrix, face.landmarks.points)),
            score=round(face.score, 4),
            quality=measure_quality(pixels, face),
            vector=normalise(raw)[0][0],
            face_print=face_print(crop),
        )
        return candidate, crop


def _rounded(points: NDArray[np.float32]) -> NDArray[np.float64]:
    return np.asarray(np.round(points.astype(np.float64), 3), np.float64)
