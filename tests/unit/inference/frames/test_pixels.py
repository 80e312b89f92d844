"""From what cameras send to RGB."""

import io
from fractions import Fraction

import cv2
import numpy as np
import pytest
from PIL import Image

from actorrec.errors import FrameSourceError
from actorrec.inference.frames.capture import as_rgb
from actorrec.inference.frames.film import exact_rate
from actorrec.inference.frames.mjpeg import jpeg_pixels, jpeg_size_wh
from actorrec.inference.frames.rpicam import i420_to_rgb
from actorrec.types import UInt8Image


def test_grey_bgr_bgra_and_16_bits() -> None:
    bgr = np.zeros((2, 3, 3), np.uint8)
    bgr[0, 1] = 10, 20, 30
    bgra = np.dstack([bgr, np.full((2, 3), 9, np.uint8)])
    for pixels, expected in ((bgr, (30, 20, 10)), (bgra, (30, 20, 10)), (bgr[..., 2], (30, 30, 30))):
        rgb = as_rgb(pixels)
        assert rgb.shape == (2, 3, 3) and rgb.dtype == np.uint8 and rgb.flags.c_contiguous
        assert tuple(rgb[0, 1]) == expected
    assert tuple(as_rgb(bgr.astype(np.uint16) * 256)[0, 1]) == (30, 20, 10)


@pytest.mark.parametrize("shape", [(2, 3, 2), (2, 3, 5)])
def test_odd_channels_are_refused(shape: tuple[int, ...]) -> None:
    with pytest.raises(FrameSourceError):
        as_rgb(np.zeros(shape, np.uint8))


def test_a_camera_s_yuv_has_the_colours_of_jpeg(gradient: UInt8Image) -> None:
    x = gradient.astype(float)
    luma = x @ [0.299, 0.587, 0.114]
    blue, red = 128 + (x[..., 2] - luma) * 0.564, 128 + (x[..., 0] - luma) * 0.713
    halves = [plane[::2, ::2].reshape(-1, 40) for plane in (blue, red)]
    planes = np.rint(np.vstack([luma, *halves])).clip(0, 255).astype(np.uint8)
    assert planes.shape == (36, 40)
    error = np.abs(i420_to_rgb(planes).astype(int) - gradient)
    assert error.max() < 30 and error.mean() < 5  # four pixels share their colour


def test_white_and_black_stay_white_and_black() -> None:
    planes = np.full((6, 4), 128, np.uint8)
    for level in (0, 1, 100, 254, 255):
        planes[:4] = level
        assert np.abs(i420_to_rgb(planes).astype(int) - level).max() <= 1


def test_the_size_in_a_jpeg_s_header(gradient: UInt8Image) -> None:
    data = bytes(cv2.imencode(".jpg", gradient)[1])
    assert jpeg_size_wh(data) == (40, 24)
    assert jpeg_size_wh(data[:2] + b"\xff\xff" + data[3:]) == (40, 24)
    for cut in range(0, 150, 7):
        assert jpeg_size_wh(data[:cut]) is None
    assert jpeg_size_wh(b"\x89PNG" + data) is None
    small = b"\xff\xc0\x00\x11\x08\x00\x01\x00\x01" + bytes(10)
    for marker in (0x00, 0x01, 0xD0, 0xD7, 0xD8, 0xD9):  # decoders step over the marker alone, not over a length
        hidden = data[:2] + bytes([0xFF, marker]) + data[2:]
        behind = 4 + int.from_bytes(data[2:4], "big")
        assert jpeg_size_wh(hidden + bytes(behind - len(hidden)) + small) is None
    assert jpeg_size_wh(data[:2] + b"\x00" + data[2:]) is None


@pytest.mark.parametrize(
    ("told", "exact"),
    [
        (25.0, Fraction(25)),
        (29.97002997002997, Fraction(30000, 1001)),
        (29.97, Fraction(30000, 1001)),
        (23.976023976, Fraction(24000, 1001)),
        (59.94005994, Fraction(60000, 1001)),
        (12.5, Fraction(25, 2)),
        (30.0, Fraction(30)),
        (0.1, Fraction(1, 10)),
        (0.0, Fraction(25)),
        (float("nan"), Fraction(25)),
        (90000.0, Fraction(25)),
    ],
)
def test_the_rate_that_a_film_means(told: float, exact: Fraction) -> None:
    assert exact_rate(told) == exact


def test_a_damaged_jpeg_is_decoded_or_left_out_without_a_word(
    gradient: UInt8Image, capfd: pytest.CaptureFixture[str]
) -> None:
    data = bytes(cv2.imencode(".jpg", gradient)[1])
    whole = jpeg_pixels(data, (40, 24))
    assert whole is not None and np.abs(whole.astype(int) - gradient[..., ::-1]).mean() < 5 and whole.flags.writeable
    unended, cut, torn = data[:-2], data[: len(data) - 60], data[:-80] + b"\xff\xd4" + data[-80:]
    assert np.array_equal(np.asarray(jpeg_pixels(unended, (40, 24))), whole)
    for damaged in (cut, torn):
        pixels = jpeg_pixels(damaged, (40, 24))
        assert pixels is not None and pixels.shape == (24, 40, 3)
    twelve_bits = bytearray(data)
    twelve_bits[data.index(b"\xff\xc0") + 4] = 12
    for broken in (data[:200], bytes(twelve_bits), b"\xff\xd8", b""):
        assert jpeg_pixels(broken, (40, 24)) is None
    assert jpeg_pixels(data, (41, 24)) is None
    assert capfd.readouterr() == ("", "")


def test_a_jpeg_is_upright(gradient: UInt8Image) -> None:
    notes = Image.Exif()
    notes[0x0112] = 6
    buffer = io.BytesIO()
    Image.fromarray(gradient).save(buffer, "JPEG", exif=notes, quality=95)
    pixels = jpeg_pixels(buffer.getvalue(), (40, 24))
    assert pixels is not None and pixels.shape == (40, 24, 3)
    assert np.abs(pixels.astype(int) - np.rot90(gradient, -1)).mean() < 5
    plain = bytes(cv2.imencode(".jpg", gradient)[1])
    torn_notes = plain[:2] + b"\xff\xe1\x00\x10Exif\x00\x00II*\x00\xff\xff\xff\xff" + plain[2:]
    assert jpeg_pixels(torn_notes, (40, 24)) is not None
