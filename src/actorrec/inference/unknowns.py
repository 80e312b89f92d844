"""Keeping the faces that got no name, for a person to look at; only where the user turned that on."""

import hashlib
import io
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Final

import numpy as np

from actorrec.artifacts.unknowns import UnknownShelf
from actorrec.errors import MissingExtraError
from actorrec.manifests.unknowns import UnknownFace
from actorrec.sections import UnknownsSection
from actorrec.types import RecognisedFace, UInt8Image
from actorrec.vision.align import CANONICAL_272, align_face

_JPEG_QUALITY: Final = 95
_DECIMALS: Final = 6  # an embedding rounded so is off by 0.00001 at most: no cosine that matters changes


class UnknownKeeper:
    """Puts unknown faces of the pictures it is called with on a shelf.

    Args:
        shelf: Where to.
        limits: Smaller faces than ``min_face_px`` are not kept; the rest bounds the shelf.
        model_id: What made the embeddings.

    Attributes:
        kept: How many faces are new on the shelf.
        dropped: How many older ones left it.
    """

    def __init__(self, shelf: UnknownShelf, limits: UnknownsSection, model_id: str) -> None:
        self._shelf, self._limits, self._model_id = shelf, limits, model_id
        self.kept = 0
        self.dropped = shelf.expire(limits, datetime.now(UTC))

    def use(self, model_id: str) -> None:
        """Another model makes the embeddings from now on."""
        self._model_id = model_id

    def __call__(self, source: str, pixels: UInt8Image, found: Sequence[RecognisedFace]) -> None:
        """Keep what has no name.

        Args:
            source: Name of the picture.
            pixels: Shape (H, W, 3), uint8, RGB.
            found: Its faces.

        Raises:
            ArtifactError: If the store cannot be written.
        """
        unknown = [each for each in found if each.prediction.person_id is None]
        large = [each for each in unknown if each.face.box.width_px >= self._limits.min_face_px]
        if not large:
            return
        picture = hashlib.sha256(source.encode("utf-8", "backslashreplace") + b"\0")
        picture.update(np.ascontiguousarray(pixels).data)
        for each in large:
            crop = _jpeg(align_face(pixels, each.face.landmarks, CANONICAL_272))
            done = self._shelf.add(self._record(each, source, picture.copy(), crop), crop, limits=self._limits)
            self.kept += done.kept
            self.dropped += done.dropped

    def _record(self, each: RecognisedFace, source: str, picture: "hashlib._Hash", crop: bytes) -> UnknownFace:
        box = each.face.box
        picture.update(f"{box.x1:.2f} {box.y1:.2f} {box.x2:.2f} {box.y2:.2f}".encode())
        return UnknownFace(
            face_id=picture.hexdigest()[:16],
            seen_at=datetime.now(UTC),
            source=source,
            crop_sha256=hashlib.sha256(crop).hexdigest(),
            face_px=round(box.width_px, 2),
            model_id=self._model_id,
            embedding=tuple(round(float(value), _DECIMALS) for value in each.embedding),
        )


def _jpeg(pixels: UInt8Image) -> bytes:
    try:
        from PIL import Image
    except ImportError:
        raise MissingExtraError("edge", "pillow") from None
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "JPEG", quality=_JPEG_QUALITY)
    return buffer.getvalue()
