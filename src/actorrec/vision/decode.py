"""From a file's bytes to RGB pixels, safe against files that are broken or meant to harm."""

import io
import os
import stat
import struct
import threading
import warnings
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import numpy as np

from actorrec.errors import ItemError, MissingExtraError
from actorrec.types import UInt8Image
from actorrec.vision.beneath import open_beneath

if TYPE_CHECKING:
    from PIL import Image as PillowImage

FORMATS: Final = ("JPEG", "MPO", "PNG", "WEBP", "GIF", "BMP", "TIFF", "AVIF", "HEIF")
"""What is decoded; every other parser of Pillow stays shut. MPO is what some phones write as .jpg."""

# ISO 23008-12: brands of the 'ftyp' box that opens every HEIC file.
_HEIC_BRANDS: Final = frozenset({b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"})
# What Pillow's parsers raise on bytes that are not what they claim; anything else is a bug of ours.
_BROKEN: Final = (
    OSError,
    SyntaxError,
    ValueError,
    EOFError,
    LookupError,
    TypeError,
    ArithmeticError,
    RuntimeError,  # the AVIF decoder's
    struct.error,
    zlib.error,
)
_EXIF_ORIENTATION: Final = 0x0112
_TURNED: Final = (5, 6, 7, 8)
_STRIP_PIXELS: Final = 2**20
# warnings.catch_warnings() changes the whole process, so only one thread at a time may be inside it. Pillow warns
# while it reads headers and notes; the long part, decoding, runs outside.
_READING_HEADERS: Final = threading.Lock()


@dataclass(frozen=True, slots=True, eq=False)
class DecodedPicture:
    """A picture as people see it.

    Attributes:
        pixels: Shape (H, W, 3), uint8, RGB, C-contiguous; EXIF orientation applied, transparency laid on white,
            the first frame of an animation, the high byte of 16-bit samples.
        size_wh: Of the whole picture, orientation applied; ``pixels`` are fewer where ``enough_px`` allowed it.
        format: As Pillow calls it, e.g. ``JPEG``.
        mode: Pillow's name of the stored pixels, e.g. ``CMYK``, ``I;16``.
        frames: How many frames the file holds; 1 for a plain picture.
        orientation: EXIF orientation that was applied, 1 to 8; 1 is upright.
    """

    pixels: UInt8Image
    size_wh: tuple[int, int]
    format: str
    mode: str
    frames: int
    orientation: int


def read_picture(path: Path, *, max_bytes: int, max_pixels: int, beneath: Path | None = None) -> DecodedPicture:
    """Read and decode a picture file.

    Args:
        beneath: As in ``read_bytes``.

    Raises:
        ItemError: With the reasons of ``read_bytes`` and ``decode_picture``.
    """
    return decode_picture(read_bytes(path, max_bytes=max_bytes, beneath=beneath), max_pixels=max_pixels)


def read_bytes(path: Path, *, max_bytes: int, beneath: Path | None = None) -> bytes:
    """Read a file whole, never waiting on a pipe or a device.

    Args:
        beneath: A folder below which no link is followed; None where the path is the user's own.

    Raises:
        ItemError: ``unreadable`` (missing, no access, a failing disk), ``not-a-file`` (folder, pipe, device),
            ``too-large`` (more than ``max_bytes``).
    """
    try:
        # Without O_NONBLOCK, opening a pipe that nobody writes to would wait for ever.
        flags = os.O_RDONLY | os.O_NONBLOCK
        descriptor = os.open(path, flags) if beneath is None else open_beneath(beneath, path)
        status = os.fstat(descriptor)
        if not stat.S_ISREG(status.st_mode):
            os.close(descriptor)  # of a folder, os.fdopen leaves it open
            raise ItemError("not-a-file", "it is no regular file")
        with os.fdopen(descriptor, "rb") as file:
            if status.st_size > max_bytes:
                raise ItemError("too-large", f"the file has {status.st_size:,} bytes, more than {max_bytes:,}")
            return file.read(max_bytes + 1)
    except OSError as error:
        raise ItemError("unreadable", f"cannot be read: {error.strerror or error}") from None


def decode_picture(data: bytes, *, max_pixels: int, enough_px: int | None = None) -> DecodedPicture:
    """Decode a picture, checking its size in the header before any pixel is decoded.

    Args:
        data: A whole file.
        max_pixels: Most pixels (width times height) that are decoded.
        enough_px: A JPEG may be decoded to a half, a quarter or an eighth of its size, each side at least so long: all
            of its data are still read, for a fraction of the memory and time.

    Raises:
        ItemError: ``empty``, ``not-a-picture``, ``too-large``, ``truncated``, ``damaged``, ``heic-support-missing``.
        MissingExtraError: If Pillow is not installed.
    """
    if not data:
        raise ItemError("empty", "the file is empty")
    image = _open(data)
    width, height = image.size
    if width * height > max_pixels:
        raise ItemError("too-large", f"{width} x {height} pixels are more than {max_pixels:,}")
    try:
        if enough_px is not None:
            image.draft(None, (min(enough_px, width), min(enough_px, height)))
        # Pillow reads a TIFF's notes again while it decodes.
        with quietly() if image.format == "TIFF" else nullcontext():
            image.load()
        pixels = _to_rgb(image)
    except _BROKEN as error:
        text = " ".join(str(error).split())[:120]
        reason = "truncated" if "truncated" in text or "EOF" in text else "damaged"
        raise ItemError(reason, f"the {image.format} data ends early or is damaged ({text})") from None
    orientation = _orientation(image)
    frames = _frames(image)
    mode = str(image.mode)
    size_wh = (height, width) if orientation in _TURNED else (width, height)
    return DecodedPicture(_upright(pixels, orientation), size_wh, str(image.format), mode, frames, orientation)


@contextmanager
def quietly() -> Iterator[None]:
    """Without Pillow's warnings: of big pictures ``max_pixels`` decides, of damage the decoder."""
    with _READING_HEADERS, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        yield


def _open(data: bytes) -> "PillowImage.Image":
    try:
        from PIL import Image, UnidentifiedImageError
    except ImportError:
        raise MissingExtraError("edge", "pillow") from None

    if data[4:8] == b"ftyp" and data[8:12] in _HEIC_BRANDS:
        _allow_heic()
    try:
        with quietly():
            return Image.open(io.BytesIO(data), formats=[name for name in FORMATS if name in _known_formats()])
    except Image.DecompressionBombError:
        raise ItemError("too-large", f"more than {2 * (Image.MAX_IMAGE_PIXELS or 0):,} pixels") from None
    except UnidentifiedImageError:
        raise ItemError("not-a-picture", "the file is no picture of a known format") from None
    except _BROKEN as error:
        raise ItemError("damaged", f"the picture's header is damaged ({' '.join(str(error).split())[:120]})") from None


def _known_formats() -> Any:
    from PIL import Image

    if "TIFF" not in Image.OPEN:
        Image.init()
    return Image.OPEN


def _allow_heic() -> None:
    try:
        import pillow_heif  # type: ignore[import-not-found,unused-ignore]
    except ImportError:
        raise ItemError(
            "heic-support-missing", "it is a HEIC picture, which needs pillow-heif", hint="pip install 'actorrec[heic]'"
        ) from None
    pillow_heif.register_heif_opener()


def _to_rgb(image: "PillowImage.Image") -> UInt8Image:
    pixels = np.empty((image.height, image.width, 3), np.uint8)
    grey = image.mode in ("I", "F") or image.mode.startswith("I;")
    peak = max((float(_finite(strip).max(initial=0)) for _, strip in _strips(image)), default=0.0) if grey else 0.0
    for top, strip in _strips(image):
        rows = _grey_to_8bit(_finite(strip), image.mode, peak)[:, :, None] if grey else _strip_to_rgb(strip)
        pixels[top : top + strip.height] = rows
    return pixels


def _strips(image: "PillowImage.Image") -> "Iterator[tuple[int, PillowImage.Image]]":
    """Row of the top, and some rows: what is made of a whole picture on the way would be several times its size."""
    rows = max(1, _STRIP_PIXELS // max(1, image.width))
    for top in range(0, image.height, rows):
        yield top, image.crop((0, top, image.width, min(top + rows, image.height)))


def _strip_to_rgb(image: "PillowImage.Image") -> UInt8Image:
    if image.mode == "RGB" and "transparency" not in image.info:
        return np.asarray(image, np.uint8)
    if image.mode in ("RGBA", "LA", "PA", "RGBa", "La") or "transparency" in image.info:
        rgba = np.asarray(image.convert("RGBA"), np.uint16)
        alpha = rgba[:, :, 3:]
        return ((rgba[:, :, :3] * alpha + 255 * (255 - alpha) + 127) // 255).astype(np.uint8)
    return np.asarray(image.convert("RGB"), np.uint8)


def _finite(image: "PillowImage.Image") -> Any:
    samples = np.asarray(image)
    return np.nan_to_num(samples, nan=0.0, posinf=0.0, neginf=0.0) if image.mode == "F" else samples


def _grey_to_8bit(samples: Any, mode: str, peak: float) -> Any:
    """Keep the high byte of 16-bit grey (Pillow's own conversion would cut everything above 255 to white)."""
    if mode == "F":
        return np.clip(samples * (255.0 if peak <= 1 else 1.0), 0, 255).astype(np.uint8)
    wide = samples.astype(np.int64)
    return np.clip(wide >> 8 if mode.startswith("I;16") or peak > 255 else wide, 0, 255).astype(np.uint8)


def _orientation(image: "PillowImage.Image") -> int:
    try:
        with quietly():
            value = image.getexif().get(_EXIF_ORIENTATION, 1)
    except _BROKEN:
        return 1  # a picture with damaged notes is still a picture
    return value if isinstance(value, int) and 1 <= value <= 8 else 1


def _frames(image: "PillowImage.Image") -> int:
    if image.format == "MPO":
        return 1  # a phone's picture with a preview or a depth map behind it
    try:
        with quietly():
            return int(getattr(image, "n_frames", 1))
    except _BROKEN:
        return 1  # what follows the first frame is damaged, and is not wanted


def _upright(pixels: UInt8Image, orientation: int) -> UInt8Image:
    """Undo an EXIF orientation (Exif 2.32, tag 0x0112: which sides row 0 and column 0 of the data are)."""
    if orientation in _TURNED:
        pixels = pixels.transpose(1, 0, 2)
    if orientation in (2, 3, 6, 7):
        pixels = pixels[:, ::-1]
    if orientation in (3, 4, 7, 8):
        pixels = pixels[::-1]
    return np.ascontiguousarray(pixels)
