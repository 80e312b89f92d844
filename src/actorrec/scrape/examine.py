"""From a file as it came to one that may be kept: decoded once, upright, without notes."""

import io
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Final, Literal

from actorrec.scrape.repeats import Look, look
from actorrec.types import UInt8Image
from actorrec.vision.decode import DecodedPicture, decode_picture, quietly, read_bytes
from actorrec.vision.strip import without_metadata

# Pillow's name of a format → how settings call it, where that is not the same in small letters.
_TYPES: Final = {"JPEG": "jpg", "MPO": "jpg", "HEIF": "heic"}
_QUALITY: Final = 95
_ENOUGH_PX: Final = 512  # to tell whether a picture is whole and what it looks like


@dataclass(frozen=True, slots=True)
class Examined:
    """A whole picture, ready to be stored.

    Attributes:
        path: The file to store.
        extension: Its type: what ``path`` holds.
        type: What came, as ``scrape.types`` calls it.
        sha256: Of ``path``.
        source_sha256: Of the bytes as they came.
    """

    path: Path
    extension: Literal["jpg", "png"]
    type: str
    width_px: int
    height_px: int
    bytes: int
    sha256: str
    source_sha256: str
    look: Look


def examine(path: Path, to: Path, *, max_bytes: int, max_pixels: int) -> Examined:
    """Decode a file whole and write what is to be stored.

    A JPEG or PNG that is upright keeps its compressed pixels; everything else is encoded anew: as PNG where it is
    transparent somewhere, else as JPEG of quality 95 with full colour.

    Args:
        path: The file as it came; type and size are judged by its content alone.
        to: Where to write.

    Raises:
        ItemError: ``empty``, ``not-a-picture``, ``truncated``, ``damaged``, ``too-large``, ``unreadable`` or
            ``heic-support-missing``.
        OSError: If ``to`` cannot be written.
    """
    data = read_bytes(path, max_bytes=max_bytes)
    picture = decode_picture(data, max_pixels=max_pixels, enough_px=_ENOUGH_PX)
    seen = look(picture.pixels)
    stored, extension = _to_store(data, picture, max_pixels)
    width, height = picture.size_wh
    to.write_bytes(stored)
    return Examined(
        path=to,
        extension=extension,
        type=_TYPES.get(picture.format, picture.format.lower()),
        width_px=width,
        height_px=height,
        bytes=len(stored),
        sha256=sha256(stored).hexdigest(),
        source_sha256=sha256(data).hexdigest(),
        look=seen,
    )


def _to_store(data: bytes, picture: DecodedPicture, max_pixels: int) -> tuple[bytes, Literal["jpg", "png"]]:
    if picture.orientation == 1:
        stripped = without_metadata(data)
        if stripped is not None:
            return stripped, "png" if picture.format == "PNG" else "jpg"
    if picture.format not in ("JPEG", "MPO"):
        transparent = _as_transparent_png(data, picture.format)
        if transparent is not None:
            return transparent, "png"
    whole = picture.pixels.shape[1::-1] == picture.size_wh
    return _as_jpeg(picture.pixels if whole else decode_picture(data, max_pixels=max_pixels).pixels), "jpg"


def _as_jpeg(pixels: UInt8Image) -> bytes:
    from PIL import Image

    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "JPEG", quality=_QUALITY, subsampling=0)
    return out.getvalue()


def _as_transparent_png(data: bytes, format: str) -> bytes | None:
    """The picture with its transparency; None where every pixel is opaque."""
    from PIL import Image, ImageOps

    with quietly(), Image.open(io.BytesIO(data), formats=[format]) as image:
        if not image.has_transparency_data:
            return None
        upright = ImageOps.exif_transpose(image).convert("RGBA")
    if upright.getchannel("A").getextrema() == (255, 255):
        return None
    upright.info.clear()  # or the notes would go into the new file
    out = io.BytesIO()
    upright.save(out, "PNG")
    return out.getvalue()
