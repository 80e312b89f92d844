"""Files as they come: judged by content, decoded once, stored upright and without notes."""

import hashlib
import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from actorrec.errors import ItemError
from actorrec.scrape.examine import Examined, examine
from actorrec.types import UInt8Image
from bad_pictures import ODD_BUT_GOOD, encoded, rotated_by_exif, with_alpha

SECRET = "52.5200 N, 13.4050 E"


def examined(data: bytes, folder: Path, *, max_pixels: int = 10**6) -> Examined:
    (folder / "page.jpg").write_bytes(data)
    return examine(folder / "page.jpg", folder / "stored", max_bytes=10**7, max_pixels=max_pixels)


def pixels(path: Path, mode: str = "RGB") -> UInt8Image:
    with Image.open(path) as image:
        return np.asarray(image.convert(mode))


def noted() -> Image.Exif:
    notes = Image.Exif()
    notes[0x010E] = SECRET
    return notes


def test_an_upright_jpeg_keeps_its_compressed_pixels(gradient: UInt8Image, tmp_path: Path) -> None:
    plain = encoded(gradient, "JPEG", quality=90)
    found = examined(encoded(gradient, "JPEG", quality=90, exif=noted(), comment=b"c"), tmp_path)
    assert found.path.read_bytes() == plain
    assert found.sha256 == hashlib.sha256(plain).hexdigest() != found.source_sha256
    assert (found.extension, found.type, found.bytes) == ("jpg", "jpg", len(plain))
    assert (found.width_px, found.height_px) == gradient.shape[1::-1]


def test_a_picture_on_its_side_is_turned_upright(gradient: UInt8Image, tmp_path: Path) -> None:
    found = examined(rotated_by_exif(gradient), tmp_path)
    assert (found.width_px, found.height_px) == gradient.shape[1::-1]
    assert np.abs(pixels(found.path).astype(int) - gradient).mean() < 4
    with Image.open(found.path) as image:
        assert not image.getexif()
        assert image.layer[1][1:3] == (1, 1)  # colour at full size


@pytest.mark.parametrize("name", sorted(set(ODD_BUT_GOOD) - {"alpha.png"}))
def test_every_good_format_is_stored_as_what_its_name_says(name: str, gradient: UInt8Image, tmp_path: Path) -> None:
    found = examined(ODD_BUT_GOOD[name](gradient), tmp_path)
    with Image.open(found.path) as image:
        assert image.format == {"jpg": "JPEG", "png": "PNG"}[found.extension]
        assert (image.width, image.height) == (found.width_px, found.height_px)
        assert getattr(image, "n_frames", 1) == 1


@pytest.mark.parametrize("format", ["WEBP", "TIFF", "GIF"])
def test_transparency_stays(format: str, gradient: UInt8Image, tmp_path: Path) -> None:
    out = io.BytesIO()
    with Image.open(io.BytesIO(with_alpha(gradient))) as image:
        image.save(out, format, **({"lossless": True, "exif": noted()} if format == "WEBP" else {}))
    found = examined(out.getvalue(), tmp_path)
    assert found.extension == "png"
    assert found.type == format.lower()
    stored = pixels(found.path, "RGBA")
    assert stored[0, 0, 3] == 0
    assert stored[20, 30, 3] == 255
    assert SECRET.encode() not in found.path.read_bytes()


def test_an_opaque_picture_with_an_alpha_channel_is_a_jpeg(gradient: UInt8Image, tmp_path: Path) -> None:
    opaque = np.dstack([gradient, np.full(gradient.shape[:2], 255, np.uint8)])
    assert examined(encoded(opaque, "WEBP"), tmp_path).extension == "jpg"


@pytest.mark.parametrize("format", ["WEBP", "TIFF", "AVIF"])
def test_notes_do_not_survive_encoding_anew(format: str, gradient: UInt8Image, tmp_path: Path) -> None:
    found = examined(encoded(gradient, format, exif=noted()), tmp_path)
    assert SECRET.encode() not in found.path.read_bytes()


def cut(gradient: UInt8Image) -> bytes:
    data = encoded(gradient.repeat(8, 0).repeat(8, 1), "JPEG", quality=95)
    return data[: len(data) // 2]


def damaged(gradient: UInt8Image) -> bytes:
    """An AVIF whose list of parts names none."""
    return encoded(gradient, "AVIF").replace(b"iloc", b"free")


BAD = {
    "damaged": damaged,
    "empty": lambda _: b"",
    "not-a-picture": lambda _: b"<!DOCTYPE html><title>Log in</title>",
    "truncated": cut,
    "too-large": lambda _: encoded(np.zeros((1001, 1000, 3), np.uint8), "PNG"),
}


@pytest.mark.parametrize("reason", BAD)
def test_bad_files_are_named(reason: str, gradient: UInt8Image, tmp_path: Path) -> None:
    with pytest.raises(ItemError) as caught:
        examined(BAD[reason](gradient), tmp_path)
    assert caught.value.reason == reason
    assert not (tmp_path / "stored").exists()


@pytest.mark.parametrize("turned", [False, True])
def test_a_large_jpeg_is_stored_in_its_full_size(turned: bool, tmp_path: Path) -> None:
    blots = Image.fromarray(np.random.default_rng(0).integers(0, 256, (6, 9, 3), dtype=np.uint8))
    whole = np.asarray(blots.resize((2400, 1600), Image.Resampling.BICUBIC), np.uint8)
    data = rotated_by_exif(whole) if turned else encoded(whole, "JPEG", quality=95)
    found = examined(data, tmp_path, max_pixels=10**7)
    assert (found.width_px, found.height_px) == (2400, 1600)
    assert np.abs(pixels(found.path).astype(np.int16) - whole).mean() < 3
    # Whatever size it was looked at in, it looks like itself.
    small = examined(encoded(np.asarray(Image.fromarray(whole).resize((600, 400))), "JPEG", quality=95), tmp_path)
    assert bin(found.look.phash ^ small.look.phash).count("1") <= 2
