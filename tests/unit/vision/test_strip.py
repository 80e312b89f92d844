"""Notes go, pixels stay: bit for bit the same after decoding."""

import io
import struct
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image
from PIL.PngImagePlugin import PngInfo

from actorrec.types import UInt8Image
from actorrec.vision.strip import without_metadata
from bad_pictures import encoded

SECRET = b"52.5200 N, 13.4050 E"


def exif() -> Image.Exif:
    notes = Image.Exif()
    notes[0x010E] = SECRET.decode()
    return notes


def pixels_of(data: bytes) -> UInt8Image:
    with Image.open(io.BytesIO(data)) as image:
        return np.asarray(image)


JPEGS = {
    "plain": {"quality": 90},
    "progressive": {"quality": 80, "progressive": True},
    "restart marks": {"quality": 90, "restart_marker_rows": 1},
    "fine": {"quality": 95, "subsampling": 0},
}


@pytest.mark.parametrize("mode", ["RGB", "L", "CMYK"])
@pytest.mark.parametrize("options", JPEGS.values(), ids=JPEGS.keys())
def test_a_jpeg_loses_its_notes_and_keeps_its_pixels(
    gradient: UInt8Image, mode: str, options: dict[str, object]
) -> None:
    noted = {"exif": exif(), "comment": SECRET, "icc_profile": b"profile" + SECRET, "xmp": b"<x>" + SECRET}
    data = encoded(gradient, "JPEG", mode, **options, **noted) + b"behind the end " + SECRET
    assert data.count(SECRET) == 5
    stripped = without_metadata(data)
    assert stripped is not None
    assert SECRET not in stripped
    assert stripped.endswith(b"\xff\xd9")
    np.testing.assert_array_equal(pixels_of(stripped), pixels_of(data))
    assert without_metadata(stripped) == stripped


def test_the_second_picture_of_a_phone_goes(gradient: UInt8Image) -> None:
    out = io.BytesIO()
    first = Image.fromarray(gradient)
    first.save(out, "MPO", save_all=True, append_images=[Image.new("RGB", first.size)])
    stripped = without_metadata(out.getvalue())
    assert stripped is not None
    assert stripped.count(b"\xff\xd8\xff") == 1
    assert b"MPF" not in stripped
    np.testing.assert_array_equal(pixels_of(stripped), pixels_of(out.getvalue()))


@pytest.mark.parametrize("mode", ["RGB", "L", "P", "1"])
def test_a_png_loses_its_notes_and_keeps_its_pixels(gradient: UInt8Image, mode: str) -> None:
    text = PngInfo()
    text.add_text("Comment", SECRET.decode())
    text.add_itxt("XML:com.adobe.xmp", SECRET.decode())
    data = encoded(gradient, "PNG", mode, pnginfo=text, exif=exif()) + SECRET
    stripped = without_metadata(data)
    assert stripped is not None
    assert SECRET not in stripped
    assert stripped.endswith(b"IEND\xaeB`\x82")
    np.testing.assert_array_equal(pixels_of(stripped), pixels_of(data))


def test_transparency_and_gamma_stay() -> None:
    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    header = chunk(b"IHDR", struct.pack(">IIBBBBB", 1, 1, 8, 3, 0, 0, 0))
    kept = chunk(b"gAMA", struct.pack(">I", 45455)) + chunk(b"PLTE", b"\1\2\3") + chunk(b"tRNS", b"\x80")
    end = chunk(b"IDAT", zlib.compress(b"\0\0")) + chunk(b"IEND", b"")
    data = b"\x89PNG\r\n\x1a\n" + header + kept + chunk(b"eXIf", SECRET) + chunk(b"tEXt", b"a\0" + SECRET) + end
    assert without_metadata(data) == b"\x89PNG\r\n\x1a\n" + header + kept + end


@pytest.mark.parametrize(
    "data", [b"", b"\xff\xd8", b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0\x00\x01\xff\xd9"]
)
def test_what_is_no_whole_picture_is_not_guessed(data: bytes) -> None:
    assert without_metadata(data) is None


@given(st.binary(max_size=200))
def test_any_bytes_behind_a_beginning_are_survived(tail: bytes) -> None:
    for head in (b"\xff\xd8", b"\xff\xd8\xff\xda\x00\x02", b"\x89PNG\r\n\x1a\n"):
        stripped = without_metadata(head + tail)
        assert stripped is None or len(stripped) <= len(head + tail)
