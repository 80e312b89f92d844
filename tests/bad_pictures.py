"""Makers of pictures that are odd but good, and of files that are bad, for every command that reads pictures."""

import io
import struct
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from actorrec.types import UInt8Image


def encoded(pixels: Any, format: str, mode: str | None = None, **options: Any) -> bytes:
    """The array as a file of a Pillow format."""
    image = Image.fromarray(pixels)
    out = io.BytesIO()
    (image.convert(mode) if mode else image).save(out, format, **options)
    return out.getvalue()


def rotated_by_exif(pixels: UInt8Image, orientation: int = 6) -> bytes:
    """A JPEG stored on its side whose EXIF note says how to turn it upright."""
    stored = {3: np.rot90(pixels, 2), 6: np.rot90(pixels, 1), 8: np.rot90(pixels, -1)}[orientation]
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(np.ascontiguousarray(stored), "JPEG", quality=95, exif=exif)


def animated(pixels: UInt8Image) -> bytes:
    """A GIF whose first frame is the picture and whose second is black."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "GIF", save_all=True, append_images=[Image.new("RGB", pixels.shape[1::-1])])
    return out.getvalue()


def with_alpha(pixels: UInt8Image) -> bytes:
    """A PNG, opaque but for its upper left corner."""
    alpha = np.full((*pixels.shape[:2], 1), 255, np.uint8)
    alpha[:8, :8] = 0
    return encoded(np.concatenate([pixels, alpha], axis=2), "PNG")


def sixteen_bit(pixels: UInt8Image) -> bytes:
    """A 16-bit grey PNG."""
    return encoded(pixels.mean(axis=2).astype(np.uint16) * 257, "PNG")


ODD_BUT_GOOD: dict[str, Callable[[UInt8Image], bytes]] = {
    "cmyk.jpg": lambda pixels: encoded(pixels, "JPEG", "CMYK", quality=95),
    "grey.jpg": lambda pixels: encoded(pixels, "JPEG", "L", quality=95),
    "16-bit.png": sixteen_bit,
    "alpha.png": with_alpha,
    "palette.png": lambda pixels: encoded(pixels, "PNG", "P"),
    "animated.gif": animated,
    "turned.jpg": rotated_by_exif,
    "picture.webp": lambda pixels: encoded(pixels, "WEBP", quality=90),
    "picture.tiff": lambda pixels: encoded(pixels, "TIFF"),
    "picture.bmp": lambda pixels: encoded(pixels, "BMP"),
    "png called.jpg": lambda pixels: encoded(pixels, "PNG"),
    "a name with spaces.jpg": lambda pixels: encoded(pixels, "JPEG", quality=95),
    "Ünï čødé 名前.jpg": lambda pixels: encoded(pixels, "JPEG", quality=95),
    "a\nnewline.jpg": lambda pixels: encoded(pixels, "JPEG", quality=95),
}


def png_bomb(width: int = 60_000, height: int = 60_000) -> bytes:
    """A few hundred bytes that say they are an enormous picture."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    rows = chunk(b"IDAT", zlib.compress(bytes(1000)))
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + rows + chunk(b"IEND", b"")


def truncated(pixels: UInt8Image) -> bytes:
    """The first half of a JPEG."""
    whole = encoded(pixels, "JPEG", quality=95)
    return whole[: len(whole) // 2]


def heic() -> bytes:
    """The beginning of a HEIC file."""
    return struct.pack(">I", 24) + b"ftypheic" + bytes(4) + b"mif1heic" + bytes(64)


def bad_files(pixels: UInt8Image) -> dict[str, tuple[bytes, set[str]]]:
    """File name → bytes and the reasons that may be given for it."""
    return {
        "zero.jpg": (b"", {"empty"}),
        "truncated.jpg": (truncated(pixels), {"truncated"}),
        "bomb.png": (png_bomb(), {"too-large"}),
        "text.jpg": (b"this is no picture, whatever it is called\n", {"not-a-picture"}),
        "notes.txt": ("Notizen über Fotos".encode(), {"not-a-picture"}),
        "photo.heic": (heic(), {"heic-support-missing", "damaged", "not-a-picture", "truncated"}),
        "header only.png": (b"\x89PNG\r\n\x1a\n", {"damaged", "not-a-picture", "truncated"}),
    }


def write_all(folder: Path, files: dict[str, bytes]) -> None:
    """Write the files into a folder, which is made."""
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in files.items():
        (folder / name).write_bytes(data)
