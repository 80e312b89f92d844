"""The JPEGs of a data set: crops to learn from, thumbs and previews to look at."""

import io
from typing import Final

import numpy as np

from actorrec.types import UInt8Image

THUMB_PX: Final = 128
PREVIEW_MAX_PX: Final = 640


def encode_crop(crop: UInt8Image) -> bytes:
    """A crop as data sets store it: quality 95, colour not subsampled."""
    return _encode(crop, 95, subsampling=0)


def encode_thumb(crop: UInt8Image) -> bytes:
    """A crop as the review page shows it: 128 x 128 px, quality 85."""
    return _encode(_shrunk(crop, THUMB_PX, THUMB_PX), 85)


def encode_preview(pixels: UInt8Image) -> bytes:
    """A whole picture as the review page shows it: longest side at most 640 px, quality 80."""
    height, width = pixels.shape[:2]
    factor = PREVIEW_MAX_PX / max(height, width)
    if factor < 1:
        pixels = _shrunk(pixels, max(1, round(width * factor)), max(1, round(height * factor)))
    return _encode(pixels, 80)


def _shrunk(pixels: UInt8Image, width_px: int, height_px: int) -> UInt8Image:
    import cv2

    return np.asarray(cv2.resize(pixels, (width_px, height_px), interpolation=cv2.INTER_AREA), np.uint8)


def _encode(pixels: UInt8Image, quality: int, subsampling: int = 2) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=quality, subsampling=subsampling)
    return out.getvalue()
